// One node's connection: made, watched, made again. Tells what happens as events and makes the node what it is
// last wanted to be, one wish at a time. A driver that breaks makes its node unmanaged and nothing else.

import type { SouthEvent } from "../controller/ports.js"
import { asQkdError, QkdError } from "../errors.js"
import type { NodeTarget } from "../model/network.js"
import type { NodeConfig, NodeEvent, NodePlan, NodeState } from "../model/node.js"
import type { DriverHost, NodeConnection, NodeDriver } from "../plugin/contract.js"
import type { LentHost } from "../plugin/host.js"
import type { ConnectGate } from "./connect-gate.js"

export interface SupervisorTimings {
  readonly connectMs: number
  readonly callMs: number
  readonly backoffFirstMs: number
  readonly backoffMaxMs: number
  /** Between reads of the whole node: a net under lost notifications, and under nodes that never say "up". */
  readonly pollMs: number
  /** Between round trips that ask for a sign of life, where the driver offers a small one; else the poll is it. */
  readonly lifeMs: number
  /** Before a driver that broke is tried again. */
  readonly brokenMs: number
}

export const TIMINGS: SupervisorTimings = {
  connectMs: 15_000,
  callMs: 10_000,
  backoffFirstMs: 200,
  backoffMaxMs: 10_000,
  pollMs: 15_000,
  lifeMs: 5_000,
  brokenMs: 60_000,
}

export interface Refusal {
  readonly serverAppId: string
  readonly clientAppIds: readonly string[]
  readonly appTag: string
  readonly reason: string
}

export interface SupervisorOptions {
  readonly qkdnId: string
  readonly driver: string
  readonly target: NodeTarget
  readonly loadDriver: (name: string) => Promise<NodeDriver>
  readonly lend: (qkdnId: string, target: NodeTarget, signal: AbortSignal) => LentHost<DriverHost>
  /** Resolves when the node is there to be connected: it may have to call home first. At once where absent. */
  readonly arrival?: (qkdnId: string, target: NodeTarget, signal: AbortSignal) => Promise<void>
  /** False when the event could not be taken. */
  readonly report: (event: SouthEvent) => Promise<boolean>
  readonly log: (
    level: "debug" | "info" | "warn" | "error",
    message: string,
    facts: Readonly<Record<string, string | number | boolean>>,
  ) => void
  /** Whether the node obeys this controller: its refusal, app-tag `stale-leader`, when it obeys another one. */
  readonly onLead: (refusal: QkdError | undefined) => void
  readonly gate: ConnectGate
  readonly timings: SupervisorTimings
  readonly random: () => number
}

/** Events of one node in the deciding loop's queue at once. */
const MOST_UNDERWAY = 200

interface Wish {
  readonly desired: NodeConfig
  readonly revision: number
  /** Only for so many seconds, where the node can take it back. */
  readonly holdS?: number
}

export class NodeSupervisor {
  readonly #o: SupervisorOptions
  readonly #over = new AbortController()
  #running: Promise<void> | undefined
  #connection: NodeConnection | undefined
  #wish: Wish | undefined
  /** What the node last confirmed for good, over connections; unknown while anything else is asked of it. */
  #confirmed: NodeConfig | undefined
  /** The connection that wishes are being applied on: a stuck one must not hold up the next. */
  #applyingOn: NodeConnection | undefined

  constructor(options: SupervisorOptions) {
    this.#o = options
  }

