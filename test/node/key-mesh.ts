// Real key managers on loopback, joined as one likes: `key-network.ts` is a row of them, this any shape. For tests
// and benches of several paths at once.

import { randomBytes, randomUUID } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { Secret } from "../../src/keys/secret.js"
import type { AppConfig } from "../../src/model/app.js"
import type { LinkConfig } from "../../src/model/link.js"
import { createKeyManager } from "../../src/node/key-manager.js"
import type { RunningKeyManager } from "../../src/node/key-manager.js"
import type {
  KeyManagerAlarm,
  KeyManagerClock,
  KeyManagerOptions,
} from "../../src/node/key-manager-options.js"
import type { EndKey, KeyManagerConfig } from "../../src/node/ports.js"
import { hexOf, makeIdentity, policyOf, saeOf } from "./key-network.js"
import type { PolicyFaults, SiteIdentity } from "./key-network.js"

export interface MeshShape {
  readonly nodes: number
  /** Pairs of node numbers. */
  readonly links: readonly (readonly [number, number])[]
  /** Node numbers from end to end; all of the same two ends. */
  readonly paths: readonly (readonly number[])[]
}

/** Ends 0 and 3, two paths: over 1 and over 2. */
export const SQUARE: MeshShape = {
  nodes: 4,
  links: [
    [0, 1],
    [1, 3],
    [0, 2],
    [2, 3],
  ],
  paths: [
    [0, 1, 3],
    [0, 2, 3],
  ],
}

export class KeyMesh {
  readonly sites: SiteIdentity[]
  readonly managers: RunningKeyManager[] = []
  /** By node. */
  readonly alarms: KeyManagerAlarm[][]
  readonly faults: PolicyFaults[]
  readonly linkIds: string[]
  readonly pathIds: string[]
  readonly appId = randomUUID()
  terms: Partial<AppConfig> = {}
  /** Security parameter of each link's blocks. */
  epsilon: number | undefined
  readonly #dirs: string[]

  constructor(
    readonly shape: MeshShape,
    readonly options: {
      durable?: boolean
      limits?: KeyManagerOptions["limits"]
      clock?: KeyManagerClock
    } = {},
  ) {
    this.sites = Array.from({ length: shape.nodes }, (_, i) => makeIdentity(i + 1))
    this.alarms = this.sites.map(() => [])
    this.faults = this.sites.map(() => ({}))
    this.linkIds = shape.links.map(() => randomUUID())
    this.pathIds = shape.paths.map(() => randomUUID())
    this.#dirs = this.sites.map(() => mkdtempSync(path.join(tmpdir(), "mesh-")))
  }

  get ends(): [number, number] {
    const [first = []] = this.shape.paths
    return [first[0] ?? 0, first.at(-1) ?? 0]
  }

  id(node: number): string {
    return this.sites[node]?.qkdnId ?? ""
  }

  sae(node: number): string {
    return saeOf({ qkdnId: this.id(node) })
  }

  manager(node: number): RunningKeyManager {
    const manager = this.managers[node]
    if (manager === undefined) throw new RangeError(`no manager ${node}`)
    return manager
  }

  async start(): Promise<void> {
    for (const [index, site] of this.sites.entries()) {
      this.managers[index] = await createKeyManager({
        qkdnId: site.qkdnId,
        ...(this.options.durable === true && {
          dir: this.#dirs[index] ?? "",
          sealingKey: Secret.take(Buffer.from(site.sealing)),
        }),
        identity: site,
        listen: { host: "127.0.0.1", port: 0 },
        policy: policyOf(site, this.sites, this.faults[index]),
        onAlarm: (alarm) => this.alarms[index]?.push(alarm),
        ...(this.options.clock !== undefined && { clock: this.options.clock }),
        limits: {
          pingMs: 500,
          redialMinMs: 20,
          sweepMs: 200,
          transferTimeoutMs: 10_000,
          ...this.options.limits,
        },
      })
    }
    this.configure()
    await this.until(() =>
      this.shape.links.every(([a, b]) => this.manager(a).connectedPeers().includes(this.id(b))),
    )
  }

