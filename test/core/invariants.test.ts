// Random events on random networks, nodes that obey, refuse, vanish and come back; after each decision, what must
// always hold.

import assert from "node:assert/strict"
import { randomInt } from "node:crypto"
import { isAsFarApart } from "../../src/core/backups.js"
import { candidatesFor } from "../../src/core/candidates.js"
import { promisableBps } from "../../src/core/allocate.js"
import { isAsDesired } from "../../src/core/drift.js"
import { isOnSeveral, laneCount, needsAll, nextsOf, standingPaths } from "../../src/core/lanes.js"
import { moveChoices } from "../../src/core/move-choices.js"
import { lanesOf, pathsOf, reservationsOf } from "../../src/core/memberships.js"
import { endsOf, isVirtual, relaysOf } from "../../src/core/phases.js"
import type { NodeConfig } from "../../src/model/node.js"
import type { KeyPath, Service, ServiceTerms } from "../../src/model/service.js"
import { Lab, NOON, nodeEntry } from "./lab.js"
import { Dice } from "./dice.js"

const NETWORKS: readonly { links: readonly string[]; noRelay?: readonly string[] }[] = [
  { links: ["a-b", "b-c", "c-d", "d-a"] },
  { links: ["a-b", "b-c", "a-b-2", "c-d", "b-d"], noRelay: ["d"] },
  { links: ["a-b", "b-c", "c-d", "d-e", "e-a", "a-c", "b-d"], noRelay: ["e"] },
  { links: ["a-b", "a-c", "a-d", "b-e", "c-e", "d-e", "e-f"] },
]

/** The network and its nodes as they really are: what each node has taken, what it is being told. */
class World {
  readonly lab: Lab
  readonly nodes: string[]
  readonly links: readonly string[]
  readonly applied = new Map<string, NodeConfig>()
  /** Of nodes whose last change is provisional: what they would go back to if nobody came. */
  readonly #base = new Map<string, NodeConfig>()
  readonly #telling = new Map<string, { desired: NodeConfig; provisional: boolean }>()
  /** Nodes that offer provisional commits. */
  readonly #capable: ReadonlySet<string>

  constructor(
    readonly dice: Dice,
    plan: (typeof NETWORKS)[number],
  ) {
    const preemption = dice.below(2) === 0 ? "never" : "lower-priority"
    const backupRate = dice.of(["shared", "shared", "dedicated", "none"] as const)
    this.lab = new Lab({ ...plan, skrBps: 200 }, { preemption, backupRate, backupsAtOnce: 3 })
    this.links = plan.links
    this.nodes = [...this.lab.picture.nodeIds()]
    for (const node of this.nodes) this.applied.set(node, this.lab.desired(node))
    this.#capable = new Set(this.nodes.filter(() => dice.below(3) > 0))
  }

  /** Does one random thing, then checks. */
  step(): void {
    const { lab } = this
    const before = new Map(
      this.links.map((link) => [
        link,
        { reserved: lab.picture.reservedBps(link), kept: lab.picture.backupBps(link) },
      ]),
    )
    this.#act()
    lab.now += this.dice.below(400)
    this.#listen()
    this.#check(before)
  }

  /** Everything is repaired and everyone obeys: what is left to do gets done. */
  heal(): void {
    const { lab } = this
    for (const node of this.nodes) {
      this.#enable(node, true)
      this.#connect(node)
    }
    for (const link of this.links) {
      lab.status(link, "ACTIVE")
      this.#listen()
      lab.rate(link, 500)
      this.#listen()
    }
    for (let rounds = 0; rounds < 6; rounds += 1) {
      for (let n = 0; n < 500 && lab.told.size > 0; n += 1) this.#confirm([...lab.told.keys()][0])
      lab.wakeAfter(61_000)
      this.#listen()
    }
    for (const id of lab.picture.serviceIds()) {
      const service = lab.picture.service(id)
      assert(service !== undefined)
      assert.deepEqual(service.leaving, [], "nothing is left behind")
      assert.equal(service.next, undefined, "nothing is left half made")
      if (service.state === "failed")
        assert.match(service.reason ?? "", /^no path[: ]|^pre-empted /)
      else if (service.state === "degraded")
        assert.match(service.reason ?? "", /^it stands on 1 of 2 paths/)
      else assert.equal(service.state, "active", service.reason)
    }
    for (const node of this.nodes) {
      const has = this.applied.get(node)
      assert(has !== undefined)
      const state = { ...lab.stateOf(node), ...asState(has) }
      assert(isAsDesired(state, lab.desired(node)), `${node} holds what it should`)
    }
  }

