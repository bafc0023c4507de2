// A network and its nodes as they really are, to which random things happen: nodes obey, refuse, vanish and come back.
// What must hold whatever happens is said in `invariants.test.ts`.

import assert from "node:assert/strict"
import { isAsFarApart } from "../../src/core/backups.js"
import { candidatesFor } from "../../src/core/candidates.js"
import { isOnSeveral } from "../../src/core/lanes.js"
import { moveChoices } from "../../src/core/move-choices.js"
import type { NodeConfig } from "../../src/model/node.js"
import type { ServiceTerms } from "../../src/model/service.js"
import type { Dice } from "./dice.js"
import { Lab, nodeEntry } from "./lab.js"
import { maintain } from "./random-maintenance.js"

export interface WorldPlan {
  readonly links: readonly string[]
  readonly noRelay?: readonly string[]
  readonly scatteredIds?: boolean
}

export const NETWORKS: readonly WorldPlan[] = [
  { links: ["a-b", "b-c", "c-d", "d-a"] },
  { links: ["a-b", "b-c", "a-b-2", "c-d", "b-d"], noRelay: ["d"] },
  { links: ["a-b", "b-c", "c-d", "d-e", "e-a", "a-c", "b-d"], noRelay: ["e"] },
  { links: ["a-b", "a-c", "a-d", "b-e", "c-e", "d-e", "e-f"] },
]

/** The network and its nodes as they really are: what each node has taken, what it is being told. */
export class World {
  readonly lab: Lab
  readonly nodes: string[]
  readonly links: readonly string[]
  readonly applied = new Map<string, NodeConfig>()
  /** Of nodes whose last change is provisional: what they would go back to if nobody came. */
  readonly base = new Map<string, NodeConfig>()
  readonly #telling = new Map<string, { desired: NodeConfig; provisional: boolean }>()
  /** Nodes that offer provisional commits. */
  readonly #capable: ReadonlySet<string>

  constructor(
    readonly dice: Dice,
    plan: WorldPlan,
    /** Maintenance is planned and called off as well; without it the dice fall as they did before there was any. */
    readonly maintained = false,
  ) {
    const preemption = dice.below(2) === 0 ? "never" : "lower-priority"
    const backupRate = dice.of(["shared", "shared", "dedicated", "none"] as const)
    this.lab = new Lab(
      { ...plan, skrBps: 200 },
      {
        ...{ preemption, backupRate, backupsAtOnce: 3 },
        ...{ stockFloorBits: 10_000, overloadAbove: 0.5, overloadBelow: 0.3 },
      },
    )
    this.links = plan.links
    this.nodes = [...this.lab.picture.nodeIds()]
    for (const node of this.nodes) this.applied.set(node, this.lab.desired(node))
    this.#capable = new Set(this.nodes.filter(() => dice.below(3) > 0))
  }

  /** Does one random thing, and some time goes by. */
  step(): void {
    if (this.maintained && this.dice.below(15) === 0) maintain(this)
    else this.#act()
    this.lab.now += this.dice.below(400)
    this.#listen()
  }

  /** Everything is repaired and everyone obeys: what is left to do gets done. */
  repair(): void {
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
    for (const maintenanceId of lab.picture.snapshot().maintenance.keys())
      lab.submit({ kind: "maintenance-cancelled", maintenanceId })
    for (let rounds = 0; rounds < 9; rounds += 1) {
      // Schedules change with every round while orders are open.
      if (rounds === 3)
        for (const orderId of lab.picture.snapshot().orders.keys())
          lab.submit({ kind: "bulk-cancelled", orderId })
      this.#listen()
      for (let n = 0; n < 500 && lab.told.size > 0; n += 1) this.#confirm([...lab.told.keys()][0])
      lab.wakeAfter(61_000)
      this.#listen()
    }
  }

  #act(): void {
    const { lab, dice } = this
    const node = dice.of(this.nodes)
    const link = dice.of(this.links)
    const [a, b] = dice.two(this.nodes)
    const services = [...lab.picture.serviceIds()]
    switch (dice.below(37)) {
      case 0:
      case 1:
        lab.request(a, b, dice.of([undefined, 20, 60, 400]), dice.below(4))
        break
      case 2:
        lab.order(a, b, {
          ...this.#rates([0, 20, 60, 400]),
          priority: dice.below(4),
          avoidNodes:
            dice.below(3) === 0 ? this.nodes.filter((n) => n !== a && n !== b).slice(0, 1) : [],
          ...(dice.below(3) === 0 ? { maxHops: 2 } : {}),
          ...this.#protection(),
        })
        break
      case 26: {
        const serviceId = services.length > 0 ? dice.of(services) : undefined
        const rates = this.#rates([0, 20, 60])
        const terms = { ...rates, priority: dice.below(4), avoidNodes: [] }
        if (serviceId !== undefined)
          lab.submit({
            kind: "service-changed",
            serviceId,
            terms: { ...terms, ...this.#protection() },
          })
        break
      }
      case 28:
      case 29:
        lab.submit({ kind: "surplus-due" })
        break
      case 30:
        lab.stock(link, dice.of([50, 150, 200, 1000]), dice.of([0, 5_000, 50_000, 400_000]))
        break
      case 31:
      case 32:
        this.#bulkOrder(a, b)
        break
      case 33:
      case 34:
      case 35:
        this.#supply()
        break
      case 36: {
        const orders = [...lab.picture.snapshot().orders.keys()]
        if (orders.length > 0) lab.submit({ kind: "bulk-cancelled", orderId: dice.of(orders) })
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

  #bulkOrder(a: string, b: string): void {
    const { lab, dice } = this
    const seconds = dice.of([20, 200, 2000])
    lab.submit({
      kind: "bulk-ordered",
      fromSaeId: `sae-${a}`,
      toSaeId: `sae-${b}`,
      volumeBits: 256 * dice.of([1, 10, 100]),
      keySizeBits: 256,
      deadlineMs: lab.now + seconds * 1000,
      ...(dice.below(3) === 0 ? { notBeforeMs: lab.now + 10_000 } : {}),
      terms: { priority: dice.below(3), avoidNodes: [] },
      bestEffort: dice.below(3) === 0,
    })
  }

  /** The node of an order's master tells what came of it. */
  #supply(): void {
    const { lab, dice } = this
    const orders = [...lab.picture.snapshot().orders.values()]
    if (orders.length === 0) return
    const { from, serviceId = "", volumeBits } = dice.of(orders)
    const suppliedBits = dice.of([0, 256, volumeBits])
    const supply = { suppliedBits, readyBits: dice.of([0, 512]) }
    lab.hear(from.qkdnId, { kind: "app-supply", appId: serviceId, supply })
  }

  /** Half of all services ask for more when there is room. */
  #rates(minima: readonly number[]): Pick<ServiceTerms, "minRateBps" | "maxRateBps"> {
    const minRateBps = this.dice.of(minima)
    return this.dice.below(2) === 0
      ? { minRateBps }
      : { minRateBps, maxRateBps: minRateBps + this.dice.of([0, 10, 100, 1000]) }
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
    if (this.base.has(node)) this.#lose(node)
    this.base.delete(node)
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
    if (telling?.provisional !== true) this.base.delete(node)
    else if (!this.base.has(node) && before !== undefined) this.base.set(node, before)
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
}

export function asState(
  config: NodeConfig,
): Pick<ReturnType<Lab["stateOf"]>, "links" | "apps" | "peers"> {
  return {
    links: config.links.map((link) => ({ ...link, appIds: [], performance: {} })),
    apps: config.apps.map((app) => ({ ...app, statistics: [] })),
    peers: config.peers,
  }
}
