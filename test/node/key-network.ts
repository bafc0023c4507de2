// A few real key managers in a row on loopback, fed by a pretend module that gives both ends of a link the same
// blocks. For tests and benches of the key plane; makes no decisions of its own.

import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto"
import type { KeyObject } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import type { PolicyView } from "../../src/keys/policy-view.js"
import { Secret } from "../../src/keys/secret.js"
import { RELAY_SCHEMES } from "../../src/model/app.js"
import type { AppConfig, RelayScheme } from "../../src/model/app.js"
import type { LinkConfig } from "../../src/model/link.js"
import { createKeyManager } from "../../src/node/key-manager.js"
import type { RunningKeyManager } from "../../src/node/key-manager.js"
import type {
  KeyManagerAlarm,
  KeyManagerClock,
  KeyManagerOptions,
} from "../../src/node/key-manager-options.js"
import type { EndKey, KeyManagerConfig } from "../../src/node/ports.js"
import { createAuthority, issueRelayCertificate, spkiSha256 } from "../../src/transport/pki.js"
import { validFor } from "../../src/transport/pki.js"
import type { CertifiedKey } from "../../src/transport/pki.js"

const authority = createAuthority("test key managers", validFor(1))

export interface SiteIdentity {
  readonly qkdnId: string
  readonly tls: CertifiedKey
  readonly signKey: KeyObject
  readonly signPublicKey: Uint8Array
  readonly sealing: Buffer
}

export function makeIdentity(index: number): SiteIdentity {
  const qkdnId = `0000000${index}-0000-4000-8000-000000000000`.slice(-36)
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  return {
    qkdnId,
    tls: issueRelayCertificate(authority, qkdnId, ["127.0.0.1"], validFor(1)),
    signKey: privateKey,
    signPublicKey: Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url"),
    sealing: randomBytes(32),
  }
}

export interface PolicyFaults {
  refusesPath?: PolicyView["refusesPath"]
  allowsEnd?: PolicyView["allowsEnd"]
  allowsNeighbour?: PolicyView["allowsNeighbour"]
  ownsSae?: PolicyView["ownsSae"]
  domainOf?: PolicyView["domainOf"]
  maxHops?: number
  minDisjointPaths?: number
  relaySchemes?: readonly RelayScheme[]
}

/** Everybody of `all` is a peer; the site owns `sae-<qkdnId>`. `faults` may be changed at any time. */
export function policyOf(
  self: SiteIdentity,
  all: readonly SiteIdentity[],
  faults: PolicyFaults = {},
): PolicyView {
  const identities = all.map(({ qkdnId, tls, signPublicKey }) => ({
    qkdnId,
    spkiSha256: spkiSha256(tls.certificatePem),
    signPublicKey,
  }))
  return {
    qkdnId: self.qkdnId,
    get maxHops() {
      return faults.maxHops ?? 10
    },
    get minDisjointPaths() {
      return faults.minDisjointPaths ?? 1
    },
    get relaySchemes() {
      return faults.relaySchemes ?? RELAY_SCHEMES
    },
    peer: (id) => identities.find(({ qkdnId }) => qkdnId === id),
    peerByPin: (pin) => identities.find(({ spkiSha256: own }) => own === pin),
    allowsNeighbour: (id) => faults.allowsNeighbour?.(id) ?? true,
    allowsEnd: (id) => faults.allowsEnd?.(id) ?? true,
    ownsSae: (id) => faults.ownsSae?.(id) ?? id === saeOf(self),
    domainOf: (id) => faults.domainOf?.(id),
    refusesPath: (at) => faults.refusesPath?.(at),
  }
}

export const saeOf = ({ qkdnId }: { qkdnId: string }): string => `sae-${qkdnId}`

/** Node i is joined with node i + 1; `appId` joins the ends over all of them. */
export class KeyNetwork {
  readonly sites: SiteIdentity[]
  readonly managers: RunningKeyManager[] = []
  readonly alarms: KeyManagerAlarm[] = []
  readonly faults: PolicyFaults[]
  readonly links: string[]
  readonly pathId = randomUUID()
  readonly appId = randomUUID()
  readonly #dirs: string[]
  readonly #durable: boolean
  readonly #limits: KeyManagerOptions["limits"]
  readonly #clock: KeyManagerClock | undefined
  readonly #linkMaxAgeMs: ReadonlyMap<string, number> | undefined

