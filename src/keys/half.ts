// Words of the pool: half-blocks and pieces of them. Types and names only.

/** Which end of a link a node is: `low` is the end with the lower qkdnId. */
export type LinkSide = "low" | "high"

/** Half 0 belongs to the low end at first, half 1 to the high end. */
export type HalfNumber = 0 | 1

export interface HalfRef {
  readonly blockId: string
  readonly half: HalfNumber
}

/** A piece of a half-block, in bytes. */
export interface Segment extends HalfRef {
  readonly offset: number
  readonly length: number
}

/** One string for one half, for maps. */
export function halfName(ref: HalfRef): string {
  return `${ref.blockId}/${ref.half}`
}

/** Sizes of the two halves of a block; together all of it. */
export function halfLengths(blockBytes: number): readonly [number, number] {
  const first = Math.floor(blockBytes / 2)
  return [first, blockBytes - first]
}

export function lengthOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, { length }) => sum + length, 0)
}

/** Both ends name sides alike, whatever they are called. */
export function sideOf(own: string, peer: string): LinkSide {
  return own < peer ? "low" : "high"
}

/** The side that owns a half until it is granted away. */
export function firstOwner(half: HalfNumber): LinkSide {
  return half === 0 ? "low" : "high"
}

/** The first `lengthBytes` of the segments, and the rest. */
export function splitSegments(
  segments: readonly Segment[],
  lengthBytes: number,
): [Segment[], Segment[]] {
  const first: Segment[] = []
  const rest: Segment[] = []
  let missing = lengthBytes
  for (const segment of segments) {
    const length = Math.min(missing, segment.length)
    if (length > 0) first.push({ ...segment, length })
    if (length < segment.length)
      rest.push({ ...segment, offset: segment.offset + length, length: segment.length - length })
    missing -= length
  }
  return [first, rest]
}

/** The segments cut into pieces of these lengths, in order; what the segments are short of, the last pieces lack. */
export function cutSegments(segments: readonly Segment[], lengths: readonly number[]): Segment[][] {
  let [at, used] = [0, 0]
  return lengths.map((lengthBytes) => {
    const piece: Segment[] = []
    let missing = lengthBytes
    for (let segment = segments[at]; missing > 0 && segment !== undefined; segment = segments[at]) {
      const length = Math.min(missing, segment.length - used)
      if (length > 0) piece.push({ ...segment, offset: segment.offset + used, length })
      missing -= length
      used += length
      if (used < segment.length) break
      at += 1
      used = 0
    }
    return piece
  })
}
