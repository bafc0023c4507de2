// The busiest link is cut under 10,000 services: how long the decision takes that moves all of them, with backups that
// are ready and by searching anew, in turn on the same network. The core alone: no store, no sockets. What the decision
// puts off (sums and groups, made up when its changes are applied) is shown beside it. Prints medians; asserts only that
// nobody was left behind who need not be. Run: npx tsx bench/restoration.ts [SERVICES]

import { existsSync, readFileSync } from "node:fs"
import { decide } from "../src/core/decide.js"
import { desiredConfig } from "../src/core/desired.js"
import type { Event } from "../src/core/event.js"
import { groups } from "../src/core/memberships.js"
import { inShape } from "../src/core/service-shape.js"
import { DEFAULT_SETTINGS, type Settings } from "../src/core/settings.js"
import { Picture } from "../src/core/view.js"
import type { Change } from "../src/model/network.js"
import { readTopology } from "../src/model/topology-file.js"
import type { Protection } from "../src/model/service.js"
import { type Drawn, generated, germany50, timed } from "./graphs.js"

const SERVICES = Number(process.argv[2] ?? 10_000)
const ROUNDS = 7
const KDL = new URL("../../shared/data/topologies/zoo/Kdl.graphml", import.meta.url)
const NOW = Date.parse("2026-06-01T12:00:00Z")

/** The same numbers in every run (mulberry32). */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Nodes in a square, each joined to its nearest: mean degree about four, as fibre networks are. */
function plane(size: number): Drawn {
  const random = dice(size)
  const places = Array.from({ length: size }, () => [random(), random()] as const)
  const nodes = places.map((_, n) => `n${n}`)
  const pairs = new Set<string>()
  const links: { id: string; a: string; b: string }[] = []
  const join = (one: number, other: number): void => {
    const pair = `${Math.min(one, other)}-${Math.max(one, other)}`
    if (pairs.has(pair)) return
    pairs.add(pair)
    links.push({ id: `l${pair}`, a: nodes[one] ?? "", b: nodes[other] ?? "" })
  }
  const far = (one: number, other: number): number =>
    Math.hypot(
      (places[one]?.[0] ?? 0) - (places[other]?.[0] ?? 0),
      (places[one]?.[1] ?? 0) - (places[other]?.[1] ?? 0),
    )
  for (let n = 0; n < size; n += 1) {
    const near = places.map((_, m) => m).filter((m) => m !== n)
    near.sort((x, y) => far(n, x) - far(n, y))
    for (const other of near.slice(0, 3)) join(n, other)
    // To what was there before, so that the whole hangs together.
    const earlier = near.find((other) => other < n)
    if (earlier !== undefined) join(n, earlier)
  }
  return { name: `plane, ${size} nodes`, nodes, links }
}

function kdl(): Drawn | undefined {
  if (!existsSync(KDL)) return undefined
  const drawn = readTopology(readFileSync(KDL, "utf8"), "Kdl.graphml")
  return {
    name: `Kdl, ${drawn.nodes.length} nodes`,
    nodes: drawn.nodes.map(({ name }) => name),
    links: drawn.links.map(({ id, a, b }) => ({ id, a, b })),
  }
}

let ids = 0
function newId(): string {
  ids += 1
  return `00000000-0000-4000-8000-${String(ids).padStart(12, "0")}`
}

class Bench {
  readonly picture = new Picture()
  readonly #settings: Settings
  now = NOW

  constructor(drawn: Drawn, settings: Partial<Settings> = {}) {
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

  decide(event: Event): ReturnType<typeof decide> {
    return decide(this.picture, event, { now: this.now, newId, settings: this.#settings })
  }

  submit(event: Event): void {
    const { changes } = this.decide(event)
    this.picture.apply(changes, this.picture.revision + 1)
  }

  /** Orders services and lets every path stand. */
  order(drawn: Drawn, protection: Protection | undefined): void {
    const random = dice(7)
    const size = drawn.nodes.length
    const used = new Set<string>()
    for (let n = 0; n < SERVICES; n += 1) {
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
      const value = { ...rest, path, leaving: [], state: "active" } as const
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

function median(values: readonly number[]): number {
  return [...values].sort((x, y) => x - y)[values.length >> 1] ?? 0
}

function run(drawn: Drawn): void {
  const ready = new Bench(drawn)
  const orderMs = timed(() => {
    ready.order(drawn, "restore")
  })
  const anew = new Bench(drawn)
  anew.order(drawn, undefined)
  const link = ready.busiest(drawn)
  const cut: Event = {
    kind: "node-event",
    qkdnId: link.a,
    atMs: NOW,
    event: { kind: "link-down", qkdlId: link.id },
  }
  const times = { ready: [] as number[], anew: [] as number[], apply: [] as number[] }
  let decided = ready.decide(cut)
  let searched = anew.decide(cut)
  for (let round = 0; round < ROUNDS; round += 1) {
    times.ready.push(
      timed(() => {
        decided = ready.decide(cut)
      }),
    )
    times.anew.push(
      timed(() => {
        searched = anew.decide(cut)
      }),
    )
  }
  const hit = ready.picture.members(groups.servicesOn(link.id)).length
  const hitAnew = anew.picture.members(groups.servicesOn(link.id)).length
  const backups = [...ready.picture.serviceIds()].filter(
    (id) => ready.picture.service(id)?.backup !== undefined,
  ).length
  const moving = (changes: readonly Change[]): number =>
    changes.filter(({ kind, value }) => kind === "service" && value?.next !== undefined).length
  const toBackup = decided.effects.filter(
    (effect) => effect.kind === "notify" && effect.message === "to its backup",
  ).length
  const apply = timed(() => {
    ready.picture.apply(decided.changes, ready.picture.revision + 1)
  })
  ready.now += DEFAULT_SETTINGS.retryMs
  const prepare = timed(() => {
    ready.submit({ kind: "wake" })
  })
  const ms = (us: number): string => `${(us / 1000).toFixed(2)} ms`
  const services = [...ready.picture.serviceIds()].length
  console.log(`${drawn.name}, ${drawn.links.length} links, ${services} services`)
  console.log(
    `  ordered with backups    ${(orderMs / services).toFixed(0)} us each, ${backups} have one`,
  )
  console.log(
    `  decision, backups ready ${ms(median(times.ready))} for ${hit} services hit, ${toBackup} to their backups, ${moving(decided.changes)} moving`,
  )
  console.log(
    `  decision, searched anew ${ms(median(times.anew))} for ${hitAnew} services hit, ${moving(searched.changes)} moving`,
  )
  const each = (us: readonly number[], count: number): number => median(us) / Math.max(count, 1)
  const ratio = each(times.anew, hitAnew) / each(times.ready, hit)
  console.log(`  ratio, a service each   ${ratio.toFixed(1)}`)
  console.log(`  applied, once           ${ms(apply)}; next wake, first new backups ${ms(prepare)}`)
  if (moving(decided.changes) < hit * 0.5) console.log("  (half or more have no other way)")
}

const real = germany50()
if (real === undefined) console.log("germany50 is not here")
else run(real)
const wide = kdl()
if (wide === undefined) console.log("Kdl (754 nodes) is not in the shared data")
else run(wide)
run(generated(1000))
run(plane(1000))
