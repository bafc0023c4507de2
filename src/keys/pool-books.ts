// The books of one pool, and the moves that change several of them at once: what is held, what is open either way, what is
// spent. Each move is noted in the step that it is part of. No protocol: that is `pool.ts`.

import { BlockInventory, type HeldBlock } from "./block-inventory.js"
import type { HalfNumber, HalfRef, LinkSide } from "./half.js"
import { IncomingHalves, OutgoingHalves } from "./open-halves.js"
import { AgeLimit } from "./pool-age.js"
import type { PoolLimits, PoolStep } from "./pool-step.js"
import { RecentIds } from "./recent-ids.js"

export class PoolBooks {
  readonly held = new BlockInventory()
  readonly sending = new OutgoingHalves()
  readonly receiving = new IncomingHalves()
  readonly ages: AgeLimit
  readonly spent: RecentIds
  readonly #side: LinkSide

  constructor(side: LinkSide, limits: PoolLimits) {
    this.#side = side
    this.ages = new AgeLimit(limits)
    this.spent = new RecentIds(limits.maxSpentIds)
  }

  own(block: HeldBlock, half: HalfNumber, owner: LinkSide, step: PoolStep): void {
    this.held.setHalf(block, half, owner === this.#side ? "mine" : "theirs")
    // A half of the other end's has longer: see `pool-age.ts`.
    this.ages.noteBlock(block.bornMs)
    step.writes.push({ kind: "owner", ref: { blockId: block.id, half }, owner })
  }

  removeHalf(block: HeldBlock, half: HalfNumber, step: PoolStep): void {
    const whole = this.held.setHalf(block, half, "gone")
    step.writes.push({ kind: "remove", ref: { blockId: block.id, half } })
    if (!whole) return
    step.writes.push({ kind: "spent", blockId: block.id })
    const forgotten = this.spent.add(block.id)
    if (forgotten !== undefined) step.writes.push({ kind: "forget", blockId: forgotten })
  }

  /** Nobody can use it any more. It was lost, or let go for its age, whoever did so first. */
  loseHalf(block: HeldBlock, half: HalfNumber, nowMs: number, step: PoolStep): void {
    if (this.#isTooOld(block.bornMs, nowMs)) step.expiredBytes += block.lengths[half]
    this.removeHalf(block, half, step)
  }

  loseBlock(block: HeldBlock, nowMs: number, step: PoolStep): void {
    for (const half of stillHere(block)) this.loseHalf(block, half, nowMs, step)
  }

  voidBlock(block: HeldBlock, step: PoolStep): void {
    for (const half of stillHere(block)) this.removeHalf(block, half, step)
  }

  /**
   * Lets go what has become too old.
   *
   * @param session whether the other end may be sending with what it opened
   * @returns what to say `lack` of
   */
  expire(nowMs: number, session: boolean, step: PoolStep): HalfRef[] {
    const old = this.ages.look(this, nowMs)
    if (old === undefined) return []
    const said: HalfRef[] = [...old.sending]
    for (const { block, half } of old.held) {
      step.expiredBytes += block.lengths[half]
      this.removeHalf(block, half, step)
      said.push({ blockId: block.id, half })
    }
    for (const ref of old.sending) {
      step.expiredBytes += this.sending.drop(ref)?.leftBytes ?? 0
      step.drop.push({ ...ref, use: "sending" })
    }
    for (const ref of old.receiving) {
      if (session) {
        this.receiving.markLeaving(ref)
        said.push(ref)
      } else this.#dropIncoming(ref, step)
    }
    return said
  }

  /**
   * The other end does not have these, and will not send with them.
   *
   * @returns what to say `lack` of
   */
  letGo(halves: readonly HalfRef[], nowMs: number, step: PoolStep): HalfRef[] {
    const said: HalfRef[] = []
    for (const { blockId, half } of halves) {
      const ref = { blockId, half }
      const sent = this.sending.drop(ref)
      if (sent !== undefined) {
        step.drop.push({ ...ref, use: "sending" })
        // Not confirmed yet: lost at the other end, for all that is known, unless it is too old here as well.
        if (sent.ready || this.#isTooOld(sent.bornMs, nowMs)) step.expiredBytes += sent.leftBytes
        said.push(ref)
        continue
      }
      if (this.#dropIncoming(ref, step)) continue
      const block = this.held.get(blockId)
      if (block === undefined || block.halves[half] === "gone") continue
      step.expiredBytes += block.lengths[half]
      this.removeHalf(block, half, step)
    }
    return said
  }

  #isTooOld(bornMs: number, nowMs: number): boolean {
    return bornMs <= this.ages.tooOldMs(nowMs)
  }

  #dropIncoming(ref: HalfRef, step: PoolStep): boolean {
    const dropped = this.receiving.drop(ref)
    if (dropped === undefined) return false
    step.expiredBytes += dropped.leftBytes
    step.drop.push({ ...ref, use: "receiving" })
    return true
  }
}

function stillHere(block: HeldBlock): HalfNumber[] {
  return ([0, 1] as const).filter((half) => block.halves[half] !== "gone")
}
