// One datastore subscription at work: push-update every period, or push-change-update whenever the selection differs
// from what the receiver was told (RFC 8641 sections 3.1, 3.3, 3.7). Decides when and what; does not send.

import type { JsonObject, JsonValue } from "../yang/json.js"
import type { NetconfClock } from "./clock.js"
import { alarmAt } from "./long-alarm.js"
import type { Selection } from "./push-hub.js"
import { editsData, type PatchEdit } from "./push-patch.js"
import { StreamEvent, type Encoding } from "./stream-event.js"
import type { Schema } from "../yang/schema.js"
import type { OnChange, Periodic } from "./subscribed-terms.js"

export interface PushLimits {
  /** Shortest period. */
  readonly minPeriodMs: number
  /** Largest push-update, as XML. */
  readonly maxUpdateBytes: number
  /** Most edits in one push-change-update. */
  readonly maxEdits: number
  /** Most that one periodic subscription may be sent, as XML. */
  readonly maxBytesPerSecond: number
}

export interface PushEvents {
  deliver(event: StreamEvent): void
  /** An update is larger than allowed: nothing of it was delivered. */
  tooBig(reason: "ietf-yang-push:update-too-big" | "ietf-yang-push:sync-too-big"): void
  /** An update could not be made; the next one is tried all the same. */
  failed(error: unknown): void
}

interface PushContext {
  readonly id: number
  readonly schema: Schema
  readonly clock: NetconfClock
  readonly limits: PushLimits
  readonly events: PushEvents
}

const PUSH_UPDATE = "ietf-yang-push:push-update"
const PUSH_CHANGE = "ietf-yang-push:push-change-update"
const PATCH_IDS = 2 ** 32

/** What goes wrong in an alarm must not go further than the subscription. */
function guarded({ events }: PushContext, work: () => void): void {
  try {
    work()
  } catch (error) {
    events.failed(error)
  }
}

function pushUpdate({ id, schema, clock }: PushContext, contents: JsonObject): StreamEvent {
  const event = { [PUSH_UPDATE]: { id, "datastore-contents": contents } }
  return new StreamEvent(schema, event, clock.now())
}

export class PeriodicFeed {
  readonly #context: PushContext
  readonly #selection: Selection
  readonly #terms: Periodic
  #state: "new" | "open" | "paused" | "over" = "new"
  #anchorMs = 0
  #cancel: () => void = () => undefined

  constructor(context: PushContext, selection: Selection, terms: Periodic) {
    this.#context = context
    this.#selection = selection
    this.#terms = terms
  }