  configure(): void {
    for (const node of this.sites.keys()) this.manager(node).configure(this.configOf(node))
  }

  configOf(node: number): KeyManagerConfig {
    const links: LinkConfig[] = []
    const peers: KeyManagerConfig["peers"][number][] = []
    for (const [index, [a, b]] of this.shape.links.entries()) {
      if (a !== node && b !== node) continue
      const far = a === node ? b : a
      links.push({
        type: "PHYS",
        qkdlId: this.linkIds[index] ?? "",
        enabled: true,
        local: { qkdnId: this.id(node) },
        remote: { qkdnId: this.id(far) },
        ...(this.epsilon !== undefined && { epsilon: this.epsilon }),
      })
      peers.push({ qkdnId: this.id(far), host: "127.0.0.1", port: this.manager(far).relayPort })
    }
    for (const [index, nodes] of this.shape.paths.entries()) {
      const at = nodes.indexOf(node)
      if (at < 0) continue
      const before = nodes[at - 1]
      const after = nodes[at + 1]
      links.push({
        type: "VIRT",
        qkdlId: this.pathIds[index] ?? "",
        enabled: true,
        local: { qkdnId: this.id(this.ends[0]) },
        remote: { qkdnId: this.id(this.ends[1]) },
        nextHops: after === undefined ? [] : [this.id(after)],
        ...(before !== undefined && { prevHop: this.id(before) }),
      })
    }
    return { links, apps: this.ends.includes(node) ? [this.app(node)] : [], peers }
  }

  app(node: number): AppConfig {
    const [a, b] = this.ends
    return {
      appId: this.appId,
      type: "CLIENT",
      serverAppId: this.sae(a),
      clientAppIds: [this.sae(b)],
      priority: 0,
      qos: { ttlS: 3600 },
      backingQkdlIds: this.pathIds,
      localQkdnId: this.id(node),
      remoteQkdnId: this.id(node === a ? b : a),
      ...this.terms,
    }
  }

  async feed(blocks: number, blockBytes: number): Promise<void> {
    const stock = (node: number, link: string): number =>
      this.manager(node).poolFigures(link)?.stockBits ?? 0
    for (const [index, [a, b]] of this.shape.links.entries()) {
      const link = this.linkIds[index] ?? ""
      const goal = stock(a, link) + blocks * blockBytes * 8
      for (let i = 0; i < blocks; i++) {
        const bytes = randomBytes(blockBytes)
        const id = randomUUID()
        await Promise.all(
          [a, b].map((node) =>
            this.manager(node).addLinkKey(link, id, Secret.take(Buffer.from(bytes))),
          ),
        )
      }
      await this.until(() => stock(a, link) === goal && stock(b, link) === goal)
    }
  }

  make(count: number, bits = 256): Promise<EndKey[]> {
    const [a, b] = this.ends
    return this.manager(a).makeKeys(this.appId, this.sae(a), [this.sae(b)], count, bits)
  }

  take(keyIds: readonly string[]): Promise<EndKey[]> {
    const [a, b] = this.ends
    return this.manager(b).takeKeys(this.sae(b), this.sae(a), keyIds)
  }

  /** Makes keys at one end and fetches them at the other; both as hex. */
  async exchange(count: number, bits = 256): Promise<[string[], string[]]> {
    const made = await this.make(count, bits)
    const taken = await this.take(made.map(({ keyId }) => keyId))
    return [hexOf(made), hexOf(taken)]
  }

  async until(condition: () => boolean, timeoutMs = 60_000): Promise<void> {
    const end = performance.now() + timeoutMs
    while (!condition()) {
      if (performance.now() > end) throw new Error("it did not happen in time")
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  async close(): Promise<void> {
    for (const manager of this.managers) await manager.close()
    for (const dir of this.#dirs) rmSync(dir, { recursive: true, force: true })
  }
}
