// Two ends of a link with disks that survive, memories that do not, and a connection that may lose, repeat and
// disorder what it carries. Holds the one rule above all: no byte of a half-block is ever drawn twice.

import assert from "node:assert/strict"
import { halfLengths, halfName } from "../../src/keys/half.js"
import type { LinkSide, Segment } from "../../src/keys/half.js"
import { LinkPool } from "../../src/keys/pool.js"
import type { PoolLimits, PoolStep, RestoredBlock } from "../../src/keys/pool-step.js"
import { decodePoolMessage, encodePoolMessage } from "../../src/keys/pool-message.js"
import type { PoolMessage } from "../../src/keys/pool-message.js"

export const LIMITS: PoolLimits = {
  minOpenBytes: 40,
  maxOpenBytes: 256,
  crowdedGraceMs: 100_000,
  graceMs: 1000,
  maxHeldBytes: 1 << 16,
  maxSpentIds: 256,
  maxAgeMs: Number.POSITIVE_INFINITY,
  ageMarginMs: 200,
}

type Carried = { pool: Buffer } | { pad: Segment[] }

interface DiskHalf {
  readonly length: number
  readonly bornMs: number
  owner: LinkSide
}

export class End {
  readonly disk = new Map<string, DiskHalf>()
  readonly spent = new Set<string>()
  readonly outbox: Carried[] = []
  pool: LinkPool
  /** Bytes that went unused because they were too old, as the steps say. */
  expired = 0
  /** When blocks were first given here, as far as a restarted process can know. */
  readonly #born = new Map<string, number>()
  /** Steps whose writes are not durable yet, or whose messages wait for an earlier one. */
  #pending: { step: PoolStep; blockBytes: number; pad?: Segment[] }[] = []
  #loaded = new Set<string>()

  constructor(
    readonly side: LinkSide,
    readonly used: Set<string>,
    readonly known: Map<string, number>,
    readonly limits: PoolLimits = LIMITS,
  ) {
    this.pool = new LinkPool(side, limits)
  }

  run(step: PoolStep | undefined, blockBytes = 0): void {
    if (step === undefined) return
    this.expired += step.expiredBytes
    for (const ref of step.load) {
      assert.ok(this.disk.has(halfName(ref)), `loads ${halfName(ref)}, which is not on disk`)
      this.#loaded.add(`${ref.use} ${halfName(ref)}`)
    }
    this.#pending.push({ step, blockBytes })
    for (const ref of step.drop) this.#loaded.delete(`${ref.use} ${halfName(ref)}`)
  }

