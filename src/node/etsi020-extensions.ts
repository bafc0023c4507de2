// Optional extensions of ETSI GS QKD 020 on their way through our network: nobody here knows any, and the standard has
// unknown ones passed on unchanged. They travel with the keys as one text, and are read again where keys leave for the
// next domain: what another node wrote is not believed to be what it should be.

import { QkdError } from "../errors.js"
import { RELAY_LIMITS } from "../keys/relay-header.js"
import { isObject, parseJson } from "../yang/json-text.js"
import type { JsonObject, JsonValue } from "../yang/json-text.js"

export interface KeyExtensions {
  /** `extension_optional` of the request. */
  readonly optional?: JsonObject
  /** `extension` of keys, by key id. */
  readonly byKey?: Readonly<Record<string, JsonObject>>
}

const NAME = /^E[0-9]{1,10}_[^\s]{1,128}$/
const DEPTH = 16

/** @throws QkdError `invalid-value`: extensions are objects, and their names are an enterprise's */
export function readExtensions(value: JsonValue | undefined, path: string): JsonObject {
  if (value === undefined) return {}
  if (!isObject(value)) throw invalid("extensions are an object", path)
  if (!Object.keys(value).every((name) => NAME.test(name)))
    throw invalid("an extension is named E, an enterprise number, _ and a name", path)
  return value
}

/**
 * As one text; undefined where there are none.
 *
 * @throws QkdError `invalid-value` when they are longer than what travels with keys
 */
export function extensionsText({ optional = {}, byKey = {} }: KeyExtensions): string | undefined {
  const named = Object.entries(byKey).filter(([, extension]) => !isEmpty(extension))
  if (isEmpty(optional) && named.length === 0) return undefined
  const text = JSON.stringify({ optional, byKey: Object.fromEntries(named) })
  if (Buffer.byteLength(text) > RELAY_LIMITS.extensions)
    throw invalid(
      `optional extensions of more than ${RELAY_LIMITS.extensions} bytes are not passed on`,
      "/extension_optional",
    )
  return text
}

/** Of these keys. @throws QkdError `invalid-value`, `malformed-message` when the text is none of ours */
export function extensionsIn(text: string | undefined, keyIds: readonly string[]): KeyExtensions {
  if (text === undefined) return {}
  const value = parseJson(text, { maxBytes: RELAY_LIMITS.extensions, maxDepth: DEPTH + 2 })
  if (!isObject(value) || !isObject(value["byKey"] ?? {})) throw invalid("no extensions", "/")
  const optional = readExtensions(value["optional"], "/optional")
  const found = isObject(value["byKey"]) ? value["byKey"] : {}
  const byKey: Record<string, JsonObject> = {}
  for (const keyId of keyIds) {
    const extension = readExtensions(found[keyId], `/byKey/${keyId}`)
    if (!isEmpty(extension)) byKey[keyId] = extension
  }
  return { ...(!isEmpty(optional) && { optional }), byKey }
}

function isEmpty(object: JsonObject): boolean {
  return Object.keys(object).length === 0
}

function invalid(message: string, path: string): QkdError {
  return new QkdError("invalid-value", message, { path })
}
