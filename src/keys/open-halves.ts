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

  /** True when it was open. */
  drop(ref: HalfRef): boolean {
    const half = this.#halves.get(halfName(ref))
    if (half === undefined) return false
    if (half.ready) this.#readyBytes -= half.ref.length - half.next
    else this.#waitingBytes -= half.ref.length - half.next
    return this.#halves.delete(halfName(ref))
  }

  /** The session ended: each half must be confirmed again; offsets stay where they are. */
  suspend(): void {
    for (const half of this.#halves.values()) half.ready = false
    this.#waitingBytes += this.#readyBytes
    this.#readyBytes = 0
  }

  /** Takes exactly `lengthBytes` for good, or nothing. `finished` halves have no byte left. */
  draw(lengthBytes: number): { segments: Segment[]; finished: HalfRef[] } | undefined {
    if (lengthBytes > this.#readyBytes) return undefined
    const segments: Segment[] = []
    const finished: HalfRef[] = []
    let missing = lengthBytes
    for (const half of this.#halves.values()) {
      if (missing === 0) break
      if (!half.ready) continue
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
    this.#halves.set(halfName(ref), { ref, used: 0, confirmed: true })
  }

  /** True when it is open here already. */
  confirm(ref: OpenedHalf): boolean {
    const half = this.#halves.get(halfName(ref))
    if (half === undefined) return false
    half.used = Math.min(half.ref.length, Math.max(half.used, ref.from))
    half.confirmed = true
    return true
  }

  /** A new sync begins: what it does not name again is dropped by `dropUnconfirmed`. */
  unconfirmAll(): void {
    for (const half of this.#halves.values()) half.confirmed = false
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
