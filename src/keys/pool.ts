// The pool of one link as one of its ends keeps it: which half-blocks exist, whose they are, and how both ends
// stay agreed about it through lost messages, broken connections and crashes. Numbers and names only: bytes,
// disk and connection belong to the caller, who carries out each step's parts in this order:
//
//   load    read these halves' bytes from the store (they are about to be removed from it)
//   writes  make them durable, all of them, in the order of the steps
//   messages  only then send them, in the order of the steps
//   drop    wipe these halves' bytes
//
//   owner of a half                                   other end
//     remove it durably  ──────────── open ─────────▶   remove it durably, keep its bytes
//     use it, byte after byte  ◀───── ready ─────────
//
// Why no byte is ever used twice: an end uses a half only after both ends removed it durably, and each end
// removes it once. Ownership merely avoids races; when both ends ever believe they own a half, each has
// removed it before it hears the other's `open`, both answer `lack`, and it is lost, not reused.

import { QkdError } from "../errors.js"
import { type BlockInventory, freshBlock } from "./block-inventory.js"
import { firstOwner, type HalfRef, type LinkSide, type Segment } from "./half.js"
import type { IncomingHalves, OutgoingHalves } from "./open-halves.js"
import { PoolBooks } from "./pool-books.js"
import { inPieces } from "./pool-message.js"
import type { HalfHolding, InventoryItem, OpenedHalf, PoolMessage } from "./pool-message.js"
import { DEFAULT_POOL_LIMITS, emptyStep, forUse, graceOf } from "./pool-step.js"
import type { PoolLimits, PoolStep, RestoredBlock } from "./pool-step.js"
import { RecentIds } from "./recent-ids.js"

export class LinkPool {
  readonly #side: LinkSide
  readonly #limits: PoolLimits
  readonly #books: PoolBooks
  readonly #held: BlockInventory
  readonly #sending: OutgoingHalves
  readonly #receiving: IncomingHalves
  /** Blocks the other end holds and this one does not yet. */
  readonly #early: RecentIds
  #sent = false
  #refused = false
  #heard: "nothing" | "part" | "all" = "nothing"
  #wish: "none" | "asked" | "denied" = "none"
  #waitingBytes = 0
  #targetBytes: number
  #drawnBytes = 0

  constructor(side: LinkSide, limits: PoolLimits = DEFAULT_POOL_LIMITS) {
    this.#side = side
    this.#limits = limits
    this.#books = new PoolBooks(side, limits)
    this.#held = this.#books.held
    this.#sending = this.#books.sending
    this.#receiving = this.#books.receiving
    this.#early = new RecentIds(limits.maxSpentIds)
    this.#targetBytes = limits.minOpenBytes
  }

  /** What the store held at start, oldest first. */
  restore(blocks: readonly RestoredBlock[], spentIds: readonly string[], nowMs: number): void {
    for (const id of spentIds) this.#books.spent.add(id)
    for (const { id, lengths, owners, bornMs = nowMs } of blocks) {
      const holding = (owner: LinkSide | undefined): HalfHolding =>
        owner === undefined ? "gone" : owner === this.#side ? "mine" : "theirs"
      const halves: [HalfHolding, HalfHolding] = [holding(owners[0]), holding(owners[1])]
      const block = { id, lengths, halves, durable: true, peerHas: false, sinceMs: nowMs, bornMs }
      this.#held.add(block)
      this.#books.ages.noteBlock(bornMs)
    }
  }

  /** Both ends have told each other everything and may use the pool. */
  get up(): boolean {
    return this.#sent && !this.#refused && this.#heard === "all"
  }

  /** Unused bytes that both ends hold, either way. */
  get stockBytes(): number {
    return this.reachableBytes + this.#receiving.unusedBytes
  }

  /** Bytes this end could send with sooner or later, grants included. */
  get reachableBytes(): number {
    return (
      this.#held.mineBytes +
      this.#held.theirsBytes +
      this.#sending.readyBytes +
      this.#sending.waitingBytes
    )
  }

  /** Bytes this end can send with at once. */
  get readyBytes(): number {
    return this.up ? this.#sending.readyBytes : 0
  }

