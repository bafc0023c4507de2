// ETSI 014 enc_keys of one 256-bit key against a bare node:https server that sends the same bytes: what identity,
// parsing, encoding, wiping and audit cost on top of HTTP and TLS. Same client, same certificates, TLS 1.3
// with client certificate, kept connections; each server in a process of its own.
//
//   node --import tsx bench/delivery.ts [--smoke]

import { fork } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { randomFillSync, randomUUID } from "node:crypto"
import { once } from "node:events"
import https from "node:https"
import { fileURLToPath } from "node:url"
import { parsePolicy } from "../src/keys/policy-document.js"
import { Secret } from "../src/keys/secret.js"
import type { AppConfig } from "../src/model/app.js"
import { listenEtsi014 } from "../src/node/etsi014.js"
import { SILENT } from "../src/node/log.js"
import type { EndKey, KeyOrder } from "../src/node/ports.js"
import {
  createAuthority,
  issueSaeCertificate,
  issueServerCertificate,
  spkiSha256,
  validFor,
} from "../src/transport/pki.js"
import type { CertifiedKey } from "../src/transport/pki.js"
import { clientTlsOptions, listen, serverTlsOptions } from "../src/transport/tls.js"

interface Setup {
  readonly kind: "014" | "bare"
  readonly server: CertifiedKey
  readonly sae: CertifiedKey
  readonly authority: string
}

const TARGET = "/api/v1/keys/bob/enc_keys"
const KEY_BYTES = 32
const QKDN_ID = "00000000-0000-4000-8000-000000000001"

/** A pool of random bytes, cut into keys: what a key manager with ready keys does at least. */
class RandomPool {
  readonly #pool = new Uint8Array(65_536)
  #at = this.#pool.length

  next(): Secret {
    if (this.#at === this.#pool.length) {
      randomFillSync(this.#pool)
      this.#at = 0
    }
    this.#at += KEY_BYTES
    return Secret.take(this.#pool.subarray(this.#at - KEY_BYTES, this.#at))
  }
}

async function serve014({ server, sae, authority }: Setup): Promise<number> {
  const policy = parsePolicy({
    version: 1,
    qkdnId: QKDN_ID,
    saes: [{ saeId: "alice", spkiSha256: [spkiSha256(sae.certificatePem)] }],
    peers: [],
    relay: { allowed: false, maxHops: 1 },
    limits: { minKeySizeBits: 64, maxKeySizeBits: 4096, maxKeysPerRequest: 128 },
  })
  const app: AppConfig = {
    appId: randomUUID(),
    type: "CLIENT",
    serverAppId: "alice",
    clientAppIds: ["bob"],
    priority: 0,
    qos: {},
    backingQkdlIds: ["link"],
  }
  const pool = new RandomPool()
  const supplyKeys = ({ count }: KeyOrder) =>
    Promise.resolve(
      Array.from({ length: count }, (): EndKey => ({ keyId: randomUUID(), key: pool.next() })),
    )
  const { port } = await listenEtsi014({
    host: "127.0.0.1",
    port: 0,
    identity: server,
    saeAuthorities: [authority],
    policy: () => policy,
    keyManager: {
      supplyKeys,
      takeKeys: () => Promise.resolve([]),
      deliverableCount: () => 0,
    },
    desk: { find: () => app, request: () => Promise.resolve(app) },
    audit: () => undefined,
    log: SILENT,
  })
  return port
}

function serveBare({ server, authority }: Setup): Promise<number> {
  const body = Buffer.from(
    JSON.stringify({
      keys: [{ key_ID: randomUUID(), key: Buffer.alloc(KEY_BYTES).toString("base64") }],
    }),
  )
  const headers = {
    "cache-control": "no-store",
    "content-length": body.length,
    "content-type": "application/json",
  }
  const bare = https.createServer(
    serverTlsOptions({ identity: server, authorities: [authority] }),
    (_request, response) => {
      response.writeHead(200, headers)
      response.end(body)
    },
  )
  return listen(bare, "127.0.0.1", 0)
}

/** The server's side: starts as told, then answers each message with the CPU time used so far. */
function child(): void {
  process.once("message", (setup: Setup) => {
    void (setup.kind === "014" ? serve014(setup) : serveBare(setup)).then((port) => {
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

function request(agent: https.Agent, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = https.get({ agent, host: "127.0.0.1", port, path: TARGET }, (incoming) => {
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
  agent: https.Agent,
  port: number,
  requests: number,
  connections: number,
): Promise<Round> {
  const cpuBefore = await ask(server, "cpu")
  const began = performance.now()
  let left = requests
  const worker = async (): Promise<void> => {
    while (left-- > 0) await request(agent, port)
  }
  await Promise.all(Array.from({ length: connections }, worker))
  const seconds = (performance.now() - began) / 1000
  const cpuUs = ((await ask(server, "cpu")) - cpuBefore) / requests
  return { requestsPerS: requests / seconds, cpuUs }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

async function main(): Promise<void> {
  const smoke = process.argv.includes("--smoke")
  const [requests, rounds, connections] = smoke ? [50, 1, 2] : [4000, 7, 8]
  const authority = createAuthority("bench", validFor(1))
  const server = issueServerCertificate(authority, QKDN_ID, ["127.0.0.1"], validFor(1))
  const sae = issueSaeCertificate(authority, "alice", validFor(1))
  const agent = new https.Agent({
    ...clientTlsOptions({ identity: sae, authorities: [authority.certificatePem] }, "127.0.0.1"),
    keepAlive: true,
    maxSockets: connections,
  })
  const kinds = ["014", "bare"] as const
  const results = { "014": [] as Round[], bare: [] as Round[] }
  const servers = kinds.map((kind) => ({
    kind,
    process: fork(fileURLToPath(import.meta.url), ["--server"]),
  }))
  const ports = new Map<string, number>()
  for (const { kind, process: run } of servers) {
    ports.set(kind, await ask(run, { kind, server, sae, authority: authority.certificatePem }))
  }
  for (let i = -1; i < rounds; i++) {
    for (const { kind, process: run } of servers) {
      const measured = await round(run, agent, ports.get(kind) ?? 0, requests, connections)
      // The first round warms up.
      if (i >= 0) results[kind].push(measured)
    }
  }
  for (const kind of kinds) {
    const cpuUs = median(results[kind].map((r) => r.cpuUs))
    const perS = median(results[kind].map((r) => r.requestsPerS))
    console.log(
      `${kind.padEnd(5)} ${cpuUs.toFixed(0).padStart(5)} us server CPU a request ` +
        `(${(1e6 / cpuUs).toFixed(0)} requests/s and core); ${perS.toFixed(0)} requests/s with this client`,
    )
  }
  const cost = (kind: "014" | "bare"): number => median(results[kind].map((r) => r.cpuUs))
  console.log(`ratio of server CPU, 014 to bare: ${(cost("014") / cost("bare")).toFixed(2)}`)
  agent.destroy()
  for (const { process: run } of servers) run.kill()
}

if (process.argv.includes("--server")) child()
else await main()
