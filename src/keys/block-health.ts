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
  let [row, last, ones] = [0, -1, 0]
  let tooOften = false
  const seen = new Uint16Array(256)
  // By places, once: every byte of link key passes here.
  for (let at = 0; at < bytes.length; at++) {
    if (at % WINDOW_BYTES === 0) seen.fill(0)
    const byte = bytes[at] ?? 0
    row = byte === last ? row + 1 : 1
    last = byte
    if (row >= EQUAL_IN_A_ROW) return `${EQUAL_IN_A_ROW} equal bytes in a row`
    ones += ONES[byte] ?? 0
    const times = (seen[byte] ?? 0) + 1
    seen[byte] = times
    if (times >= SAME_IN_WINDOW) tooOften = true
  }
  const bits = 8 * bytes.length
  const sigmas = Math.abs(ones - bits / 2) / Math.sqrt(bits / 4)
  if (bits >= LEAST_BITS && sigmas > MOST_SIGMAS) return "ones and zeros are out of balance"
  return tooOften ? `one byte ${SAME_IN_WINDOW} times in ${WINDOW_BYTES}` : undefined
}
