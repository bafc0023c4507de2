// ETSI GS QKD 014 V1.1.1 requests: from method, target and body text to what is asked. Strict: whatever the
// standard does not name is refused. No key, no socket, no decision on who may.

import { asQkdError, QkdError } from "../errors.js"
import { NO_EXTENSIONS, parseExtensions } from "./etsi014-extensions.js"
import type { Extensions } from "./etsi014-extensions.js"
import type { PolicyLimits, SitePolicy } from "../keys/policy.js"
import { isArray, isObject, parseJson } from "../yang/json-text.js"
import type { JsonObject, JsonValue } from "../yang/json-text.js"

export type Etsi014Method = "status" | "enc_keys" | "dec_keys"

/** A request target that 014 knows. `saeId` is the other side's: the caller's comes from its certificate. */
export interface Etsi014Target {
  readonly method: Etsi014Method
  readonly saeId: string
  /** The raw query, without `?`; undefined when there is none. */
  readonly query: string | undefined
}

/** Table 10, defaults filled in. */
export interface KeyRequest {
  readonly number: number
  readonly keySizeBits: number
  /** Besides the one in the path; none twice. */
  readonly additionalSaeIds: readonly string[]
  readonly extensions: Extensions
}

/** What a request is held against. */
export interface RequestLimits extends PolicyLimits {
  readonly defaultKeySizeBits: number
  /** `max_SAE_ID_count` of Get status. */
  readonly maxSaeIdCount: number
}

/** What requests are held against while a policy is in force; the default key size lies within its limits. */
export class LimitsUnder {
  readonly #own: Pick<RequestLimits, "defaultKeySizeBits" | "maxSaeIdCount">
  /** Of the policy that was in force when they were last asked for. */
  #last: { readonly of: SitePolicy; readonly limits: RequestLimits } | undefined

  constructor(own: Pick<RequestLimits, "defaultKeySizeBits" | "maxSaeIdCount">) {
    this.#own = own
  }

  of(policy: SitePolicy): RequestLimits {
    if (this.#last?.of === policy) return this.#last.limits
    const { defaultKeySizeBits, maxSaeIdCount } = this.#own
    const { limits: own } = policy.document
    const { minKeySizeBits, maxKeySizeBits } = own
    const size = Math.min(Math.max(defaultKeySizeBits, minKeySizeBits), maxKeySizeBits)
    const limits = { ...own, defaultKeySizeBits: size, maxSaeIdCount }
    this.#last = { of: policy, limits }
    return limits
  }
}

const PREFIX = "/api/v1/keys/"
const JSON_DEPTH = 16
/** Remembered: so many, none longer. */
const MAX_TARGETS = 1024
const MAX_TARGET_CHARS = 512
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

function invalid(message: string, path: string): QkdError {
  return new QkdError("invalid-value", message, { path })
}

/**
 * Clause 5.1, table 2. Undefined for every other path: plain HTTP 404.
 *
 * @throws QkdError `invalid-value` when the SAE id is not percent-encoded UTF-8 or not an id at all.
 */
export function parseTarget(target: string): Etsi014Target | undefined {
  const mark = target.indexOf("?")
  const path = mark < 0 ? target : target.slice(0, mark)
  if (!path.startsWith(PREFIX)) return undefined
  const slash = path.indexOf("/", PREFIX.length)
  if (slash < 0) return undefined
  const method = path.slice(slash + 1)
  if (method !== "status" && method !== "enc_keys" && method !== "dec_keys") return undefined
  const saeId = decode(path.slice(PREFIX.length, slash), "the SAE id in the path")
  if (!isSaeId(saeId)) throw invalid("the SAE id in the path is not one", "/")
  return { method, saeId, query: mark < 0 ? undefined : target.slice(mark + 1) }
}

/** Clients ask for the same few targets again and again: what was read of one holds the next time. */
export class KnownTargets {
  readonly #known = new Map<string, Etsi014Target>()

