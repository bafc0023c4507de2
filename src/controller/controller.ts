// The deciding loop: events in, one at a time; the decision made durable; then the network, the subscribers, the
// nodes and whoever asked are told, in that order. What an event means is decided in `core`; this is the seam
// between that and the world.
//
//   submit -> queue -> decide (draft) -> store.commit -> network -> notices -> south -> reply

import { type CandidateAsk, type Candidates, candidatesFor } from "../core/candidates.js"
import { decideAll } from "../core/batch.js"
import { decide } from "../core/decide.js"
import { desiredConfig } from "../core/desired.js"
import type { Effect, Event, Reply } from "../core/event.js"
import { holdSecondsAt } from "../core/provisional.js"
import { type MoveChoice, moveChoices } from "../core/move-choices.js"
import { rehearseOrder } from "../core/rehearse.js"
import { movesSession } from "../core/inventory-events.js"
import { DEFAULT_SETTINGS, type Settings } from "../core/settings.js"
import type { Context } from "../core/turn.js"
import { Picture } from "../core/view.js"
import { QkdError } from "../errors.js"
import type { Change, Network } from "../model/network.js"
import { durableChanges } from "./durable.js"
import { Journal } from "./journal.js"
import { noticesOf } from "./notices.js"
import type {
  BulkOrderEvent,
  BulkVerdict,
  ControllerPort,
  InsightPort,
  Notice,
  OrderEvent,
  Rehearsal,
  SouthPort,
  Store,
} from "./ports.js"
import { type Schedule, Wakes } from "./wakes.js"

export type ControllerLog = (
  level: "info" | "warn" | "error",
  message: string,
  facts: Readonly<Record<string, string | number | boolean>>,
  cause?: unknown,
) => void

export interface ControllerOptions {
  readonly store: Store
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Fresh UUIDs. */
  readonly newId: () => string
  /** Runs something later; returns the way to call it off. */
  readonly schedule: Schedule
  /** Tells one life of this controller from another: sequence numbers start anew in each. */
  readonly epoch: string
  /** Its term is at least this: for a store that has lost count. */
  readonly minTerm?: number
  /** The term of another one in which nodes are led, as was last heard. This one leads above it, or not at all. */
  readonly leadAbove?: number
  readonly log: ControllerLog
  readonly settings?: Partial<Settings>
  /** Events waiting; more are refused with `resource-denied`. */
  readonly queueLimit?: number
  /** Notices held for subscribers that come back. */
  readonly journalLimit?: number
}

const QUEUE_LIMIT = 10_000
const JOURNAL_LIMIT = 10_000
/** Events decided in one draft and made durable together. */
const BATCH_LIMIT = 256

interface Waiting {
  readonly event: Event
  resolve(reply: Reply): void
  reject(error: QkdError): void
}

export class Controller implements ControllerPort, InsightPort {
  readonly epoch: string
  /** Resolves when deciding has ended: with the reason when it was not asked for. */
  readonly stopped: Promise<QkdError | undefined>
  readonly #options: ControllerOptions
  readonly #settings: Settings
  readonly #picture: Picture
  readonly #journal: Journal
  readonly #wakes: Wakes
  readonly #beat: Wakes
  readonly #listeners = new Set<(notice: Notice) => void>()
  #south: SouthPort | undefined
  #overloaded = false
  #queue: Waiting[] = []
  #running: Promise<void> | undefined
  #over: QkdError | undefined
  #end: (reason: QkdError | undefined) => void = () => undefined

