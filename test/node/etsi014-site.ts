// Two sites serving 014 on loopback, certificates in a folder, and real curl as the SAE.

import { execFile } from "node:child_process"
import { randomUUID } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { parsePolicy } from "../../src/keys/policy-document.js"
import type { PolicyDocument, SitePolicy } from "../../src/keys/policy.js"
import { listenEtsi014 } from "../../src/node/etsi014.js"
import type { Etsi014Options } from "../../src/node/etsi014.js"
import type { Face } from "../../src/node/http-face.js"
import type { DeliveryRecord } from "../../src/node/delivery-record.js"
import type { Log, LogFacts } from "../../src/node/log.js"
import {
  createAuthority,
  issueSaeCertificate,
  issueServerCertificate,
  spkiSha256,
  validFor,
} from "../../src/transport/pki.js"
import type { CertifiedKey } from "../../src/transport/pki.js"
import { node, peer } from "../keys/policy-fixture.js"
import { FakeDesk, FakeKeyManager } from "./fakes-014.js"

export interface Reply {
  readonly status: number
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** curl's exit code: 0 when HTTP was spoken. */
  readonly exit: number
}

const authority = createAuthority("sae clients", validFor(1))
const serverAuthority = createAuthority("kme servers", validFor(1))

/** SAEs `alice`, `amy` (`a/b é` too) at node 1 with the server; `bob`, `ben` at node 2. */
export class Sites {
  readonly folder = mkdtempSync(path.join(tmpdir(), "keyloom-014-"))
  readonly authority = authority
  readonly serverAuthority = serverAuthority
  readonly keyManager = new FakeKeyManager()
  readonly desk = new FakeDesk()
  readonly audited: DeliveryRecord[] = []
  readonly logged: { level: string; facts: LogFacts; message: string }[] = []
  audit: (record: DeliveryRecord) => void | Promise<void> = (record) => {
    this.audited.push(record)
  }
  policy: SitePolicy
  readonly #certificates = new Map<string, CertifiedKey>()
  readonly #servers: Face[] = []
  /** Of the site that `curl` talks to. */
  port = 0

  constructor() {
    for (const saeId of ["alice", "amy", "a/b é", "bob", "ben"]) {
      this.certificate(saeId, issueSaeCertificate(authority, saeId, validFor(1)))
    }
    writeFileSync(path.join(this.folder, "ca.pem"), serverAuthority.certificatePem)
    this.desk.remoteQkdnId = node(2)
    this.policy = this.policyOf()
  }

  /** Keys lie ready for alice, and her requests are answered without waiting for any to be made. */
  keysReady(): void {
    this.keyManager.ready = true
    this.desk.apps.push({
      ...{ appId: randomUUID(), type: "CLIENT", serverAppId: "alice", clientAppIds: ["bob"] },
      ...{ priority: 0, qos: {}, backingQkdlIds: ["link"], remoteQkdnId: node(2) },
    })
  }

