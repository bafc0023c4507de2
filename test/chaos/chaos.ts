// A network of real agents under a real controller, changed at random while agents are killed, cut and started again.
// Looks all the while whether what is reported active is whole at every node that lives, by the nodes' own word. Used
// by the chaos test (short) and the bench (long). Asserts by throwing.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { setTimeout as pause } from "node:timers/promises"
import { Controller } from "../../src/controller/controller.js"
import { desiredConfig } from "../../src/core/desired.js"
import { differencesOf } from "../../src/core/drift.js"
import type { Settings } from "../../src/core/settings.js"
import { Picture } from "../../src/core/view.js"
import type { Change, Network } from "../../src/model/network.js"
import type { NodeConfig } from "../../src/model/node.js"
import type { KeyPath } from "../../src/model/service.js"
import { lendDriverHost } from "../../src/plugin/driver-host.js"
import { loadNodeDriver } from "../../src/plugin/load.js"
import { Fleet } from "../../src/south/fleet.js"
import { MemoryStore } from "../../src/store/memory.js"
import { connectNetconfSsh } from "../../src/transport/ssh.js"
import type { Dice } from "../core/dice.js"
import { Agents } from "./agents.js"

export interface ChaosOptions {
  readonly nodes: number
  readonly processes: number
  readonly transaction: Settings["transaction"]
  readonly drift?: Settings["drift"]
  readonly confirmTimeoutS?: number
}

export interface ChaosReport {
  transactions: number
  kills: number
  cuts: number
  /** Looks at all nodes, and active paths found whole in them. */
  looks: number
  pathsLookedAt: number
  settleMs: number
}

interface LinkPlan {
  readonly qkdlId: string
  readonly a: { readonly qkdnId: string; readonly qkdiId: number }
  readonly b: { readonly qkdnId: string; readonly qkdiId: number }
}

const PATIENCE_MS = 180_000

export class Chaos {
  readonly report: ChaosReport = {
    transactions: 0,
    kills: 0,
    cuts: 0,
    looks: 0,
    pathsLookedAt: 0,
    settleMs: 0,
  }
  readonly #dice: Dice
  readonly #ids: string[]
  readonly #links: LinkPlan[]
  readonly agents: Agents
  readonly controller: Controller
  readonly #fleet: Fleet
  readonly #restarts = new Set<Promise<void>>()

