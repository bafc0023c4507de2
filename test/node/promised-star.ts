// A real node with many links and many services beside greed (THREATS T4): key managers on loopback, with a clock that is moved by
// hand. Each service was promised a min_bandwidth and asks for single keys at just that rate; a link makes a tenth more than its
// promises cost. First in every second, on each link with services, an application that was promised nothing asks until it is
// refused, and so does a captured neighbour, through the node.

import { randomBytes, randomUUID } from "node:crypto"
import { Secret } from "../../src/keys/secret.js"
import type { AppConfig, AppQos } from "../../src/model/app.js"
import type { LinkConfig } from "../../src/model/link.js"
import type { KeyManagerConfig } from "../../src/node/ports.js"
import { KeyMesh } from "./key-mesh.js"

const NODE = 0
const KEY_BITS = 256
/** A single key of 256 bits costs as much again for its tag; a tenth is to spare. */
const MADE_OF_PROMISED = 2 * 1.1
/** What the captured neighbours' own links make. */
const CAPTURED_BPS = 40_000

export interface StarShape {
  readonly services: number
  /** Neighbours that services go to, and those that are the greedy ones. */
  readonly honest: number
  readonly captured: number
  /** Whether services have a min_bandwidth; without, the node does not know what they want. */
  readonly withFloors: boolean
}

interface Tenant {
  readonly appId: string
  readonly saeId: string
  /** Nodes from end to end; the last one has the slave SAE. */
  readonly nodes: readonly number[]
  readonly pathId: string
  readonly minBps?: number
}

/** What a service wants. */
export function minOf(service: number): number {
  return 64 + (service % 7) * 32
}

export class PromisedStar extends KeyMesh {
  readonly #stars: StarShape
  readonly #services: readonly Tenant[]
  readonly #greedy: readonly Tenant[]
  readonly #transit: readonly Tenant[]
  #nowMs = 0
  /** Key bits that each service got. */
  readonly got: Float64Array
  /** Key bits that all of the greedy ones got. */
  greedyBits = 0
  transitBits = 0

  constructor(shape: StarShape) {
    const { services, honest, captured, withFloors } = shape
    const neighbours = Array.from({ length: honest + captured }, (_, i) => i + 1)
    super(
      { nodes: neighbours.length + 1, links: neighbours.map((far) => [NODE, far]), paths: [] },
      {
        clock: { now: () => Date.now(), monotonicMs: () => this.#nowMs },
        // Nobody is to wait for the clock on the wall.
        limits: { transferTimeoutMs: 60_000, drawTimeoutMs: 20 },
      },
    )
    this.#stars = shape
    this.got = new Float64Array(services)
    this.#services = Array.from({ length: services }, (_, i) =>
      this.#direct(this.#neighbourOf(i), `promised-${i}`, withFloors ? minOf(i) : undefined),
    )
    const ends = neighbours.slice(0, honest)
    this.#greedy = ends.map((to) => this.#direct(to, "greedy"))
    this.#transit = ends.map((to) => this.#through(honest + 1 + (to % captured), to))
    for (const [node, faults] of this.faults.entries())
      faults.ownsSae = (sae) => sae.startsWith(`sae-${node}-`)
  }

  #neighbourOf(service: number): number {
    return 1 + (service % this.#stars.honest)
  }

