// Whether a datastore subscription can be served, and the feed that serves it. Refuses with the identities of RFC 8641
// appendix A.1, and says what would do.

import { QkdError } from "../errors.js"
import { isArray, isObject, type JsonObject } from "../yang/json-text.js"
import { encodeXml } from "../yang/xml.js"
import type { NetconfClock } from "./clock.js"
import { OnChangeFeed, PeriodicFeed, type PushLimits } from "./push-feed.js"
import type { PushHub, Selection } from "./push-hub.js"
import { canSelect } from "./push-selection.js"
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
}

type Rpc = "establish" | "modify"

export class PushDesk {
  readonly #hub: PushHub
  readonly #clock: NetconfClock
  readonly #limits: PushLimits
  readonly #filters: () => JsonObject

  /** @param options.filters what is configured under `/filters`. */
  constructor(options: {
    readonly hub: PushHub
    readonly clock: NetconfClock
    readonly limits?: Partial<PushLimits>
    readonly filters: () => JsonObject
  }) {
    this.#hub = options.hub
    this.#clock = options.clock
    this.#limits = { ...PUSH_LIMITS, ...options.limits }
    this.#filters = options.filters
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
        deliver: (event: Parameters<SubscribedEntry["deliver"]>[0]) => {
          entry.deliver(event)
        },
        tooBig: (reason: "ietf-yang-push:update-too-big" | "ietf-yang-push:sync-too-big") => {
          entry.happen({ kind: "suspend", reason })
        },
      },
    }
    return trigger.kind === "periodic"
      ? new PeriodicFeed(context, selection, trigger)
      : new OnChangeFeed(context, selection, trigger)
  }

  #assertSlow(trigger: Trigger, rpc: Rpc): void {
    const { minPeriodMs } = this.#limits
    // Without dampening, changes are looked for at the server's own pace, which is slow enough.
    if (trigger.kind === "on-change" || trigger.periodMs >= minPeriodMs) return
    throw refusal(
      "ietf-yang-push:period-unsupported",
      `a period of ${trigger.periodMs} ms is too short`,
      rpc,
      { "period-hint": Math.ceil(minPeriodMs / 10) },
    )
  }

  #assertSmall(selection: Selection, trigger: Trigger, rpc: Rpc): void {
    if (trigger.kind === "on-change" && !trigger.syncOnStart) return
    const { maxUpdateBytes } = this.#limits
    const bytes = Buffer.byteLength(encodeXml(this.#hub.schema, selection.read()))
    if (bytes <= maxUpdateBytes) return
    throw refusal(
      trigger.kind === "periodic" ? "ietf-yang-push:update-too-big" : "ietf-yang-push:sync-too-big",
      "the selection is too large",
      rpc,
      {
        "kilobytes-estimate": Math.ceil(bytes / 1024),
        "kilobytes-limit": Math.floor(maxUpdateBytes / 1024),
      },
    )
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

function refusal(
  identity: SubscriptionErrorIdentity,
  what: string,
  rpc: Rpc,
  hints: Hints = {},
): QkdError {
  return subscriptionError(identity, what, rpc, "datastore", hints)
}
