// Room for key bytes where the garbage collector does not move them. V8 keeps typed arrays of up to 64 bytes in its own
// heap, `Buffer.alloc` and `allocUnsafeSlow` included, and moves them there: wiping then reaches the last place only, and
// every place before still holds the key (threat D3). What is cut from an ArrayBuffer stays where it is.

const PAGE_BYTES = 8192
/** Longer ones get memory of their own. */
const MAX_SHARED_BYTES = 1024

let page = new ArrayBuffer(PAGE_BYTES)
let used = 0

/**
 * Zeroed bytes that stay where they are until they are wiped. Short ones share a page: look at the bytes only, never at
 * the `buffer` beneath.
 */
export function unmovedBytes(lengthBytes: number): Uint8Array {
  return new Uint8Array(...room(lengthBytes))
}

/** The same as a Buffer. */
export function unmovedBuffer(lengthBytes: number): Buffer {
  return Buffer.from(...room(lengthBytes))
}

/** A copy in such room; `source` stays as it is. */
export function unmovedCopy(source: Uint8Array): Uint8Array {
  const copy = unmovedBytes(source.length)
  copy.set(source)
  return copy
}

function room(lengthBytes: number): [ArrayBuffer, number, number] {
  if (lengthBytes > MAX_SHARED_BYTES) return [new ArrayBuffer(lengthBytes), 0, lengthBytes]
  if (used + lengthBytes > PAGE_BYTES) {
    page = new ArrayBuffer(PAGE_BYTES)
    used = 0
  }
  const from = used
  // Every piece begins at a multiple of 8, for those who look at it as words.
  used += (lengthBytes + 7) & ~7
  return [page, from, lengthBytes]
}
