// Which half-blocks of a link one end holds durably, and as whose. Counts what both ends hold. No protocol.

import { halfLengths, halfName } from "./half.js"
import type { HalfNumber, HalfRef } from "./half.js"
import type { HalfHolding, InventoryItem } from "./pool-message.js"

export interface HeldBlock {
  readonly id: string
  readonly lengths: readonly [number, number]
  readonly halves: [HalfHolding, HalfHolding]
  /** Written here, so that the other end may be told. */
  durable: boolean
  /** The other end said, since the last sync, that it holds the block. */
  peerHas: boolean
  /** When it came, or when the other end was last found not to have it: the start of its time of grace. */
  sinceMs: number
  /** When it came from its module. */
  readonly bornMs: number
}

export interface SizedHalf extends HalfRef {
  readonly length: number
  /** When its block came from the module. */
  readonly bornMs: number
}

export class BlockInventory {
  readonly #blocks = new Map<string, HeldBlock>()
  /** Usable (durable here, held there), oldest first. */
  readonly #usable = { mine: new Map<string, SizedHalf>(), theirs: new Map<string, SizedHalf>() }
  readonly #usableBytes = { mine: 0, theirs: 0 }
  /** Durable here, not known to be there. */
  readonly #alone = new Set<string>()
  #heldBytes = 0

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Bytes that both ends hold and that this end allocates. */
  get mineBytes(): number {
    return this.#usableBytes.mine
  }

  /** Bytes that both ends hold and that the other end allocates. */
  get theirsBytes(): number {
    return this.#usableBytes.theirs
  }

  get blocks(): ReadonlyMap<string, HeldBlock> {
    return this.#blocks
  }

  get(id: string): HeldBlock | undefined {
    return this.#blocks.get(id)
  }

  add(block: HeldBlock): void {
    this.#blocks.set(block.id, block)
    for (const half of [0, 1] as const) {
      if (block.halves[half] !== "gone") this.#heldBytes += block.lengths[half]
    }
    this.#index(block)
  }

  /** Usable halves of this end, oldest first. */
  mine(): IterableIterator<SizedHalf> {
    return this.#usable.mine.values()
  }

  get mineCount(): number {
    return this.#usable.mine.size
  }

  get theirsCount(): number {
    return this.#usable.theirs.size
  }

  /** Blocks that the other end is not known to have. */
  alone(): HeldBlock[] {
    return Array.from(this.#alone, (id) => this.#blocks.get(id)).filter((b) => b !== undefined)
  }

  markDurable(block: HeldBlock): void {
    block.durable = true
    this.#index(block)
  }

  markPeer(block: HeldBlock, has: boolean, nowMs: number): void {
    if (block.peerHas && !has) block.sinceMs = nowMs
    block.peerHas = has
    this.#index(block)
  }

  /** Changes how a half is held. Returns true when the whole block is gone by it, and forgotten here. */
  setHalf(block: HeldBlock, half: HalfNumber, holding: HalfHolding): boolean {
    if (holding === "gone" && block.halves[half] !== "gone") this.#heldBytes -= block.lengths[half]
    block.halves[half] = holding
    this.#index(block)
    if (block.halves[0] !== "gone" || block.halves[1] !== "gone") return false
    this.#blocks.delete(block.id)
    this.#alone.delete(block.id)
    return true
  }

  /** What is durable here, for the other end. */
  items(): InventoryItem[] {
    return Array.from(this.#blocks.values())
      .filter((block) => block.durable)
      .map((block) => ({ blockId: block.id, halves: [block.halves[0], block.halves[1]] as const }))
  }

  #index(block: HeldBlock): void {
    const usable = block.durable && block.peerHas
    for (const half of [0, 1] as const) {
      const ref = { blockId: block.id, half, length: block.lengths[half], bornMs: block.bornMs }
      const name = halfName(ref)
      for (const owner of ["mine", "theirs"] as const) {
        const belongs = usable && block.halves[half] === owner && ref.length > 0
        if (belongs === this.#usable[owner].has(name)) continue
        if (belongs) this.#usable[owner].set(name, ref)
        else this.#usable[owner].delete(name)
        this.#usableBytes[owner] += belongs ? ref.length : -ref.length
      }
    }
    if (block.durable && !block.peerHas) this.#alone.add(block.id)
    else this.#alone.delete(block.id)
  }
}

/** A block as it arrives: each half with its first owner. */
export function freshBlock(
  id: string,
  blockBytes: number,
  ownHalf: HalfNumber,
  nowMs: number,
  bornMs: number,
): HeldBlock {
  return {
    id,
    lengths: halfLengths(blockBytes),
    halves: ownHalf === 0 ? ["mine", "theirs"] : ["theirs", "mine"],
    durable: false,
    peerHas: false,
    sinceMs: nowMs,
    bornMs,
  }
}
