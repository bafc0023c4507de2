// Random UUIDs (RFC 9562 version 4), made by the handful. Node's `randomUUID` puts each together from twenty pieces, some 600
// bytes of garbage an id; a cut asks for thousands. Of these each keeps its handful's text alive: no more than that.

import { randomFillSync } from "node:crypto"

const HANDFUL = 16
const LENGTH = 36
const BYTES = 16
/** So many ids' random bytes are asked for at once. */
const AHEAD = 256
const HYPHEN = 0x2d
const DIGITS = Buffer.from("0123456789abcdef", "latin1")

const random = new Uint8Array(AHEAD * BYTES)
let used = random.length
const text = Buffer.alloc(HANDFUL * LENGTH)
let handful = ""
let given = 0

/** A fresh UUID. */
export function freshId(): string {
  if (given === handful.length) {
    handful = nextHandful()
    given = 0
  }
  const id = handful.slice(given, given + LENGTH)
  given += LENGTH
  return id
}

function nextHandful(): string {
  if (used === random.length) {
    randomFillSync(random)
    used = 0
  }
  let place = 0
  for (let id = 0; id < HANDFUL; id += 1) {
    for (let n = 0; n < BYTES; n += 1) {
      if (n === 4 || n === 6 || n === 8 || n === 10) {
        text[place] = HYPHEN
        place += 1
      }
      const byte = marked(n, random[used] ?? 0)
      used += 1
      text[place] = DIGITS[byte >> 4] ?? 0
      text[place + 1] = DIGITS[byte & 15] ?? 0
      place += 2
    }
  }
  return text.toString("latin1")
}

/** Version and variant stand among the random bits. */
function marked(place: number, byte: number): number {
  if (place === 6) return 0x40 | (byte & 0x0f)
  return place === 8 ? 0x80 | (byte & 0x3f) : byte
}
