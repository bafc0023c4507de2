// ETSI GS QKD 020 V1.1.1 messages: from body to what is said, and back. Strict: what the standard does not name is
// refused. Keys go from the body's bytes into Secrets and back without being text in between.

import { asQkdError, QkdError } from "../errors.js"
import { ACK_STATUSES, BORDER_LIMITS } from "../keys/border-records.js"
import type { Parties } from "../keys/border-records.js"
import { DOMAIN_SAE_ID } from "../keys/policy-document.js"
import type { Secret } from "../keys/secret.js"
import { placeOf, takeSecrets, writeWithSecrets } from "../keys/secret-json.js"
import { isArray, isObject, parseJson } from "../yang/json-text.js"
import type { JsonObject, JsonValue } from "../yang/json-text.js"
import type { Ack, DomainParcel } from "./border-ports.js"
import { extensionsIn, extensionsText, readExtensions } from "./etsi020-extensions.js"

/** An ext_key_container. */
export interface ExtKeys extends Parties {
  readonly keys: readonly { readonly keyId: string; readonly key: Secret }[]
  readonly callbackUrl?: string
  /** Names of the extensions that must be met. */
  readonly mandatory: readonly string[]
  /** Those that need not be, as `etsi020-extensions` writes them. */
  readonly extensions?: string
}

/** A void_container. */
export interface VoidKeys extends Parties {
  /** None: all keys of these SAEs. */
  readonly keyIds: readonly string[]
  readonly callbackUrl?: string
}

const MAX_CONTAINERS = 1024
const MAX_MESSAGE = 4096
const MAX_URL = 1024
const JSON_DEPTH = 16
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/**
 * The keys are the caller's to wipe; `body` too, in which none of them is left.
 *
 * @throws QkdError `malformed-message`, `missing-element`, `unknown-element`, `invalid-value` with the place of the fault
 */
export function parseExtKeys(bytes: Uint8Array, maxKeys: number): ExtKeys {
  const secrets = takeSecrets(bytes, "keys", "value")
  try {
    const body = objectIn(bytes, [
      ...["keys", "initiator_sae_id", "target_sae_ids", "ack_callback_url"],
      ...["extension_mandatory", "extension_optional"],
    ])
    const entries = list(body, "keys", Math.min(maxKeys, BORDER_LIMITS.keys))
    const used = new Set<number>()
    const byKey: Record<string, JsonObject> = {}
    const keys = entries.map((entry, i) => {
      const path = `/keys/${i}`
      const { key_id, value, extension } = members(entry, path, ["key_id", "value", "extension"])
      const keyId = keyIdIn(key_id, `${path}/key_id`)
      byKey[keyId] = readExtensions(extension, `${path}/extension`)
      if (value === undefined) throw missing(`${path}/value`)
      const place = typeof value === "string" ? placeOf(value) : undefined
      const key = place === undefined ? undefined : secrets[place]
      if (place === undefined || key === undefined || used.has(place) || key.lengthBytes === 0)
        throw invalid("value shall be a key in base64", `${path}/value`)
      used.add(place)
      return { keyId, key }
    })
    once(
      keys.map(({ keyId }) => keyId),
      "/keys",
    )
    const mandatory = readExtensions(body["extension_mandatory"], "/extension_mandatory")
    const optional = readExtensions(body["extension_optional"], "/extension_optional")
    const extensions = extensionsText({ optional, byKey })
    return {
      ...{ keys, mandatory: Object.keys(mandatory), ...partiesIn(body), ...callbackIn(body) },
      ...(extensions !== undefined && { extensions }),
    }
  } catch (fault) {
    for (const secret of secrets) secret.wipe()
    throw fault
  }
}

