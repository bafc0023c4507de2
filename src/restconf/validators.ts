// Entity tags and times of resources, and the preconditions of a request (RFC 8040 sections 3.4.1 and 3.5.1-3.5.2,
// RFC 9110 section 13). Configuration only: state has no validators.

import { createHash } from "node:crypto"
import type { JsonValue } from "../yang/json-text.js"
import { RestconfFault } from "./fault.js"
import type { Encoding } from "./message.js"

const digests = new WeakMap<object, string>()

/**
 * Names a piece of configuration by its content: the same after a restart, and no other content ever has it. Trees
 * share what an edit does not reach, so most of it is known already.
 */
function digestOf(value: JsonValue): string {
  if (typeof value !== "object" || value === null) return hash(JSON.stringify(value))
  const known = digests.get(value)
  if (known !== undefined) return known
  const parts = Array.isArray(value)
    ? value.map(partOf)
    : Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
        .map(([member, inner]) => `${JSON.stringify(member)}:${partOf(inner)}`)
  const digest = hash(`${Array.isArray(value) ? "[" : "{"}${parts.join(",")}`)
  digests.set(value, digest)
  return digest
}

/** A scalar as it is, anything larger by its digest. */
function partOf(value: JsonValue): string {
  return typeof value === "object" && value !== null ? digestOf(value) : JSON.stringify(value)
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 22)
}

/** What is at a resource: its configuration, absent where there is none, and when the datastore last changed. */
export interface Validators {
  readonly config: JsonValue | undefined
  /** Whether the resource is there at all: state may be where no configuration is. */
  readonly exists: boolean
  /** Milliseconds since the epoch; absent: nobody keeps it. */
  readonly changedMs?: number
}

/** A strong tag. Two encodings are two representations, so each has its own (RFC 9110 section 8.8.3). */
export function etagOf(config: JsonValue, encoding: Encoding): string {
  return `"${digestOf(config)}-${encoding}"`
}

/** RFC 9110 section 5.6.7: whole seconds. */
export function httpDate(ms: number): string {
  return new Date(ms).toUTCString()
}

/** The headers that tell a resource's state. */
export function validatorHeaders(
  validators: Validators,
  encoding: Encoding,
): Readonly<Record<string, string>> {
  if (validators.config === undefined) return {}
  return {
    ETag: etagOf(validators.config, encoding),
    ...(validators.changedMs === undefined
      ? {}
      : { "Last-Modified": httpDate(validators.changedMs) }),
  }
}

const TAGS = /^\s*(?:(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"\s*(?:,\s*|$))+$/
const ONE_TAG = /(W\/)?("[^"]*")/g

/** The tags a header lists; weak ones only where weak comparison will do. @throws RestconfFault 400. */
function tagsIn(header: string, name: string, weak: boolean): string[] | "*" {
  if (header.trim() === "*") return "*"
  if (!TAGS.test(header)) throw new RestconfFault(400, "invalid-value", `${name} is malformed`)
  return [...header.matchAll(ONE_TAG)]
    .filter((match) => weak || match[1] === undefined)
    .map((match) => match[2] ?? "")
}

/** Both encodings' tags name the same configuration: either may guard an edit. */
function names(tags: readonly string[], config: JsonValue | undefined): boolean {
  if (config === undefined) return false
  return tags.some((tag) => tag === etagOf(config, "json") || tag === etagOf(config, "xml"))
}

const HTTP_DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/

/** A header that is no date is passed over (RFC 9110 sections 13.1.3 and 13.1.4). */
function dateIn(header: string | undefined): number | undefined {
  if (header === undefined || !HTTP_DATE.test(header.trim())) return undefined
  const ms = Date.parse(header)
  return Number.isNaN(ms) ? undefined : ms
}

type Headers = Readonly<Record<string, string | undefined>>

/** Whether the request has a precondition at all. */
export function isConditional(headers: Headers): boolean {
  return ["if-match", "if-none-match", "if-unmodified-since", "if-modified-since"].some(
    (name) => headers[name] !== undefined,
  )
}

/**
 * The preconditions, in the order of RFC 9110 section 13.2.2.
 *
 * @param reading GET or HEAD: a state the client has already is 304 rather than 412.
 * @param encoding of the answer, for reading.
 * @returns "not-modified" for a 304.
 * @throws RestconfFault 412 when a precondition does not hold.
 */
export function checkPreconditions(
  headers: Headers,
  validators: Validators,
  reading: Encoding | undefined,
): "go-on" | "not-modified" {
  const { config, exists } = validators
  const { changedMs } = validators
  // Unknown is taken for changed just now: a precondition must not hold by ignorance.
  const changed = changedMs === undefined ? Infinity : Math.floor(changedMs / 1000) * 1000
  const match = headers["if-match"]
  const unmodified = dateIn(headers["if-unmodified-since"])
  if (match !== undefined) {
    const tags = tagsIn(match, "If-Match", false)
    if (tags === "*" ? !exists : !names(tags, config)) throw failed("If-Match")
  } else if (unmodified !== undefined && changed > unmodified) throw failed("If-Unmodified-Since")
  const noneMatch = headers["if-none-match"]
  const modified = dateIn(headers["if-modified-since"])
  if (noneMatch !== undefined) {
    const tags = tagsIn(noneMatch, "If-None-Match", true)
    if (reading !== undefined && tags !== "*") {
      const current = config === undefined ? undefined : etagOf(config, reading)
      if (current !== undefined && tags.includes(current)) return "not-modified"
    } else if (tags === "*" ? exists : names(tags, config)) {
      if (reading !== undefined) return "not-modified"
      throw failed("If-None-Match")
    }
  } else if (reading !== undefined && modified !== undefined && config !== undefined) {
    if (changed <= modified) return "not-modified"
  }
  return "go-on"
}

function failed(header: string): RestconfFault {
  return new RestconfFault(412, "operation-failed", `${header}: the resource is in another state`)
}