  start(): void {
    if (this.#over.signal.aborted || this.#running !== undefined) return
    this.#running = this.#keep()
  }

  /** Ends supervision and waits until the connection is closed. Nothing is reported afterwards. */
  async end(): Promise<void> {
    this.#over.abort()
    await this.#connection?.close().catch(() => undefined)
    await this.#running
  }

  /** The newest wish replaces one not begun. Without a connection it is dropped: after connecting comes another. */
  sync(desired: NodeConfig, revision: number, holdS?: number): void {
    if (this.#connection === undefined) return
    this.#wish = { desired, revision, ...(holdS !== undefined && { holdS }) }
    if (this.#applyingOn !== this.#connection) void this.#applyWishes(this.#connection)
  }

  /**
   * What would be written to make the node so; undefined where its driver cannot say.
   *
   * @throws QkdError app-tag `node-unreachable` without a connection, or as the node would be refused.
   */
  async plan(desired: NodeConfig): Promise<NodePlan | undefined> {
    const connection = this.#connection
    if (connection === undefined)
      throw new QkdError("operation-failed", "there is no session to this node", {
        appTag: "node-unreachable",
      })
    return connection.plan === undefined
      ? undefined
      : within(connection.plan(desired), this.#o.timings.callMs, "planning")
  }

  refuse(request: Refusal): void {
    const refuse = this.#connection?.refuse
    if (refuse === undefined) return
    refuse(request).catch((error: unknown) => {
      this.#log("warn", "a refusal could not be delivered", error)
    })
  }

  async #keep(): Promise<void> {
    let backoffMs = this.#o.timings.backoffFirstMs
    let driver: NodeDriver
    try {
      driver = await this.#o.loadDriver(this.#o.driver)
    } catch (error) {
      this.#log("error", "its driver cannot be loaded", error)
      await this.#tell({
        kind: "node-unmanaged",
        qkdnId: this.#o.qkdnId,
        reason: asQkdError(error).message,
      })
      return
    }
    while (!this.#over.signal.aborted) {
      const startedAt = Date.now()
      const waitMs = await this.#once(driver, backoffMs)
      if (Date.now() - startedAt > this.#o.timings.backoffMaxMs)
        backoffMs = this.#o.timings.backoffFirstMs
      // Jitter: a hundred nodes lost together must not all come back in the same millisecond.
      await this.#pause(waitMs * (0.5 + this.#o.random()))
      backoffMs = Math.min(backoffMs * 2, this.#o.timings.backoffMaxMs)
    }
  }

  /** One connection from beginning to end. @returns how long to wait before the next. */
  async #once(driver: NodeDriver, backoffMs: number): Promise<number> {
    const { qkdnId, timings } = this.#o
    const lent = this.#o.lend(qkdnId, this.#o.target, this.#over.signal)
    let connection: NodeConnection | undefined
    try {
      // Outside the gate: a node that does not call must not keep others from being connected.
      await this.#o.arrival?.(qkdnId, this.#o.target, this.#over.signal)
      const [made, state] = await this.#o.gate.run(async () => {
        const opened = await within(
          driver.connect(this.#o.target, lent.host),
          timings.connectMs,
          "connecting",
        )
        connection = opened
        return [opened, await within(opened.read(), timings.callMs, "reading")] as const
      })
      if (state.qkdnId !== qkdnId) {
        throw new QkdError("access-denied", `the node there calls itself ${state.qkdnId}`)
      }
      if (this.#over.signal.aborted) return 0
      this.#connection = made
      this.#o.onLead(undefined)
      const confirmed = this.#confirmed
      await this.#tell({ kind: "node-connected", qkdnId, state, ...(confirmed && { confirmed }) })
      const reason = await this.#follow(made)
      await this.#tell({ kind: "node-lost", qkdnId, reason })
      return timings.backoffFirstMs
    } catch (error) {
      if (error instanceof QkdError) {
        this.#log("debug", "no connection", error)
        this.#noteLead(error)
        await this.#tell({ kind: "node-lost", qkdnId, reason: error.message })
        return backoffMs
      }
      this.#log("error", "its driver broke", error)
      await this.#tell({ kind: "node-unmanaged", qkdnId, reason: `driver ${this.#o.driver} broke` })
      return timings.brokenMs
    } finally {
      this.#connection = undefined
      this.#wish = undefined
      await connection?.close().catch(() => undefined)
      await lent.close()
    }
  }

  /** Passes events on and asks for signs of life until the connection is over. @returns why it is. */
  async #follow(connection: NodeConnection): Promise<string> {
    const { qkdnId, timings } = this.#o
    let heard = 0
    let underway = 0
    let reading: Reading | undefined
    /** A busy node answers late but still speaks; a dead one does neither, and its connection is closed. */
    const roundTrip = async <T>(work: Promise<T>, doing: string): Promise<T | undefined> => {
      const before = heard
      try {
        return await within(work, timings.callMs, doing)
      } catch (error) {
        this.#log("info", "gives no sign of life", error)
        if (heard === before) await connection.close().catch(() => undefined)
        return undefined
      }
    }
    const reread = async (): Promise<void> => {
      if (reading !== undefined) return
      const own: Reading = { told: new Set() }
      reading = own
      const confirmed = this.#confirmed
      const state = await roundTrip(connection.read(), "reading")
      reading = undefined
      if (state === undefined || this.#connection !== connection) return
      // What was asked of the node meanwhile may be why it differs from what it was before.
      const still = this.#wish === undefined && this.#confirmed === confirmed
      await this.#tell({
        kind: "node-read",
        qkdnId,
        state: withoutOlder(state, own),
        ...(still && confirmed && { confirmed }),
      })
    }
    const { ping } = connection
    const timers = [setInterval(() => void reread(), timings.pollMs)]
    if (ping !== undefined) {
      timers.push(setInterval(() => void roundTrip(ping(), "a sign of life"), timings.lifeMs))
    }
    try {
      for await (const event of connection.events) {
        heard += 1
        if (reading !== undefined) noteTold(reading, event)
        if (event.kind === "resync") {
          void reread()
          continue
        }
        const passed = this.#passOn({ kind: "node-event", qkdnId, atMs: Date.now(), event }, reread)
        underway += 1
        void passed.finally(() => (underway -= 1))
        // A node that talks without end waits for its own answers; the others keep their place in the queue.
        if (underway >= MOST_UNDERWAY) await passed
      }
      return "the connection ended"
    } catch (error) {
      return asQkdError(error).message
    } finally {
      timers.forEach(clearInterval)
    }
  }

