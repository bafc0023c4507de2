// A border node with its network behind it, and a key manager of another domain that is not ours beside it.
//
//   alice, amy at the source ── relay ── border ══ 020 ══ Python peer, with bob and ben behind it

import assert from "node:assert/strict"
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { createInterface } from "node:readline"
import { QkdError } from "../../src/errors.js"
import type { Parties } from "../../src/keys/border-records.js"
import { parsePolicy } from "../../src/keys/policy-document.js"
import type { PolicyDomain, SitePolicy } from "../../src/keys/policy.js"
import type { AppConfig } from "../../src/model/app.js"
import { Etsi020Client } from "../../src/node/etsi020-client.js"
import type { AckMode } from "../../src/node/etsi020-client.js"
import { listenEtsi020 } from "../../src/node/etsi020.js"
import type { Face } from "../../src/node/http-face.js"
import { SILENT } from "../../src/node/log.js"
import type { ApplicationDesk, EndKey, KeyManagerConfig } from "../../src/node/ports.js"
import {
  createAuthority,
  issueRelayCertificate,
  spkiSha256,
  validFor,
} from "../../src/transport/pki.js"
import type { CertifiedKey } from "../../src/transport/pki.js"
import { KeyNetwork } from "../node/key-network.js"

export const authority = createAuthority("key managers of both domains", validFor(1))

export function kmeCertificate(name: string): CertifiedKey {
  return issueRelayCertificate(authority, name, ["127.0.0.1"], validFor(1))
}

/** A network of a source, its relays and a border node; each of `ours` may share keys with each of `theirs`. */
export const hexOf = ({ key }: EndKey): string =>
  key.use((bytes) => Buffer.from(bytes).toString("hex"))

export class BorderNetwork extends KeyNetwork {
  readonly apps: readonly AppConfig[]
  readonly identity: CertifiedKey
  /** Behind the border; changed at will. */
  domain: PolicyDomain | undefined
  face: Face | undefined
  client: Etsi020Client | undefined
  readonly audited: { readonly method: string; readonly keyIds: readonly string[] }[] = []
  auditFault: Error | undefined
  deskFault: QkdError | undefined

  constructor(
    readonly name: string,
    readonly ours: readonly string[],
    readonly theirs: readonly string[],
    options: ConstructorParameters<typeof KeyNetwork>[1] & { readonly nodes?: number } = {},
  ) {
    super(options.nodes ?? 2, { durable: false, ...options })
    this.identity = kmeCertificate(name)
    const border = this.sites.length - 1
    const source = this.faults[0]
    const far = this.faults[border]
    if (source === undefined || far === undefined) throw new Error("too few nodes")
    source.ownsSae = (id) => ours.includes(id)
    far.ownsSae = (id) => this.domain?.saes.includes(id) === true || id === `own-${name}`
    far.domainOf = (id) => (this.domain?.saes.includes(id) === true ? this.domain.name : undefined)
    this.apps = ours.flatMap((server) =>
      theirs.map((client) => ({
        ...this.app(0),
        appId: randomUUID(),
        serverAppId: server,
        clientAppIds: [client],
      })),
    )
  }

  get border(): number {
    return this.sites.length - 1
  }

  override configOf(index: number): KeyManagerConfig {
    const ends = [0, this.border]
    const far = this.site(index === 0 ? this.border : 0).qkdnId
    const apps = this.apps.map((app) => {
      return { ...app, localQkdnId: this.site(index).qkdnId, remoteQkdnId: far }
    })
    return { ...super.configOf(index), apps: ends.includes(index) ? apps : [] }
  }

  /** As `master` of ours asks for them. */
  async make(master: string, slaves: readonly string[], count = 1): Promise<EndKey[]> {
    const of = slaves.map((saeId) => ({ saeId, appId: this.appOf(master, saeId)?.appId ?? "" }))
    const size = { count, keySizeBits: 256 }
    return this.first.supplyKeys({ masterSaeId: master, slaves: of, ...size })
  }

  /** Ids of keys that were given across the border, or taken, in order. */
  auditedIds(method: "given" | "taken"): string[] {
    return this.audited.filter((one) => one.method === method).flatMap(({ keyIds }) => keyIds)
  }

  /** Feeds, joins as told, and configures: the networks are one then. */
  static async joined(
    networks: readonly BorderNetwork[],
    { mode, blocks }: { readonly mode: AckMode; readonly blocks: number },
    join: () => void,
  ): Promise<void> {
    for (const network of networks) {
      await network.start()
      await network.openFace(mode)
      await network.feed(blocks, 8192)
    }
    join()
    for (const network of networks) network.configureAll()
  }

