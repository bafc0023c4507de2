// Whether a datastore subscription can be served, and the feed that serves it. Refuses with the identities of RFC 8641
// appendix A.1, and says what would do.

import { QkdError } from "../errors.js"
import { isArray, isObject, type JsonObject } from "../yang/json-text.js"
import { encodeXml } from "../yang/xml.js"
import type { Caller } from "./backend.js"
import type { NetconfClock } from "./clock.js"
import { OnChangeFeed, PeriodicFeed, type PushLimits } from "./push-feed.js"
import type { PushHub, Selection } from "./push-hub.js"
import { canSelect } from "./push-selection.js"
import type { StreamEvent } from "./stream-event.js"
import type { StreamFilter } from "./stream-filter.js"
import type { Feed, SubscribedEntry } from "./subscribed-entry.js"
import {
  subscriptionError,
  type Hints,
  type SubscriptionErrorIdentity,
} from "./subscribed-errors.js"
import { DATASTORE_FILTER, filterIn } from "./subscribed-filter.js"
import type { DatastoreTarget, Trigger } from "./subscribed-terms.js"

export const PUSH_LIMITS: PushLimits = {
  minPeriodMs: 100,
  maxUpdateBytes: 4 * 1024 * 1024,
  maxEdits: 1000,
  maxBytesPerSecond: 4 * 1024 * 1024,
}

type Rpc = "establish" | "modify"

export class PushDesk {
  readonly #hub: PushHub
  readonly #clock: NetconfClock
  readonly #limits: PushLimits
  readonly #filters: () => JsonObject
  readonly #mayHear: (caller: Caller, event: StreamEvent) => boolean

  /**
   * @param options.filters what is configured under `/filters`.
   * @param options.mayHear whether a caller may have such a notification at all; what is in it was read on his behalf.
   */
  constructor(options: {
    readonly hub: PushHub
    readonly clock: NetconfClock
    readonly limits?: Partial<PushLimits>
    readonly filters: () => JsonObject
    readonly mayHear: (caller: Caller, event: StreamEvent) => boolean
  }) {
    this.#hub = options.hub
    this.#clock = options.clock
    this.#limits = { ...PUSH_LIMITS, ...options.limits }
    this.#filters = options.filters
    this.#mayHear = options.mayHear
  }

  /** @throws QkdError as RFC 8641 section 4.4 wants. */
  feedFor(entry: SubscribedEntry, target: DatastoreTarget, rpc: Rpc): Feed {
    const { datastore, trigger } = target
    if (!this.#hub.source.datastores.includes(datastore))
      throw refusal(
        "ietf-yang-push:datastore-not-subscribable",
        `${datastore} cannot be subscribed to`,
        // It is no error of a modification (RFC 8641 appendix A.1), but nothing else says it.
        "establish",
      )
    if (trigger === undefined)
      throw new QkdError("missing-element", "periodic or on-change is wanted", {
        info: { "bad-element": "periodic" },
      })
    this.#assertSlow(trigger, rpc)
    const filter = this.#filterOf(target, rpc)
    const { schema } = this.#hub
    if (!canSelect(schema, filter))
      throw refusal(
        "ietf-yang-push:unchanging-selection",
        "the filter selects nothing that the schema has",
        rpc,
        { "filter-failure-hint": "no such nodes in the schema" },
      )
    const onChange = trigger.kind === "on-change"
    if (onChange && !canSelect(schema, filter, this.#hub.source.notOnChange))
      throw refusal(
        "ietf-yang-push:on-change-unsupported",
        "changes of what the filter selects are not told",
        // As with the datastore.
        "establish",
      )
    const selection = this.#hub.selection(datastore, filter, entry.receiver.caller, onChange)
    this.#assertSmall(selection, trigger, rpc)
    const context = {
      id: entry.id,
      schema,
      clock: this.#clock,
      limits: this.#limits,
      events: {
        deliver: (event: StreamEvent) => {
          if (this.#mayHear(entry.receiver.caller, event)) entry.deliver(event)
          else entry.excluded += 1
        },
        tooBig: (reason: "ietf-yang-push:update-too-big" | "ietf-yang-push:sync-too-big") => {
          entry.happen({ kind: "suspend", reason })
        },
        failed: (error: unknown) => {
          const reason = "ietf-subscribed-notifications:insufficient-resources"
          entry.happen({ kind: "suspend", reason })
          if (!isTooDear(error)) this.#hub.report(error)
        },
      },
    }
    return trigger.kind === "periodic"
      ? new PeriodicFeed(context, selection, trigger)
      : new OnChangeFeed(context, selection, trigger)
  }

  /** On change, selections are looked for at the hub's own pace, which is slow enough. */
  #assertSlow(trigger: Trigger, rpc: Rpc, leastMs = this.#limits.minPeriodMs): void {
    if (trigger.kind === "on-change" || trigger.periodMs >= Math.max(leastMs, 1)) return
    throw refusal(
      "ietf-yang-push:period-unsupported",
      `a period of ${trigger.periodMs} ms is too short`,
      rpc,
      { "period-hint": Math.ceil(leastMs / 10) },
    )
  }

  #assertSmall(selection: Selection, trigger: Trigger, rpc: Rpc): void {
    const { maxUpdateBytes, maxBytesPerSecond } = this.#limits
    const bytes = Buffer.byteLength(encodeXml(this.#hub.schema, this.#firstLook(selection, rpc)))
    if (trigger.kind === "on-change" && !trigger.syncOnStart) return
    if (bytes > maxUpdateBytes)
      throw refusal(
        trigger.kind === "periodic"
          ? "ietf-yang-push:update-too-big"
          : "ietf-yang-push:sync-too-big",
        "the selection is too large",
        rpc,
        {
          "kilobytes-estimate": Math.ceil(bytes / 1024),
          "kilobytes-limit": Math.floor(maxUpdateBytes / 1024),
        },
      )
    this.#assertSlow(trigger, rpc, (bytes * 1000) / maxBytesPerSecond)
  }

  #firstLook(selection: Selection, rpc: Rpc): JsonObject {
    try {
      return selection.read()
    } catch (error) {
      if (!isTooDear(error)) throw error
      throw refusal("ietf-subscribed-notifications:filter-unsupported", error.message, rpc, {
        "filter-failure-hint": error.message,
      })
    }
  }

  #filterOf({ filter: choice }: DatastoreTarget, rpc: Rpc): StreamFilter | undefined {
    if (choice?.by !== "name") return choice?.filter
    const list = this.#filters()["ietf-yang-push:selection-filter"]
    const entry = isArray(list)
      ? list.find((item) => isObject(item) && item["filter-id"] === choice.name)
      : undefined
    if (isObject(entry)) {
      try {
        return filterIn(this.#hub.schema, entry, DATASTORE_FILTER)
      } catch (error) {
        if (!(error instanceof QkdError)) throw error
      }
    }
    const what = `no filter ${choice.name} that can be used`
    throw refusal("ietf-subscribed-notifications:filter-unsupported", what, rpc, {
      "filter-failure-hint": what,
    })
  }
}

/** An expression that took more steps than one may. */
function isTooDear(error: unknown): error is QkdError {
  return error instanceof QkdError && error.tag === "resource-denied"
}

function refusal(
  identity: SubscriptionErrorIdentity,
  what: string,
  rpc: Rpc,
  hints: Hints = {},
): QkdError {
  return subscriptionError(identity, what, rpc, "datastore", hints)
}