  /** @throws QkdError as `parseTarget` */
  of(text: string): Etsi014Target | undefined {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const target = parseTarget(text)
    if (target === undefined || target.query !== undefined) return target
    if (text.length > MAX_TARGET_CHARS) return target
    if (this.#known.size >= MAX_TARGETS) this.#known.clear()
    this.#known.set(text, target)
    return target
  }
}

function isSaeId(text: string): boolean {
  return /^[^\p{Cc}\p{Cs}]{1,256}$/u.test(text)
}

/** Clause 5.2: Get status takes nothing. */
export function parseStatusQuery(query: string | undefined): void {
  parameters(query, [])
}

/** Clause 5.3, GET: nothing but `number` and `size`. */
export function parseKeyRequestQuery(query: string | undefined, limits: RequestLimits): KeyRequest {
  if (query === undefined) return plainRequest(limits)
  const asked = parameters(query, ["number", "size"])
  const { number, keySizeBits } = keyAmount(count(asked, "number"), count(asked, "size"), limits)
  return { number, keySizeBits, additionalSaeIds: [], extensions: NO_EXTENSIONS }
}

/** One key, of the default size; what it is held against is looked at anew when the policy has changed. */
function plainRequest(limits: RequestLimits): KeyRequest {
  if (plainOf?.limits !== limits)
    plainOf = {
      limits,
      request: {
        ...keyAmount(undefined, undefined, limits),
        ...{ additionalSaeIds: [], extensions: NO_EXTENSIONS },
      },
    }
  return plainOf.request
}

let plainOf: { readonly limits: RequestLimits; readonly request: KeyRequest } | undefined

/** Clause 5.3, POST: a Key request (6.2). */
export function parseKeyRequestBody(text: string, limits: RequestLimits): KeyRequest {
  const body = jsonObject(text, [
    "number",
    "size",
    "additional_slave_SAE_IDs",
    "extension_mandatory",
    "extension_optional",
  ])
  const amount = keyAmount(integer(body, "number"), integer(body, "size"), limits)
  return {
    ...amount,
    additionalSaeIds: additionalSaeIds(body, limits.maxSaeIdCount),
    extensions: parseExtensions(body),
  }
}

function additionalSaeIds(body: JsonObject, most: number): string[] {
  const path = "/additional_slave_SAE_IDs"
  const { additional_slave_SAE_IDs: value } = body
  if (value === undefined) return []
  if (!isArray(value)) throw invalid("additional_slave_SAE_IDs shall be an array of strings", path)
  const ids = value.map((id, i) => {
    if (typeof id !== "string" || !isSaeId(id))
      throw invalid("additional_slave_SAE_IDs shall be an array of SAE ids", `${path}/${i}`)
    return id
  })
  if (ids.length > most)
    throw invalid(`additional_slave_SAE_IDs shall be at most ${most} (max_SAE_ID_count)`, path)
  const twice = ids.findIndex((id, i) => ids.indexOf(id) !== i)
  if (twice >= 0) throw invalid("an additional slave SAE is named twice", `${path}/${twice}`)
  return ids
}

/** Clause 5.4, GET: one `key_ID`. */
export function parseKeyIdsQuery(query: string | undefined): string[] {
  const asked = parameters(query, ["key_ID"])
  const id = asked.get("key_ID")
  if (id === undefined) throw invalid("key_ID is missing", "/key_ID")
  return [keyId(id, "/key_ID")]
}

/** Clause 5.4, POST: Key IDs (6.4). Never the same id twice: a key is delivered once. */
export function parseKeyIdsBody(text: string, maxKeys: number): string[] {
  const body = jsonObject(text, ["key_IDs", "key_IDs_extension"])
  object(body.key_IDs_extension, "/key_IDs_extension")
  const { key_IDs: entries } = body
  if (!isArray(entries) || entries.length === 0) {
    throw invalid("key_IDs shall be an array of at least one key ID", "/key_IDs")
  }
  if (entries.length > maxKeys) {
    throw invalid(`at most ${maxKeys} keys in one request`, "/key_IDs")
  }
  const ids = entries.map((entry, i) => {
    const path = `/key_IDs/${i}`
    if (!isObject(entry)) throw invalid("a key ID shall be an object", path)
    known(entry, ["key_ID", "key_ID_extension"], path)
    object(entry.key_ID_extension, `${path}/key_ID_extension`)
    return keyId(entry.key_ID, `${path}/key_ID`)
  })
  const twice = ids.findIndex((id, i) => ids.indexOf(id) !== i)
  if (twice >= 0) throw invalid("the same key_ID is asked for twice", `/key_IDs/${twice}/key_ID`)
  return ids
}

function keyAmount(
  number: number | undefined,
  size: number | undefined,
  limits: RequestLimits,
): Pick<KeyRequest, "number" | "keySizeBits"> {
  const asked = { number: number ?? 1, keySizeBits: size ?? limits.defaultKeySizeBits }
  if (asked.number < 1 || asked.number > limits.maxKeysPerRequest) {
    throw invalid(`number shall be from 1 to ${limits.maxKeysPerRequest}`, "/number")
  }
  // The standard's own words.
  if (asked.keySizeBits % 8 !== 0) throw invalid("size shall be a multiple of 8", "/size")
  if (asked.keySizeBits < limits.minKeySizeBits || asked.keySizeBits > limits.maxKeySizeBits) {
    throw invalid(
      `size shall be from ${limits.minKeySizeBits} to ${limits.maxKeySizeBits} bits`,
      "/size",
    )
  }
  return asked
}

/** Query parameters: each known, at most once. */
function parameters(query: string | undefined, names: readonly string[]): Map<string, string> {
  const found = new Map<string, string>()
  if (query === undefined || query === "") return found
  for (const pair of query.split("&")) {
    const equals = pair.indexOf("=")
    const name = decode(equals < 0 ? pair : pair.slice(0, equals), "the query")
    if (!names.includes(name)) throw invalid("the query has an unknown parameter", `/${name}`)
    if (equals < 0) throw invalid("the parameter has no value", `/${name}`)
    if (found.has(name)) throw invalid("the parameter appears twice", `/${name}`)
    found.set(name, decode(pair.slice(equals + 1), "the query"))
  }
  return found
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid(`${what} is not percent-encoded UTF-8`, "/")
  }
}

function count(asked: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = asked.get(name)
  if (text === undefined) return undefined
  if (!/^[0-9]{1,9}$/.test(text)) throw invalid(`${name} shall be an integer`, `/${name}`)
  return Number(text)
}

function jsonObject(text: string, names: readonly string[]): JsonObject {
  const value = parse(text)
  if (!isObject(value)) throw invalid("the body shall be a JSON object", "/")
  known(value, names, "")
  return value
}

function parse(text: string): JsonValue {
  try {
    return parseJson(text, { maxBytes: text.length, maxDepth: JSON_DEPTH })
  } catch (fault) {
    // Too deep is malformed here: 413 speaks of the body's length only.
    const { message } = asQkdError(fault)
    throw new QkdError("malformed-message", message, { path: "/", cause: fault })
  }
}

function known(value: JsonObject, names: readonly string[], path: string): void {
  const stranger = Object.keys(value).find((name) => !names.includes(name))
  if (stranger === undefined) return
  throw new QkdError("unknown-element", "the body has an unknown member", {
    path: `${path}/${stranger.slice(0, 64)}`,
  })
}

function integer(body: JsonObject, name: string): number | undefined {
  const value = body[name]
  if (value === undefined) return undefined
  if (typeof value !== "number" || !Number.isSafeInteger(value)) {
    throw invalid(`${name} shall be an integer`, `/${name}`)
  }
  return value
}

function object(value: JsonValue | undefined, path: string): void {
  if (value !== undefined && !isObject(value)) throw invalid("an extension is an object", path)
}

/** Key ids are ours: UUIDs (6.4), compared in lower case. */
function keyId(value: JsonValue | undefined, path: string): string {
  const id = typeof value === "string" ? value.toLowerCase() : ""
  if (!UUID.test(id)) throw invalid("key_ID shall be a UUID", path)
  return id
}
