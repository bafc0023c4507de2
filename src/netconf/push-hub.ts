// The selections that datastore subscriptions share: subscribers with the same datastore, filter and rights share one
// reading, one selection and one comparison. What it costs is bounded by time, not by the number of changes.

import type { JsonObject } from "../yang/json.js"
import type { Schema } from "../yang/schema.js"
import type { Caller } from "./backend.js"
import type { NetconfClock } from "./clock.js"
import { patchEdits, type PatchEdit } from "./push-patch.js"
import { selectData, selectionKey } from "./push-selection.js"
import type { StreamFilter } from "./stream-filter.js"

/** Who owns the data that is pushed. */
export interface PushSource {
  /** Datastores that can be subscribed to, `module:identity`. */
  readonly datastores: readonly string[]
  /** What this caller may read of a datastore now; never changed in place. */
  read(datastore: string, caller: Caller): JsonObject
  /**
   * Calls when something in a datastore may have changed; better too often than not. @returns the way to stop.
   */
  onChange(datastore: string, listener: () => void): () => void
  /**
   * Top-level members whose changes are not told (RFC 8641 section 3.10): what counts messages would change with
   * every message.
   */
  readonly notOnChange: ReadonlySet<string>
}

/** One selection, kept as it was at the last look while anybody wants to hear of changes. */
export class Selection {
  readonly #hub: PushHub
  readonly #listeners = new Set<() => void>()
  #current: JsonObject | undefined
  /** The last comparison made: subscribers that are in step share it. */
  #compared: { from: JsonObject; to: JsonObject; edits: readonly PatchEdit[] } | undefined

  constructor(
    hub: PushHub,
    readonly key: string,
    readonly datastore: string,
    readonly filter: StreamFilter | undefined,
    readonly caller: Caller,
    /** Without what does not support changes (RFC 8641 section 3.6). */
    readonly changesOnly: boolean,
  ) {
    this.#hub = hub
  }

  /** As of the last look; a first look when there was none. */
  get current(): JsonObject {
    return (this.#current ??= this.read())
  }

  /** A look now. */
  read(data = this.#hub.readNow(this.datastore, this.caller)): JsonObject {
    const seen = this.changesOnly ? this.#hub.changing(data) : data
    return (this.#current = selectData(this.#hub.schema, seen, this.filter))
  }

  get watched(): boolean {
    return this.#listeners.size > 0
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    this.#hub.watch(this)
    return () => {
      this.#listeners.delete(listener)
      this.#hub.unwatch(this)
    }
  }

  /** A look; tells the listeners when it shows something else. */
  refresh(data: JsonObject): void {
    const before = this.#current
    const after = this.read(data)
    if (before !== undefined && this.editsTo(before).length === 0) {
      // Equal in all that counts: whoever holds the former is in step.
      if (before !== after) this.#current = before
      return
    }
    for (const listener of this.#listeners) listener()
  }

  /** What leads from what a subscriber was last told to the last look. */
  editsTo(from: JsonObject): readonly PatchEdit[] {
    const to = this.current
    const known = this.#compared
    if (known !== undefined && known.from === from && known.to === to) return known.edits
    const edits = from === to ? [] : patchEdits(this.#hub.schema, from, to)
    this.#compared = { from, to, edits }
    return edits
  }
}

/** Looks take a tenth of the time at most: a dear one is followed by a longer rest. */
const REST = 9

export class PushHub {
  readonly schema: Schema
  readonly source: PushSource
  readonly #clock: NetconfClock
  readonly #minGapMs: number
  /** For what nobody can be answered. */
  readonly report: (error: unknown) => void
  /** Those that somebody watches. */
  readonly #selections = new Set<Selection>()
  /** One of them for each key: for the next who wants the same. */
  readonly #byKey = new Map<string, Selection>()
  /** Datastores that are listened to. */
  readonly #open = new Map<string, () => void>()
  readonly #dirty = new Set<string>()
  #lookedMs = Number.NEGATIVE_INFINITY
  #gapMs = 0
  #cancelLook: (() => void) | undefined

  /** @param minGapMs the least time between two looks for changes. */
  constructor(options: {
    readonly schema: Schema
    readonly source: PushSource
    readonly clock: NetconfClock
    readonly minGapMs: number
    readonly report: (error: unknown) => void
  }) {
    this.schema = options.schema
    this.source = options.source
    this.#clock = options.clock
    this.#minGapMs = options.minGapMs
    this.report = options.report
  }

  selection(
    datastore: string,
    filter: StreamFilter | undefined,
    caller: Caller,
    changesOnly: boolean,
  ): Selection {
    const who = [caller.username, caller.groups]
    const key = JSON.stringify([datastore, who, changesOnly, selectionKey(filter)])
    return this.#byKey.get(key) ?? new Selection(this, key, datastore, filter, caller, changesOnly)
  }

  /** Of this data, what supports changes. */
  changing(data: JsonObject): JsonObject {
    const { notOnChange } = this.source
    if (![...notOnChange].some((member) => data[member] !== undefined)) return data
    return Object.fromEntries(Object.entries(data).filter(([member]) => !notOnChange.has(member)))
  }

  readNow(datastore: string, caller: Caller): JsonObject {
    return this.source.read(datastore, caller)
  }

  watch(selection: Selection): void {
    this.#selections.add(selection)
    if (!this.#byKey.has(selection.key)) this.#byKey.set(selection.key, selection)
    const { datastore } = selection
    if (!this.#open.has(datastore))
      this.#open.set(
        datastore,
        this.source.onChange(datastore, () => {
          this.#mark(datastore)
        }),
      )
  }

  unwatch(selection: Selection): void {
    if (selection.watched) return
    this.#selections.delete(selection)
    if (this.#byKey.get(selection.key) === selection) this.#byKey.delete(selection.key)
    const { datastore } = selection
    if ([...this.#selections].some((s) => s.datastore === datastore)) return
    this.#open.get(datastore)?.()
    this.#open.delete(datastore)
  }

  close(): void {
    this.#cancelLook?.()
    for (const stop of this.#open.values()) stop()
    this.#open.clear()
    this.#selections.clear()
    this.#byKey.clear()
  }

  #mark(datastore: string): void {
    this.#dirty.add(datastore)
    if (this.#cancelLook !== undefined) return
    const waitMs = Math.max(0, this.#lookedMs + this.#gapMs - this.#clock.now())
    this.#cancelLook = this.#clock.after(waitMs, () => {
      this.#cancelLook = undefined
      this.#look()
    })
  }

  #look(): void {
    const startMs = this.#clock.now()
    const dirty = new Set(this.#dirty)
    this.#dirty.clear()
    /** Read once for each datastore and user. */
    const read = new Map<string, JsonObject>()
    for (const selection of [...this.#selections]) {
      const { datastore, caller } = selection
      if (!dirty.has(datastore)) continue
      const key = JSON.stringify([datastore, caller.username, caller.groups])
      try {
        let data = read.get(key)
        if (data === undefined) read.set(key, (data = this.readNow(datastore, caller)))
        selection.refresh(data)
      } catch (error) {
        this.report(error)
      }
    }
    this.#lookedMs = this.#clock.now()
    this.#gapMs = Math.max(this.#minGapMs, REST * (this.#lookedMs - startMs))
  }
}
