// Hexadecimal text of key bytes without a JavaScript string in between: strings cannot be wiped (threat D3).

import { unmovedBuffer } from "../unmoved.js"

const DIGITS = Buffer.from("0123456789abcdef", "latin1")

/** `before`, the bytes in lower-case hex, `after`: in a buffer of its own, to be wiped by its owner. ASCII only. */
export function writeHex(before: string, bytes: Uint8Array, after: string): Uint8Array {
  const text = unmovedBuffer(before.length + 2 * bytes.length + after.length)
  let at = text.write(before, 0, "latin1")
  for (const byte of bytes) {
    text[at++] = DIGITS[byte >>> 4] ?? 0
    text[at++] = DIGITS[byte & 15] ?? 0
  }
  text.write(after, at, "latin1")
  return text
}

/** The 32 hex digits of a UUID. */
export function hexOf(uuid: string): string {
  return uuid.replaceAll("-", "")
}

/** The UUID of 32 hex digits in either case; undefined for any other text. */
export function uuidOfHex(hex: string): string | undefined {
  const groups = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/.exec(hex.toLowerCase())
  if (groups === null || !/^[0-9a-f]{32}$/i.test(hex)) return undefined
  return groups.slice(1).join("-")
}
