// Two sites on loopback as SAEs find them: real key managers with a link between them, ETSI 014 in front of each, and
// a client that is not ours.
//
//   site A: alice, amy   <── one link ──>   site B: bob, ben, carol/é

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { createInterface } from "node:readline"
import { parsePolicy } from "../../src/keys/policy-document.js"
import { QkdError } from "../../src/errors.js"
import type { AppConfig } from "../../src/model/app.js"
import { listenEtsi014 } from "../../src/node/etsi014.js"
import type { Etsi014Options } from "../../src/node/etsi014.js"
import { DeliveryMethods } from "../../src/node/etsi014-methods.js"
import type { Face, FaceTls } from "../../src/node/http-face.js"
import { OutletLotDesk } from "../../src/node/outlet-lot-desk.js"
import { Outlets } from "../../src/node/outlets.js"
import { SILENT } from "../../src/node/log.js"
import type { KeyManagerConfig } from "../../src/node/ports.js"
import {
  createAuthority,
  issueSaeCertificate,
  issueServerCertificate,
  spkiSha256,
  validFor,
} from "../../src/transport/pki.js"
import { KeyNetwork } from "../node/key-network.js"

export const HOMES = { A: ["alice", "amy"], B: ["bob", "ben", "carol/é"] } as const
export type Site = keyof typeof HOMES
export const SAES = [...HOMES.A, ...HOMES.B]
const homeOf = (saeId: string): Site | undefined =>
  (["A", "B"] as const).find((site) => HOMES[site].some((sae) => sae === saeId))

export interface Ask {
  /** SAE whose certificate is shown; null for none. */
  readonly who: string | null
  /** From the prefix on, or a whole path where it begins with a slash. */
  readonly target: string
  readonly method?: string
  /** JSON, or text as it is. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** The caller's own where absent. */
  readonly site?: Site
  readonly tls12?: boolean
}

export interface Told {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly tls: string
}

class Pair extends KeyNetwork {
  apps: readonly AppConfig[]

  constructor(limits: ConstructorParameters<typeof KeyNetwork>[1]) {
    super(2, limits)
    for (const [index, site] of (["A", "B"] as const).entries())
      (this.faults[index] ?? {}).ownsSae = (id) => homeOf(id) === site
    this.apps = HOMES.A.flatMap((server) =>
      HOMES.B.map((client) => ({
        ...this.app(0),
        appId: randomUUID(),
        serverAppId: server,
        clientAppIds: [client],
      })),
    )
  }

  override configOf(index: number): KeyManagerConfig {
    const ends = {
      localQkdnId: this.site(index).qkdnId,
      remoteQkdnId: this.site(1 - index).qkdnId,
    }
    return { ...super.configOf(index), apps: this.apps.map((app) => ({ ...app, ...ends })) }
  }
}

export class TwoSites {
  readonly folder = mkdtempSync(path.join(tmpdir(), "keyloom-014-"))
  readonly network: Pair
  readonly ports: Record<Site, number> = { A: 0, B: 0 }
  /** Outlets of sites that have some. */
  readonly served = new Map<Site, Outlets>()
  readonly servers: Pick<Face, "port" | "close">[] = []
  readonly #client: ChildProcessWithoutNullStreams
  readonly #waiting: ((told: Told) => void)[] = []
  readonly #pins = new Map<string, string>()
  /** SHA-256 of pre-shared keys, by SAE. */
  readonly pskPins = new Map<string, string>()
  readonly #tls = new Map<Site, FaceTls>()

