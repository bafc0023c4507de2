// ETSI 014 enc_keys against a bare node:https server that sends the same bytes: what identity, parsing, stock, relay
// ahead of demand, audit trail and wiping cost on top of HTTP and TLS, with every durable guarantee on. Beside them one that
// draws and writes keys for each answer and does nothing else: no server that gives none twice can cost less. Same client,
// same certificates, TLS 1.3 with client certificates, kept connections; each server in a process of its own, in
// interleaved rounds, compiled as it is installed, on a core that is its own; client and far site share the other. Then
// latency at half of each server's rate, and a pair's first key over 1, 3 and 8 links. With a C compiler and OpenSSL the
// client is bench/delivery-load.c, which takes little time and is punctual; throughput and latency are both measured by it.
//
//   node --import tsx bench/delivery.ts [--smoke]

import { fork } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { randomBytes, randomUUID } from "node:crypto"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import {
  createAuthority,
  issueSaeCertificate,
  issueServerCertificate,
  validFor,
} from "../src/transport/pki.js"
import { KeyNetwork } from "../test/node/key-network.js"
import { isBuilt, runBuilt } from "./built.js"
import { Client } from "./delivery-client.js"
import { CLIENT_CORE, lightClient, ownClient, pinTo, SERVER_CORE } from "./delivery-load.js"
import type { Load } from "./delivery-load.js"
import { MASTER, serve, siteSetup, targetOf } from "./delivery-sites.js"
import type { Setup } from "./delivery-sites.js"

/** The server's side: starts as told, then answers each message with the CPU time used so far. */
function child(): void {
  // Nothing outlives a bench that ends early.
  process.once("disconnect", () => process.exit())
  process.once("message", (setup: Setup) => {
    void serve(setup).then((port) => {
      process.send?.(port)
      process.on("message", () => {
        const { user, system } = process.cpuUsage()
        process.send?.(user + system)
      })
    })
  })
}

async function ask(server: ChildProcess, message: Setup | "cpu"): Promise<number> {
  const answer = once(server, "message") as Promise<[number]>
  server.send(message)
  return (await answer)[0]
}

const CONNECTIONS = 8
/**
 * Nobody fetches the keys at the far site, which remembers 100,000 of them for their second of life: less than that is
 * asked for in a round, and each begins when those before are forgotten.
 */
const FORGOTTEN_MS = 1500
const REMEMBERED_KEYS = 90_000

/**
 * Five seconds of them, so that one pause is not a percentile; only as many as the far site can remember where those are more.
 *
 * @param keys a request leaves there
 */
function steadyRequests(perS: number, keys: number): number {
  const isForgotten = (perS * keys * FORGOTTEN_MS) / 1000 < REMEMBERED_KEYS
  return Math.floor(isForgotten ? 5 * perS : REMEMBERED_KEYS / keys)
}

interface Round {
  readonly requestsPerS: number
  readonly cpuUs: number
}

async function round(server: ChildProcess, load: Load, requests: number): Promise<Round> {
  const cpuBefore = await ask(server, "cpu")
  const seconds = await load.max(requests)
  const cpuUs = ((await ask(server, "cpu")) - cpuBefore) / requests
  return { requestsPerS: requests / seconds, cpuUs }
}

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? 0
}
const median = (values: readonly number[]): number => quantile(values, 0.5)

async function firstKeys(links: number, rounds: number): Promise<[number, number]> {
  const cold: number[] = []
  const warm: number[] = []
  for (let i = 0; i < rounds; i++) {
    const net = new KeyNetwork(links + 1, { limits: { stock: { maxKeys: 64 } } })
    await net.start()
    for (const link of net.links.keys()) await net.feedBlocks(link, 4, FED_BYTES / 4)
    // Some of it is spent on keys ahead of demand before all of it is told: the links are never quite full.
    await net.until(() => net.links.every((_, link) => isFed(net, link)))
    const [master, slave] = net.saes
    const timed = async (): Promise<number> => {
      const began = performance.now()
      await net.first.makeKeys(net.appId, master, [slave], 1, 256)
      return performance.now() - began
    }
    cold.push(await timed())
    // Keys are made ahead from the second request on.
    await timed()
    for (let more = 0; more < 20; more++) {
      await net.until(() => net.first.stockedKeys > 0)
      warm.push(await timed())
    }
    await net.close()
  }
  return [median(cold), median(warm)]
}

const FED_BYTES = 65_536

/** Both ends know that there is enough for what follows. */
function isFed(net: KeyNetwork, link: number): boolean {
  const qkdlId = net.links[link] ?? ""
  const ends = [net.manager(link), net.manager(link + 1)]
  return ends.every((end) => (end.poolFigures(qkdlId)?.stockBits ?? 0) > 4 * FED_BYTES)
}

const KINDS = ["014", "bare", "fresh"] as const
type Kind = (typeof KINDS)[number]

