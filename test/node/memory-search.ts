// Which of a set of keys the memory of a running process still holds: what an attacker with a core dump would find.

import assert from "node:assert/strict"
import { closeSync, openSync, readFileSync, readSync } from "node:fs"

const FORMS = ["latin1", "hex", "base64"] as const
const MIB = 1 << 20

/** Keys found, in each form. */
export interface Found {
  readonly latin1: number
  readonly hex: number
  readonly base64: number
}

/**
 * Distinct keys of 32 bytes of which the writable memory of process `pid` holds the whole text. All begin with `prefix`
 * (whole bytes, hex digits, base64 groups), so that one search finds them all. Undefined where this machine does not
 * let us look.
 */
export function keysInMemory(
  pid: number,
  keys: readonly Buffer[],
  prefix: Buffer,
): Found | undefined {
  let fd: number
  try {
    fd = openSync(`/proc/${pid}/mem`, "r")
  } catch (fault) {
    console.log(
      `      skipped: the memory of another process cannot be read here (${String(fault)})`,
    )
    return undefined
  }
  const found = Object.fromEntries(FORMS.map((form) => [form, new Set<string>()]))
  const texts = Object.fromEntries(
    FORMS.map((form) => [form, new Set(keys.map((key) => key.toString(form)))]),
  )
  const buffer = Buffer.allocUnsafeSlow(4 * MIB)
  let searched = 0
  for (const [from, to] of writableRegions(pid)) {
    // Pieces overlap by more than the longest text.
    for (let at = from; at < to; at += buffer.length - 128) {
      const length = readPiece(fd, buffer, at, Math.min(buffer.length, to - at))
      searched += length
      const piece = buffer.subarray(0, length)
      for (const form of FORMS) {
        const start = Buffer.from(prefix.toString(form), "latin1")
        const size = { latin1: 32, hex: 64, base64: 44 }[form]
        for (let hit = piece.indexOf(start); hit >= 0; hit = piece.indexOf(start, hit + 1)) {
          const text = piece.subarray(hit, hit + size).toString("latin1")
          if (texts[form]?.has(text) === true) found[form]?.add(text)
        }
      }
    }
  }
  closeSync(fd)
  assert.ok(searched > 20 * MIB, `searched only ${searched} bytes`)
  const count = (form: (typeof FORMS)[number]): number => found[form]?.size ?? 0
  return { latin1: count("latin1"), hex: count("hex"), base64: count("base64") }
}

function writableRegions(pid: number): [number, number][] {
  return readFileSync(`/proc/${pid}/maps`, "utf8")
    .split("\n")
    .filter((line) => / rw/.test(line))
    .map((line) => {
      const [from = "", to = ""] = line.split(" ")[0]?.split("-") ?? []
      return [parseInt(from, 16), parseInt(to, 16)]
    })
}

function readPiece(fd: number, buffer: Buffer, at: number, length: number): number {
  try {
    return readSync(fd, buffer, 0, length, at)
  } catch {
    // Reserved, not mapped.
    return 0
  }
}
