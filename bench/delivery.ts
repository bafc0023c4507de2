// ETSI 014 enc_keys against a bare node:https server that sends the same bytes: what identity, parsing, stock, relay
// ahead of demand, audit trail and wiping cost on top of HTTP and TLS, with every durable guarantee on. Same client,
// same certificates, TLS 1.3 with client certificates, kept connections; each server in a process of its own, in
// interleaved rounds. Then latency at half of each server's rate, and a pair's first key over 1, 3 and 8 links.
//
//   node --import tsx bench/delivery.ts [--smoke]

import { fork } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import https from "node:https"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import {
  createAuthority,
  issueRelayCertificate,
  issueSaeCertificate,
  issueServerCertificate,
  validFor,
} from "../src/transport/pki.js"
import { clientTlsOptions } from "../src/transport/tls.js"
import { KeyNetwork } from "../test/node/key-network.js"
import { MASTER, serve, targetOf } from "./delivery-sites.js"
import type { Setup, SiteSetup } from "./delivery-sites.js"

/** The server's side: starts as told, then answers each message with the CPU time used so far. */
function child(): void {
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

interface Target {
  readonly agent: https.Agent
  readonly port: number
  readonly path: string
}

function request({ agent, port, path }: Target): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = https.get({ agent, host: "127.0.0.1", port, path }, (incoming) => {
      if (incoming.statusCode !== 200) reject(new Error(`status ${incoming.statusCode ?? 0}`))
      incoming.resume()
      incoming.once("end", resolve)
    })
    outgoing.once("error", reject)
  })
}

interface Round {
  readonly requestsPerS: number
  readonly cpuUs: number
}

async function round(
  server: ChildProcess,
  target: Target,
  requests: number,
  connections: number,
): Promise<Round> {
  const cpuBefore = await ask(server, "cpu")
  const began = performance.now()
  let left = requests
  const worker = async (): Promise<void> => {
    while (left-- > 0) await request(target)
  }
  await Promise.all(Array.from({ length: connections }, worker))
  const seconds = (performance.now() - began) / 1000
  const cpuUs = ((await ask(server, "cpu")) - cpuBefore) / requests
  return { requestsPerS: requests / seconds, cpuUs }
}

/** Requests at even times, whether those before are answered or not. Milliseconds from when each was due. */
async function latencies(target: Target, perS: number, requests: number): Promise<number[]> {
  const began = performance.now()
  const times: number[] = []
  const pending: Promise<void>[] = []
  for (let sent = 0; sent < requests; ) {
    const due = Math.min(requests, Math.ceil(((performance.now() - began) / 1000) * perS))
    for (; sent < due; sent++) {
      const at = began + (1000 * sent) / perS
      pending.push(
        request(target).then(() => {
          times.push(performance.now() - at)
        }),
      )
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(pending)
  return times
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
    await net.feed(2, 8192)
    const [master, slave] = net.saes
    const timed = async (): Promise<number> => {
      const began = performance.now()
      await net.first.makeKeys(net.appId, master, [slave], 1, 256)
      return performance.now() - began
    }
    cold.push(await timed())
    for (let more = 0; more < 20; more++) {
      await net.until(() => net.first.stockedKeys > 0)
      warm.push(await timed())
    }
    await net.close()
  }
  return [median(cold), median(warm)]
}

function siteSetup(index: number): SiteSetup {
  const qkdnId = `0000000${index}-0000-4000-8000-000000000000`
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  const authority = createAuthority("key managers", validFor(1))
  return {
    qkdnId,
    tls: issueRelayCertificate(authority, qkdnId, ["127.0.0.1"], validFor(1)),
    signKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    signPublic: Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url").toString(
      "base64",
    ),
  }
}

async function main(): Promise<void> {
  const smoke = process.argv.includes("--smoke")
  const [rounds, connections] = smoke ? [1, 2] : [5, 8]
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
  const agent = new https.Agent({
    ...clientTlsOptions({ identity: sae, authorities: [authority.certificatePem] }, "127.0.0.1"),
    keepAlive: true,
    maxSockets: connections,
  })
  const begin = (): ChildProcess => fork(fileURLToPath(import.meta.url), ["--server"])
  const far = begin()
  for (const index of [0, 1]) mkdirSync(path.join(folder, `keys-${index}`))
  const relayPort = await ask(far, { ...common, kind: "far" })
  const kinds = ["014", "bare"] as const
  const servers: { kind: (typeof kinds)[number]; run: ChildProcess; port: number }[] = []
  for (const kind of kinds) {
    const run = begin()
    servers.push({ kind, run, port: await ask(run, { ...common, kind, relayPort }) })
  }
  for (const count of [1, 128]) {
    const requests = smoke ? 20 : count === 1 ? 2000 : 400
    const results = { "014": [] as Round[], bare: [] as Round[] }
    const waits = { "014": [] as number[], bare: [] as number[] }
    for (let i = -1; i < rounds; i++) {
      for (const { kind, run, port } of servers) {
        const target = { agent, port, path: targetOf(count) }
        await untilServed(target)
        const measured = await round(run, target, requests, connections)
        // The first round warms up.
        if (i >= 0) results[kind].push(measured)
        // The far site lets go of what nobody fetches.
        if (count > 1) await pause(smoke ? 100 : 2500)
      }
    }
    for (const { kind, port } of servers) {
      const perS = median(results[kind].map((r) => r.requestsPerS)) / 2
      const target = { agent, port, path: targetOf(count) }
      for (let i = 0; i < (smoke ? 1 : 3); i++) {
        waits[kind].push(...(await latencies(target, perS, requests / 2)))
        if (count > 1) await pause(smoke ? 100 : 2500)
      }
    }
    console.log(`enc_keys, ${count} of 256 bits:`)
    for (const kind of kinds) {
      const cpuUs = median(results[kind].map((r) => r.cpuUs))
      const perS = median(results[kind].map((r) => r.requestsPerS))
      console.log(
        `  ${kind.padEnd(4)} ${perS.toFixed(0).padStart(6)} requests/s, ${cpuUs.toFixed(0).padStart(4)} us server CPU a request; ` +
          `at half load median ${quantile(waits[kind], 0.5).toFixed(2)} ms, p99 ${quantile(waits[kind], 0.99).toFixed(2)} ms`,
      )
    }
    const ratio = (of: (round: Round) => number): number =>
      median(results["014"].map(of)) / median(results.bare.map(of))
    console.log(
      `  014 to bare: ${ratio((r) => r.requestsPerS).toFixed(2)} of its requests/s, ` +
        `${(1 / ratio((r) => r.cpuUs)).toFixed(2)} by server CPU`,
    )
  }
  agent.destroy()
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
async function untilServed(target: Target): Promise<void> {
  const end = performance.now() + 30_000
  for (;;) {
    try {
      await request(target)
      return
    } catch (fault) {
      if (performance.now() > end) throw fault
      await pause(50)
    }
  }
}

if (process.argv.includes("--server")) child()
else await main()
