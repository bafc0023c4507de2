import assert from "node:assert/strict"
import fc from "fast-check"
import { Draft } from "../../src/core/draft.js"
import { groups, pathsOf } from "../../src/core/memberships.js"
import { compareReservations, reservationsOf } from "../../src/core/reservations.js"
import { compareServiceGroups } from "../../src/core/service-groups.js"
import { Picture } from "../../src/core/view.js"
import type { BackupPath, KeyPath, Lane, Service, ServiceState } from "../../src/model/service.js"

const STATES = ["pending", "active", "degraded", "failed", "removing"] as const
const NODES = ["a", "b", "c", "d", "e"] as const

const nodesOfPath = fc.shuffledSubarray([...NODES], { minLength: 2 })

/** Over the link of each two neighbours, of a few rates: paths often have links in common. */
const keyPath = fc
  .record({
    nodes: nodesOfPath,
    rateBps: fc.constantFrom(0, 10, 20),
    phase: fc.constantFrom("relays", "ends", "up", "leaving"),
    awaiting: fc.subarray([...NODES]),
    holding: fc.option(fc.subarray([...NODES]), { nil: undefined }),
  })
  .map(({ nodes, holding, ...rest }): KeyPath => {
    const held = holding === undefined ? {} : { holding }
    return { qkdlId: "v", nodes, hops: hopsOf(nodes), sinceRevision: 1, ...rest, ...held }
  })

function hopsOf(nodes: readonly string[]): KeyPath["hops"] {
  return nodes.slice(1).map((to, place) => {
    const from = nodes[place] ?? ""
    return { qkdlId: [from, to].sort().join("-"), from, to }
  })
}

const FIRST: Service = {
  serviceId: "s",
  origin: "order",
  a: { saeId: "x", qkdnId: "a" },
  b: { saeId: "y", qkdnId: "b" },
  terms: { minRateBps: 10, maxRateBps: 30, priority: 1, avoidNodes: [], protection: "restore" },
  state: "pending",
  leaving: [],
  createdAt: "2026-06-01T12:00:00Z",
  changedAt: "2026-06-01T12:00:00Z",
}

/** One thing that may become of a service. Copies share lists, as those that decisions write do. */
type Step = (service: Service) => Service | undefined

function without<Key extends keyof Service>(service: Service, key: Key): Omit<Service, Key> {
  const copy: Partial<Service> = { ...service }
  Reflect.deleteProperty(copy, key)
  return copy as Omit<Service, Key>
}

function backupOver(path: KeyPath): BackupPath {
  return { ...path, disjoint: "link", keptOn: path.hops.map(({ qkdlId }) => qkdlId), against: [] }
}

const step: fc.Arbitrary<Step> = fc.oneof(
  keyPath.map(
    (next): Step =>
      (service) => ({ ...service, next }),
  ),
  keyPath.map(
    (path): Step =>
      (service) => ({ ...service, path }),
  ),
  keyPath.map(
    (path): Step =>
      (service) => ({ ...service, backup: backupOver(path) }),
  ),
  fc.constant<Step>((service) => {
    const { backup } = service
    if (backup === undefined) return service
    const next: KeyPath = {
      qkdlId: "v",
      hops: backup.hops,
      nodes: backup.nodes,
      rateBps: service.terms.minRateBps,
      phase: "relays",
      awaiting: backup.nodes.slice(1, -1),
      sinceRevision: 2,
    }
    return { ...without(service, "backup"), next }
  }),
  fc.constant<Step>((service) => {
    const { path, next, leaving } = service
    if (next === undefined) return service
    const left = path === undefined ? leaving : [...leaving, { ...path, phase: "leaving" as const }]
    return { ...without(service, "next"), path: { ...next, phase: "up" }, leaving: left }
  }),
  fc.constantFrom(...NODES).map(
    (node): Step =>
      (service) => {
        const { next } = service
        if (next === undefined) return service
        return {
          ...service,
          next: { ...next, awaiting: next.awaiting.filter((id) => id !== node) },
        }
      },
  ),
  fc.array(keyPath, { maxLength: 2 }).map(
    (leaving): Step =>
      (service) => ({ ...service, leaving }),
  ),
  fc
    .array(fc.record<Lane>({ path: keyPath, next: keyPath }, { requiredKeys: [] }), {
      maxLength: 2,
    })
    .map(
      (beside): Step =>
        (service) => ({ ...service, beside }),
    ),
  fc.constantFrom("next", "path", "backup", "noBackup", "beside", "home", "surplus").map(
    (key): Step =>
      (service) =>
        without(service, key),
  ),
  fc.constantFrom<ServiceState>(...STATES).map(
    (state): Step =>
      (service) => ({ ...service, state }),
  ),
  fc.constant<Step>((service) => ({ ...service, noBackup: "none", home: { hops: [], nodes: [] } })),
  fc.subarray([...NODES]).map(
    (awaiting): Step =>
      (service) => ({ ...service, surplus: { bps: 5, awaiting } }),
  ),
  fc.constantFrom(...NODES).map(
    (node): Step =>
      (service) => ({ ...service, b: { saeId: `of ${node}`, qkdnId: node } }),
  ),
  fc.constant<Step>((service) => structuredClone(service)),
  fc.constant<Step>(() => undefined),
)