  private constructor(
    options: ControllerOptions,
    picture: Picture,
    /** What nodes are told: they obey no older one from then on (THREATS C3). */
    readonly term: number,
  ) {
    this.#options = options
    this.epoch = options.epoch
    this.#settings = { ...DEFAULT_SETTINGS, ...options.settings }
    this.#picture = picture
    this.#journal = new Journal(options.journalLimit ?? JOURNAL_LIMIT)
    this.#wakes = new Wakes(options.schedule, options.now, () => {
      this.submit({ kind: "wake" }).catch(() => undefined)
    })
    this.#beat = new Wakes(options.schedule, options.now, () => {
      this.submit({ kind: "surplus-due" }).catch(() => undefined)
    })
    this.stopped = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  /**
   * Reads the network from the store. Decides from now on, tells no node before `start`.
   *
   * @throws QkdError `in-use` app-tag `stale-leader` when another one leads in a term that this one would not be above.
   */
  static async open(options: ControllerOptions): Promise<Controller> {
    // First of all: whoever led before writes nothing between what is read here and what is decided on it.
    const term = await options.store.lead(options.minTerm, options.leadAbove)
    const { revision, changes } = await options.store.load()
    return new Controller(options, new Picture(revision, changes), term)
  }

  /** Begins to manage every node of the network, and takes up what was left half done. */
  start(south: SouthPort): void {
    this.#south = south
    for (const { qkdnId, driver, target } of this.#picture.snapshot().nodes.values()) {
      south.manage(qkdnId, driver, target)
    }
    this.submit({ kind: "wake" }).catch(() => undefined)
  }

  /** Stops deciding once the decision in hand is durable. The store stays open: it is the caller's. */
  async stop(): Promise<void> {
    this.#finish(
      new QkdError("operation-failed", "the controller is stopping", { appTag: "closed" }),
    )
    await this.#running
    this.#end(undefined)
  }

  /** Decides nothing more: the nodes obey another controller, as they say (THREATS C3). What waits is refused. */
  stepDown(refusal: QkdError): void {
    if (this.#over !== undefined) return
    const { message, info } = refusal
    const reason = new QkdError("in-use", `another controller leads: ${message}`, {
      ...{ appTag: "stale-leader", cause: refusal },
      ...(info !== undefined && { info }),
    })
    this.#options.log("error", "deciding ends: another controller leads", {
      revision: this.#picture.revision,
      reason: message,
    })
    this.#finish(reason)
    this.#end(reason)
  }

  network(): Network {
    return this.#picture.snapshot()
  }

  candidatePaths(ask: CandidateAsk): Candidates {
    return candidatesFor(this.#picture, ask, this.#settings)
  }

  moveChoices(serviceId: string): readonly MoveChoice[] {
    return moveChoices(this.#picture, serviceId, this.#context())
  }

  judge(event: Event): Reply {
    return decide(this.#picture, event, this.#context()).reply
  }

  judgeBulk(asked: BulkOrderEvent): BulkVerdict {
    const { now, newId } = this.#options
    const context: Context = { now: now(), newId, settings: this.#settings }
    const { reply, changes } = decide(this.#picture, asked, context)
    if (!reply.ok) return { reply }
    const made = changes.find(({ kind, id }) => kind === "order" && id === reply.id)
    return made?.kind === "order" && made.value !== null ? { reply, order: made.value } : { reply }
  }

  async rehearse(order: OrderEvent): Promise<Rehearsal> {
    const { desired, ...outcome } = rehearseOrder(this.#picture, order, this.#context())
    const nodes = desired.map(async (config) => {
      const { qkdnId } = config
      try {
        const plan = await this.#south?.plan?.(qkdnId, config)
        return plan === undefined ? { qkdnId } : { qkdnId, plan }
      } catch (error) {
        return { qkdnId, fault: error instanceof QkdError ? error.message : "internal error" }
      }
    })
    return { ...outcome, nodes: await Promise.all(nodes) }
  }

  reservedBps(qkdlId: string): number {
    return this.#picture.reservedBps(qkdlId)
  }

  backupBps(qkdlId: string): number {
    return this.#picture.backupBps(qkdlId)
  }

  lastSeq(): number {
    return this.#journal.lastSeq
  }

  noticesSince(seq: number): readonly Notice[] | null {
    return this.#journal.since(seq)
  }

  onNotice(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  submit(event: Event): Promise<Reply> {
    if (this.#over !== undefined) return Promise.reject(this.#over)
    if (this.#queue.length >= (this.#options.queueLimit ?? QUEUE_LIMIT)) {
      return Promise.reject(new QkdError("resource-denied", "too many events are waiting"))
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ event, resolve, reject })
      // After what else has arrived: events that come in together share a decision and a flush.
      this.#running ??= new Promise((begin) => setImmediate(begin)).then(() => this.#run())
    })
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 && this.#over === undefined) {
      const batch = this.#queue.splice(0, BATCH_LIMIT)
      try {
        await this.#decideBatch(batch)
      } catch (error) {
        // After the commit nothing may fail; if it does, this picture cannot be trusted any more.
        this.#giveUp(error, batch)
      }
    }
    this.#running = undefined
  }

  /** What links have left is shared again: on a beat, and only when something has changed. */
  #shareSoon(now: number): void {
    const { surplusBeatMs } = this.#settings
    this.#beat.at(Math.ceil((now + 1) / surplusBeatMs) * surplusBeatMs)
  }

  async #decideBatch(batch: readonly Waiting[]): Promise<void> {
    const context = this.#context()
    const events = batch.map(({ event }) => event)
    const { draft, effects, outcomes } = decideAll(this.#picture, events, context)
    for (const [place, { error }] of outcomes.entries())
      if (error !== undefined) this.#failed(batch[place], error)
    const changes = draft.changes()
    const durable = durableChanges(this.#picture, changes)
    let revision = this.#picture.revision
    if (durable.length > 0) {
      try {
        revision = await this.#options.store.commit(revision, durable)
      } catch (error) {
        draft.drop()
        this.#giveUp(error, batch)
        return
      }
    }
    const notices = noticesOf(this.#picture, changes, effects, new Date(context.now).toISOString())
    const sessions = this.#sessionChanges(changes)
    this.#picture.apply(changes, revision)
    draft.drop()
    for (const notice of notices) this.#publish(this.#journal.add(notice))
    for (const change of sessions) change()
    if (changes.length > 0) this.#shareSoon(context.now)
    this.#carryOut(effects, revision)
    for (const [place, { reply }] of outcomes.entries())
      if (reply !== undefined) batch[place]?.resolve(reply)
  }

  #failed(waiting: Waiting | undefined, cause: unknown): void {
    const event = waiting?.event.kind ?? ""
    this.#options.log("error", "a decision failed", { event }, cause)
    waiting?.reject(new QkdError("operation-failed", "internal error", { cause }))
  }

  #context(): Context {
    const { now, newId } = this.#options
    return { now: now(), newId, settings: this.#settings, overloaded: this.#overloaded }
  }

  /** What is not durable did not happen; and who cannot store must not decide. */
  #giveUp(error: unknown, batch: readonly Waiting[]): void {
    const conflict = error instanceof QkdError && error.tag === "in-use"
    const reason = conflict
      ? error
      : new QkdError("operation-failed", "the network could not be stored", { cause: error })
    const why = conflict ? "another controller leads" : reason.message
    this.#options.log("error", `deciding ends: ${why}`, { revision: this.#picture.revision }, error)
    for (const waiting of batch) waiting.reject(reason)
    this.#finish(reason)
    this.#end(reason)
  }

  #finish(reason: QkdError): void {
    this.#over ??= reason
    this.#wakes.stop()
    this.#beat.stop()
    const left = this.#queue
    this.#queue = []
    for (const waiting of left) waiting.reject(reason)
  }

  /** Sessions to begin and end once the changes hold: nodes new, gone, or reached another way. */
  #sessionChanges(changes: readonly Change[]): (() => void)[] {
    return changes.flatMap((change) => {
      if (change.kind !== "node") return []
      const { id, value } = change
      const before = this.#picture.node(id)
      if (value === null) return [() => void this.#south?.forget(id)]
      if (before !== undefined && !movesSession(before, value)) return []
      return [() => this.#south?.manage(id, value.driver, value.target)]
    })
  }

  #carryOut(effects: readonly Effect[], revision: number): void {
    const told = new Set<string>()
    for (const effect of effects) {
      switch (effect.kind) {
        case "sync-node":
          if (told.has(effect.qkdnId) || this.#picture.node(effect.qkdnId) === undefined) break
          told.add(effect.qkdnId)
          this.#south?.sync(
            effect.qkdnId,
            desiredConfig(this.#picture, effect.qkdnId),
            revision,
            holdSecondsAt(this.#picture, effect.qkdnId, this.#settings),
          )
          break
        case "refuse": {
          const { kind: _, qkdnId, ...request } = effect
          this.#south?.refuse(qkdnId, request)
          break
        }
        case "wake":
          this.#wakes.at(effect.atMs)
          break
        case "load":
          this.#overloaded = effect.overloaded
          break
        case "notify":
          break
      }
    }
  }

  /** A subscriber that throws has its own fault; the others are told all the same. */
  #publish(notice: Notice): void {
    for (const listener of this.#listeners) {
      try {
        listener(notice)
      } catch (error) {
        this.#options.log("error", "a subscriber failed", { seq: notice.seq }, error)
      }
    }
  }
}