  #act(): void {
    const { lab, dice } = this
    const node = dice.of(this.nodes)
    const link = dice.of(this.links)
    const [a, b] = dice.two(this.nodes)
    const services = [...lab.picture.serviceIds()]
    switch (dice.below(28)) {
      case 0:
      case 1:
        lab.request(a, b, dice.of([undefined, 20, 60, 400]), dice.below(4))
        break
      case 2:
        lab.order(a, b, {
          minRateBps: dice.of([0, 20, 60, 400]),
          priority: dice.below(4),
          avoidNodes:
            dice.below(3) === 0 ? this.nodes.filter((n) => n !== a && n !== b).slice(0, 1) : [],
          ...(dice.below(3) === 0 ? { maxHops: 2 } : {}),
          ...this.#protection(),
        })
        break
      case 26: {
        const serviceId = services.length > 0 ? dice.of(services) : undefined
        const terms = { minRateBps: dice.of([0, 20, 60]), priority: dice.below(4), avoidNodes: [] }
        if (serviceId !== undefined)
          lab.submit({
            kind: "service-changed",
            serviceId,
            terms: { ...terms, ...this.#protection() },
          })
        break
      }
      case 3:
        if (services.length > 0)
          lab.submit({ kind: "service-cancelled", serviceId: dice.of(services) })
        break
      case 4:
        lab.linkDown(link)
        break
      case 5:
        lab.status(link, dice.of(["ACTIVE", "PASSIVE", "OFF", "PENDING"]))
        break
      case 6:
      case 7:
        lab.status(link, "ACTIVE")
        break
      case 8:
        lab.rate(link, dice.of([50, 150, 200, 1000]))
        break
      case 9:
        this.#lose(node)
        break
      case 10:
      case 11:
        this.#connect(node)
        break
      case 25:
        this.#read(node)
        break
      case 12:
        if (services.length > 0) {
          const appId = dice.of(services)
          lab.hear(node, { kind: "app-disconnected", appId })
        }
        break
      case 13:
        if (services.length > 0) {
          const appId = dice.of(services)
          lab.hear(node, { kind: "app-qos-update", appId, qos: { minBps: dice.of([0, 30, 90]) } })
        }
        break
      case 14:
        if (lab.told.size > 0) {
          const refusing = dice.of([...lab.told.keys()])
          this.#telling.delete(refusing)
          lab.fail(refusing)
        }
        break
      case 15:
        lab.wakeAfter(dice.of([0, 500, 5000, 40_000]))
        break
      case 16:
        if (services.length > 0) this.#deploy(dice.of(services))
        break
      case 17:
        if (services.length > 0) {
          const how = dice.below(3)
          lab.submit({
            kind: "service-moved",
            serviceId: dice.of(services),
            avoidNodes: how === 1 ? [node] : [],
            avoidLinks: how === 2 ? [link] : [],
          })
        }
        break
      case 27:
        if (services.length > 0) this.#toBetterPlace(dice.of(services))
        break
      case 19:
        if (services.length > 0) this.#orderAgain(dice.of(services))
        break
      case 18:
        this.#enable(node, dice.below(2) === 0)
        break
      default:
        if (lab.told.size > 0) this.#confirm(dice.of([...lab.told.keys()]))
    }
  }