  /** @param outlets of each site; with 0 each delivers by itself */
  constructor(
    limits: ConstructorParameters<typeof KeyNetwork>[1] = { durable: false },
    readonly outlets = 0,
  ) {
    this.network = new Pair(limits)
    const script = path.join(import.meta.dirname, "etsi014-client.py")
    this.#client = spawn("/usr/bin/python3", [script, this.folder])
    createInterface({ input: this.#client.stdout }).on("line", (line) => {
      this.#waiting.shift()?.(JSON.parse(line) as Told)
    })
    this.#client.stderr.on("data", (text: Buffer) => {
      process.stderr.write(text)
    })
  }

  async start(over: Partial<Etsi014Options> = {}): Promise<void> {
    const authority = createAuthority("sae clients", validFor(1))
    const servers = createAuthority("kme servers", validFor(1))
    writeFileSync(path.join(this.folder, "ca.pem"), servers.certificatePem)
    for (const saeId of SAES) {
      const pair = issueSaeCertificate(authority, saeId, validFor(1))
      this.#pins.set(saeId, spkiSha256(pair.certificatePem))
      const file = path.join(this.folder, encodeURIComponent(saeId))
      writeFileSync(`${file}.pem`, pair.certificatePem)
      writeFileSync(`${file}.key`, pair.privateKeyPem, { mode: 0o600 })
    }
    await this.network.start()
    for (const site of ["A", "B"] as const) {
      this.#tls.set(site, {
        identity: issueServerCertificate(servers, this.kmeId(site), ["127.0.0.1"], validFor(1)),
        callerAuthorities: [authority.certificatePem],
      })
      const server = await this.#serve(site, over)
      this.servers.push(server)
      this.ports[site] = server.port
    }
  }

  async #serve(site: Site, over: Partial<Etsi014Options>): Promise<Pick<Face, "port" | "close">> {
    const parts = { ...this.parts(site), ...over }
    if (this.outlets === 0) return listenEtsi014({ ...this.tls(site), ...parts })
    const { host, port, policy, log, maxSaeIdCount = 16 } = parts
    const outlets = await Outlets.open({
      ...{ count: this.outlets, host, port, policy, log, maxSaeIdCount },
      ...{ tls: this.tls(site), saeIdentity: parts.saeIdentity ?? "common-name" },
      auditFile: this.auditFile(site),
      methods: new DeliveryMethods(parts),
      lots: new OutletLotDesk({
        ...{ lots: this.network.manager(site === "A" ? 0 : 1).lots, policy, desk: parts.desk },
        livesHere: (saeId) => policy().standsFor(saeId),
      }),
    })
    this.served.set(site, outlets)
    return outlets
  }

  auditFile(site: Site): string {
    return path.join(this.folder, `audit-${site}.log`)
  }

  tls(site: Site): FaceTls {
    const tls = this.#tls.get(site)
    if (tls === undefined) throw new Error("not started")
    return tls
  }

  /** What any delivery face of that site is made of. */
  parts(site: Site): Omit<Etsi014Options, keyof FaceTls> {
    const index = site === "A" ? 0 : 1
    return {
      host: "127.0.0.1",
      port: 0,
      policy: () => this.#policy(site),
      keyManager: this.network.manager(index),
      desk: this.#desk(index),
      audit: () => undefined,
      log: SILENT,
    }
  }

  kmeId(site: Site): string {
    return this.network.site(site === "A" ? 0 : 1).qkdnId
  }

  feed(blocks = 8): Promise<void> {
    return this.network.feedLink(0, blocks, 8192)
  }

  ask({ who, target, method, body, headers, site, tls12 }: Ask): Promise<Told> {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body)
    const type = text === undefined ? {} : { "content-type": "application/json" }
    const request = {
      who: who === null ? null : encodeURIComponent(who),
      port: this.ports[site ?? homeOf(who ?? "") ?? "A"],
      method: method ?? (text === undefined ? "GET" : "POST"),
      target: target.startsWith("/") ? target : `/api/v1/keys/${target}`,
      body: text,
      headers: { ...type, ...headers },
      tls12,
    }
    this.#client.stdin.write(`${JSON.stringify(request)}\n`)
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  async close(): Promise<void> {
    this.#client.stdin.end()
    for (const server of this.servers) await server.close()
    await this.network.close()
    rmSync(this.folder, { recursive: true })
  }

  #policy(site: Site): ReturnType<typeof parsePolicy> {
    return parsePolicy({
      version: 1,
      qkdnId: this.kmeId(site),
      saes: HOMES[site].map((saeId) => {
        const psk = this.pskPins.get(saeId)
        const pins = { spkiSha256: [this.#pins.get(saeId)] }
        return { saeId, ...pins, ...(psk !== undefined && { pskSha256: [psk] }) }
      }),
      peers: [],
      relay: { allowed: false, maxHops: 4 },
      limits: { minKeySizeBits: 64, maxKeySizeBits: 4096, maxKeysPerRequest: 128 },
    })
  }

  #desk(index: number): Etsi014Options["desk"] {
    const find = (saeId: string, peer: string): AppConfig | undefined =>
      this.network.configOf(index).apps.find(({ serverAppId, clientAppIds: [client] }) => {
        return (
          (serverAppId === saeId && client === peer) || (serverAppId === peer && client === saeId)
        )
      })
    return {
      find,
      request: (saeId, [peer = ""]) => {
        const app = find(saeId, peer)
        if (app !== undefined) return Promise.resolve(app)
        const unknown = new QkdError("data-missing", "nobody knows it", { appTag: "unknown-sae" })
        return Promise.reject(unknown)
      },
    }
  }
}

export interface Keys {
  readonly keys: readonly { readonly key_ID: string; readonly key: string }[]
  readonly key_container_extension?: Readonly<Record<string, unknown>>
}

export function keysOf(told: Told): Keys {
  return JSON.parse(told.body) as Keys
}
