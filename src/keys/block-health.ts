// Whether a block of link key can be random at all: continuous tests after NIST SP 800-90B, 4.4, on whole bytes, with odds
// of 2^-64 that good key fails at any place: one false alarm in some thousand years of a fast link. They find a module
// that is stuck, counts, or sends text; what is cleverly bad passes (THREATS P2).

import { blockModule, PLACES, ROOM_BYTES, WINDOW_BYTES } from "./block-code.js"
import { instanceOf } from "./wasm-instance.js"
import type { WasmInstance } from "./wasm-instance.js"

/** Repetition count test (4.4.1): so many equal bytes in a row, with 8 bits of entropy each. */
const EQUAL_IN_A_ROW = 9
/** Adaptive proportion test (4.4.2): how often one byte may come in a window. */
const SAME_IN_WINDOW = 28
/** Ones of a block, in standard deviations off the half: 2^-66. Not asked of blocks too short for it. */
const MOST_SIGMAS = 9.3
const LEAST_BITS = 1024

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0
  for (let rest = byte; rest > 0; rest >>= 1) ones += rest & 1
  return ones
})

/** Why it cannot be key; undefined where nothing speaks against it. Tells no byte of it. */
export function blockFault(bytes: Uint8Array): string | undefined {
  return faultOf(bytes, counting === undefined ? NOTHING : countWindows(counting, bytes))
}

/** The same without WebAssembly. */
export function blockFaultSlowly(bytes: Uint8Array): string | undefined {
  return faultOf(bytes, NOTHING)
}

/** What is known of the first `length` bytes. */
interface Counts {
  readonly length: number
  readonly ones: number
  /** One byte too often in a window. */
  readonly often: boolean
  /** Four equal bytes in a row, from a multiple of four on: as among any nine. */
  readonly alike: boolean
}

const NOTHING: Counts = { length: 0, ones: 0, often: false, alike: false }

function faultOf(bytes: Uint8Array, counts: Counts): string | undefined {
  const row = `${EQUAL_IN_A_ROW} equal bytes in a row`
  if (counts.alike)
    for (let at = 1; at < counts.length; at++)
      if (bytes[at] === bytes[at - 1] && isRow(bytes, at)) return row
  const seen = new Uint16Array(256)
  let { ones } = counts
  let [most, last] = [0, bytes[counts.length - 1] ?? -1]
  // By places, once. What can be told of a whole window is looked at after it.
  for (let from = counts.length; from < bytes.length; from += WINDOW_BYTES) {
    const end = Math.min(bytes.length, from + WINDOW_BYTES)
    seen.fill(0)
    for (let at = from; at < end; at++) {
      const byte = bytes[at] ?? 0
      seen[byte] = (seen[byte] ?? 0) + 1
      if (byte === last && isRow(bytes, at)) return row
      last = byte
    }
    for (let byte = 0; byte < 256; byte++) {
      const times = seen[byte] ?? 0
      if (times > most) most = times
      ones += times * (ONES[byte] ?? 0)
    }
  }
  const bits = 8 * bytes.length
  const sigmas = Math.abs(ones - bits / 2) / Math.sqrt(bits / 4)
  if (bits >= LEAST_BITS && sigmas > MOST_SIGMAS) return "ones and zeros are out of balance"
  return counts.often || most >= SAME_IN_WINDOW
    ? `one byte ${SAME_IN_WINDOW} times in ${WINDOW_BYTES}`
    : undefined
}

/** Undefined without WebAssembly; tests look at what is left in its memory. */
export const counting = instanceOf(() => blockModule(SAME_IN_WINDOW))

/** Of its whole windows; they are overwritten in the module's memory at once. */
function countWindows({ steps, memory }: WasmInstance, bytes: Uint8Array): Counts {
  const { count } = steps as { readonly count: (to: number) => void }
  const found = new DataView(memory.buffer)
  const length = bytes.length - (bytes.length % WINDOW_BYTES)
  let [ones, often, alike] = [0, false, false]
  for (let from = 0; from < length; from += ROOM_BYTES) {
    const end = PLACES.block + Math.min(ROOM_BYTES, length - from)
    try {
      memory.set(bytes.subarray(from, from + end - PLACES.block), PLACES.block)
      count(end)
      ones += found.getUint32(PLACES.ones, true)
      often ||= found.getBigUint64(PLACES.often, true) !== 0n
      alike ||= found.getUint32(PLACES.alike, true) !== 0
    } finally {
      memory.fill(0, 0, end)
    }
  }
  return { length, ones, often, alike }
}

/** Whether a row of equal bytes that is too long ends here. */
function isRow(bytes: Uint8Array, end: number): boolean {
  const from = end - EQUAL_IN_A_ROW + 1
  for (let at = end - 1; at >= from; at--) if (bytes[at] !== bytes[end]) return false
  return from >= 0
}
