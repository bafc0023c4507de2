// The busiest link is cut under 10,000 services: how long the decision takes that moves all of them, with backups that
// are ready and by searching anew, in turn on the same network. The core alone: no store, no sockets. What the decision
// puts off (sums and groups, made up when its changes are applied) is shown beside it. Prints medians; asserts only that
// nobody was left behind who need not be. Run: npx tsx bench/restoration.ts [SERVICES]

import { existsSync, readFileSync } from "node:fs"
import { freshId } from "../src/cli/fresh-ids.js"
import type { Decision } from "../src/core/decide.js"
import type { Event } from "../src/core/event.js"
import { groups } from "../src/core/memberships.js"
import { DEFAULT_SETTINGS } from "../src/core/settings.js"
import type { Change } from "../src/model/network.js"
import { readTopology } from "../src/model/topology-file.js"
import { CoreNetwork, dice, NOW } from "./core-network.js"
import { type Drawn, generated, germany50, timed } from "./graphs.js"

const SERVICES = Number(process.argv[2] ?? 10_000)
const ROUNDS = 15
const NOTHING: Decision = { changes: [], reply: { ok: true }, effects: [] }
const KDL = new URL("../../shared/data/topologies/zoo/Kdl.graphml", import.meta.url)

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

function median(values: readonly number[]): number {
  return [...values].sort((x, y) => x - y)[values.length >> 1] ?? 0
}

function run(drawn: Drawn): void {
  const ready = new CoreNetwork(drawn, {}, freshId)
  const orderMs = timed(() => {
    ready.order(drawn, SERVICES, "restore")
  })
  const anew = new CoreNetwork(drawn, {}, freshId)
  anew.order(drawn, SERVICES, undefined)
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
    // No controller holds a decision while it makes the next: what is held is copied whenever memory is cleared.
    decided = NOTHING
    searched = NOTHING
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