/** @throws QkdError as `parseExtKeys` */
export function parseVoid(bytes: Uint8Array): VoidKeys {
  const body = objectIn(bytes, [
    ...["key_ids", "initiator_sae_id", "target_sae_ids", "ack_callback_url"],
    ...["extension", "all_confirmation"],
  ])
  readExtensions(body["extension"], "/extension")
  const { all_confirmation: all } = body
  if (all !== undefined && typeof all !== "boolean")
    throw invalid("all_confirmation shall be true or false", "/all_confirmation")
  const entries = list(body, "key_ids", BORDER_LIMITS.keys, 0)
  const keyIds = entries.map((id, i) => keyIdIn(id, `/key_ids/${i}`))
  once(keyIds, "/key_ids")
  if (keyIds.length === 0 && all !== true) throw unconfirmed()
  return { keyIds, ...partiesIn(body), ...callbackIn(body) }
}

/** The standard has a name for it, which stands in `details`. */
function unconfirmed(): QkdError {
  const message = "no key_ids mean all keys: all_confirmation shall be true"
  const info = { no_all_confirmation: message }
  return new QkdError("invalid-value", message, { path: "/all_confirmation", info })
}

/** ack_containers. @throws QkdError as `parseExtKeys` */
export function parseAcks(bytes: Uint8Array): Ack[] {
  const value = parse(bytes)
  if (!isArray(value)) throw invalid("the body shall be an array of ack_container", "/")
  if (value.length > MAX_CONTAINERS)
    throw invalid(`at most ${MAX_CONTAINERS} ack_container in one request`, "/")
  return value.map((entry, i) => {
    const path = `/${i}`
    const container = members(entry, path, [
      ...["key_id_container", "ack_status", "initiator_sae_id", "target_sae_ids"],
      ...["message", "extension"],
    ])
    readExtensions(container["extension"], `${path}/extension`)
    const { message } = container
    if (message !== undefined && (typeof message !== "string" || message.length > MAX_MESSAGE))
      throw invalid(`message shall be text of at most ${MAX_MESSAGE} characters`, `${path}/message`)
    const status = ACK_STATUSES.find((one) => one === container["ack_status"])
    if (status === undefined) throw invalid("ack_status is not known", `${path}/ack_status`)
    const ids = list(container, "key_id_container", BORDER_LIMITS.keys, 1, path)
    const keyIds = ids.map((item, k) => {
      const at = `${path}/key_id_container/${k}`
      const { key_id, extension } = members(item, at, ["key_id", "extension"])
      readExtensions(extension, `${at}/extension`)
      return keyIdIn(key_id, `${at}/key_id`)
    })
    return {
      keyIds,
      status,
      ...partiesIn(container, path),
      ...(message !== undefined && { message }),
    }
  })
}

/**
 * The body of ext_keys, with keys in it: whoever sends it wipes it.
 *
 * @throws QkdError `invalid-value`, `malformed-message` when its extensions are none
 */
export function extKeysBody(parcel: DomainParcel, callbackUrl: string | undefined): Uint8Array {
  const { keyIds, keySizeBits, keys } = parcel
  const bytes = keySizeBits / 8
  const { optional, byKey = {} } = extensionsIn(parcel.extensions, keyIds)
  const cuts = keyIds.map((_, index) => keys.slice(index * bytes, bytes))
  const rest = JSON.stringify({
    ...{ ...partiesOut(parcel), ...callbackOut(callbackUrl) },
    ...(optional !== undefined && { extension_optional: optional }),
  })
  try {
    return writeWithSecrets([
      '{"keys":[',
      ...keyIds.flatMap((keyId, index) => {
        const cut = cuts[index]
        const head = `${index === 0 ? "" : ","}{"key_id":"${keyId}","value":"`
        const extension = byKey[keyId]
        const tail = extension === undefined ? '"}' : `","extension":${JSON.stringify(extension)}}`
        return cut === undefined ? [] : [head, cut, tail]
      }),
      `],${rest.slice(1)}`,
    ])
  } finally {
    for (const cut of cuts) cut.wipe()
  }
}

export function voidBody(
  parties: Parties,
  keyIds: readonly string[],
  callbackUrl: string | undefined,
): string {
  return JSON.stringify({ key_ids: keyIds, ...partiesOut(parties), ...callbackOut(callbackUrl) })
}

export function acksOut(acks: readonly Ack[]): JsonObject[] {
  return acks.map((ack) => ({
    key_id_container: ack.keyIds.map((key_id) => ({ key_id })),
    ack_status: ack.status,
    ...partiesOut(ack),
    ...(ack.message !== undefined && { message: ack.message.slice(0, MAX_MESSAGE) }),
  }))
}

