// JSON messages that carry keys, read and written without a key ever being a JavaScript string (threat D3). Reading:
// every key's text is taken out of the bytes into a Secret and its place in the message overwritten with a number,
// before the rest becomes text. Knows no API: which member holds keys is the caller's.

import { QkdError } from "../errors.js"
import { unmovedBuffer, unmovedBytes } from "../unmoved.js"
import { base64Length, readBase64, writeBase64 } from "./base64.js"
import { Secret } from "./secret.js"

const [QUOTE, BACKSLASH, COMMA, COLON, SLASH] = [0x22, 0x5c, 0x2c, 0x3a, 0x2f]
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]
const [SPACE, ZERO] = [0x20, 0x30]
const MAX_DEPTH = 32

/**
 * Takes the keys out of `body`: every string at `/<list>/<any>/<member>`, in base64. In its place stands which one it
 * is: digits, then spaces (see `placeOf`). What is left is for a strict JSON parser: here only strings, nesting and
 * commas are looked at.
 *
 * @throws QkdError `malformed-message`, without any text; keys taken until then are wiped, `body` is not.
 */
export function takeSecrets(body: Uint8Array, list: string, member: string): Secret[] {
  const secrets: Secret[] = []
  /** Of each open object or array: the member or item we are at. */
  const open: { readonly isArray: boolean; name: string }[] = []
  let isName = false
  try {
    for (let at = 0; at < body.length; at++) {
      const byte = body[at]
      const inner = open.at(-1)
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (open.length >= MAX_DEPTH) throw fault(at)
        open.push({ isArray: byte === OPEN_ARRAY, name: "" })
        isName = byte === OPEN_OBJECT
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) open.pop()
      else if (byte === COMMA) isName = inner?.isArray === false
      else if (byte === COLON) isName = false
      else if (byte === QUOTE) {
        const end = endOfString(body, at + 1)
        const text = body.subarray(at + 1, end)
        if (isName && inner !== undefined) inner.name = nameIn(text, at)
        else if (isSecretAt(open, list, member)) secrets.push(takeOne(text, secrets.length, at))
        at = end
      }
    }
    return secrets
  } catch (cause) {
    for (const secret of secrets) secret.wipe()
    throw cause
  }
}

/** Which of the secrets stood at this place; undefined for text that did not come from `takeSecrets`. */
export function placeOf(text: string): number | undefined {
  const digits = /^([0-9]{1,6}) *$/.exec(text)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Text and keys in base64, one after the other, in a buffer of its own: whoever sends it wipes it. */
export function writeWithSecrets(pieces: readonly (string | Secret)[]): Uint8Array {
  const length = pieces.reduce(
    (sum, piece) =>
      sum +
      (typeof piece === "string" ? Buffer.byteLength(piece) : base64Length(piece.lengthBytes)),
    0,
  )
  const body = unmovedBuffer(length)
  let at = 0
  for (const piece of pieces) {
    if (typeof piece === "string") at += body.write(piece, at, "utf8")
    else at = piece.use((bytes) => writeBase64(bytes, body, at))
  }
  return body
}

type Open = readonly { readonly isArray: boolean; readonly name: string }[]

function isSecretAt(open: Open, list: string, member: string): boolean {
  const [top, items, item, ...more] = open
  if (top === undefined || items === undefined || item === undefined || more.length > 0)
    return false
  return !top.isArray && top.name === list && items.isArray && !item.isArray && item.name === member
}

/** The key in this text, which now holds a number. Base64 has nothing to escape but the slash. */
function takeOne(text: Uint8Array, index: number, at: number): Secret {
  const digits = String(index)
  if (text.length < digits.length) throw fault(at)
  const plain = unmovedBytes(text.length)
  let length = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === BACKSLASH && text[i + 1] === SLASH) i++
    plain[length++] = text[i] ?? 0
  }
  try {
    return readBase64(plain.subarray(0, length))
  } finally {
    plain.fill(0)
    text.fill(SPACE)
    for (let i = 0; i < digits.length; i++) text[i] = ZERO + Number(digits[i])
  }
}

/** A name written with escapes could hide a key from us. */
function nameIn(text: Uint8Array, at: number): string {
  if (text.includes(BACKSLASH)) throw fault(at)
  return new TextDecoder().decode(text)
}

function endOfString(body: Uint8Array, from: number): number {
  for (let at = from; at < body.length; at++) {
    if (body[at] === BACKSLASH) at++
    else if (body[at] === QUOTE) return at
  }
  throw fault(from)
}

function fault(at: number): QkdError {
  return new QkdError("malformed-message", `fault at byte ${at}`)
}
