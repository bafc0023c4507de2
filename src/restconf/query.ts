// The query parameters of RFC 8040 section 4.8 and RFC 8527 section 3.2: which request may carry which, and their
// values. What they do is done where data are read and written.

import type { Method } from "./message.js"
import { badUri } from "./fault.js"
import { parseParameters, show } from "./uri.js"

export type Content = "config" | "nonconfig" | "all"
export type WithDefaults = "report-all" | "trim" | "explicit" | "report-all-tagged"
export type Insert = "first" | "last" | "before" | "after"

export interface Query {
  readonly content?: Content
  /** Levels; absent: all. */
  readonly depth?: number
  readonly fields?: string
  readonly withDefaults?: WithDefaults
  /** Say where each value comes from; of operational only. */
  readonly withOrigin?: true
  readonly insert?: Insert
  /** As written, percent-decoded once: a path below `data`, whose keys are still escaped. */
  readonly point?: string
  readonly filter?: string
  /** Milliseconds since the epoch. */
  readonly startMs?: number
  readonly stopMs?: number
}

/** What a query is of. */
export type ResourceKind = "api" | "data" | "stream" | "other"

const READ = ["content", "depth", "fields", "with-defaults", "with-origin"]

/** Section 4.8, table: parameter by method and resource. */
function allowed(method: Method, kind: ResourceKind): readonly string[] {
  const reads = method === "GET" || method === "HEAD"
  if (kind === "api") return reads ? ["depth", "fields"] : []
  if (kind === "stream") return reads ? ["filter", "start-time", "stop-time"] : []
  if (kind === "other") return []
  if (reads) return READ
  return method === "POST" || method === "PUT" ? ["insert", "point"] : []
}

/** @throws RestconfFault 400 for what is unknown, doubled, in the wrong place or of the wrong value. */
export function parseQuery(text: string, method: Method, kind: ResourceKind): Query {
  const parameters = parseParameters(text)
  const names = allowed(method, kind)
  for (const name of parameters.keys())
    if (!names.includes(name)) throw badUri(`query parameter ${show(name)} is not for this request`)
  const take = <T>(name: string, read: (value: string) => T | undefined): T | undefined => {
    const value = parameters.get(name)
    if (value === undefined) return undefined
    const found = read(value)
    if (found === undefined) throw badUri(`${name} cannot be ${show(value)}`)
    return found
  }
  const nonEmpty = (value: string): string | undefined => (value === "" ? undefined : value)
  const content = take("content", oneOf("config", "nonconfig", "all"))
  const depth = take("depth", depthOf)
  const fields = take("fields", nonEmpty)
  const withDefaults = take(
    "with-defaults",
    oneOf("report-all", "trim", "explicit", "report-all-tagged"),
  )
  const withOrigin = take("with-origin", (value) => (value === "" ? (true as const) : undefined))
  const insert = take("insert", oneOf("first", "last", "before", "after"))
  const point = take("point", nonEmpty)
  const filter = take("filter", nonEmpty)
  const startMs = take("start-time", timeOf)
  const stopMs = take("stop-time", timeOf)
  const anchored = insert === "before" || insert === "after"
  if (anchored !== (point !== undefined))
    throw badUri(
      anchored ? `insert ${insert} wants a point` : "point is for insert before or after",
    )
  if (stopMs !== undefined && (startMs === undefined || stopMs <= startMs))
    throw badUri("stop-time wants an earlier start-time")
  return {
    ...(content === undefined ? {} : { content }),
    ...(depth === undefined || depth === Infinity ? {} : { depth }),
    ...(fields === undefined ? {} : { fields }),
    ...(withDefaults === undefined ? {} : { withDefaults }),
    ...(withOrigin === undefined ? {} : { withOrigin }),
    ...(insert === undefined ? {} : { insert }),
    ...(point === undefined ? {} : { point }),
    ...(filter === undefined ? {} : { filter }),
    ...(startMs === undefined ? {} : { startMs }),
    ...(stopMs === undefined ? {} : { stopMs }),
  }
}

function oneOf<T extends string>(...values: readonly T[]): (text: string) => T | undefined {
  return (text) => values.find((value) => value === text)
}

/** Section 4.8.2: 1..65535 or `unbounded`. */
function depthOf(text: string): number | undefined {
  if (text === "unbounded") return Infinity
  const depth = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0
  return depth >= 1 && depth <= 65_535 ? depth : undefined
}

const DATE_AND_TIME =
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$/

function timeOf(text: string): number | undefined {
  const ms = DATE_AND_TIME.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}
