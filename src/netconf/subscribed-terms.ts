// What an establish- or modify-subscription asks for, read from its decoded input. Checks times, periods and filters for
// sense; whether streams, datastores and named filters exist is the desk's business.

import { QkdError } from "../errors.js"
import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import type { Schema } from "../yang/schema.js"
import type { XmlElement } from "../yang/xml-tree.js"
import type { Encoding } from "./stream-event.js"
import type { StreamFilter } from "./stream-filter.js"
import { DATASTORE_FILTER, STREAM_FILTER, filterIn, type FilterNames } from "./subscribed-filter.js"
import { subscriptionError, type FailedRpc } from "./subscribed-errors.js"

/** A filter by its name under `/filters`, or on the spot. */
export type FilterChoice =
  | { readonly by: "name"; readonly name: string }
  | { readonly by: "value"; readonly filter: StreamFilter }

export type ChangeType = "create" | "delete" | "insert" | "move" | "replace"

export interface Periodic {
  readonly kind: "periodic"
  readonly periodMs: number
  readonly anchorMs?: number | undefined
}

export interface OnChange {
  readonly kind: "on-change"
  readonly dampeningMs: number
  readonly syncOnStart: boolean
  readonly excluded: ReadonlySet<ChangeType>
}

export type Trigger = Periodic | OnChange

export interface StreamTarget {
  readonly kind: "stream"
  /** Absent in a modification. */
  readonly stream: string | undefined
  readonly startMs: number | undefined
  readonly filter: FilterChoice | undefined
}

export interface DatastoreTarget {
  readonly kind: "datastore"
  /** `module:identity`. */
  readonly datastore: string
  readonly filter: FilterChoice | undefined
  /** Absent in a modification that leaves it. */
  readonly trigger: Trigger | undefined
}

export interface Terms {
  readonly target: StreamTarget | DatastoreTarget
  readonly stopMs: number | undefined
  readonly encoding: Encoding | undefined
  /** The members that say so, as notices and `/subscriptions` repeat them. */
  readonly policy: JsonObject
}

/** Members of an input that are no terms. */
const NO_TERMS = new Set(["id", "encoding"])
const YP = "ietf-yang-push:"
const CHANGE_TYPES: readonly ChangeType[] = ["create", "delete", "insert", "move", "replace"]

/**
 * @param input valid by the schema.
 * @param raw the elements it was decoded from, if it came as XML.
 * @throws QkdError as RFC 8639 section 2.4.6 and RFC 8641 appendix A.1 want.
 */
export function parseTerms(
  schema: Schema,
  input: JsonObject,
  raw: readonly XmlElement[] | undefined,
  rpc: "establish" | "modify",
  nowMs: number,
): Terms {
  const isPush = input[`${YP}datastore`] !== undefined
  const target = isPush
    ? datastoreTarget(schema, input, raw, rpc)
    : streamTarget(schema, input, raw, rpc, nowMs)
  const stopMs = timeOf(input["stop-time"])
  const startMs = target.kind === "stream" ? target.startMs : undefined
  if (stopMs !== undefined && stopMs <= (startMs ?? nowMs))
    throw badElement(
      "stop-time",
      startMs === undefined ? "is not in the future" : "is not after replay-start-time",
    )
  return {
    target,
    stopMs,
    encoding: encodingOf(input["encoding"]),
    policy: Object.fromEntries(Object.entries(input).filter(([name]) => !NO_TERMS.has(name))),
  }
}

function streamTarget(
  schema: Schema,
  input: JsonObject,
  raw: readonly XmlElement[] | undefined,
  rpc: FailedRpc,
  nowMs: number,
): StreamTarget {
  const startMs = timeOf(input["replay-start-time"])
  if (startMs !== undefined && startMs >= nowMs)
    throw badElement("replay-start-time", "is not in the past")
  const name = textOf(input["stream-filter-name"])
  return {
    kind: "stream",
    stream: textOf(input["stream"]),
    startMs,
    filter:
      name === undefined
        ? onTheSpot(schema, input, STREAM_FILTER, "", raw, rpc, "stream")
        : { by: "name", name },
  }
}

function datastoreTarget(
  schema: Schema,
  input: JsonObject,
  raw: readonly XmlElement[] | undefined,
  rpc: FailedRpc,
): DatastoreTarget {
  const name = textOf(input[`${YP}selection-filter-ref`])
  return {
    kind: "datastore",
    datastore: textOf(input[`${YP}datastore`]) ?? "",
    trigger: triggerOf(input),
    filter:
      name === undefined
        ? onTheSpot(schema, input, DATASTORE_FILTER, YP, raw, rpc, "datastore")
        : { by: "name", name },
  }
}

function onTheSpot(
  schema: Schema,
  input: JsonObject,
  names: FilterNames,
  prefix: string,
  raw: readonly XmlElement[] | undefined,
  rpc: FailedRpc,
  target: "stream" | "datastore",
): FilterChoice | undefined {
  try {
    const filter = filterIn(schema, input, names, prefix, raw)
    return filter === undefined ? undefined : { by: "value", filter }
  } catch (error) {
    if (!(error instanceof QkdError)) throw error
    throw subscriptionError(
      "ietf-subscribed-notifications:filter-unsupported",
      error.message,
      rpc,
      target,
      { "filter-failure-hint": error.message },
    )
  }
}

function triggerOf(input: JsonObject): Trigger | undefined {
  const periodic = input[`${YP}periodic`]
  if (isObject(periodic))
    return {
      kind: "periodic",
      periodMs: centiseconds(periodic["period"]) ?? 0,
      anchorMs: timeOf(periodic["anchor-time"]),
    }
  const onChange = input[`${YP}on-change`]
  if (!isObject(onChange)) return undefined
  const excluded = onChange["excluded-change"]
  return {
    kind: "on-change",
    dampeningMs: centiseconds(onChange["dampening-period"]) ?? 0,
    syncOnStart: onChange["sync-on-start"] !== false,
    excluded: new Set(CHANGE_TYPES.filter((type) => isArray(excluded) && excluded.includes(type))),
  }
}

function encodingOf(value: JsonValue | undefined): Encoding | undefined {
  if (typeof value !== "string") return undefined
  return value.endsWith("encode-json") ? "json" : "xml"
}

function centiseconds(value: JsonValue | undefined): number | undefined {
  return typeof value === "number" ? value * 10 : undefined
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined
}

/** A date-and-time has been checked by its type. */
function timeOf(value: JsonValue | undefined): number | undefined {
  const ms = typeof value === "string" ? Date.parse(value) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}

function badElement(name: string, what: string): QkdError {
  return new QkdError("invalid-value", `${name} ${what}`, { info: { "bad-element": name } })
}
