// ETSI GS QKD 014 V1.1.1 answers: which status and Error body a fault becomes, and the Key container as bytes.
// Key bytes go from Secret to the body of the answer and nowhere else; no JavaScript string ever holds them.

import { asQkdError } from "../errors.js"
import type { AppTag, QkdError } from "../errors.js"
import { base64Length, writeBase64 } from "../keys/base64.js"
import type { Secret } from "../keys/secret.js"
import { unmovedBuffer } from "../unmoved.js"
import type { JsonObject } from "../yang/json-text.js"
import { UNMET_MANDATORY } from "./etsi014-extensions.js"
import type { EndKey } from "./ports.js"

/** What goes back. A body with keys is wiped once it has left. */
export interface Answer {
  readonly status: number
  readonly body?: Uint8Array
  readonly contentType?: "application/json" | "text/plain"
  readonly wipe?: boolean
  /** For 405. */
  readonly allow?: string
  /** The connection ends after this answer. */
  readonly close?: boolean
}

/** Clause 5.4: one unknown id and nothing is delivered. */
export const KEYS_NOT_FOUND = "one or more keys specified are not found on KME"

/** Reasons of 503 (clause 5.1: server side error), told to the SAE in `details`. */
const UNAVAILABLE: Partial<Record<AppTag, string>> = {
  "no-path": "no path to the peer's KME",
  "no-capacity": "no path to the peer's KME has enough free key rate",
  "pool-empty": "no key left on the path to the peer's KME",
  "node-unreachable": "the peer's KME cannot be reached",
  timeout: "the controller or the peer's KME did not answer in time",
  closed: "the KME is closing",
  unsupported: "the network does not offer keys of this kind",
  "over-rate": "more than the bandwidth agreed for this pair",
  policy: "the site policy does not allow keys for this peer",
}

export function json(status: number, value: unknown): Answer {
  return { status, contentType: "application/json", body: Buffer.from(JSON.stringify(value)) }
}

/** Faults that 014 does not define: plain HTTP. */
export function plain(status: number, text: string, more: Partial<Answer> = {}): Answer {
  return { status, contentType: "text/plain", body: Buffer.from(`${text}\n`), ...more }
}

/** 401 has no body (clause 5.1), and does not say why. */
export const UNAUTHORIZED: Answer = { status: 401 }

/** A request that cannot be: 400 with the Error body (6.5). */
export function badRequest(message: string, path?: string): Answer {
  return json(400, { message, ...(path === undefined ? {} : { details: [{ path }] }) })
}

/**
 * The answer to a fault. What is ours to fix reads "internal error"; the caller logs it.
 *
 * Reasons of the controller are told by our own words: its text may name nodes and links.
 */
export function faultAnswer(fault: unknown): Answer {
  const error = asQkdError(fault)
  if (error.appTag === "unknown-sae") {
    return json(400, {
      message: "no KME has an SAE of this id",
      details: [{ reason: "unknown-sae" }],
    })
  }
  if (error.appTag === "terms") return json(400, { message: UNMET_MANDATORY })
  const unavailable = error.appTag === undefined ? undefined : UNAVAILABLE[error.appTag]
  if (unavailable !== undefined) {
    return json(503, { message: unavailable, details: [{ reason: error.appTag }] })
  }
  if (error.tag === "resource-denied") return json(503, { message: "the KME is at its limits" })
  return json(503, { message: "internal error" })
}

/** The answer to a fault of the request itself, found while reading it; others as `faultAnswer`. */
export function requestFaultAnswer(fault: unknown): Answer {
  const error = asQkdError(fault)
  switch (error.tag) {
    case "invalid-value":
    case "unknown-element":
    case "malformed-message":
      return badRequest(error.message, error.path)
    case "too-big":
      return plain(413, error.message, { close: true })
    default:
      return faultAnswer(error)
  }
}

/** Whether takeKeys found that one of the keys is not there, or that the caller is not entitled. */
export function takeFault(error: QkdError): "not-found" | "not-entitled" | undefined {
  if (error.tag === "data-missing") return "not-found"
  return error.tag === "access-denied" && error.appTag === undefined ? "not-entitled" : undefined
}

const BEFORE_KEYS = '{"keys":['
const BEFORE_ID = '{"key_ID":"'
const BEFORE_NEXT_ID = `,${BEFORE_ID}`
const BEFORE_KEY = '","key":"'
const AFTER_KEY = '"}'

/**
 * A Key container (6.3) in a buffer of its own, where nothing moves it, to be wiped by who sends it. The keys stay as they
 * are.
 */
export function keyContainer(keys: readonly EndKey[], extension?: JsonObject): Uint8Array {
  let text = BEFORE_KEYS
  let next = BEFORE_ID
  for (const { keyId, key } of keys) {
    // Key ids are UUIDs: ASCII, nothing to escape.
    text += `${next}${keyId}${BEFORE_KEY}${roomFor(key)}${AFTER_KEY}`
    next = BEFORE_NEXT_ID
  }
  const close = closeOf(extension)
  const body = unmovedBuffer(text.length + close.length)
  body.write(text, "latin1")
  body.set(close, text.length)
  let at = BEFORE_KEYS.length
  const write = (bytes: Uint8Array, from: number, length: number): number =>
    writeBase64(bytes, body, at, from, length)
  for (const { keyId, key } of keys) {
    at += BEFORE_ID.length + keyId.length + BEFORE_KEY.length
    at = key.useAt(write) + AFTER_KEY.length + 1
  }
  return body
}

/** Where the key itself will stand. */
function roomFor({ lengthBytes }: Secret): string {
  const length = base64Length(lengthBytes)
  if (blank.length !== length) blank = " ".repeat(length)
  return blank
}
let blank = ""

const PLAIN_CLOSE = Buffer.from("]}")
const closes = new WeakMap<JsonObject, Uint8Array>()

/** Written once for each extension, which is not changed any more. */
function closeOf(extension: JsonObject | undefined): Uint8Array {
  if (extension === undefined) return PLAIN_CLOSE
  let close = closes.get(extension)
  if (close === undefined) {
    close = Buffer.from(`],"key_container_extension":${JSON.stringify(extension)}}`)
    closes.set(extension, close)
  }
  return close
}