  private constructor(dice: Dice, agents: Agents, controller: Controller, plan: Plan) {
    this.#dice = dice
    this.agents = agents
    this.controller = controller
    this.#ids = plan.ids
    this.#links = plan.links
    this.#fleet = new Fleet({
      submit: (event) => controller.submit(event),
      loadDriver: (name) => loadNodeDriver(name),
      lend: (_id, target, signal) =>
        lendDriverHost({
          signal,
          log: () => undefined,
          openNetconf: (ends) => connectNetconfSsh(target, { signal: ends }),
        }),
      log: () => undefined,
      timings: { backoffFirstMs: 100, backoffMaxMs: 1000, pollMs: 5000 },
    })
  }

  static async start(dice: Dice, options: ChaosOptions): Promise<Chaos> {
    const plan = planOf(options.nodes)
    const agents = new Agents(
      plan.ids.map((qkdnId, n) => ({ qkdnId, name: nameOf(n), qkdiIds: plan.interfaces(qkdnId) })),
      options.processes,
    )
    await agents.start()
    const controller = await Controller.open({
      store: new MemoryStore(),
      now: Date.now,
      newId: randomUUID,
      schedule: (ms, run) => {
        const timer = setTimeout(run, ms)
        return () => {
          clearTimeout(timer)
        }
      },
      epoch: randomUUID(),
      log: () => undefined,
      settings: {
        transaction: options.transaction,
        drift: options.drift ?? "heal",
        avoidMs: 2000,
        confirmTimeoutS: options.confirmTimeoutS ?? 30,
      },
    })
    const chaos = new Chaos(dice, agents, controller, plan)
    await chaos.#enterInventory()
    await chaos.until("every link generates", () => {
      const { links, nodes } = controller.network()
      const up = [...links.values()].every(({ status }) => status === "ACTIVE")
      return up && [...nodes.values()].every(({ reach }) => reach === "connected")
    })
    return chaos
  }

  /** So many changes of the network, with mayhem between them. */
  async run(transactions: number): Promise<void> {
    for (let n = 0; n < transactions; n += 1) {
      await this.#change()
      if (this.#dice.below(4) === 0) this.#mayhem()
      await pause(this.#dice.below(250))
      await this.#look()
    }
  }

  /** No more mayhem: every node ends as it should be, and nothing is left half made. */
  async settle(): Promise<void> {
    const from = Date.now()
    await Promise.all(this.#restarts)
    for (let n = 0; n < this.agents.processes; n += 1) await this.agents.startOne(n)
    let left: readonly string[] = []
    const settled = async (): Promise<boolean> => {
      left = await this.#unsettled()
      return left.length === 0
    }
    await this.until("the network settles", settled, () => left.slice(0, 5).join("; "))
    this.report.settleMs = Date.now() - from
    await this.#look()
  }

  /** The controller goes, in the middle of whatever it does, and never comes back. */
  async abandon(): Promise<void> {
    await Promise.all([this.#fleet.close(), this.controller.stop()])
  }

  async close(): Promise<void> {
    await this.controller.stop()
    await this.#fleet.close()
    await Promise.all(this.#restarts)
    await this.agents.close()
  }

  async #enterInventory(): Promise<void> {
    for (const [n, qkdnId] of this.#ids.entries())
      await this.submit({
        kind: "node-added",
        node: {
          qkdnId,
          name: nameOf(n),
          relay: true,
          driver: "etsi015",
          target: this.agents.target(qkdnId),
          saeIds: [],
        },
      })
    for (const link of this.#links)
      await this.submit({ kind: "link-added", link: { ...link, skrBps: 100_000 } })
    this.controller.start(this.#fleet)
  }

  async submit(event: Parameters<Controller["submit"]>[0]): Promise<void> {
    const reply = await this.controller.submit(event)
    assert(reply.ok || event.kind.startsWith("service"), JSON.stringify(reply))
  }

  async #change(): Promise<void> {
    const { services, links } = this.controller.network()
    const dice = this.#dice
    this.report.transactions += 1
    const standing = [...services.values()].filter(({ state }) => state !== "removing")
    const kind = standing.length < 4 ? 0 : dice.below(8)
    if (kind < 4) {
      const [a, b] = dice.two(this.#ids.map((_, n) => `sae-${nameOf(n)}`))
      const minRateBps = dice.of([0, 100, 2000])
      const terms = { minRateBps, priority: dice.below(3), avoidNodes: [] }
      await this.submit({ kind: "service-ordered", aSaeId: a, bSaeId: b, terms })
    } else if (kind < 6) {
      const { serviceId } = dice.of(standing)
      await this.submit({ kind: "service-cancelled", serviceId })
    } else {
      const plan = dice.of(this.#links)
      const link = links.get(plan.qkdlId)
      // Its services move to other paths, or come back.
      const disabled = [...links.values()].filter(({ enabled }) => !enabled).length
      const enabled = link?.enabled === false || disabled >= 2
      await this.submit({ kind: "link-changed", link: { ...plan, skrBps: 100_000, enabled } })
    }
  }

  #mayhem(): void {
    const dice = this.#dice
    if (dice.below(3) > 0) {
      this.report.cuts += 1
      void this.agents.cut(dice.of(this.#ids)).catch(() => undefined)
      return
    }
    this.report.kills += 1
    const n = dice.below(this.agents.processes)
    const afterMs = dice.below(1500)
    const restart = this.agents
      .kill(n)
      .then(() => pause(afterMs))
      .then(() => this.agents.startOne(n))
      .finally(() => this.#restarts.delete(restart))
    this.#restarts.add(restart)
  }

  /** Every path that was reported active before and after the nodes were asked was whole when they were. */
  async #look(): Promise<void> {
    const before = this.controller.network()
    const configs = await this.agents.configs()
    const after = this.controller.network()
    this.report.looks += 1
    for (const service of before.services.values()) {
      const { path, serviceId } = service
      const now = after.services.get(serviceId)
      if (service.state !== "active" || now?.state !== "active" || now.path !== path) continue
      if (path === undefined) continue
      this.report.pathsLookedAt += 1
      for (const qkdnId of path.nodes) {
        const config = configs.get(qkdnId)
        if (config !== undefined) assertHolds(config, path, serviceId)
      }
    }
  }

  /** What is not yet as it should be. */
  async #unsettled(): Promise<readonly string[]> {
    const network = this.controller.network()
    const configs = await this.agents.configs()
    const left: string[] = []
    for (const node of network.nodes.values())
      if (node.reach !== "connected") left.push(`${node.name} is ${node.reach}`)
    for (const { serviceId, next, leaving, state } of network.services.values()) {
      if (next !== undefined || leaving.length > 0) left.push(`service ${serviceId} is ${state}`)
    }
    const view = new Picture(network.revision, changesOf(network))
    for (const qkdnId of this.#ids) {
      const config = configs.get(qkdnId)
      const differences = config && differencesOf(config, desiredConfig(view, qkdnId))
      if (differences?.length !== 0)
        left.push(`${qkdnId} differs: ${JSON.stringify(differences?.slice(0, 3))}`)
    }
    return left
  }

  async until(
    what: string,
    holds: () => boolean | Promise<boolean>,
    why: () => string = () => "",
  ): Promise<void> {
    const end = Date.now() + PATIENCE_MS
    while (!(await holds())) {
      assert(Date.now() < end, `not within ${PATIENCE_MS} ms: ${what} ${why()}`)
      await pause(100)
    }
  }
}

/** The node holds its part of an active path: the relay entry, and at the ends the application that uses it. */
function assertHolds(config: NodeConfig, path: KeyPath, serviceId: string): void {
  const what = `${config.qkdnId} in path ${path.qkdlId} of active service ${serviceId}`
  assert(
    config.links.some((link) => link.qkdlId === path.qkdlId) ||
      (path.hops.length === 1 && !isEnd(config, path)),
    `half made: ${what} has no link entry`,
  )
  if (!isEnd(config, path)) return
  const app = config.apps.find(({ appId }) => appId === serviceId)
  assert(app?.backingQkdlIds.includes(path.qkdlId), `half made: ${what} has no application on it`)
}

function isEnd(config: NodeConfig, { nodes }: KeyPath): boolean {
  return config.qkdnId === nodes[0] || config.qkdnId === nodes.at(-1)
}

function changesOf({ nodes, links, services }: Network): Change[] {
  return [
    ...[...nodes].map(([id, value]): Change => ({ kind: "node", id, value })),
    ...[...links].map(([id, value]): Change => ({ kind: "link", id, value })),
    ...[...services].map(([id, value]): Change => ({ kind: "service", id, value })),
  ]
}

interface Plan {
  readonly ids: string[]
  readonly links: LinkPlan[]
  interfaces(qkdnId: string): number[]
}

function nameOf(n: number): string {
  return `n${n + 1}`
}

/** A ring with a chord from every other node, so that most failures can be gone round. */
function planOf(count: number): Plan {
  const ids = Array.from({ length: count }, () => randomUUID())
  const used = new Map<string, number>()
  const endAt = (n: number): { qkdnId: string; qkdiId: number } => {
    const qkdnId = ids[n % count] ?? ""
    const qkdiId = (used.get(qkdnId) ?? 0) + 1
    used.set(qkdnId, qkdiId)
    return { qkdnId, qkdiId }
  }
  const links: LinkPlan[] = []
  const join = (x: number, y: number): void => {
    links.push({ qkdlId: randomUUID(), a: endAt(x), b: endAt(y) })
  }
  for (let n = 0; n < count; n += 1) join(n, n + 1)
  for (let n = 0; n < count; n += 2) join(n, n + Math.floor(count / 3))
  return {
    ids,
    links,
    interfaces: (qkdnId) => Array.from({ length: used.get(qkdnId) ?? 0 }, (_, n) => n + 1),
  }
}
