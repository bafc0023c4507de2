// QKD keys preloaded into the hardware security modules of two sites, and files sealed with them: two SoftHSM tokens, the
// demo network, all on one machine: `npm run example:hsm-storage [-- --keys 1000 --kills 20]`.

import { execFileSync, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { createSocket } from "node:dgram"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { parseArgs } from "node:util"
import { Etsi014Client } from "../../src/etsi014/client.js"
import { readTlsFiles } from "../../src/transport/tls-files.js"
import { HsmProcess } from "../lab/hsm-process.js"
import { makeHsmSites } from "../lab/hsm-sites.js"
import { DemoNetwork, type KmeAccess } from "../lab/key-managers.js"
import { until } from "../lab/processes.js"
import { noSoftHsm, PIN, SOFTHSM } from "../lab/softhsm.js"
import { runExample, say } from "../lab/tell.js"
import { spellings } from "../lab/traffic.js"

const { values } = parseArgs({
  options: { keys: { type: "string", default: "20" }, kills: { type: "string", default: "2" } },
})
const [keys, kills] = [whole("keys", 2), whole("kills", 0)]

function whole(name: "keys" | "kills", least: number): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= least && value <= 10_000) return value
  process.stderr.write(`--${name} takes a whole number from ${least} to 10000\n`)
  process.exit(2)
}

function hold(condition: boolean, what: string): void {
  if (!condition) throw new Error(`did not hold: ${what}`)
  say(`  ok: ${what}`)
}

/** A key that travels as the others do, but is known here: what a capture is searched for. */
async function knownKey(near: KmeAccess, far: KmeAccess): Promise<Buffer> {
  const client = new Etsi014Client({
    host: near.host,
    port: near.port,
    tls: await readTlsFiles(near),
    timeoutMs: 20_000,
  })
  try {
    const [made] = await client.encKeys(far.saeId, { number: 1 })
    if (made === undefined) throw new Error("no key")
    return made.key.use((bytes) => Buffer.from(bytes))
  } finally {
    client.close()
  }
}

function found(capture: Buffer, key: Buffer): boolean {
  return spellings(key).some((form) => capture.includes(form))
}

async function record(file: string): Promise<{ stop(): Promise<void> }> {
  const args = ["-i", "lo", "-s", "0", "-U", "-n", "-Z", "root", "-w", file]
  const child = spawn("tcpdump", args, { stdio: ["ignore", "ignore", "pipe"] })
  await new Promise<void>((resolve, reject) => {
    child.once("exit", () => {
      reject(new Error("tcpdump did not start; it needs root"))
    })
    child.stderr.on("data", (chunk: Buffer) => {
      if (chunk.toString().includes("listening")) resolve()
    })
  })
  child.removeAllListeners("exit")
  return {
    stop: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve))
      child.kill("SIGINT")
      await ended
    },
  }
}

function sendInClear(bytes: Buffer): Promise<void> {
  const socket = createSocket("udp4")
  return new Promise((resolve) => {
    socket.send(bytes, 9, "127.0.0.1", () => {
      socket.close()
      resolve()
    })
  })
}