  give(blockId: string, nowMs: number): void {
    const bytes = this.known.get(blockId) ?? 64
    this.known.set(blockId, bytes)
    if (!this.#born.has(blockId)) this.#born.set(blockId, nowMs)
    try {
      this.run(this.pool.addBlock(blockId, bytes, nowMs), bytes)
    } catch {
      // Spent before, or the pool is full: refused.
    }
  }

  /** The disk finishes the oldest step; its messages go out. */
  commit(): boolean {
    const next = this.#pending.shift()
    if (next === undefined) return false
    for (const write of next.step.writes) {
      if (write.kind === "put") {
        const lengths = halfLengths(next.blockBytes)
        const bornMs = this.#born.get(write.blockId) ?? 0
        this.disk.set(`${write.blockId}/0`, { length: lengths[0], bornMs, owner: "low" })
        this.disk.set(`${write.blockId}/1`, { length: lengths[1], bornMs, owner: "high" })
        this.run(this.pool.blockDurable(write.blockId))
      } else if (write.kind === "owner") {
        const half = this.disk.get(halfName(write.ref))
        assert.ok(half !== undefined, "re-owns a half that is not on disk")
        half.owner = write.owner
      } else if (write.kind === "remove") this.disk.delete(halfName(write.ref))
      else if (write.kind === "spent") this.spent.add(write.blockId)
      else this.spent.delete(write.blockId)
    }
    for (const message of next.step.messages) this.#send(message)
    if (next.pad !== undefined) this.outbox.push({ pad: next.pad })
    return true
  }

  /** Draws and puts a message that names the segments behind everything said so far. */
  draw(lengthBytes: number, nowMs = 0): boolean {
    const drawn = this.pool.draw(lengthBytes, nowMs)
    this.run(this.pool.replenish(drawn === undefined ? lengthBytes : 0, nowMs))
    if (drawn === undefined) return false
    for (const segment of drawn.segments) {
      assert.ok(this.#loaded.has(`sending ${halfName(segment)}`), "uses a half it has no bytes of")
      assert.ok(!this.disk.has(halfName(segment)), "uses a half that is still on disk")
      const ageMs = nowMs - (this.#born.get(segment.blockId) ?? 0)
      assert.ok(ageMs < this.limits.maxAgeMs, `uses a half that is ${ageMs} ms old`)
      for (let at = 0; at < segment.length; at++) {
        const byte = `${halfName(segment)}@${segment.offset + at}`
        assert.ok(!this.used.has(byte), `byte ${byte} used twice`)
        this.used.add(byte)
      }
    }
    // A relay message waits for no disk, but travels in the same stream.
    this.outbox.push({ pad: drawn.segments })
    return true
  }

  /** Returns false when a pad was named that this end cannot follow. */
  hear(carried: Carried, nowMs: number): boolean {
    if ("pad" in carried) {
      if (!this.pool.unused(carried.pad)) return false
      for (const segment of carried.pad) {
        assert.ok(this.#loaded.has(`receiving ${halfName(segment)}`), "accepts without the bytes")
      }
      this.pool.spend(carried.pad)
      return true
    }
    this.run(this.pool.receive(decodePoolMessage(carried.pool).message, nowMs))
    return true
  }

  crash(nowMs: number): void {
    this.#pending = []
    this.#loaded = new Set()
    this.outbox.length = 0
    this.pool = new LinkPool(this.side, this.limits)
    // What was given and not yet stored is forgotten: given again, it begins anew.
    const stored = this.blockIds()
    for (const id of this.#born.keys()) if (!stored.has(id)) this.#born.delete(id)
    const blocks = new Map<string, Omit<RestoredBlock, "id">>()
    for (const [name, half] of this.disk) {
      const [id = "", number = "0"] = name.split("/")
      const lengths = halfLengths(this.known.get(id) ?? 0)
      const owners = blocks.get(id)?.owners ?? [undefined, undefined]
      blocks.set(id, {
        lengths: [lengths[0], lengths[1]],
        bornMs: half.bornMs,
        owners: number === "0" ? [half.owner, owners[1]] : [owners[0], half.owner],
      })
    }
    const restored = Array.from(blocks, ([id, block]) => ({ id, ...block }))
    this.pool.restore(restored, Array.from(this.spent), nowMs)
  }

  /** Halves on disk with owners, those of blocks in `ids` only. */
  holdings(ids: ReadonlySet<string>): string[] {
    return Array.from(this.disk)
      .filter(([name]) => ids.has(name.split("/")[0] ?? ""))
      .map(([name, { owner }]) => `${name} ${owner}`)
      .sort()
  }

  blockIds(): Set<string> {
    return new Set(Array.from(this.disk.keys(), (name) => name.split("/")[0] ?? ""))
  }

  #send(message: PoolMessage): void {
    this.outbox.push({ pool: encodePoolMessage("link", message) })
  }
}

export class LinkModel {
  readonly used = new Set<string>()
  readonly known = new Map<string, number>()
  readonly ends: [End, End]
  nowMs = 0
  /** Messages that named pads the hearer could not follow. */
  unfollowed = 0

  constructor(limits: PoolLimits = LIMITS) {
    this.ends = [
      new End("low", this.used, this.known, limits),
      new End("high", this.used, this.known, limits),
    ]
  }

  end(index: number): End {
    return index % 2 === 0 ? this.ends[0] : this.ends[1]
  }

  connect(): void {
    this.disconnect()
    for (const end of this.ends) end.run(end.pool.connected())
  }

  disconnect(): void {
    for (const end of this.ends) {
      // What a closed connection still had to carry never arrives, nor what is queued behind the disk.
      while (end.commit());
      end.outbox.length = 0
      end.pool.disconnected()
    }
  }

  crash(index: number): void {
    this.end(index).crash(this.nowMs)
    const other = this.end(index + 1)
    this.end(index).outbox.length = 0
    while (other.commit());
    other.outbox.length = 0
    other.pool.disconnected()
  }

  /** Carries one message from an end; `pick` disorders. */
  carry(index: number, pick = 0, keep = false): boolean {
    const from = this.end(index)
    const at = from.outbox.length === 0 ? 0 : pick % from.outbox.length
    const carried = from.outbox[at]
    if (carried === undefined) return false
    if (!keep) from.outbox.splice(at, 1)
    try {
      if (!this.end(index + 1).hear(carried, this.nowMs)) this.unfollowed++
    } catch (error) {
      // "Close the connection": only disorder leads here.
      if (!(error instanceof Error) || error.name !== "QkdError") throw error
      this.disconnect()
    }
    return true
  }

  settle(): void {
    for (let round = 0; round < 100_000; round++) {
      const moved = [0, 1].map((i) => this.end(i).commit() || this.carry(i))
      if (!moved.includes(true)) return
    }
    assert.fail("the ends never come to rest")
  }
}