  #protection(): Partial<ServiceTerms> {
    const { dice } = this
    switch (dice.below(6)) {
      case 0:
        return { protection: "restore" }
      case 1:
        return { protection: "restore", revertive: true, holdOffS: dice.of([0, 1, 20]) }
      case 2:
        return { protection: "1+1" }
      case 3:
        return { trustTolerance: 1 }
      case 4:
        return { revertive: false }
      default:
        return {}
    }
  }

  /** One of the candidates, as an operator would choose. */
  #deploy(serviceId: string): void {
    const { lab, dice } = this
    const ask = { serviceId, count: 4, avoidNodes: [], avoidLinks: [] }
    const { candidates = [] } = candidatesFor(lab.picture, ask, lab.settings) ?? {}
    if (candidates.length === 0) return
    const qkdlIds = dice.of(candidates).hops.map((hop) => hop.qkdlId)
    const service = lab.picture.service(serviceId) ?? assert.fail()
    const removing = service.state === "removing" || isOnSeveral(service)
    const reply = lab.submit({ kind: "path-deployed", serviceId, qkdlIds })
    assert.equal(reply.ok, !removing, "a candidate can be deployed")
  }

  /** As re-optimisation orders it: where it may be by its terms, whether or not there is room. */
  #toBetterPlace(serviceId: string): void {
    const { lab, dice } = this
    const context = { now: lab.now, newId: () => crypto.randomUUID(), settings: lab.settings }
    const choices = moveChoices(lab.picture, serviceId, context)
    if (choices.length === 0) return
    const [qkdlIds = [], ...beside] = dice.of(choices)
    const before = lab.picture.service(serviceId)
    const reply = lab.submit({
      kind: "path-deployed",
      serviceId,
      qkdlIds,
      ...(beside.length > 0 && { besideQkdlIds: beside }),
      keepsProtection: true,
    })
    const now = lab.picture.service(serviceId)
    if (!reply.ok) assert.equal(now, before, "a refusal changes nothing")
    else if (before?.backup !== undefined) assert(isAsFarApart(now?.backup, before.backup))
  }

  #orderAgain(serviceId: string): void {
    const { lab, dice } = this
    const { a, b } = lab.picture.service(serviceId) ?? assert.fail()
    lab.submit({
      kind: "service-ordered",
      serviceId,
      keepsId: true,
      aSaeId: a.saeId,
      bSaeId: b.saeId,
      terms: { minRateBps: dice.of([0, 30]), priority: 0, avoidNodes: [] },
    })
  }

  #enable(node: string, enabled: boolean): void {
    const { relay } = this.lab.picture.node(node) ?? assert.fail()
    this.lab.submit({ kind: "node-changed", node: nodeEntry(node, { relay, enabled }) })
  }

  /** What is provisional there stays so for a while. */
  #lose(node: string): void {
    this.#telling.delete(node)
    this.lab.submit({ kind: "node-lost", qkdnId: node, reason: "connection reset" })
    this.lab.told.delete(node)
  }

  /** Read again in the middle of a session. */
  #read(node: string): void {
    const has = this.applied.get(node)
    if (has === undefined || this.lab.picture.node(node)?.reach !== "connected") return
    this.lab.submit({
      kind: "node-read",
      qkdnId: node,
      state: { ...this.lab.stateOf(node), ...asState(has) },
    })
  }

  #connect(node: string): void {
    // The next session keeps what the last one left provisional.
    if (this.#base.has(node)) this.#lose(node)
    this.#base.delete(node)
    const has = this.applied.get(node)
    assert(has !== undefined)
    this.#telling.delete(node)
    this.lab.told.delete(node)
    this.lab.connect(node, asState(has))
    this.#listen()
  }

  #confirm(node: string | undefined): void {
    if (node === undefined) return
    const telling = this.#telling.get(node)
    const before = this.applied.get(node)
    if (telling?.provisional !== true) this.#base.delete(node)
    else if (!this.#base.has(node) && before !== undefined) this.#base.set(node, before)
    if (telling !== undefined) this.applied.set(node, telling.desired)
    this.#telling.delete(node)
    this.lab.confirm(node, telling?.provisional)
    this.#listen()
  }

  /** What the southbound side would now carry to each node that was to be told. */
  #listen(): void {
    for (const effect of this.lab.effects.splice(0)) {
      if (effect.kind !== "sync-node") continue
      const connected = this.lab.picture.node(effect.qkdnId)?.reach === "connected"
      if (connected) this.#telling.set(effect.qkdnId, this.#wishFor(effect.qkdnId))
      else this.lab.told.delete(effect.qkdnId)
    }
    // Later decisions may have changed what a node told before is to be: the newest wish wins.
    for (const node of this.#telling.keys()) this.#telling.set(node, this.#wishFor(node))
  }

  #wishFor(node: string): { desired: NodeConfig; provisional: boolean } {
    const provisional = this.#capable.has(node) && this.lab.holdS(node) !== undefined
    return { desired: this.lab.desired(node), provisional }
  }

  #check(before: ReadonlyMap<string, { reserved: number; kept: number }>): void {
    const { picture, settings } = this.lab
    const services = [...picture.snapshot().services.values()]
    for (const qkdlId of this.links) {
      const link = this.lab.link(qkdlId)
      const sum = services.reduce((bps, one) => bps + (reservationsOf(one).get(qkdlId) ?? 0), 0)
      assert.equal(picture.reservedBps(qkdlId), sum, "reservations are the sum over services")
      const { reserved, kept } = before.get(qkdlId) ?? { reserved: 0, kept: 0 }
      if (sum > reserved) {
        assert(sum <= promisableBps(link, settings), `${qkdlId} is promised more than it makes`)
      }
      const keeps = picture.backupBps(qkdlId)
      assert.equal(keeps, keptFor(services, qkdlId), "what is kept is what the worst failure needs")
      if (keeps > kept && sum <= reserved) {
        const has = promisableBps(link, settings) + heldTwice(services, qkdlId)
        assert(sum + keeps <= has, `${qkdlId} keeps more than it has`)
      }
    }
    for (const service of services) this.#checkService(service)
  }

  #checkService(service: Service): void {
    const { state, path, next } = service
    const shape = `${state} path ${path?.phase ?? "-"} next ${next?.phase ?? "-"}`
    if (state === "active" || state === "degraded") assert.equal(path?.phase, "up", shape)
    else if (!isOnSeveral(service)) assert.equal(path, undefined, shape)
    if (state === "pending") assert(nextsOf(service).length > 0, shape)
    if (state === "failed" || state === "removing") assert.equal(nextsOf(service).length, 0, shape)
    if (state === "failed" || state === "removing") assert.equal(standingPaths(service).length, 0)
    if (state === "failed" || state === "degraded")
      assert.notEqual(service.reason, undefined, shape)
    if (state === "removing") assert(service.leaving.length > 0, shape)
    if (service.origin === "request") assert.notEqual(state, "failed", "a request is not kept")
    if (state === "active" && next === undefined) {
      for (const hop of path?.hops ?? []) assert.equal(this.lab.link(hop.qkdlId).status, "ACTIVE")
    }
    for (const one of pathsOf(service)) this.#checkPath(service, one)
    if (state === "active" && path !== undefined && isVirtual(path)) this.#checkWhole(path)
    this.#checkLanes(service)
    this.#checkBackup(service)
    for (const next of nextsOf(service)) {
      const phase = next.phase === "relays" ? relaysOf(next) : endsOf(next)
      const told = next.confirming === true ? next.nodes : phase
      const waits = isOnSeveral(service) && next.phase === "relays"
      assert(next.awaiting.length > 0 || waits, shape)
      assert(
        next.awaiting.every((id) => told.includes(id)),
        shape,
      )
    }
  }

  /** Paths that stand together have no link in common, shares no relay either; no end uses too few shares. */
  #checkLanes(service: Service): void {
    if (!isOnSeveral(service)) return
    const { terms, serviceId } = service
    const together = lanesOf(service).flatMap(({ path, next }) => next ?? path ?? [])
    const links = together.flatMap(({ hops }) => hops.map(({ qkdlId }) => qkdlId))
    assert.equal(new Set(links).size, links.length, "lanes have no link in common")
    if (!needsAll(terms)) return
    const relays = together.flatMap((path) => relaysOf(path))
    assert.equal(new Set(relays).size, relays.length, "shares have no relay in common")
    if (service.state === "removing") return
    for (const end of [service.a.qkdnId, service.b.qkdnId]) {
      const app = this.lab.desired(end).apps.find(({ appId }) => appId === serviceId)
      if (app !== undefined) assert.equal(app.backingQkdlIds.length, laneCount(terms))
    }
  }

  #checkBackup({ terms, path, next, backup }: Service): void {
    if (backup === undefined) return
    assert.equal(terms.protection, "restore")
    const inUse = next ?? path ?? assert.fail("a backup of nothing")
    const links = new Set(inUse.hops.map(({ qkdlId }) => qkdlId))
    const others = backup.hops.map(({ qkdlId }) => qkdlId).filter((id) => !links.has(id))
    assert.deepEqual(backup.keptOn, others)
    assert(others.length > 0, "a backup is another path")
    const relays = new Set(relaysOf(inUse))
    const apart = backup.nodes.slice(1, -1).every((id) => !relays.has(id))
    const said = others.length < backup.hops.length ? "part" : apart ? "node" : "link"
    assert.equal(backup.disjoint, said)
    for (const id of backup.nodes) assert(!terms.avoidNodes.includes(id), `${id} is avoided`)
  }

  /** What is reported active is whole: at every node, and for good. */
  #checkWhole(path: KeyPath): void {
    for (const node of path.nodes) {
      for (const has of [this.applied.get(node), this.#base.get(node)]) {
        if (has === undefined) continue
        assert(
          has.links.some((link) => link.qkdlId === path.qkdlId),
          `${node} holds its part of ${path.qkdlId} for good`,
        )
      }
    }
  }

  #checkPath(service: Service, path: KeyPath): void {
    assert.deepEqual(
      [path.nodes[0], path.nodes.at(-1)],
      [service.a.qkdnId, service.b.qkdnId],
      "a path joins its service's ends",
    )
    path.hops.forEach((hop, n) => {
      const link = this.lab.link(hop.qkdlId)
      assert.deepEqual([hop.from, hop.to], [path.nodes[n], path.nodes[n + 1]])
      assert.deepEqual([hop.from, hop.to].sort(), [link.a.qkdnId, link.b.qkdnId].sort())
    })
    assert.equal(new Set(path.nodes).size, path.nodes.length, "a path visits no node twice")
    // Terms that change bind every path that is set up from then on. The one that stands serves on while its
    // successor is set up (make before break); without one, the service is degraded and says that very term.
    const said = service.state === "degraded" && service.reason?.includes("still passes") === true
    const standing = standingPaths(service).includes(path)
    const outlived = path.phase === "leaving" || (standing && (nextsOf(service).length > 0 || said))
    for (const id of relaysOf(path)) {
      assert.equal(this.lab.picture.node(id)?.relay, true, `${id} may not relay`)
      if (!outlived) assert(!service.terms.avoidNodes.includes(id), `${id} is avoided`)
    }
    if (!isVirtual(path)) return
    assert.notEqual(path.qkdlId, path.hops[0]?.qkdlId)
    // An end that uses the path finds every relay ready for it, from the first to the last moment.
    const uses = endsOf(path).some((end) =>
      this.applied.get(end)?.apps.some((app) => app.backingQkdlIds.includes(path.qkdlId)),
    )
    if (!uses) return
    for (const relay of relaysOf(path)) {
      const holds = this.applied.get(relay)?.links.some((link) => link.qkdlId === path.qkdlId)
      assert(holds, `${relay} relays for ${path.qkdlId} (${path.phase})`)
    }
  }
}

