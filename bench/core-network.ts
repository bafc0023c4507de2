// A network in the core alone for benches: no store, no sockets, nodes that are all connected and links that all generate.

import { decide } from "../src/core/decide.js"
import { desiredConfig } from "../src/core/desired.js"
import type { Event } from "../src/core/event.js"
import { groups } from "../src/core/memberships.js"
import { inShape } from "../src/core/service-shape.js"
import { DEFAULT_SETTINGS, type Settings } from "../src/core/settings.js"
import { Picture } from "../src/core/view.js"
import type { Change } from "../src/model/network.js"
import type { Protection } from "../src/model/service.js"
import type { Drawn } from "./graphs.js"

export const NOW = Date.parse("2026-06-01T12:00:00Z")

/** The same numbers in every run (mulberry32). */
export function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

let ids = 0
export function newId(): string {
  ids += 1
  return `00000000-0000-4000-8000-${String(ids).padStart(12, "0")}`
}

/** As those of a controller are: in no order. */
export function scatteredId(): string {
  ids += 1
  const first = (Math.imul(ids, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0")
  return `${first}-0000-4000-8000-000000000000`
}

export class CoreNetwork {
  readonly picture = new Picture()
  readonly #settings: Settings
  readonly #newId: () => string
  now = NOW

  constructor(drawn: Drawn, settings: Partial<Settings> = {}, idOf = newId) {
    this.#newId = idOf
    this.#settings = { ...DEFAULT_SETTINGS, ...settings }
    const target = {
      host: "h",
      port: 1,
      username: "u",
      privateKeyFile: "k",
      hostKeyFingerprint: "f",
    }
    const ends = new Map<string, number>()
    const end = (qkdnId: string): { qkdnId: string; qkdiId: number } => {
      const qkdiId = (ends.get(qkdnId) ?? 0) + 1
      ends.set(qkdnId, qkdiId)
      return { qkdnId, qkdiId }
    }
    const degree = new Map<string, number>()
    for (const { a, b } of drawn.links)
      for (const id of [a, b]) degree.set(id, (degree.get(id) ?? 0) + 1)
    for (const name of drawn.nodes) {
      const saeIds = Array.from({ length: 40 }, (_, n) => `${name}#${n}`)
      this.submit({
        kind: "node-added",
        node: { qkdnId: name, name, relay: true, driver: "d", target, saeIds },
      })
    }
    drawn.links.forEach(({ id, a, b }, n) => {
      // Rates that carry all services, and backups too: what is compared is the deciding.
      const skrBps = 200_000 + ((n * 7919) % 100_000)
      this.submit({ kind: "link-added", link: { qkdlId: id, a: end(a), b: end(b), skrBps } })
    })
    for (const qkdnId of drawn.nodes) {
      const { links } = desiredConfig(this.picture, qkdnId)
      this.submit({
        kind: "node-connected",
        qkdnId,
        state: {
          qkdnId,
          capabilities: { linkStats: true, applicationStats: true, keyRelay: true },
          interfaces: [],
          links: links.map((link) => ({ ...link, status: "ACTIVE", appIds: [], performance: {} })),
          apps: [],
          peers: [],
        },
      })
    }
  }

  decide(event: Event, overloaded = false): ReturnType<typeof decide> {
    const context = { now: this.now, newId: this.#newId, settings: this.#settings, overloaded }
    return decide(this.picture, event, context)
  }

  submit(event: Event): void {
    const { changes } = this.decide(event)
    this.picture.apply(changes, this.picture.revision + 1)
  }

  /** Orders services and lets every path stand. */
  order(drawn: Drawn, services: number, protection: Protection | undefined): void {
    const random = dice(7)
    const size = drawn.nodes.length
    const used = new Set<string>()
    for (let n = 0; n < services; n += 1) {
      const from = Math.floor(random() * size)
      const to = (from + 1 + Math.floor(random() * (size - 1))) % size
      const aSaeId = `${drawn.nodes[from] ?? ""}#${n % 40}`
      const bSaeId = `${drawn.nodes[to] ?? ""}#${Math.floor(n / 40) % 40}`
      const pair = [aSaeId, bSaeId].sort().join(" ")
      const priority = Math.floor(random() * 8)
      if (used.has(pair)) continue
      used.add(pair)
      this.submit({
        kind: "service-ordered",
        aSaeId,
        bSaeId,
        terms: {
          minRateBps: 16,
          priority,
          avoidNodes: [],
          ...(protection === undefined ? {} : { protection }),
        },
      })
    }
    this.stand()
  }

  /** Every path being set up stands: as if all nodes had confirmed. */
  stand(): void {
    const changes = [...this.picture.serviceIds()].flatMap((id): Change[] => {
      const service = this.picture.service(id)
      if (service?.next === undefined) return []
      const { next, ...rest } = service
      const path = { ...next, phase: "up" as const, awaiting: [] }
      const admittedAt = service.changedAt
      const value = { ...rest, path, leaving: [], state: "active", admittedAt } as const
      return [{ kind: "service", id, value: inShape(value, service.changedAt) }]
    })
    this.picture.apply(changes, this.picture.revision + 1)
  }

  busiest(drawn: Drawn): Drawn["links"][number] {
    const load = (id: string): number => this.picture.members(groups.servicesOn(id)).length
    const [first] = drawn.links
    if (first === undefined) throw new Error("a network without links")
    return drawn.links.reduce((most, link) => (load(link.id) > load(most.id) ? link : most), first)
  }
}