  hasRoom(lengthBytes: number): boolean {
    return this.#held.heldBytes + lengthBytes <= this.#limits.maxHeldBytes
  }

  /**
   * A module's block. Returns undefined when it is held already.
   *
   * @param bornMs when the module gave it, where that is earlier
   * @throws QkdError `data-exists` when it was spent before, `resource-denied` when the pool is full,
   * `invalid-value` when it has less than two bytes.
   */
  addBlock(id: string, lengthBytes: number, nowMs: number, bornMs = nowMs): PoolStep | undefined {
    if (this.#held.get(id) !== undefined) return undefined
    if (this.#books.spent.has(id)) throw new QkdError("data-exists", `block ${id} was used before`)
    if (lengthBytes < 2) throw new QkdError("invalid-value", `block ${id} has less than two bytes`)
    if (!this.hasRoom(lengthBytes)) throw new QkdError("resource-denied", "the key store is full")
    const ownHalf = this.#side === "low" ? 0 : 1
    const block = freshBlock(id, lengthBytes, ownHalf, nowMs, bornMs)
    block.peerHas = this.#early.delete(id)
    this.#held.add(block)
    this.#books.ages.noteBlock(bornMs)
    return { ...emptyStep(), writes: [{ kind: "put", blockId: id }] }
  }

  /** The block's `put` is durable. */
  blockDurable(id: string): PoolStep {
    const step = emptyStep()
    const block = this.#held.get(id)
    if (block === undefined || block.durable) return step
    this.#held.markDurable(block)
    if (this.#sent && !this.#refused) step.messages.push({ kind: "stored", blockIds: [id] })
    this.#fill(step)
    return step
  }

  /** A connection to the other end stands: tell it everything. */
  connected(): PoolStep {
    const step = emptyStep()
    this.#sending.suspend()
    this.#sent = true
    this.#refused = false
    this.#wish = "none"
    step.messages.push({ kind: "sync" })
    for (const halves of inPieces(this.#sending.refs()))
      step.messages.push({ kind: "open", halves })
    for (const items of inPieces(this.#held.items()))
      step.messages.push({ kind: "inventory", items })
    step.messages.push({ kind: "end" })
    return step
  }

  disconnected(): void {
    this.#sent = false
    this.#silent()
  }

  /** @throws QkdError `malformed-message` on what an honest end never says: close the connection. */
  receive(message: PoolMessage, nowMs: number): PoolStep {
    if (message.kind === "sync") return this.#sync(nowMs)
    const step = emptyStep()
    if (message.kind === "no-link") {
      this.#refused = true
      this.#silent()
      return step
    }
    // Left over from before the other end began anew.
    if (this.#heard === "nothing") return step
    switch (message.kind) {
      case "inventory":
        for (const item of message.items) this.#compare(item, step, nowMs)
        break
      case "end":
        if (this.#heard !== "part") throw new QkdError("malformed-message", "inventory ended twice")
        this.#heard = "all"
        step.drop.push(...this.#receiving.dropUnconfirmed().map(forUse("receiving")))
        for (const block of this.#held.alone()) block.sinceMs = nowMs
        break
      case "stored":
        this.#stored(message.blockIds, step, nowMs)
        break
      case "gone":
        for (const id of message.blockIds) {
          const block = this.#held.get(id)
          if (block !== undefined) this.#books.loseBlock(block, nowMs, step)
        }
        break
      case "open":
        this.#opened(message.halves, step, nowMs)
        break
      case "ready":
        for (const ref of message.halves) this.#sending.ready(ref)
        break
      case "lack":
        this.#say(this.#books.letGo(message.halves, nowMs, step), step)
        break
      case "want":
        this.#grant(message.lengthBytes, step)
        break
      case "give":
        for (const ref of message.halves) this.#take(ref, step)
        this.#wish = message.halves.length === 0 ? "denied" : "none"
    }
    this.#fill(step)
    return step
  }

  /** Takes exactly so many bytes for sending, for good; undefined when they are not ready, or too old. */
  draw(
    lengthBytes: number,
    nowMs: number,
  ): { segments: Segment[]; finished: HalfRef[] } | undefined {
    if (!this.up) return undefined
    const drawn = this.#sending.draw(lengthBytes, this.#books.ages.tooOldMs(nowMs))
    if (drawn === undefined) {
      this.#targetBytes = Math.min(
        this.#limits.maxOpenBytes,
        Math.max(this.#targetBytes, lengthBytes) * 2,
      )
    } else this.#drawnBytes += lengthBytes
    return drawn
  }

  /** Opens more, or asks for grants, so that `waitingBytes` can be drawn soon. */
  replenish(waitingBytes: number, nowMs: number): PoolStep {
    this.#waitingBytes = waitingBytes
    const step = emptyStep()
    // What is too old must not stand for what is waited for.
    if (waitingBytes > 0) this.#expire(nowMs, step)
    this.#fill(step)
    return step
  }

  /** See `IncomingHalves.unused`. */
  unused(segments: readonly Segment[]): boolean {
    return this.#receiving.unused(segments)
  }

  /** The message that named them is genuine. Returns halves with no byte left. */
  spend(segments: readonly Segment[]): HalfRef[] {
    return this.#receiving.spend(segments)
  }

  /** Once a second: drops blocks that the other end never got or that are too old, and forgets old demand. */
  sweep(nowMs: number): PoolStep {
    const step = emptyStep()
    this.#targetBytes = Math.max(
      this.#limits.minOpenBytes,
      Math.min(this.#limits.maxOpenBytes, this.#drawnBytes * 2),
      Math.floor(this.#targetBytes * 0.9),
    )
    this.#drawnBytes = 0
    if (this.#wish === "denied") this.#wish = "none"
    if (this.up) {
      const patienceMs = graceOf(this.#limits, this.#held.heldBytes)
      for (const block of this.#held.alone())
        if (nowMs - block.sinceMs > patienceMs) this.#books.loseBlock(block, nowMs, step)
    }
    this.#expire(nowMs, step)
    this.#fill(step)
    return step
  }

  /** Everything of this link is void, here and (by the next sync) there. */
  voidAll(): PoolStep {
    const step = emptyStep()
    for (const block of Array.from(this.#held.blocks.values())) this.#books.voidBlock(block, step)
    for (const ref of this.#sending.refs()) {
      this.#sending.drop(ref)
      step.drop.push({ blockId: ref.blockId, half: ref.half, use: "sending" })
    }
    step.drop.push(...this.#receiving.clear().map(forUse("receiving")))
    this.#early.clear()
    return step
  }

  #sync(nowMs: number): PoolStep {
    if (this.#heard !== "nothing")
      throw new QkdError("malformed-message", "the inventory began twice")
    const step = this.#refused ? this.connected() : emptyStep()
    this.#heard = "part"
    this.#books.ages.lookAgain()
    this.#receiving.unconfirmAll()
    this.#early.clear()
    for (const block of this.#held.blocks.values()) this.#held.markPeer(block, false, nowMs)
    return step
  }

  /** One block as the other end holds it, against how it is held here. */
  #compare({ blockId, halves }: InventoryItem, step: PoolStep, nowMs: number): void {
    const block = this.#held.get(blockId)
    if (block === undefined) {
      this.#stored([blockId], step, nowMs)
      return
    }
    this.#held.markPeer(block, true, nowMs)
    for (const half of [0, 1] as const) {
      const here = block.halves[half]
      const there = halves[half]
      if (here === "gone") continue
      // Gone there: used or given up. Claimed by both: no honest history leads here.
      if (there === "gone" || (there === "mine" && here === "mine")) {
        this.#books.removeHalf(block, half, step)
      } else if (there === "theirs" && here === "theirs") {
        // Given, and the message was lost: back to the first owner, as the other end decides too.
        if (firstOwner(half) === this.#side) this.#books.own(block, half, this.#side, step)
      }
    }
  }

  #stored(blockIds: readonly string[], step: PoolStep, nowMs: number): void {
    const gone: string[] = []
    for (const id of blockIds) {
      const block = this.#held.get(id)
      if (block !== undefined) this.#held.markPeer(block, true, nowMs)
      else if (this.#books.spent.has(id)) gone.push(id)
      else {
        this.#early.add(id)
        step.lacking.push(id)
      }
    }
    if (gone.length > 0) step.messages.push({ kind: "gone", blockIds: gone })
  }

  #opened(halves: readonly OpenedHalf[], step: PoolStep, nowMs: number): void {
    const ready: HalfRef[] = []
    const lack: HalfRef[] = []
    for (const opened of halves) {
      const ref = { blockId: opened.blockId, half: opened.half }
      const block = this.#held.get(ref.blockId)
      const holding = block?.halves[ref.half] ?? "gone"
      if (this.#receiving.confirm(opened)) ready.push(ref)
      else if (block !== undefined && holding === "theirs" && block.durable) {
        this.#receiving.accept({ ...ref, length: block.lengths[ref.half], bornMs: block.bornMs })
        step.load.push({ ...ref, use: "receiving" })
        this.#books.removeHalf(block, ref.half, step)
        ready.push(ref)
      } else {
        // The other end has removed it in any case: nobody can use it any more.
        if (block !== undefined && holding !== "gone")
          this.#books.loseHalf(block, ref.half, nowMs, step)
        lack.push(ref)
      }
    }
    if (ready.length > 0) step.messages.push({ kind: "ready", halves: ready })
    if (lack.length > 0) step.messages.push({ kind: "lack", halves: lack })
  }

  #grant(lengthBytes: number, step: PoolStep): void {
    const count = this.#held.mineCount
    const most = this.#waitingBytes > 0 ? Math.floor(count / 2) : Math.ceil(count / 2)
    const halves: HalfRef[] = []
    let granted = 0
    // The newest: the oldest are the next to be opened here.
    for (const { blockId, half, length } of Array.from(this.#held.mine()).reverse()) {
      if (granted >= lengthBytes || halves.length >= Math.min(most, 256)) break
      const block = this.#held.get(blockId)
      if (block === undefined) continue
      this.#books.own(block, half, this.#side === "low" ? "high" : "low", step)
      halves.push({ blockId, half })
      granted += length
    }
    step.messages.push({ kind: "give", halves })
  }

  #take(ref: HalfRef, step: PoolStep): void {
    const block = this.#held.get(ref.blockId)
    if (block?.halves[ref.half] !== "theirs") return
    this.#books.own(block, ref.half, this.#side, step)
  }

  #fill(step: PoolStep): void {
    if (!this.up) return
    const goal = Math.max(this.#targetBytes, this.#waitingBytes)
    const opened: OpenedHalf[] = []
    for (const ref of this.#held.mine()) {
      if (this.#sending.readyBytes + this.#sending.waitingBytes >= goal) break
      const block = this.#held.get(ref.blockId)
      if (block === undefined || opened.length >= 256) break
      this.#sending.open(ref)
      step.load.push({ ...ref, use: "sending" })
      this.#books.removeHalf(block, ref.half, step)
      opened.push({ ...ref, from: 0 })
    }
    if (opened.length > 0) step.messages.push({ kind: "open", halves: opened })
    const missing = this.#waitingBytes - this.#sending.readyBytes - this.#sending.waitingBytes
    const { mineBytes, theirsBytes, mineCount, theirsCount } = this.#held
    // Balancing alone asks only when there is something to share, or grants would go to and fro.
    const poor = theirsCount >= mineCount * 3 + 4
    if (this.#wish === "none" && theirsCount > 0 && (missing > 0 || poor)) {
      const lengthBytes = Math.max(1, missing, Math.floor((theirsBytes - mineBytes) / 2))
      step.messages.push({ kind: "want", lengthBytes })
      this.#wish = "asked"
    }
  }

  /** The other end says no more: nothing can be sent or come until both begin anew. */
  #silent(): void {
    this.#sending.suspend()
    this.#receiving.stay()
    this.#books.ages.lookAgain()
    this.#heard = "nothing"
  }

  #expire(nowMs: number, step: PoolStep): void {
    const said = this.#books.expire(nowMs, this.#heard !== "nothing", step)
    if (this.#sent && !this.#refused) this.#say(said, step)
  }

  #say(lacking: readonly HalfRef[], step: PoolStep): void {
    for (const halves of inPieces(lacking)) step.messages.push({ kind: "lack", halves })
  }
}