/** Worked out anew: the greatest sum over the failures that backups are kept for. */
function keptFor(services: readonly Service[], qkdlId: string): number {
  const sums = new Map<string, number>()
  for (const { backup } of services) {
    if (backup?.keptOn.includes(qkdlId) !== true) continue
    for (const failure of backup.against)
      sums.set(failure, (sums.get(failure) ?? 0) + backup.rateBps)
  }
  return Math.max(0, ...sums.values())
}

/** A backup may go where its service still stands, while that moves away. */
function heldTwice(services: readonly Service[], qkdlId: string): number {
  const twice = services.filter(
    ({ path, backup }) =>
      path?.hops.some((hop) => hop.qkdlId === qkdlId) === true &&
      backup?.keptOn.includes(qkdlId) === true,
  )
  return twice.reduce((sum, { path }) => sum + (path?.rateBps ?? 0), 0)
}

function asState(config: NodeConfig): Pick<ReturnType<Lab["stateOf"]>, "links" | "apps" | "peers"> {
  return {
    links: config.links.map((link) => ({ ...link, appIds: [], performance: {} })),
    apps: config.apps.map((app) => ({ ...app, statistics: [] })),
    peers: config.peers,
  }
}

describe("whatever happens to a network", () => {
  const rounds = 100
  const steps = 200
  it(`it holds its promises after each of ${rounds * steps} random events, and heals when all is well`, function () {
    this.timeout(120_000)
    for (let round = 0; round < rounds; round += 1) {
      const seed = Number(process.env["KEYLOOM_SEED"] ?? randomInt(2 ** 31))
      const plan = NETWORKS[round % NETWORKS.length]
      assert(plan !== undefined)
      const world = new World(new Dice(seed), plan)
      try {
        for (let n = 0; n < steps; n += 1) world.step()
        world.heal()
      } catch (error) {
        const where = `network ${round % NETWORKS.length}, seed ${seed}, ${world.lab.now - NOON} ms in`
        throw new Error(`${where}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        })
      }
    }
  })
})