  constructor(
    count: number,
    options: {
      durable?: boolean
      limits?: KeyManagerOptions["limits"]
      clock?: KeyManagerClock
      linkMaxAgeMs?: (links: readonly string[]) => ReadonlyMap<string, number>
    } = {},
  ) {
    this.sites = Array.from({ length: count }, (_, i) => makeIdentity(i + 1))
    this.links = Array.from({ length: count - 1 }, () => randomUUID())
    this.faults = this.sites.map(() => ({}))
    this.#durable = options.durable ?? true
    this.#clock = options.clock
    this.#linkMaxAgeMs = options.linkMaxAgeMs?.(this.links)
    this.#limits = {
      pingMs: 500,
      redialMinMs: 20,
      redialMaxMs: 200,
      sweepMs: 200,
      transferTimeoutMs: 10_000,
      ...options.limits,
    }
    this.#dirs = this.sites.map(() => mkdtempSync(path.join(tmpdir(), "keys-")))
  }

  get first(): RunningKeyManager {
    return this.manager(0)
  }

  get last(): RunningKeyManager {
    return this.manager(this.sites.length - 1)
  }

  /** SAEs of the two ends. */
  get saes(): [string, string] {
    return [saeOf(this.site(0)), saeOf(this.site(this.sites.length - 1))]
  }

  dir(index: number): string {
    return this.#dirs[index] ?? ""
  }

  site(index: number): SiteIdentity {
    const site = this.sites[index]
    if (site === undefined) throw new RangeError(`no site ${index}`)
    return site
  }

  manager(index: number): RunningKeyManager {
    const manager = this.managers[index]
    if (manager === undefined) throw new RangeError(`no manager ${index}`)
    return manager
  }

  async start(): Promise<void> {
    for (const index of this.sites.keys()) await this.startOne(index)
    this.configureAll()
    await this.connected()
  }

  async startOne(index: number): Promise<RunningKeyManager> {
    const site = this.site(index)
    const former = this.managers[index]
    const manager = await createKeyManager({
      qkdnId: site.qkdnId,
      ...(this.#durable
        ? { dir: this.dir(index), sealingKey: Secret.take(Buffer.from(site.sealing)) }
        : {}),
      identity: site,
      listen: { host: "127.0.0.1", port: former?.relayPort ?? 0 },
      policy: policyOf(site, this.sites, this.faults[index]),
      onAlarm: (alarm) => this.alarms.push(alarm),
      ...(this.#limits !== undefined && { limits: this.#limits }),
      ...(this.#clock !== undefined && { clock: this.#clock }),
      ...(this.#linkMaxAgeMs !== undefined && { linkMaxAgeMs: this.#linkMaxAgeMs }),
    })
    this.managers[index] = manager
    return manager
  }

  async restart(index: number): Promise<void> {
    await this.manager(index).close()
    await this.startOne(index)
    this.manager(index).configure(this.configOf(index))
    await this.connected()
  }

  configureAll(): void {
    for (const index of this.sites.keys()) this.manager(index).configure(this.configOf(index))
  }

  configOf(index: number): KeyManagerConfig {
    const last = this.sites.length - 1
    const links: LinkConfig[] = []
    if (index > 0) links.push(this.phys(index - 1, index))
    if (index < last) links.push(this.phys(index, index))
    if (last > 1) links.push(this.virt(index))
    const peers = [index - 1, index + 1]
      .filter((i) => i >= 0 && i <= last && this.managers[i] !== undefined)
      .map((i) => ({
        qkdnId: this.site(i).qkdnId,
        host: "127.0.0.1",
        port: this.manager(i).relayPort,
      }))
    return { links, apps: index === 0 || index === last ? [this.app(index)] : [], peers }
  }

  phys(link: number, at: number): LinkConfig {
    const ends = [this.site(link), this.site(link + 1)].map(({ qkdnId }) => ({ qkdnId }))
    const [a = { qkdnId: "" }, b = { qkdnId: "" }] = ends
    const [local, remote] = at === link ? [a, b] : [b, a]
    return { type: "PHYS", qkdlId: this.links[link] ?? "", enabled: true, local, remote }
  }

  virt(index: number): LinkConfig {
    const last = this.sites.length - 1
    return {
      type: "VIRT",
      qkdlId: this.pathId,
      enabled: true,
      local: { qkdnId: this.site(0).qkdnId },
      remote: { qkdnId: this.site(last).qkdnId },
      ...(index > 0 && { prevHop: this.site(index - 1).qkdnId }),
      nextHops: index < last ? [this.site(index + 1).qkdnId] : [],
    }
  }

  app(index: number): AppConfig {
    const last = this.sites.length - 1
    const [a, b] = this.saes
    return {
      appId: this.appId,
      type: "CLIENT",
      serverAppId: a,
      clientAppIds: [b],
      priority: 0,
      qos: { ttlS: 3600 },
      backingQkdlIds: [last > 1 ? this.pathId : (this.links[0] ?? "")],
      localQkdnId: this.site(index).qkdnId,
      remoteQkdnId: this.site(index === 0 ? last : 0).qkdnId,
    }
  }

  /** Gives both ends of a link the same blocks. */
  async feedLink(link: number, blocks: number, blockBytes: number): Promise<void> {
    const qkdlId = this.links[link] ?? ""
    const stock = (end: number): number => this.manager(end).poolFigures(qkdlId)?.stockBits ?? 0
    const goal = stock(link) + blocks * blockBytes * 8
    await this.feedBlocks(link, blocks, blockBytes)
    await this.until(() => stock(link) === goal && stock(link + 1) === goal)
  }

  /** The same, without waiting until both ends know of each other's. */
  async feedBlocks(link: number, blocks: number, blockBytes: number): Promise<void> {
    const qkdlId = this.links[link] ?? ""
    await Promise.all(
      Array.from({ length: blocks }, async () => {
        const id = randomUUID()
        const bytes = randomBytes(blockBytes)
        await Promise.all([
          this.manager(link).addLinkKey(qkdlId, id, Secret.take(Buffer.from(bytes))),
          this.manager(link + 1).addLinkKey(qkdlId, id, Secret.take(bytes)),
        ])
      }),
    )
  }

  async feed(blocks: number, blockBytes: number): Promise<void> {
    await Promise.all(this.links.map((_, link) => this.feedLink(link, blocks, blockBytes)))
  }

  async connected(): Promise<void> {
    await this.until(() =>
      this.links.every(
        (_, link) =>
          this.manager(link)
            .connectedPeers()
            .includes(this.site(link + 1).qkdnId) &&
          this.manager(link + 1)
            .connectedPeers()
            .includes(this.site(link).qkdnId),
      ),
    )
  }

  async until(condition: () => boolean, timeoutMs = 60_000): Promise<void> {
    const end = performance.now() + timeoutMs
    while (!condition()) {
      if (performance.now() > end) throw new Error("it did not happen in time")
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** Tries again until it does not throw. */
  async untilDone(action: () => Promise<void>, timeoutMs = 60_000): Promise<void> {
    const end = performance.now() + timeoutMs
    for (;;) {
      try {
        await action()
        return
      } catch (fault) {
        if (performance.now() > end) throw fault
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }

  /** Makes keys at one end and fetches them at the other; both as hex. */
  async exchange(count: number, bits = 256, backwards = false): Promise<[string[], string[]]> {
    const [maker, taker] = backwards ? [this.last, this.first] : [this.first, this.last]
    const [a, b] = this.saes
    const [master, slave] = backwards ? [b, a] : [a, b]
    const made = await maker.makeKeys(this.appId, master, [slave], count, bits)
    const taken = await taker.takeKeys(
      slave,
      master,
      made.map(({ keyId }) => keyId),
    )
    return [hexOf(made), hexOf(taken)]
  }

  async close(): Promise<void> {
    for (const manager of this.managers) await manager.close()
    for (const dir of this.#dirs) rmSync(dir, { recursive: true, force: true })
  }
}

export function hexOf(keys: readonly EndKey[]): string[] {
  return keys.map(({ key }) => key.use((bytes) => Buffer.from(bytes).toString("hex")))
}