await runExample(noSoftHsm(), async (dir, later) => {
  const capture = path.join(dir, "loopback.pcap")
  const recording = await record(capture)
  say("Starting the demo network: three trusted sites in Luxembourg.")
  const demoDir = path.join(dir, "demo")
  mkdirSync(demoDir)
  later(() => recording.stop())
  const network = await DemoNetwork.start(demoDir)
  later(() => network.stop())
  const [near, far] = [network.access("sae-Windhof"), network.access("sae-Betzdorf")]
  const sites = await makeHsmSites(dir, [near, far], {
    count: { alpha: keys, omega: Math.ceil(keys / 2) },
    hybrid: true,
    controller: network.controller(dir),
  })
  const alpha = new HsmProcess(sites.alpha)
  const omega = new HsmProcess(sites.omega)
  later(() => alpha.stop())
  later(() => omega.stop())

  say(
    `Two sites, alpha at Windhof and omega at Betzdorf, each with a token, preload ${keys} and ${Math.ceil(keys / 2)} keys.`,
  )
  const startedAt = Date.now()
  await Promise.all([alpha.start(), omega.start()])
  for (let i = 0; i < kills; i++) {
    await new Promise((done) => setTimeout(done, 200 + Math.random() * 1500))
    const both = [alpha, omega].filter(() => Math.random() < 0.7)
    await Promise.all(both.map((one) => one.stop("SIGKILL")))
    await Promise.all(both.map((one) => one.start()))
    say(`  killed and started again: ${both.length === 0 ? "nobody" : `${both.length} of 2`}`)
  }
  const counts = await alpha.until(
    ({ out }) => out.ready === keys && out.imported + out.importing + out.retiring === 0,
    600_000,
  )
  const there = await omega.until(({ in: taken }) => taken.ready === counts.out.ready)
  const seconds = (Date.now() - startedAt) / 1000
  hold(there.in.imported + there.in.importing === 0, "both sites hold the same keys, none half-way")

  let states = await network.orderStates()
  for (let n = 0; n < 300 && !states.every((state) => state === "completed"); n += 1) {
    await new Promise((done) => setTimeout(done, 100))
    states = await network.orderStates()
  }
  const done = states.filter((state) => state === "completed").length
  hold(
    states.length >= 2 && done === states.length,
    `${done} bulk orders at the controller, all completed`,
  )

  say("Looking into alpha's token with another maker's tool.")
  const tool = (...args: string[]): string =>
    execFileSync(
      "pkcs11-tool",
      ["--module", SOFTHSM, "--token-label", "alpha", "--login", "--pin", PIN, ...args],
      { env: { ...process.env, SOFTHSM2_CONF: sites.alpha.soft.conf }, stdio: "pipe" },
    ).toString("latin1")
  const listed = tool("--list-objects", "--type", "secrkey")
  const held = listed.match(/Secret Key Object/g)?.length ?? 0
  const sensitive = listed.match(/Access: +sensitive/g)?.length ?? 0
  hold(held >= counts.out.ready && held === sensitive, `${held} keys, every one sensitive`)
  const id = /ID: +([0-9a-f]{32})/.exec(listed)?.[1] ?? ""
  let read = true
  try {
    tool("--read-object", "--type", "secrkey", "--id", id)
  } catch {
    read = false
  }
  hold(!read, "pkcs11-tool cannot read a value")

  say("Sealing a deed at alpha, opening it at omega.")
  const deed = path.join(dir, "deed.txt")
  writeFileSync(deed, randomBytes(3_000_000))
  const sealed = await alpha.run("seal", deed)
  hold(sealed.status === 0, sealed.stdout.trim() || sealed.stderr)
  const opened = await omega.run("open", `${deed}.sealed`, "--output", `${deed}.opened`)
  hold(opened.status === 0, opened.stdout.trim() || opened.stderr)
  hold(readFileSync(deed).equals(readFileSync(`${deed}.opened`)), "the opened deed is the deed")
  const again = await alpha.run("seal", deed, "--output", `${deed}.second`)
  hold(again.status === 0 && again.stdout !== sealed.stdout, "a second file takes another key")
  const back = await omega.run("seal", deed, "--output", `${deed}.back`)
  hold(
    back.status === 0 &&
      (await alpha.run("open", `${deed}.back`, "--output", `${deed}.home`)).status === 0,
    "omega seals with keys of its own, and alpha opens",
  )

  say("Searching everything that crossed this machine's network for a key.")
  const known = await knownKey(near, far)
  await sendInClear(Buffer.from("not a key, but seen"))
  await until(() => readFileSync(capture).includes("not a key, but seen"), "the capture is written")
  const before = readFileSync(capture)
  hold(
    !found(before, known),
    `no key in ${(before.length / 1e6).toFixed(1)} MB, raw, hex or base64`,
  )
  await sendInClear(known)
  await until(() => found(readFileSync(capture), known), "the same key, sent in clear, is found")
  hold(true, "the same search finds a key that is sent in clear")

  say(
    `hsm-storage: ${counts.out.ready} keys ready in two tokens, proven equal, in ${seconds.toFixed(1)} s with ${kills} kills; ` +
      "3 files sealed, 3 opened; 0 keys used twice, 0 readable, 0 on the wire",
  )
})