  #direct(to: number, name: string, minBps?: number): Tenant {
    const pathId = this.linkIds[to - 1] ?? ""
    const bare = { appId: randomUUID(), saeId: `sae-${NODE}-${name}`, nodes: [NODE, to], pathId }
    return minBps === undefined ? bare : { ...bare, minBps }
  }

  #through(from: number, to: number): Tenant {
    const [appId, pathId] = [randomUUID(), randomUUID()]
    return { appId, saeId: `sae-${from}-captured`, nodes: [from, NODE, to], pathId }
  }

  override configOf(node: number): KeyManagerConfig {
    const { links, peers } = super.configOf(node)
    const all = [...this.#services, ...this.#greedy, ...this.#transit]
    const mine = all.filter(({ nodes }) => nodes.includes(node))
    return {
      links: [...links, ...mine.flatMap((tenant) => this.#virtual(tenant, node))],
      apps: mine.flatMap((tenant) => this.#app(tenant, node)),
      peers,
    }
  }

  #virtual({ nodes, pathId }: Tenant, node: number): LinkConfig[] {
    if (nodes.length < 3) return []
    const at = nodes.indexOf(node)
    const [before, after] = [nodes[at - 1], nodes[at + 1]]
    return [
      {
        type: "VIRT",
        qkdlId: pathId,
        enabled: true,
        local: { qkdnId: this.id(nodes[0] ?? 0) },
        remote: { qkdnId: this.id(nodes.at(-1) ?? 0) },
        nextHops: after === undefined ? [] : [this.id(after)],
        ...(before !== undefined && { prevHop: this.id(before) }),
      },
    ]
  }

  #app({ appId, saeId, nodes, pathId, minBps }: Tenant, node: number): AppConfig[] {
    const [first = 0, last = 0] = [nodes[0], nodes.at(-1)]
    if (node !== first && node !== last) return []
    // Fetched by nobody: the far end need not remember them long. Captured neighbours do not keep to what others were promised.
    const promised = node === NODE && minBps !== undefined
    const qos: AppQos = { ttlS: 5, ...(promised && { minBps }) }
    return [
      {
        appId,
        type: "CLIENT",
        serverAppId: saeId,
        clientAppIds: [`sae-${last}-0`],
        priority: 0,
        qos,
        backingQkdlIds: [pathId],
        localQkdnId: this.id(node),
        remoteQkdnId: this.id(node === first ? last : first),
      },
    ]
  }

  /** Links make key, greed asks first, then every service for what it may have had by now, in whole keys. */
  async secondPasses(): Promise<void> {
    this.#nowMs += 1000
    const { honest, captured } = this.#stars
    const bps = new Float64Array(1 + honest + captured).fill(CAPTURED_BPS)
    bps.fill(0, 1, 1 + honest)
    for (const i of this.#services.keys())
      bps[this.#neighbourOf(i)] = (bps[this.#neighbourOf(i)] ?? 0) + MADE_OF_PROMISED * minOf(i)
    await Promise.all(
      this.linkIds.map((_, i) => this.#linkMade(i + 1, Math.ceil((bps[i + 1] ?? 0) / 8))),
    )
    // Now one, now the other comes first.
    const transitFirst = (this.#nowMs / 1000) % 2 === 0
    if (transitFirst) this.transitBits += await this.#drained(this.#transit)
    this.greedyBits += await this.#drained(this.#greedy)
    if (!transitFirst) this.transitBits += await this.#drained(this.#transit)
    await Promise.all(this.#services.map((service, i) => this.#asks(service, i)))
  }

  async #asks(service: Tenant, i: number): Promise<void> {
    while ((this.got[i] ?? 0) + KEY_BITS <= (minOf(i) * this.#nowMs) / 1000) {
      const bits = await this.#bitsFor(service, 1)
      if (bits === 0) return
      this.got[i] = (this.got[i] ?? 0) + bits
    }
  }

  /** Each asks until it is refused a single key. @returns bits, of all */
  async #drained(tenants: readonly Tenant[]): Promise<number> {
    const drains = tenants.map(async (tenant) => {
      let sum = 0
      for (const count of [16, 1]) {
        let bits: number
        do {
          bits = await this.#bitsFor(tenant, count)
          sum += bits
        } while (bits > 0)
      }
      return sum
    })
    return (await Promise.all(drains)).reduce((sum, bits) => sum + bits, 0)
  }

  /** Keys if they can be had, wiped at once. @returns their bits, or 0 */
  async #bitsFor({ appId, saeId, nodes }: Tenant, count: number): Promise<number> {
    const [from = 0, to = 0] = [nodes[0], nodes.at(-1)]
    try {
      const keys = await this.manager(from).makeKeys(appId, saeId, [`sae-${to}-0`], count, KEY_BITS)
      for (const { key } of keys) key.wipe()
      return keys.length * KEY_BITS
    } catch {
      return 0
    }
  }

  /** What the modules of a link have made, the same at both ends, which know of each other's then. */
  async #linkMade(neighbour: number, bytes: number): Promise<void> {
    const [linkId, id] = [this.linkIds[neighbour - 1] ?? "", randomUUID()]
    const ends = [this.manager(NODE), this.manager(neighbour)]
    const stock = (): number[] => ends.map((end) => end.poolFigures(linkId)?.stockBits ?? 0)
    const before = stock()
    const key = randomBytes(bytes)
    await Promise.all(ends.map((end) => end.addLinkKey(linkId, id, Secret.take(Buffer.from(key)))))
    await this.until(() => stock().every((bits, i) => bits > (before[i] ?? 0)))
  }
}