function partiesOut({ initiatorSaeId, targetSaeIds }: Parties): JsonObject {
  return { initiator_sae_id: initiatorSaeId, target_sae_ids: targetSaeIds }
}

function callbackOut(url: string | undefined): JsonObject {
  return url === undefined ? {} : { ack_callback_url: url }
}

function partiesIn(body: JsonObject, path = ""): Parties {
  const initiatorSaeId = saeIdIn(body["initiator_sae_id"], `${path}/initiator_sae_id`)
  const targets = list(body, "target_sae_ids", BORDER_LIMITS.targets, 1, path)
  const targetSaeIds = targets.map((id, i) => saeIdIn(id, `${path}/target_sae_ids/${i}`))
  once([initiatorSaeId, ...targetSaeIds], `${path}/target_sae_ids`)
  return { initiatorSaeId, targetSaeIds }
}

function callbackIn(body: JsonObject): { readonly callbackUrl?: string } {
  const { ack_callback_url: url } = body
  if (url === undefined) return {}
  // As on the wire (RFC 3986): what is not ASCII would be longer in the store than it can be read back.
  if (typeof url !== "string" || url.length > MAX_URL || !/^https:\/\/[!-~]+$/.test(url))
    throw invalid(
      `ack_callback_url shall be an https URL of at most ${MAX_URL} characters`,
      CALLBACK,
    )
  return { callbackUrl: url }
}

const CALLBACK = "/ack_callback_url"

function saeIdIn(value: JsonValue | undefined, path: string): string {
  if (value === undefined) throw missing(path)
  if (typeof value !== "string" || !DOMAIN_SAE_ID.test(value))
    throw invalid("an SAE id has 1 to 64 characters that URIs may have", path)
  return value
}

function keyIdIn(value: JsonValue | undefined, path: string): string {
  if (value === undefined) throw missing(path)
  const id = typeof value === "string" ? value.toLowerCase() : ""
  if (!UUID.test(id)) throw invalid("key_id shall be a UUID", path)
  return id
}

function list(
  body: JsonObject,
  name: string,
  most: number,
  least = 1,
  path = "",
): readonly JsonValue[] {
  const value = body[name]
  if (value === undefined) throw missing(`${path}/${name}`)
  if (!isArray(value)) throw invalid(`${name} shall be an array`, `${path}/${name}`)
  if (value.length < least) throw invalid(`${name} is empty`, `${path}/${name}`)
  if (value.length <= most) return value
  const message = `${name} has more than ${most} entries`
  // Clause on several targets: too many of them is no fault of the request.
  throw name === "target_sae_ids"
    ? new QkdError("resource-denied", message, { path: `${path}/${name}`, appTag: "unsupported" })
    : invalid(message, `${path}/${name}`)
}

function once(ids: readonly string[], path: string): void {
  if (new Set(ids).size !== ids.length) throw invalid("an id is named twice", path)
}

function members(value: JsonValue, path: string, names: readonly string[]): JsonObject {
  if (!isObject(value)) throw invalid("an object is wanted", path === "" ? "/" : path)
  const stranger = Object.keys(value).find((name) => !names.includes(name))
  if (stranger === undefined) return value
  const at = `${path}/${stranger.slice(0, 64)}`
  throw new QkdError("unknown-element", "the body has an unknown member", { path: at })
}

function objectIn(bytes: Uint8Array, names: readonly string[]): JsonObject {
  return members(parse(bytes), "", names)
}

function parse(bytes: Uint8Array): JsonValue {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes)
    return parseJson(text, { maxBytes: bytes.length, maxDepth: JSON_DEPTH })
  } catch (fault) {
    const { message } = asQkdError(fault)
    throw new QkdError("malformed-message", message, { path: "/", cause: fault })
  }
}

function missing(path: string): QkdError {
  return new QkdError("missing-element", "a member is missing", { path })
}

function invalid(message: string, path: string): QkdError {
  return new QkdError("invalid-value", message, { path })
}
