// All managed nodes, each behind a supervised connection. Starts and ends supervision, gathers performance
// reports so that a busy network does not flood the deciding loop, and hands wishes to the right node.
// Decides nothing: what happened goes up as events, what is wanted comes down as desired configurations.

import type { SouthPort, SubmitSouth } from "../controller/ports.js"
import type { SouthEvent } from "../controller/ports.js"
import type { LinkPerformance } from "../model/link.js"
import type { NodeTarget } from "../model/network.js"
import { QkdError } from "../errors.js"
import type { NodeConfig, NodePlan } from "../model/node.js"
import type { DriverHost, NodeDriver } from "../plugin/contract.js"
import type { LentHost } from "../plugin/host.js"
import { ConnectGate } from "./connect-gate.js"
import { LeadVotes } from "./lead-votes.js"
import { NodeSupervisor, type Refusal, type SupervisorTimings, TIMINGS } from "./node-supervisor.js"

export type FleetLog = (
  level: "debug" | "info" | "warn" | "error",
  message: string,
  facts: Readonly<Record<string, string | number | boolean>>,
) => void

export interface FleetOptions {
  readonly submit: SubmitSouth
  /** @throws QkdError when there is no such driver, or it does not fit the contract. */
  readonly loadDriver: (name: string) => Promise<NodeDriver>
  /** Lends a driver what it needs for one connection to one node. */
  readonly lend: (qkdnId: string, target: NodeTarget, signal: AbortSignal) => LentHost<DriverHost>
  /** Resolves when a node is there to be connected; for nodes that call home. */
  readonly arrival?: (qkdnId: string, target: NodeTarget, signal: AbortSignal) => Promise<void>
  readonly log: FleetLog
  /** More than half of the nodes obey another controller; with what one of them said of it. Called once. */
  readonly onReplaced?: (refusal: QkdError) => void
  readonly timings?: Partial<SupervisorTimings>
  /** Connections being set up at once. */
  readonly maxConnecting?: number
  /** How long performance reports are gathered. */
  readonly gatherMs?: number
  /** 0 to 1, for jitter. */
  readonly random?: () => number
}

const MAX_CONNECTING = 16
const GATHER_MS = 100

export class Fleet implements SouthPort {
  readonly #options: FleetOptions
  readonly #gate: ConnectGate
  readonly #supervisors = new Map<string, NodeSupervisor>()
  readonly #reports = new Map<
    string,
    { qkdnId: string; qkdlId: string; performance: LinkPerformance }
  >()
  readonly #votes: LeadVotes
  #gathering: NodeJS.Timeout | undefined

  constructor(options: FleetOptions) {
    this.#options = options
    this.#votes = new LeadVotes(options.onReplaced ?? (() => undefined))
    this.#gate = new ConnectGate(options.maxConnecting ?? MAX_CONNECTING)
  }

  manage(qkdnId: string, driver: string, target: NodeTarget): void {
    const before = this.#supervisors.get(qkdnId)
    const { submit: _, onReplaced: __, ...options } = this.#options
    const supervisor = new NodeSupervisor({
      ...options,
      timings: { ...TIMINGS, ...options.timings },
      random: options.random ?? Math.random,
      qkdnId,
      driver,
      target,
      gate: this.#gate,
      report: (event) => this.#report(event),
      onLead: (refusal) => {
        this.#votes.heard(qkdnId, refusal, this.#supervisors.size)
      },
    })
    this.#supervisors.set(qkdnId, supervisor)
    // A changed target is another connection; the old one must be over before the new one begins.
    void (before?.end() ?? Promise.resolve()).then(() => {
      supervisor.start()
    })
  }

  async forget(qkdnId: string): Promise<void> {
    const supervisor = this.#supervisors.get(qkdnId)
    this.#supervisors.delete(qkdnId)
    this.#votes.forget(qkdnId)
    await supervisor?.end()
  }

  sync(qkdnId: string, desired: NodeConfig, revision: number, holdS?: number): void {
    this.#supervisors.get(qkdnId)?.sync(desired, revision, holdS)
  }

  async plan(qkdnId: string, desired: NodeConfig): Promise<NodePlan | undefined> {
    const supervisor = this.#supervisors.get(qkdnId)
    if (supervisor === undefined) throw new QkdError("data-missing", `no node ${qkdnId}`)
    return supervisor.plan(desired)
  }

  refuse(qkdnId: string, request: Refusal): void {
    this.#supervisors.get(qkdnId)?.refuse(request)
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    clearTimeout(this.#gathering)
    const all = [...this.#supervisors.values()]
    this.#supervisors.clear()
    await Promise.all(all.map((supervisor) => supervisor.end()))
  }

  /** Performance is gathered, the rest goes up at once and in order. False when the loop could not take it. */
  async #report(event: SouthEvent): Promise<boolean> {
    if (event.kind === "node-event" && event.event.kind === "link-performance") {
      const { qkdnId } = event
      const { qkdlId, performance } = event.event
      const key = `${qkdnId} ${qkdlId}`
      const held = this.#reports.get(key)
      this.#reports.set(key, {
        qkdnId,
        qkdlId,
        performance: { ...held?.performance, ...performance },
      })
      this.#gathering ??= setTimeout(() => {
        this.#flush()
      }, this.#options.gatherMs ?? GATHER_MS)
      return true
    }
    // Figures gathered before a link's news are older than the news.
    if (event.kind === "node-event" && this.#reports.size > 0) this.#flush()
    return this.#submit(event)
  }

  #flush(): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    const reports = [...this.#reports.values()]
    this.#reports.clear()
    if (reports.length > 0) void this.#submit({ kind: "performance", reports })
  }

  async #submit(event: SouthEvent): Promise<boolean> {
    try {
      await this.#options.submit(event)
      return true
    } catch (error) {
      this.#options.log("warn", "an event could not be taken", {
        event: event.kind,
        reason: error instanceof Error ? error.message : String(error),
      })
      return false
    }
  }
}