  /** Without an anchor the first update comes at once, and is the anchor (section 3.1). */
  start(): void {
    if (this.#state !== "new") return
    this.#state = "open"
    const { anchorMs } = this.#terms
    this.#anchorMs = anchorMs ?? this.#context.clock.now()
    if (anchorMs === undefined) this.#send()
    this.#next()
  }

  pause(): void {
    if (this.#state === "open") this.#state = "paused"
  }

  resume(): void {
    if (this.#state === "paused") this.#state = "open"
  }

  end(): void {
    this.#state = "over"
    this.#cancel()
  }

  /** The whole number of periods from the anchor that comes next; periods that were slept through are left out. */
  #next(): void {
    if (this.#state === "over") return
    const { clock } = this.#context
    const { periodMs } = this.#terms
    const gone = Math.floor((clock.now() - this.#anchorMs) / periodMs)
    this.#cancel = alarmAt(clock, this.#anchorMs + (gone + 1) * periodMs, () => {
      if (this.#state === "open") this.#send()
      this.#next()
    })
  }

  #send(): void {
    const { events, limits } = this.#context
    guarded(this.#context, () => {
      const event = pushUpdate(this.#context, this.#selection.read())
      if (event.xml.length > limits.maxUpdateBytes) events.tooBig("ietf-yang-push:update-too-big")
      else events.deliver(event)
    })
  }
}

export class OnChangeFeed {
  readonly #context: PushContext
  readonly #selection: Selection
  readonly #terms: OnChange
  #state: "new" | "open" | "paused" | "over" = "new"
  /** What the receiver holds if it followed every update. */
  #told: JsonObject = {}
  #patchId = 0
  #readyMs = Number.NEGATIVE_INFINITY
  /** The whole selection could not be sent when it should have been. */
  #owed = false
  #stopWatching: () => void = () => undefined
  #cancelAlarm: (() => void) | undefined

  constructor(context: PushContext, selection: Selection, terms: OnChange) {
    this.#context = context
    this.#selection = selection
    this.#terms = terms
  }

  start(): void {
    if (this.#state !== "new") return
    this.#state = "open"
    this.#stopWatching = this.#selection.watch(() => {
      this.#changed()
    })
    guarded(this.#context, () => {
      this.#told = this.#selection.read()
      if (this.#terms.syncOnStart) this.#sync()
    })
  }

  /** Changes of a pause are told together when it is over. */
  pause(): void {
    if (this.#state === "open") this.#state = "paused"
  }

  resume(): void {
    if (this.#state !== "paused") return
    this.#state = "open"
    this.#changed()
  }

  end(): void {
    this.#state = "over"
    this.#stopWatching()
    this.#cancelAlarm?.()
  }

  /** The whole selection; patch ids begin anew (section 3.7). */
  resync(): void {
    guarded(this.#context, () => {
      this.#sync()
    })
  }

  #sync(): void {
    this.#told = this.#selection.read()
    const event = pushUpdate(this.#context, this.#told)
    if (event.xml.length > this.#context.limits.maxUpdateBytes) {
      this.#owed = true
      this.#context.events.tooBig("ietf-yang-push:sync-too-big")
      return
    }
    this.#owed = false
    this.#patchId = 0
    this.#assembled()
    this.#context.events.deliver(event)
  }

  /** At once, or at the end of the dampening period that the last update began. */
  #changed(): void {
    if (this.#state !== "open" || this.#cancelAlarm !== undefined) return
    const { clock } = this.#context
    const tell = (): void => {
      guarded(this.#context, () => {
        this.#tell()
      })
    }
    if (this.#readyMs <= clock.now()) {
      tell()
      return
    }
    this.#cancelAlarm = alarmAt(clock, this.#readyMs, () => {
      this.#cancelAlarm = undefined
      if (this.#state === "open") tell()
    })
  }

  #tell(): void {
    const { excluded, syncOnStart } = this.#terms
    const { maxEdits } = this.#context.limits
    const all = this.#selection.editsTo(this.#told)
    // So many edits are worth the whole, where that may be sent.
    if (this.#owed || (all.length > maxEdits && syncOnStart)) {
      this.#sync()
      return
    }
    this.#told = this.#selection.current
    const wanted = excluded.size === 0 ? all : all.filter((edit) => !excluded.has(edit.operation))
    if (wanted.length === 0) return
    this.#deliver(wanted.slice(0, maxEdits), wanted.length > maxEdits)
  }

  #deliver(edits: readonly PatchEdit[], incomplete: boolean): void {
    const { id, schema, clock, events } = this.#context
    const patchId = String(this.#patchId)
    this.#patchId = (this.#patchId + 1) % PATCH_IDS
    const data = (encoding: Encoding): JsonObject => {
      const patch: JsonValue = { "patch-id": patchId, edit: editsData(schema, edits, encoding) }
      return {
        [PUSH_CHANGE]: {
          id,
          "datastore-changes": { "yang-patch": patch },
          ...(incomplete ? { "incomplete-update": [null] } : {}),
        },
      }
    }
    this.#assembled()
    events.deliver(new StreamEvent(schema, data, clock.now(), PUSH_CHANGE))
  }

  #assembled(): void {
    this.#readyMs = this.#context.clock.now() + this.#terms.dampeningMs
  }
}
