// Half-blocks taken out of the store for use. Two books: what this end may still send with, and what the
// other end may still send with. Offsets only ever grow, so no byte is used twice, by whoever plays what back.

import { halfName } from "./half.js"
import type { HalfRef, Segment } from "./half.js"
import type { SizedHalf } from "./block-inventory.js"
import type { OpenedHalf } from "./pool-message.js"

interface Outgoing {
  readonly ref: SizedHalf
  next: number
  ready: boolean
}

/** Halves this end opened. Bytes are used only after the other end said `ready` in this session. */
export class OutgoingHalves {
  readonly #halves = new Map<string, Outgoing>()
  #readyBytes = 0
  #waitingBytes = 0

  /** Bytes usable now. */
  get readyBytes(): number {
    return this.#readyBytes
  }

  /** Bytes announced, not confirmed. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  refs(): OpenedHalf[] {
    return Array.from(this.#halves.values(), ({ ref, next }) => ({
      blockId: ref.blockId,
      half: ref.half,
      from: next,
    }))
  }

  open(ref: SizedHalf): void {
    this.#halves.set(halfName(ref), { ref, next: 0, ready: false })
    this.#waitingBytes += ref.length
  }

  ready(ref: HalfRef): void {
    const half = this.#halves.get(halfName(ref))
    if (half === undefined || half.ready) return
    half.ready = true
    this.#waitingBytes -= half.ref.length - half.next
    this.#readyBytes += half.ref.length - half.next
  }

  /** Undefined when it was not open; else what was left of it, and whether the other end had it. */
  drop(
    ref: HalfRef,
  ): { readonly leftBytes: number; readonly ready: boolean; readonly bornMs: number } | undefined {
    const half = this.#halves.get(halfName(ref))
    if (half === undefined) return undefined
    const leftBytes = half.ref.length - half.next
    if (half.ready) this.#readyBytes -= leftBytes
    else this.#waitingBytes -= leftBytes
    this.#halves.delete(halfName(ref))
    return { leftBytes, ready: half.ready, bornMs: half.ref.bornMs }
  }

  /** All of them, for a look at their ages. */
  sized(): SizedHalf[] {
    return Array.from(this.#halves.values(), ({ ref }) => ref)
  }

  /** The session ended: each half must be confirmed again; offsets stay where they are. */
  suspend(): void {
    for (const half of this.#halves.values()) half.ready = false
    this.#waitingBytes += this.#readyBytes
    this.#readyBytes = 0
  }

  /**
   * Takes exactly `lengthBytes` for good, or nothing. `finished` halves have no byte left.
   *
   * @param tooOldMs halves that came by then are not sent with
   */
  draw(
    lengthBytes: number,
    tooOldMs: number,
  ): { segments: Segment[]; finished: HalfRef[] } | undefined {
    if (lengthBytes > this.#readyBytes) return undefined
    const halves: Outgoing[] = []
    let found = 0
    for (const half of this.#halves.values()) {
      if (found >= lengthBytes) break
      if (!half.ready || half.ref.bornMs <= tooOldMs) continue
      halves.push(half)
      found += half.ref.length - half.next
    }
    if (found < lengthBytes) return undefined
    const segments: Segment[] = []
    const finished: HalfRef[] = []
    let missing = lengthBytes
    for (const half of halves) {
      const { blockId, half: number, length: size } = half.ref
      const length = Math.min(missing, size - half.next)
      segments.push({ blockId, half: number, offset: half.next, length })
      half.next += length
      missing -= length
      if (half.next === size) finished.push({ blockId, half: number })
    }
    this.#readyBytes -= lengthBytes
    for (const ref of finished) this.#halves.delete(halfName(ref))
    return { segments, finished }
  }
}

interface Incoming {
  readonly ref: SizedHalf
  /** Bytes before this are used. */
  used: number
  confirmed: boolean
  /** Too old, and the other end was asked to let it go. */
  leaving: boolean
}

/** Halves the other end opened. */
export class IncomingHalves {
  readonly #halves = new Map<string, Incoming>()

  get unusedBytes(): number {
    let sum = 0
    for (const { ref, used } of this.#halves.values()) sum += ref.length - used
    return sum
  }

  accept(ref: SizedHalf): void {
    this.#halves.set(halfName(ref), { ref, used: 0, confirmed: true, leaving: false })
  }

  /** True when it is open here already. */
  confirm(ref: OpenedHalf): boolean {
    const half = this.#halves.get(halfName(ref))
    if (half === undefined) return false
    half.used = Math.min(half.ref.length, Math.max(half.used, ref.from))
    half.confirmed = true
    return true
  }

  /** Undefined when it was not open; else what was left of it. */
  drop(ref: HalfRef): { readonly leftBytes: number } | undefined {
    const half = this.#halves.get(halfName(ref))
    if (half === undefined) return undefined
    this.#halves.delete(halfName(ref))
    return { leftBytes: half.ref.length - half.used }
  }

  /** Those the other end was not asked to let go. */
  staying(): SizedHalf[] {
    return Array.from(this.#halves.values())
      .filter(({ leaving }) => !leaving)
      .map(({ ref }) => ref)
  }

  markLeaving(ref: HalfRef): void {
    const half = this.#halves.get(halfName(ref))
    if (half !== undefined) half.leaving = true
  }

  /** A new sync begins: what it does not name again is dropped by `dropUnconfirmed`. */
  unconfirmAll(): void {
    for (const half of this.#halves.values()) half.confirmed = false
    this.stay()
  }

  /** What the other end was asked to let go is its own again: it did not hear, or forgot. */
  stay(): void {
    for (const half of this.#halves.values()) half.leaving = false
  }

  dropUnconfirmed(): HalfRef[] {
    const dropped: HalfRef[] = []
    for (const [name, { ref, confirmed }] of this.#halves) {
      if (confirmed) continue
      this.#halves.delete(name)
      dropped.push({ blockId: ref.blockId, half: ref.half })
    }
    return dropped
  }

  /**
   * Whether these segments, in this order, name unused bytes of halves open here, none twice. Changes nothing:
   * bytes count as used only once the message that names them has proved itself (`spend`).
   */
  unused(segments: readonly Segment[]): boolean {
    const marks = new Map<string, number>()
    for (const segment of segments) {
      const name = halfName(segment)
      const half = this.#halves.get(name)
      if (half === undefined || segment.length === 0) return false
      const end = segment.offset + segment.length
      if (segment.offset < (marks.get(name) ?? half.used) || end > half.ref.length) return false
      marks.set(name, end)
    }
    return true
  }

  /** Marks them used; returns halves that have no byte left. */
  spend(segments: readonly Segment[]): HalfRef[] {
    const finished: HalfRef[] = []
    for (const segment of segments) {
      const half = this.#halves.get(halfName(segment))
      if (half === undefined) continue
      half.used = segment.offset + segment.length
      if (half.used < half.ref.length) continue
      this.#halves.delete(halfName(segment))
      finished.push({ blockId: segment.blockId, half: segment.half })
    }
    return finished
  }

  clear(): HalfRef[] {
    this.unconfirmAll()
    return this.dropUnconfirmed()
  }
}
