// One decision in the making: the draft it writes to, what it was lent, and the effects it collects. Decides
// nothing itself.

import type { Draft } from "./draft.js"
import type { Effect } from "./event.js"
import { groups } from "./memberships.js"
import type { Settings } from "./settings.js"

/** What a decision may use besides the network and the event. */
export interface Context {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** A fresh UUID. */
  newId(): string
  readonly settings: Settings
  /** As the last `load` effect said. */
  readonly overloaded?: boolean
}

type Notify = Extract<Effect, { kind: "notify" }>
type Refuse = Extract<Effect, { kind: "refuse" }>

export class Turn {
  readonly draft: Draft
  readonly context: Context
  readonly effects: Effect[] = []
  readonly #synced = new Set<string>()
  #time: string | undefined

  constructor(draft: Draft, context: Context) {
    this.draft = draft
    this.context = context
  }

  get now(): number {
    return this.context.now
  }

  get settings(): Settings {
    return this.context.settings
  }

  /** RFC 3339. */
  time(): string {
    this.#time ??= new Date(this.context.now).toISOString()
    return this.#time
  }

  sync(...qkdnIds: readonly string[]): void {
    for (const qkdnId of qkdnIds) {
      if (this.#synced.has(qkdnId)) continue
      this.#synced.add(qkdnId)
      this.effects.push({ kind: "sync-node", qkdnId })
    }
  }

  notify(topic: Notify["topic"], type: string, id: string, message?: string): void {
    this.effects.push(
      message === undefined
        ? { kind: "notify", topic, type, id }
        : { kind: "notify", topic, type, id, message },
    )
  }

  wakeAt(atMs: number): void {
    this.effects.push({ kind: "wake", atMs })
  }

  refuse(request: Omit<Refuse, "kind">): void {
    this.effects.push({ kind: "refuse", ...request })
  }

  /**
   * Failed and degraded services, if any, are tried again after a short while that gathers changes; and those that lack a
   * backup or are away from their own path.
   */
  retrySoon(): void {
    const { draft } = this
    const waiting =
      draft.members(groups.servicesInState("failed")).length > 0 ||
      draft.members(groups.servicesInState("degraded")).length > 0 ||
      draft.members(groups.unbacked).length > 0 ||
      draft.members(groups.awayFromHome).length > 0
    if (waiting) this.wakeAt(this.now + this.settings.retryMs)
  }
}
