// Whether a block of link key can be random at all: continuous tests after NIST SP 800-90B, 4.4, on whole bytes, with odds
// of 2^-64 that good key fails at any place: one false alarm in some thousand years of a fast link. They find a module
// that is stuck, counts, or sends text; what is cleverly bad passes (THREATS P2).

/** Repetition count test (4.4.1): so many equal bytes in a row, with 8 bits of entropy each. */
const EQUAL_IN_A_ROW = 9
/** Adaptive proportion test (4.4.2): how often one byte may come in so many. */
const WINDOW_BYTES = 512
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
  const seen = new Uint16Array(256)
  let [ones, most, last] = [0, 0, -1]
  // By places, once: every byte of link key passes here. What can be told of a whole window is looked at after it.
  for (let from = 0; from < bytes.length; from += WINDOW_BYTES) {
    const end = Math.min(bytes.length, from + WINDOW_BYTES)
    seen.fill(0)
    for (let at = from; at < end; at++) {
      const byte = bytes[at] ?? 0
      seen[byte] = (seen[byte] ?? 0) + 1
      if (byte === last && isRow(bytes, at)) return `${EQUAL_IN_A_ROW} equal bytes in a row`
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
  return most >= SAME_IN_WINDOW ? `one byte ${SAME_IN_WINDOW} times in ${WINDOW_BYTES}` : undefined
}

/** Whether a row of equal bytes that is too long ends here. */
function isRow(bytes: Uint8Array, end: number): boolean {
  const from = end - EQUAL_IN_A_ROW + 1
  for (let at = end - 1; at >= from; at--) if (bytes[at] !== bytes[end]) return false
  return from >= 0
}