  static async closeAll(networks: readonly BorderNetwork[]): Promise<void> {
    for (const network of networks) {
      await network.closeFace()
      await network.close()
    }
  }

  appOf(saeId: string, peer: string): AppConfig | undefined {
    return this.apps.find(({ serverAppId, clientAppIds: [client] }) => {
      const named = [serverAppId, client]
      return saeId !== peer && named.includes(saeId) && named.includes(peer)
    })
  }

  /** As a controller would have it. */
  desk(): ApplicationDesk {
    return {
      find: (saeId, peer) => (this.deskFault === undefined ? this.appOf(saeId, peer) : undefined),
      request: (saeId, [peer = ""]) => {
        const app = this.appOf(saeId, peer)
        if (app !== undefined && this.deskFault === undefined) return Promise.resolve(app)
        const unknown = new QkdError("data-missing", "nobody has it", { appTag: "unknown-sae" })
        return Promise.reject(this.deskFault ?? unknown)
      },
    }
  }

  policy(): SitePolicy {
    return (this.#policy ??= this.policyOf(this.border, `own-${this.name}`, this.domain))
  }

  protected policyOf(index: number, saeId: string, domain: PolicyDomain | undefined): SitePolicy {
    return parsePolicy({
      version: 1,
      qkdnId: this.site(index).qkdnId,
      saes: [{ saeId, spkiSha256: [] }],
      peers: [],
      relay: { allowed: true, maxHops: 4 },
      limits: { minKeySizeBits: 64, maxKeySizeBits: 4096, maxKeysPerRequest: 128 },
      ...(domain !== undefined && { domains: [domain] }),
    })
  }
  #policy: SitePolicy | undefined

  setDomain(domain: PolicyDomain): void {
    this.domain = domain
    this.#policy = undefined
  }

  async openFace(mode: AckMode = "asynchronous", timeoutMs = 5000): Promise<void> {
    const { client, face } = await this.openSide({
      ...{ mode, timeoutMs, index: this.border, identity: this.identity },
      ...{ policy: () => this.policy(), port: this.face?.port ?? 0, url: () => this.url },
    })
    this.client = client
    this.face = face
  }

  /** The interface of one border node to its neighbour. */
  protected async openSide(side: {
    readonly mode: AckMode
    readonly timeoutMs: number
    readonly index: number
    readonly identity: CertifiedKey
    readonly policy: () => SitePolicy
    readonly port: number
    readonly url: () => string
  }): Promise<{ readonly client: Etsi020Client; readonly face: Face }> {
    const { mode, timeoutMs, index, identity, policy, port, url } = side
    const authorities = [authority.certificatePem]
    const note = (
      method: string,
      _domain: string,
      _parties: Parties,
      keyIds: readonly string[],
    ) => {
      if (this.auditFault !== undefined) return Promise.reject(this.auditFault)
      this.audited.push({ method, keyIds })
      return Promise.resolve()
    }
    const client = new Etsi020Client({
      ...{ mode, timeoutMs, policy, log: SILENT },
      tls: () => ({ identity, authorities }),
      callbackUrl: () => `${url()}/kmapi/v1/ext_keys/ack`,
      audit: (domain, parcel) => note("given", domain, parcel, parcel.keyIds),
    })
    const { border } = this.manager(index)
    border.attach(client)
    const face = await listenEtsi020({
      ...{ host: "127.0.0.1", port, border, client, timeoutMs, policy, log: SILENT },
      tls: { identity, callerAuthorities: authorities },
      desk: this.desk(),
      audit: (domain, parties, keyIds) => note("taken", domain, parties, keyIds),
    })
    return { client, face }
  }

  async closeFace(): Promise<void> {
    this.client?.close()
    await this.face?.close()
  }

  get url(): string {
    return `https://127.0.0.1:${this.face?.port ?? 0}`
  }

  /** How a neighbour's policy names this domain. */
  asDomain(): PolicyDomain {
    const pin = spkiSha256(this.identity.certificatePem)
    return { name: this.name, spkiSha256: [pin], url: this.url, saes: this.ours }
  }
}

/** A network between two others: a border node at either end, and SAEs of its own at neither. */
export class TransitNetwork extends BorderNetwork {
  readonly nearIdentity: CertifiedKey
  nearDomain: PolicyDomain | undefined
  nearFace: Face | undefined
  nearClient: Etsi020Client | undefined
  #nearPolicy: SitePolicy | undefined

  constructor(name: string, near: readonly string[], far: readonly string[]) {
    super(name, near, far, { nodes: 3 })
    this.nearIdentity = kmeCertificate(`${name}-near`)
    const isNear = (id: string): boolean => this.nearDomain?.saes.includes(id) === true
    const [first] = this.faults
    if (first === undefined) throw new Error("too few nodes")
    first.ownsSae = isNear
    first.domainOf = (id) => (isNear(id) ? this.nearDomain?.name : undefined)
  }

