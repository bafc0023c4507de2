// NETCONF requests a second against our own server over SSH on loopback: one by one, and pipelined.
// Run: npx tsx bench/netconf.ts [seconds a figure]. Prints one line a figure; no claims beyond this machine.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { cpus, tmpdir } from "node:os"
import path from "node:path"
import type { NetconfBackend } from "../src/netconf/backend.js"
import type { NetconfClientSession } from "../src/netconf/client.js"
import { NetconfServer } from "../src/netconf/server.js"
import { systemClock } from "../src/transport/ssh-clock.js"
import { generateSshKey } from "../src/transport/ssh-keys.js"
import { connectNetconfSsh, listenNetconfSsh } from "../src/transport/ssh.js"
import { compileSchema } from "../src/yang/schema.js"

const NS = "urn:keyloom:bench"
const MODULE = `module bench {
  namespace "${NS}"; prefix b;
  container links {
    list link {
      key id;
      leaf id { type string; }
      leaf rate { type uint32; }
      leaf used { type uint32; config false; }
    }
  }
  rpc ping;
}`
const LINKS = 20
const PIPELINE = 64

const backend: NetconfBackend = {
  schema: compileSchema([{ name: "bench", text: MODULE }]),
  state: () => ({}),
  prepareEdit: () => Promise.resolve({ commit: () => Promise.resolve() }),
  rpc: () => Promise.resolve({}),
}

const seconds = Number(process.argv[2] ?? "2")

async function rate(
  name: string,
  width: number,
  call: (session: NetconfClientSession, n: number) => Promise<unknown>,
  session: NetconfClientSession,
): Promise<void> {
  let done = 0
  let next = 0
  const worker = async (until: number): Promise<void> => {
    while (performance.now() < until) {
      await call(session, next++)
      done++
    }
  }
  const run = async (ms: number): Promise<number> => {
    done = 0
    const start = performance.now()
    await Promise.all(Array.from({ length: width }, () => worker(start + ms)))
    return (done * 1000) / (performance.now() - start)
  }
  await run(Math.min(500, seconds * 500)) // warm
  const perSecond = await run(seconds * 1000)
  const how = width === 1 ? "one by one" : `pipelined by ${width}`
  console.log(`${name.padEnd(34)} ${how.padEnd(16)} ${perSecond.toFixed(0).padStart(8)} rpc/s`)
}

const dir = mkdtempSync(path.join(tmpdir(), "keyloom-bench-"))
const user = generateSshKey()
const privateKeyFile = path.join(dir, "id")
writeFileSync(privateKeyFile, user.privateKey, { mode: 0o600 })
const link = Array.from({ length: LINKS }, (_, n) => ({ id: `l${n}`, rate: n }))
const server = new NetconfServer({
  backend,
  initial: { "bench:links": { link } },
  clock: systemClock,
})
const listener = await listenNetconfSsh({
  server,
  host: "127.0.0.1",
  port: 0,
  hostKey: generateSshKey().privateKey,
  users: new Map([["bench", [user.publicKey]]]),
})
const target = {
  host: "127.0.0.1",
  port: listener.port,
  username: "bench",
  privateKeyFile,
  hostKeyFingerprint: listener.hostKeyFingerprint,
}

console.log(`Node ${process.version}, ${cpus().length} CPUs, ${cpus()[0]?.model ?? "unknown"}`)
console.log("client and server in one process\n")
const session = await connectNetconfSsh(target)
const calls: [string, (s: NetconfClientSession, n: number) => Promise<unknown>][] = [
  ["rpc without data", (s) => s.rpc(`<ping xmlns="${NS}"/>`)],
  [
    "get-config of one of 20 entries",
    (s, n) =>
      s.getConfig("running", `<links xmlns="${NS}"><link><id>l${n % LINKS}</id></link></links>`),
  ],
  ["get of 20 entries", (s) => s.get()],
  [
    "edit-config of one leaf",
    (s, n) =>
      s.editConfig(
        "running",
        `<links xmlns="${NS}"><link><id>l${n % LINKS}</id><rate>${n}</rate></link></links>`,
      ),
  ],
]
for (const [name, call] of calls) {
  await rate(name, 1, call, session)
  await rate(name, PIPELINE, call, session)
}
const start = performance.now()
const CONNECTS = 20
for (let n = 0; n < CONNECTS; n++) await (await connectNetconfSsh(target)).close()
const each = (performance.now() - start) / CONNECTS
console.log(`\nconnect, hello and close: ${each.toFixed(1)} ms`)

await session.close()
await listener.close()
rmSync(dir, { recursive: true })
