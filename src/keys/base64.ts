// Base64 (RFC 4648 section 4) between key bytes and message bytes, without a JavaScript string in between:
// strings cannot be wiped, and stay in the heap (threat D3).

import { QkdError } from "../errors.js"
import { unmovedBytes } from "../unmoved.js"
import { Secret } from "./secret.js"

const PAD = 0x3d
const ALPHABET = new Uint8Array(64)
/** 0 to 63, or 255 for bytes outside the alphabet. */
const VALUES = new Uint8Array(256).fill(255)

for (let value = 0; value < 64; value++) {
  const code = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".charCodeAt(value)
  ALPHABET[value] = code
  VALUES[code] = value
}

/** Characters that `lengthBytes` bytes take, padding included. */
export function base64Length(lengthBytes: number): number {
  return Math.ceil(lengthBytes / 3) * 4
}

/**
 * Writes `source` in base64 into `target` from `at` on.
 *
 * @param from and `length`: the part of `source` that is meant, where that is not all
 * @returns where the text ends. @throws RangeError when `target` is too short.
 */
export function writeBase64(
  source: Uint8Array,
  target: Uint8Array,
  at: number,
  from = 0,
  length = source.length - from,
): number {
  const end = at + base64Length(length)
  if (end > target.length) throw new RangeError("no room for base64")
  const whole = from + length - (length % 3)
  let [next, to] = [from, at]
  for (; next < whole; next += 3) {
    const group =
      ((source[next] ?? 0) << 16) | ((source[next + 1] ?? 0) << 8) | (source[next + 2] ?? 0)
    target[to] = ALPHABET[group >>> 18] ?? 0
    target[to + 1] = ALPHABET[(group >>> 12) & 63] ?? 0
    target[to + 2] = ALPHABET[(group >>> 6) & 63] ?? 0
    target[to + 3] = ALPHABET[group & 63] ?? 0
    to += 4
  }
  const left = from + length - whole
  if (left === 0) return end
  const group = ((source[next] ?? 0) << 16) | (left > 1 ? (source[next + 1] ?? 0) << 8 : 0)
  target[to] = ALPHABET[group >>> 18] ?? 0
  target[to + 1] = ALPHABET[(group >>> 12) & 63] ?? 0
  target[to + 2] = left > 1 ? (ALPHABET[(group >>> 6) & 63] ?? 0) : PAD
  target[to + 3] = PAD
  return end
}

/**
 * The key whose base64 stands in `text`, which stays as it is. Strict: no white space, whole groups, and
 * no stray bits, so that one key has one text.
 *
 * @throws QkdError `malformed-message`, without the text.
 */
export function readBase64(text: Uint8Array): Secret {
  const padding = text.at(-1) !== PAD ? 0 : text.at(-2) !== PAD ? 1 : 2
  const key = unmovedBytes(Math.max(0, Math.floor(text.length / 4) * 3 - padding))
  let broken = text.length % 4 !== 0
  let to = 0
  for (let from = 0; from < text.length && !broken; from += 4) {
    const used = from + 4 < text.length ? 4 : 4 - padding
    let group = 0
    for (let i = 0; i < 4; i++) {
      const value = i < used ? (VALUES[text[from + i] ?? 0] ?? 255) : 0
      if (value === 255) broken = true
      group = (group << 6) | (value & 63)
    }
    const strayBits = used === 4 ? 0 : used === 3 ? group & 0xff : group & 0xffff
    if (strayBits !== 0) broken = true
    for (let i = 0; i < used - 1; i++) {
      key[to] = (group >>> (16 - 8 * i)) & 0xff
      to += 1
    }
  }
  if (broken) {
    key.fill(0)
    throw new QkdError("malformed-message", "a key is not in base64")
  }
  return Secret.take(key)
}
