// How long the ETSI 015 driver takes to make a node so, over real SSH on loopback: one link and one application
// more, then less, at a node that already holds some. Run: npx tsx bench/driver-apply.ts

import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { performance } from "node:perf_hooks"
import etsi015 from "../plugins/etsi015/index.js"
import { nodeConfigToData } from "../src/model/etsi015.js"
import type { NodeConfig } from "../src/model/node.js"
import type { NetconfBackend } from "../src/netconf/backend.js"
import { NetconfServer } from "../src/netconf/server.js"
import { lendDriverHost } from "../src/plugin/driver-host.js"
import { applySamples } from "../src/plugin/samples.js"
import { systemClock } from "../src/transport/ssh-clock.js"
import { generateSshKey } from "../src/transport/ssh-keys.js"
import { connectNetconfSsh, listenNetconfSsh } from "../src/transport/ssh.js"
import { loadYangFiles } from "../src/transport/yang-files.js"
import { compileSchema } from "../src/yang/schema.js"

const QKDN = "6f0c1a9e-5d3b-4a52-9c39-0a4d8f6f1e01"
const ROUNDS = Number(process.env["ROUNDS"] ?? 300)

const uuid = (n: number): string => `00000000-0000-4000-9000-${n.toString(16).padStart(12, "0")}`

function backend(): NetconfBackend {
  const modules = ["etsi-qkd-node-types", "etsi-qkd-sdn-node", "keyloom-node"]
  const sources = loadYangFiles(["ietf-inet-types", "ietf-yang-types", ...modules])
  return {
    schema: compileSchema(sources, { implement: modules }),
    state: () => ({}),
    prepareEdit: () => Promise.resolve({ commit: () => Promise.resolve() }),
  }
}

/** A node with `apps` applications, and the same with one application and one relay path more. */
function configs(apps: number): { base: NodeConfig; more: (n: number) => NodeConfig } {
  const { full } = applySamples(QKDN)
  const app = full.apps.at(-1)
  const link = full.links.at(-1)
  if (app === undefined || link === undefined) throw new Error("no samples")
  const held = Array.from({ length: apps }, (_, i) => ({ ...app, appId: uuid(i) }))
  const base = { ...full, apps: held }
  const more = (n: number): NodeConfig => ({
    ...base,
    apps: [...held, { ...app, appId: uuid(100_000 + n) }],
    links: [...full.links, { ...link, qkdlId: uuid(200_000 + n) }],
  })
  return { base, more }
}

function tell(what: string, times: number[]): void {
  const sorted = times.sort((a, b) => a - b)
  const at = (part: number): string => (sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(2)
  console.log(`${what.padEnd(32)} median ${at(0.5)} ms, 95 % within ${at(0.95)} ms`)
}

const folder = mkdtempSync(path.join(tmpdir(), "keyloom-bench-"))
const [hostKey, userKey] = [generateSshKey(), generateSshKey()]
const privateKeyFile = path.join(folder, "key")
writeFileSync(privateKeyFile, userKey.privateKey, { mode: 0o600 })
const server = new NetconfServer({
  backend: backend(),
  initial: nodeConfigToData({ qkdnId: QKDN, links: [], apps: [], peers: [] }),
  clock: systemClock,
})
const listener = await listenNetconfSsh({
  server,
  host: "127.0.0.1",
  port: 0,
  hostKey: hostKey.privateKey,
  users: new Map([["bench", [userKey.publicKey]]]),
})
const target = {
  host: "127.0.0.1",
  port: listener.port,
  username: "bench",
  privateKeyFile,
  hostKeyFingerprint: listener.hostKeyFingerprint,
}
const lent = lendDriverHost({
  log: () => undefined,
  openNetconf: (signal) => connectNetconfSsh(target, { signal }),
})
const node = await etsi015.connect(target, lent.host)
for (const apps of [5, 50, 500]) {
  const { base, more } = configs(apps)
  await node.apply(base)
  const applies: number[] = []
  for (let round = 0; round < ROUNDS; round += 1)
    for (const config of [more(round), base]) {
      const start = performance.now()
      await node.apply(config)
      if (round > ROUNDS / 5) applies.push(performance.now() - start)
    }
  tell(`apply, node holds ${apps} apps`, applies)
  const reads: number[] = []
  for (let round = 0; round < ROUNDS / 5; round += 1) {
    const start = performance.now()
    await node.read()
    reads.push(performance.now() - start)
  }
  tell(`read, node holds ${apps} apps`, reads)
}
await node.close()
await lent.close()
await listener.close()
rmSync(folder, { recursive: true, force: true })