/** The slow and obvious way. */
function groupsOf(service: Service | undefined): Set<string> {
  const found = new Set<string>()
  if (service === undefined) return found
  const { state, a, b, backup, terms, surplus } = service
  found.add(groups.servicesInState(state))
  for (const { qkdnId } of [a, b]) found.add(groups.servicesAt(qkdnId))
  if (state !== "removing") found.add(groups.serviceOfPair(a.saeId, b.saeId))
  for (const path of pathsOf(service)) {
    for (const node of path.nodes) found.add(groups.servicesAt(node))
    for (const node of path.awaiting) found.add(groups.servicesAwaiting(node))
    for (const node of path.holding ?? []) found.add(groups.servicesHeldAt(node))
    if (path.phase === "leaving") continue
    for (const { qkdlId } of path.hops) found.add(groups.servicesOn(qkdlId))
  }
  for (const { qkdlId } of backup?.hops ?? []) found.add(groups.backupsOn(qkdlId))
  for (const node of backup?.nodes ?? []) found.add(groups.backupsAt(node))
  const hasPath = service.path !== undefined || service.next !== undefined
  if (backup === undefined && state !== "removing" && hasPath)
    found.add(service.noBackup === undefined ? groups.unprepared : groups.unbacked)
  if ((terms.maxRateBps ?? 0) > terms.minRateBps || surplus !== undefined) found.add(groups.elastic)
  for (const node of surplus?.awaiting ?? []) found.add(groups.servicesLentAt(node))
  if (service.home !== undefined && service.next === undefined) found.add(groups.awayFromHome)
  return found
}

function versions(steps: readonly Step[]): (Service | undefined)[] {
  const found: (Service | undefined)[] = [undefined, FIRST]
  for (const change of steps) found.push(change(found.at(-1) ?? FIRST))
  return found
}

const steps = fc.array(step, { maxLength: 12 })

describe("what a change of one service means for the whole", () => {
  it("is what its groups counted anew before and after differ in, each once", () => {
    fc.assert(
      fc.property(steps, (taken) => {
        let before: Service | undefined
        for (const after of versions(taken)) {
          const come: string[] = []
          const left: string[] = []
          compareServiceGroups(
            before,
            after,
            (group) => come.push(group),
            (group) => left.push(group),
          )
          const was = groupsOf(before)
          const is = groupsOf(after)
          assert.deepEqual(come.sort(), [...is].filter((group) => !was.has(group)).sort())
          assert.deepEqual(left.sort(), [...was].filter((group) => !is.has(group)).sort())
          before = after
        }
      }),
      { numRuns: 500 },
    )
  })

  it("is, for the rate of each link, the difference of what it reserved and reserves", () => {
    fc.assert(
      fc.property(steps, (taken) => {
        let before: Service | undefined
        for (const after of versions(taken)) {
          const more = new Map<string, number>()
          compareReservations(before, after, (qkdlId, bps) => {
            assert(!more.has(qkdlId) && bps !== 0, "once, and only where it changes")
            more.set(qkdlId, bps)
          })
          const was = before === undefined ? undefined : reservationsOf(before)
          const is = after === undefined ? undefined : reservationsOf(after)
          for (const link of new Set([...(was?.keys() ?? []), ...(is?.keys() ?? [])]))
            assert.equal(more.get(link) ?? 0, (is?.get(link) ?? 0) - (was?.get(link) ?? 0), link)
          for (const link of more.keys()) assert(was?.has(link) === true || is?.has(link) === true)
          before = after
        }
      }),
      { numRuns: 500 },
    )
  })

  it("shows in the groups of the network, and of a draft, whenever they are asked for", () => {
    const events = fc.array(fc.tuple(fc.nat({ max: 3 }), step, fc.boolean()), { maxLength: 40 })
    fc.assert(
      fc.property(events, events, (applied, drafted) => {
        const now = new Map<string, Service>()
        const picture = new Picture()
        for (const [number, change, asks] of applied) {
          const value = written(now, number, change)
          picture.apply([{ kind: "service", id: `s${number}`, value }], picture.revision + 1)
          if (asks) same(picture, now)
        }
        same(picture, now)
        const draft = new Draft(picture)
        for (const [number, change, asks] of drafted) {
          draft.write({ kind: "service", id: `s${number}`, value: written(now, number, change) })
          if (asks) same(draft, now)
        }
        same(draft, now)
      }),
      { numRuns: 200 },
    )
  })
})

function written(now: Map<string, Service>, number: number, change: Step): Service | null {
  const id = `s${number}`
  const value = change(now.get(id) ?? { ...FIRST, serviceId: id })
  if (value === undefined) now.delete(id)
  else now.set(id, value)
  return value ?? null
}

function same(view: Picture | Draft, now: ReadonlyMap<string, Service>): void {
  const expected = new Map<string, string[]>()
  for (const [id, service] of now)
    for (const group of groupsOf(service)) expected.set(group, [...(expected.get(group) ?? []), id])
  const names = NODES.flatMap((node) => [
    groups.servicesAt(node),
    groups.servicesAwaiting(node),
    groups.backupsAt(node),
    groups.servicesLentAt(node),
  ])
  const links = NODES.flatMap((a) => NODES.map((b) => groups.servicesOn([a, b].sort().join("-"))))
  const states = STATES.map((state) => groups.servicesInState(state))
  for (const group of [...expected.keys(), ...names, ...links, ...states, groups.unprepared])
    assert.deepEqual([...view.members(group)].sort(), (expected.get(group) ?? []).sort(), group)
}
