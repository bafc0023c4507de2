// ETSI GS QKD 014 V1.1.1 requests: from method, target and body text to what is asked. Strict: whatever the
// standard does not name is refused. No key, no socket, no decision on who may.

import { asQkdError, QkdError } from "../errors.js"
import type { PolicyLimits } from "../keys/policy.js"
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
}

const PREFIX = "/api/v1/keys/"
const JSON_DEPTH = 16
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
  const [rawId = "", method, ...rest] = path.slice(PREFIX.length).split("/")
  if (rest.length > 0) return undefined
  if (method !== "status" && method !== "enc_keys" && method !== "dec_keys") return undefined
  const saeId = decode(rawId, "the SAE id in the path")
  if (!/^[^\p{Cc}\p{Cs}]{1,256}$/u.test(saeId)) {
    throw invalid("the SAE id in the path is not one", "/")
  }
  return { method, saeId, query: mark < 0 ? undefined : target.slice(mark + 1) }
}

/** Clause 5.2: Get status takes nothing. */
export function parseStatusQuery(query: string | undefined): void {
  parameters(query, [])
}

/** Clause 5.3, GET: nothing but `number` and `size`. */
export function parseKeyRequestQuery(
  query: string | undefined,
  limits: PolicyLimits,
  defaultBits: number,
): KeyRequest {
  const asked = parameters(query, ["number", "size"])
  return keyRequest(count(asked, "number"), count(asked, "size"), limits, defaultBits)
}

/** Clause 5.3, POST: a Key request (6.2). */
export function parseKeyRequestBody(
  text: string,
  limits: PolicyLimits,
  defaultBits: number,
): KeyRequest {
  const body = jsonObject(text, [
    "number",
    "size",
    "additional_slave_SAE_IDs",
    "extension_mandatory",
    "extension_optional",
  ])
  const number = integer(body, "number")
  const size = integer(body, "size")
  const additional = list(body, "additional_slave_SAE_IDs", (item) => typeof item === "string")
  if (additional > 0) {
    // max_SAE_ID_count is 0: no multicast yet.
    throw invalid("additional_slave_SAE_IDs are not supported", "/additional_slave_SAE_IDs")
  }
  const mandatory = list(body, "extension_mandatory", isObject)
  if (mandatory > 0) {
    throw invalid("not all extension_mandatory parameters are supported", "/extension_mandatory")
  }
  // Checked for form, then ignored as the standard allows.
  list(body, "extension_optional", isObject)
  return keyRequest(number, size, limits, defaultBits)
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

function keyRequest(
  number: number | undefined,
  size: number | undefined,
  limits: PolicyLimits,
  defaultBits: number,
): KeyRequest {
  const asked = { number: number ?? 1, keySizeBits: size ?? defaultBits }
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

/** How many items an optional array of such items has. */
function list(body: JsonObject, name: string, fits: (item: JsonValue) => boolean): number {
  const value = body[name]
  if (value === undefined) return 0
  if (!isArray(value) || !value.every(fits)) {
    throw invalid(`${name} is not an array of the right things`, `/${name}`)
  }
  return value.length
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