  /** An event that could not be taken is not lost: the node is read again instead. */
  async #passOn(event: SouthEvent, reread: () => Promise<void>): Promise<void> {
    if (await this.#tell(event)) return
    await this.#pause(this.#o.timings.backoffFirstMs)
    await reread()
  }

  async #applyWishes(connection: NodeConnection): Promise<void> {
    const { qkdnId, timings } = this.#o
    this.#applyingOn = connection
    try {
      for (;;) {
        const wish = this.#wish
        if (wish === undefined || this.#connection !== connection) return
        this.#wish = undefined
        const { revision, desired } = wish
        this.#confirmed = undefined
        try {
          const provisional = await within(
            this.#carry(connection, wish),
            timings.callMs,
            "configuring",
          )
          if (!provisional) this.#confirmed = desired
          void this.#tell({
            kind: "node-synced",
            qkdnId,
            revision,
            ...(provisional && { provisional }),
          })
        } catch (error) {
          const fault = asQkdError(error)
          const { tag, appTag, message, path } = fault
          this.#noteLead(fault)
          this.#log("warn", "did not take its configuration", error)
          void this.#tell({
            kind: "node-sync-failed",
            qkdnId,
            revision,
            error: { tag, message, ...(appTag && { appTag }), ...(path !== undefined && { path }) },
          })
          if (appTag === "timeout") await connection.close().catch(() => undefined)
        }
      }
    } finally {
      if (this.#applyingOn === connection) this.#applyingOn = undefined
    }
  }

  /** @returns whether the node holds it only provisionally. */
  async #carry(connection: NodeConnection, { desired, holdS }: Wish): Promise<boolean> {
    if (holdS !== undefined && connection.hold !== undefined) return connection.hold(desired, holdS)
    await connection.apply(desired)
    return false
  }

  #noteLead(error: QkdError): void {
    if (error.appTag === "stale-leader" && !this.#over.signal.aborted) this.#o.onLead(error)
  }

  #tell(event: SouthEvent): Promise<boolean> {
    return this.#over.signal.aborted ? Promise.resolve(true) : this.#o.report(event)
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#over
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener("abort", done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal.addEventListener("abort", done, { once: true })
    })
  }

  #log(level: "debug" | "info" | "warn" | "error", message: string, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    this.#o.log(level, `node ${message}`, {
      qkdnId: this.#o.qkdnId,
      driver: this.#o.driver,
      reason,
    })
  }
}

/** A read under way, and what the node told of its links meanwhile. */
interface Reading {
  readonly told: Set<string>
}

function noteTold(reading: Reading, event: NodeEvent): void {
  if (event.kind === "link-down") reading.told.add(event.qkdlId)
  if (event.kind !== "alarm" && event.kind !== "event") return
  if (event.resource.kind === "link") reading.told.add(event.resource.qkdlId)
}

/** What was told during a read is newer than what was read: of those links the read brings no status. */
function withoutOlder(state: NodeState, { told }: Reading): NodeState {
  if (told.size === 0) return state
  const links = state.links.map((link) => {
    if (!told.has(link.qkdlId)) return link
    const { status: _, ...rest } = link
    return rest
  })
  return { ...state, links }
}

/** @throws QkdError app-tag `timeout` when `work` takes longer; its late outcome is dropped. */
async function within<T>(work: Promise<T>, ms: number, doing: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new QkdError("operation-failed", `${doing} took longer than ${ms} ms`, {
          appTag: "timeout",
        }),
      )
    }, ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