interface Server {
  readonly kind: Kind
  readonly run: ChildProcess
  /** Anew for each turn: servers close what was silent while the other had its own. */
  readonly connect: (path: string) => Promise<Load>
}

async function main(): Promise<void> {
  const smoke = process.argv.includes("--smoke")
  const rounds = smoke ? 1 : 7
  const folder = mkdtempSync(path.join(tmpdir(), "keyloom-delivery-"))
  const authority = createAuthority("bench", validFor(1))
  const sae = issueSaeCertificate(authority, MASTER, validFor(1))
  const sites = [siteSetup(1), siteSetup(2)] as const
  const common = {
    ...{ folder, sites, sae, linkId: randomUUID(), appId: randomUUID() },
    seed: randomBytes(32).toString("hex"),
    server: issueServerCertificate(authority, "kme", ["127.0.0.1"], validFor(1)),
    authority: authority.certificatePem,
  }
  const side = { identity: sae, authority: common.authority }
  const connectLoad = lightClient(folder, side) ?? ownClient
  const begin = (): ChildProcess => fork(fileURLToPath(import.meta.url), ["--server"])
  const far = begin()
  for (const index of [0, 1]) mkdirSync(path.join(folder, `keys-${index}`))
  const relayPort = await ask(far, { ...common, kind: "far" })
  pinTo(far.pid, CLIENT_CORE)
  const servers: Server[] = []
  for (const kind of KINDS) {
    const run = begin()
    const port = await ask(run, { ...common, kind, relayPort })
    pinTo(run.pid, SERVER_CORE)
    const target = { ...side, port, connections: CONNECTIONS }
    const connect = async (path: string): Promise<Load> => {
      const client = await Client.connect(port, 1, side)
      await untilServed(client, path)
      client.close()
      return connectLoad({ ...target, path })
    }
    servers.push({ kind, run, connect })
  }
  for (const count of [1, 128]) {
    const requests = smoke ? 20 : count === 1 ? 10_000 : 700
    const target = targetOf(count)
    const results: Record<Kind, Round[]> = { "014": [], bare: [], fresh: [] }
    const waits: Record<Kind, number[]> = { "014": [], bare: [], fresh: [] }
    // The first rounds warm up: code is compiled, heaps have grown.
    for (let i = smoke ? 0 : -3; i < rounds; i++) {
      for (const { kind, run, connect } of servers) {
        if (kind === "014") await pause(FORGOTTEN_MS)
        const load = await connect(target)
        const measured = await round(run, load, requests)
        load.close()
        if (i >= 0) results[kind].push(measured)
      }
    }
    for (const { kind, connect } of servers) {
      const perS = median(results[kind].map((r) => r.requestsPerS)) / 2
      for (let i = 0; i < (smoke ? 1 : 3); i++) {
        if (kind === "014") await pause(FORGOTTEN_MS)
        const load = await connect(target)
        const steady = smoke ? requests : steadyRequests(perS, kind === "014" ? count : 0)
        waits[kind] = waits[kind].concat(await load.paced(steady, perS))
        load.close()
      }
    }
    console.log(`enc_keys, ${count} of 256 bits:`)
    for (const kind of KINDS) {
      const cpuUs = median(results[kind].map((r) => r.cpuUs))
      const perS = median(results[kind].map((r) => r.requestsPerS))
      console.log(
        `  ${kind.padEnd(5)} ${perS.toFixed(0).padStart(6)} requests/s, ${cpuUs.toFixed(0).padStart(4)} us server CPU a request; ` +
          `at half load median ${quantile(waits[kind], 0.5).toFixed(2)} ms, p99 ${quantile(waits[kind], 0.99).toFixed(2)} ms`,
      )
    }
    for (const floor of ["bare", "fresh"] as const) {
      const ratio = (of: (round: Round) => number): number =>
        median(results["014"].map(of)) / median(results[floor].map(of))
      console.log(
        `  014 to ${floor}: ${ratio((r) => r.requestsPerS).toFixed(2)} of its requests/s, ` +
          `${(1 / ratio((r) => r.cpuUs)).toFixed(2)} by server CPU`,
      )
    }
  }
  for (const { run } of [...servers, { run: far }]) run.kill()
  rmSync(folder, { recursive: true })
  for (const links of smoke ? [1] : [1, 3, 8]) {
    const [cold, warm] = await firstKeys(links, smoke ? 1 : 5)
    console.log(
      `${links} links: first key of a pair ${cold.toFixed(1)} ms, warm pair ${warm.toFixed(3)} ms (median, key manager with disk)`,
    )
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Until links are up and keys come. */
async function untilServed(client: Client, target: string): Promise<void> {
  const end = performance.now() + 30_000
  for (;;) {
    try {
      await client.get(target)
      return
    } catch (fault) {
      if (performance.now() > end) throw fault
      await pause(50)
    }
  }
}

if (!isBuilt(import.meta.url)) await runBuilt(import.meta.url)
else if (process.argv.includes("--server")) child()
else await main()