  /** One server stands for both sites: all SAEs are its own, keys are shared through the fake. */
  policyOf(over: Partial<PolicyDocument> = {}): SitePolicy {
    return parsePolicy({
      version: 1,
      qkdnId: node(1),
      saes: [...this.#certificates].map(([saeId, { certificatePem }]) => ({
        saeId,
        spkiSha256: [spkiSha256(certificatePem)],
      })),
      peers: [peer(2, { saes: ["zoe"] })],
      relay: { allowed: true, maxHops: 4 },
      limits: { minKeySizeBits: 64, maxKeySizeBits: 4096, maxKeysPerRequest: 128 },
      ...over,
    })
  }

  /** Stores a certificate under `name` for `curl`, and returns it. */
  certificate(name: string, pair: CertifiedKey): CertifiedKey {
    this.#certificates.set(name, pair)
    const file = path.join(this.folder, encodeURIComponent(name))
    writeFileSync(`${file}.pem`, pair.certificatePem)
    writeFileSync(`${file}.key`, pair.privateKeyPem, { mode: 0o600 })
    return pair
  }

  pair(name: string): CertifiedKey {
    const pair = this.#certificates.get(name)
    if (pair === undefined) throw new Error(`no certificate for ${name}`)
    return pair
  }

  async serve(over: Partial<Etsi014Options> = {}): Promise<number> {
    const say =
      (level: string) =>
      (facts: LogFacts, message: string): void => {
        this.logged.push({ level, facts, message })
      }
    const log: Log = {
      debug: say("debug"),
      info: say("info"),
      warn: say("warn"),
      error: say("error"),
    }
    const server = await listenEtsi014({
      host: "127.0.0.1",
      port: 0,
      identity: issueServerCertificate(serverAuthority, node(1), ["127.0.0.1"], validFor(1)),
      callerAuthorities: [authority.certificatePem],
      policy: () => this.policy,
      keyManager: this.keyManager,
      desk: this.desk,
      livesHere: (saeId) => saeId === "alice" || saeId === "amy",
      audit: (record) => this.audit(record),
      log,
      ...over,
    })
    this.#servers.push(server)
    this.port = server.port
    return server.port
  }

  /** curl with this SAE's certificate (none for null) on `/api/v1/keys/<target>`, further arguments as given. */
  curl(name: string | null, target: string, ...more: string[]): Promise<Reply> {
    const file = (suffix: string): string =>
      path.join(this.folder, `${encodeURIComponent(name ?? "")}.${suffix}`)
    const heads = path.join(this.folder, `head-${Math.random()}`)
    const args = [
      ...["--silent", "--max-time", "10", "--path-as-is", "--globoff", "--dump-header", heads],
      ...["--cacert", path.join(this.folder, "ca.pem")],
      ...(name === null ? [] : ["--cert", file("pem"), "--key", file("key")]),
      ...more,
      target.startsWith("https:") ? target : `https://127.0.0.1:${this.port}/api/v1/keys/${target}`,
    ]
    return new Promise((resolve) => {
      const options = { encoding: "utf8" as const, maxBuffer: 64 * 1024 * 1024 }
      execFile("curl", args, options, (error, stdout) => {
        const exit = error === null ? 0 : typeof error.code === "number" ? error.code : -1
        resolve({ ...headersIn(heads), body: stdout, exit })
      })
    })
  }

  /** POST with a JSON body. */
  post(name: string | null, target: string, body: unknown, ...more: string[]): Promise<Reply> {
    const text = typeof body === "string" ? body : JSON.stringify(body)
    const type = ["--header", "content-type: application/json"]
    return this.curl(name, target, ...type, "--data-binary", text, ...more)
  }

  async stop(): Promise<void> {
    for (const server of this.#servers.splice(0)) await server.close()
  }

  async close(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true })
  }
}

function headersIn(file: string): Pick<Reply, "status" | "headers"> {
  let text = ""
  try {
    text = readFileSync(file, "latin1")
    rmSync(file)
  } catch {
    // No HTTP was spoken.
  }
  const [line = "", ...rest] = text.trimEnd().split("\r\n\r\n").at(-1)?.split("\r\n") ?? []
  const pairs = rest.map((header): [string, string] => {
    const colon = header.indexOf(":")
    return [header.slice(0, colon).toLowerCase(), header.slice(colon + 1).trim()]
  })
  return { status: Number(line.split(" ")[1] ?? 0), headers: new Map(pairs) }
}

/** The keys in a Key container, base64, by id. */
export function keysIn(reply: Reply): Map<string, string> {
  const { keys } = JSON.parse(reply.body) as { keys: { key_ID: string; key: string }[] }
  return new Map(keys.map(({ key_ID, key }) => [key_ID, key]))
}

export function errorIn(reply: Reply): { message: string; details?: object[] } {
  return JSON.parse(reply.body) as { message: string; details?: object[] }
}
