// Exclusive or of equally long byte strings. Decides nothing.

/** `target ^= source`. @throws RangeError when the lengths differ. */
export function xorInto(target: Uint8Array, source: Uint8Array): void {
  const length = target.length
  if (source.length !== length) throw new RangeError(`xor of ${length} and ${source.length} bytes`)
  const words = wordsOf(target)
  const others = wordsOf(source)
  let at = 0
  if (words !== undefined && others !== undefined) {
    for (let i = 0; i < words.length; i++) words[i] = (words[i] ?? 0) ^ (others[i] ?? 0)
    at = words.length * 4
  }
  for (; at < length; at++) target[at] = (target[at] ?? 0) ^ (source[at] ?? 0)
}

/** The whole 32-bit words of it; undefined where it does not begin at one. Byte order does not matter to xor. */
function wordsOf(bytes: Uint8Array): Uint32Array | undefined {
  if (bytes.byteOffset % 4 !== 0) return undefined
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
}