  setNear(domain: PolicyDomain): void {
    this.nearDomain = domain
    this.#nearPolicy = undefined
  }

  override async openFace(mode: AckMode = "asynchronous", timeoutMs = 5000): Promise<void> {
    await super.openFace(mode, timeoutMs)
    const { client, face } = await this.openSide({
      ...{ mode, timeoutMs, index: 0, identity: this.nearIdentity },
      policy: () => (this.#nearPolicy ??= this.policyOf(0, `near-${this.name}`, this.nearDomain)),
      ...{ port: this.nearFace?.port ?? 0, url: () => this.nearUrl },
    })
    this.nearClient = client
    this.nearFace = face
  }

  override async closeFace(): Promise<void> {
    this.nearClient?.close()
    await this.nearFace?.close()
    await super.closeFace()
  }

  get nearUrl(): string {
    return `https://127.0.0.1:${this.nearFace?.port ?? 0}`
  }

  /** How the neighbour at the near end names it: what lies behind it is the far network's. */
  asNear(): PolicyDomain {
    const pin = spkiSha256(this.nearIdentity.certificatePem)
    return { name: this.name, spkiSha256: [pin], url: this.nearUrl, saes: this.theirs }
  }
}

export interface Told {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly tls: string
}

export interface Seen {
  readonly path: string
  readonly body: Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[]
}

/** The Python peer. */
export class ForeignKme {
  readonly folder = mkdtempSync(path.join(tmpdir(), "keyloom-020-"))
  readonly identity = kmeCertificate("foreign")
  readonly #process: ChildProcessWithoutNullStreams
  readonly #waiting: ((line: unknown) => void)[] = []
  readonly #started: Promise<unknown>
  port = 0

  constructor() {
    writeFileSync(path.join(this.folder, "ca.pem"), authority.certificatePem)
    this.certificate("peer", this.identity)
    const script = path.join(import.meta.dirname, "etsi020-peer.py")
    this.#started = this.#next()
    this.#process = spawn("/usr/bin/python3", [script, this.folder, "0"])
    createInterface({ input: this.#process.stdout }).on("line", (line) => {
      this.#waiting.shift()?.(JSON.parse(line))
    })
    this.#process.stderr.on("data", (text: Buffer) => {
      process.stderr.write(text)
    })
  }

  async start(): Promise<void> {
    this.port = ((await this.#started) as { port: number }).port
  }

  certificate(name: string, pair: CertifiedKey): void {
    const file = path.join(this.folder, name)
    writeFileSync(`${file}.pem`, pair.certificatePem)
    writeFileSync(`${file}.key`, pair.privateKeyPem, { mode: 0o600 })
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`
  }

  asDomain(saes: readonly string[]): PolicyDomain {
    const pin = spkiSha256(this.identity.certificatePem)
    return { name: "foreign", spkiSha256: [pin], url: this.url, saes }
  }

  ask(port: number, request: Readonly<Record<string, unknown>>): Promise<Told> {
    return this.#do<Told>({ do: "ask", port, ...request })
  }

  behave(how: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.#do({ do: "behave", ...how })
  }

  async seen(): Promise<readonly Seen[]> {
    return (await this.#do<{ seen: readonly Seen[] }>({ do: "seen" })).seen
  }

  /** As its SAE would fetch it; base64. */
  async fetch(keyId: string): Promise<string | null> {
    return (await this.#do<{ value: string | null }>({ do: "key", key_id: keyId })).value
  }

  close(): void {
    this.#process.kill()
    rmSync(this.folder, { recursive: true })
  }

  #do<T>(command: Readonly<Record<string, unknown>>): Promise<T> {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`)
    return this.#next() as Promise<T>
  }

  #next(): Promise<unknown> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }
}

/** A key of amy's for bob and ben at the far network; and one for bob alone, that ben does not get. */
export async function assertSharedBySeveral(from: BorderNetwork, to: BorderNetwork): Promise<void> {
  const [key] = await from.make("amy", ["bob", "ben"])
  assert.ok(key)
  for (const slave of ["bob", "ben"]) {
    const [taken] = await to.first.takeKeys(slave, "amy", [key.keyId])
    assert.ok(taken)
    assert.equal(hexOf(taken), hexOf(key))
  }
  const [other] = await from.make("amy", ["bob"])
  await assert.rejects(to.first.takeKeys("ben", "amy", [other?.keyId ?? ""]), {
    tag: "access-denied",
  })
}
