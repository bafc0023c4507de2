// Judgements on the blocks that two ends of a link gave (THREATS.md P2): the same at both ends, none twice, none
// plainly biased. Statistics only: they find a broken module, not a clever one.

import { expect, expectEqual } from "./check.js"
import type { ModuleEnd, SeenBlock } from "./module-bench.js"

/** What an end gave, in order. */
type Given = Pick<ModuleEnd, "blocks">

/**
 * Both ends gave the same stream. A block whose confirmation was lost may be at one end only, and then at most
 * where the light ended. One end may have read on when the other was already at rest; never both.
 */
export function expectOneStream(a: Given, b: Given): void {
  for (const end of [a, b]) expectNoneTwice(end.blocks)
  const atB = new Map(b.blocks.map((block) => [block.id, block]))
  const shared = a.blocks.filter((block) => atB.has(block.id))
  expect(shared.length > 0, "the ends share no block")
  for (const block of shared) {
    const other = atB.get(block.id)
    expect(
      other?.digest === block.digest && other.lengthBytes === block.lengthBytes,
      `block ${block.id} differs between the ends`,
    )
  }
  const ids = new Set(shared.map(({ id }) => id))
  const [tailA, tailB] = [a, b].map(({ blocks }) => blocks.length - 1 - lastIn(blocks, ids))
  const ahead = Math.max(tailA ?? 0, tailB ?? 0)
  const only = a.blocks.length + b.blocks.length - 2 * shared.length - ahead
  expect(only <= Math.max(8, shared.length / 4), `${only} blocks are at one end only`)
}

function lastIn(blocks: readonly SeenBlock[], ids: ReadonlySet<string>): number {
  return blocks.findLastIndex(({ id }) => ids.has(id))
}

export function expectNoneTwice(blocks: readonly SeenBlock[]): void {
  expectEqual(new Set(blocks.map((block) => block.id)).size, blocks.length, "different ids")
  expectEqual(new Set(blocks.map((block) => block.digest)).size, blocks.length, "different blocks")
}

/** No block of this end, id or bytes, is among those seen before; then they are. */
export function expectUnseen(end: ModuleEnd, seen: Set<string>): void {
  expectNoneTwice(end.blocks)
  for (const { id, digest } of end.blocks) {
    expect(!seen.has(id) && !seen.has(digest), `block ${id} came before`)
    seen.add(id)
    seen.add(digest)
  }
}

/** Ones and zeros in balance to six standard deviations, and no 16 bytes twice. */
export function expectRandom(end: ModuleEnd): void {
  const bits = 8 * end.bytes()
  const ones = end.blocks.reduce((sum, block) => sum + block.ones, 0)
  const sigmas = Math.abs(ones - bits / 2) / Math.sqrt(bits / 4)
  expect(sigmas < 6, `${ones} of ${bits} bits are one`)
  const pieces = end.blocks.flatMap((block) => block.pieces)
  expectEqual(new Set(pieces).size, pieces.length, "different pieces of 16 bytes")
}
