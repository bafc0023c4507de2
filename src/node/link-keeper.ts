// One end of one link, at work: carries out what `LinkPool` decides, on the store and towards the other end, and
// hands out pad bytes for relay messages. Knows nothing of what the pads are for.

import { Inflow } from "../keys/inflow.js"
import { QkdError } from "../errors.js"
import { isUuid } from "../keys/bytes.js"
import { halfLengths, halfName, lengthOf, sideOf, splitSegments } from "../keys/half.js"
import type { LinkSide, Segment } from "../keys/half.js"
import { TAG_KEY_BYTES } from "../keys/one-time-mac.js"
import { PadBytes } from "../keys/pad-bytes.js"
import { LinkPool } from "../keys/pool.js"
import type { PoolMessage } from "../keys/pool-message.js"
import type { OpenRef, PoolLimits, PoolStep } from "../keys/pool-step.js"
import type { Secret } from "../keys/secret.js"
import type { KeyStore } from "./key-store.js"
import type { PoolFigures } from "./ports.js"
import { LinkCounters } from "./link-counters.js"
import { PadQueue } from "./pad-queue.js"
import type { Pad, PadUse } from "./pad-queue.js"
import { blockOfKey, blocksOf, bornKey, bornPrefix, decodeBornMs, encodeBornMs } from "./records.js"
import { halfKey, halfOfKey, halfPrefix, ownerPrefix, poolOps, spentPrefix } from "./records.js"

export interface LinkKeeperOptions {
  readonly qkdlId: string
  readonly qkdnId: string
  readonly peer: string
  readonly store: KeyStore
  readonly limits: PoolLimits
  readonly steadyMs: () => number
  /** The store failed, or a record of it is damaged: the link cannot go on. */
  readonly onFault: (cause: unknown) => void
  /** See `KeyManagerOptions`. */
  readonly onLacking?: (qkdlId: string, blockIds: readonly string[]) => void
  /** So many bits were erased unused because they are too old. */
  readonly onExpired?: (bits: number) => void
}

export class LinkKeeper {
  readonly qkdlId: string
  readonly peer: string
  readonly #options: LinkKeeperOptions
  readonly #side: LinkSide
  readonly #sendingPads = new PadBytes()
  readonly #receivingPads = new PadBytes()
  readonly #arriving = new Map<string, Promise<void>>()
  #pool: LinkPool
  #send: ((message: PoolMessage) => void) | undefined
  /** Messages leave in the order of the steps, each after its own writes. */
  #order: Promise<void> = Promise.resolve()
  readonly #queue = new PadQueue()
  readonly #counters: LinkCounters
  readonly #inflow: Inflow
  #number = 0n
  /** Number of the last genuine message from the other end, in this connection. */
  lastNumber = 0n
  tagFailures = 0

  constructor(options: LinkKeeperOptions) {
    this.#options = options
    this.qkdlId = options.qkdlId
    this.peer = options.peer
    this.#side = sideOf(options.qkdnId, options.peer)
    this.#inflow = new Inflow(options.steadyMs())
    this.#pool = new LinkPool(this.#side, options.limits)
    this.#counters = new LinkCounters(options.store, this.qkdlId, this.peer)
    this.#restore()
  }

  get connected(): boolean {
    return this.#send !== undefined
  }

  get figures(): PoolFigures {
    return { stockBits: this.#pool.stockBytes * 8, ...this.#counters.counts }
  }

  /** Bits this end could send with, grants by the other end included. */
  get reachableBits(): number {
    return this.#pool.reachableBytes * 8
  }

  /** Of late, for both directions; infinite while nothing is known yet. */
  get inflowBps(): number {
    return this.#inflow.expectedBytes(this.#options.steadyMs(), 1000) * 8
  }

  hasRoom(lengthBytes: number): boolean {
    return this.#pool.hasRoom(lengthBytes)
  }

  /**
   * A module's block; wiped here. Resolves once it is durable, also when it was held already.
   *
   * @param bornMs when its module gave it, by the steady clock: its age counts from then
   * @throws QkdError `invalid-value`, `data-exists` when it was used before, `resource-denied` when full.
   */
  async add(blockId: string, key: Secret, bornMs = this.#options.steadyMs()): Promise<void> {
    try {
      if (!isUuid(blockId)) throw new QkdError("invalid-value", `block id ${blockId} is no UUID`)
      const { lengthBytes } = key
      const nowMs = this.#options.steadyMs()
      const step = this.#pool.addBlock(blockId, lengthBytes, nowMs, bornMs)
      if (step === undefined) {
        await this.#arriving.get(blockId)
        return
      }
      this.#counters.count({ generatedBits: BigInt(lengthBytes) * 8n })
      this.#inflow.add(lengthBytes, nowMs)
      const [first] = halfLengths(lengthBytes)
      const stored = key.use((bytes) => {
        const halves = [bytes.subarray(0, first), bytes.subarray(first)] as const
        return this.#options.store.commit([
          { key: halfKey(this.qkdlId, { blockId, half: 0 }), value: halves[0] },
          { key: halfKey(this.qkdlId, { blockId, half: 1 }), value: halves[1] },
          { key: bornKey(this.qkdlId, blockId), value: encodeBornMs(bornMs) },
          this.#counters.op(),
        ])
      })
      this.#arriving.set(blockId, stored)
      try {
        await stored
      } catch (cause) {
        this.#options.onFault(cause)
        throw cause
      } finally {
        this.#arriving.delete(blockId)
      }
      this.#carryOut(this.#pool.blockDurable(blockId))
    } finally {
      key.wipe()
    }
  }

  /** A connection on which the other end can be told things. */
  connect(send: (message: PoolMessage) => void): void {
    this.#send = send
    this.lastNumber = 0n
    this.#carryOut(this.#pool.connected())
  }

  disconnect(): void {
    if (this.#send === undefined) return
    this.#send = undefined
    this.#pool.disconnected()
    this.#queue.failAll(new QkdError("operation-failed", `${this.peer} is not connected`, NO_PATH))
  }

  /** @throws QkdError `malformed-message`: close the connection. */
  receive(message: PoolMessage): void {
    this.#carryOut(this.#pool.receive(message, this.#options.steadyMs()))
    this.#serve()
  }

  /** Once a second. */
  sweep(): void {
    this.#carryOut(this.#pool.sweep(this.#options.steadyMs()))
    if (this.#counters.dirty) void this.saveRecord()
    this.#serve()
  }

  /** Counters, durably; not news of the store. A process that is killed forgets the last second's consumption. */
  saveRecord(): Promise<void> {
    return this.#options.store
      .commit([this.#counters.op()], { quiet: true })
      .catch((cause: unknown) => {
        this.#options.onFault(cause)
      })
  }

  /** So many of the bits consumed were of keys that only pass here. */
  countRelayed(keyBytes: number): void {
    this.#counters.count({ relayedBits: BigInt(keyBytes) * 8n })
  }

  /** So many bits of keys were not let through: their path had more than it was given. */
  countRefused(keyBits: number): void {
    this.#counters.count({ refusedBits: BigInt(keyBits) })
  }

  /** Grows with every message sent over this link. */
  nextNumber(): bigint {
    return ++this.#number
  }

  /**
   * Pad for so many bytes of keys and of their proof, and for a tag: used up from now on. Waits until it is open. `use`
   * gets it in the very step that draws it: messages must leave in the order of their bits, since the other end takes
   * none that lie before those it has seen used.
   *
   * @throws QkdError app-tag `pool-empty` when both ends together do not have it and the modules are not
   * likely to make it in time, or it does not come in time; `no-path` when the other end is not connected.
   */
  draw(keyBytes: number, proofBytes: number, timeoutMs: number, use: PadUse): Promise<void> {
    if (this.drawNow(keyBytes, proofBytes, use)) return Promise.resolve()
    const lengthBytes = keyBytes + proofBytes + TAG_KEY_BYTES
    if (this.#send === undefined)
      return Promise.reject(
        new QkdError("operation-failed", `${this.peer} is not connected`, NO_PATH),
      )
    const waiting = this.#queue.waitingBytes + lengthBytes
    const hoped =
      this.#pool.reachableBytes + this.#inflow.expectedBytes(this.#options.steadyMs(), timeoutMs)
    if (this.#queue.isFull || (this.#pool.up && waiting > hoped))
      return Promise.reject(this.#empty())
    const come = this.#queue.wait({ lengthBytes, proofBytes, use }, timeoutMs, () => {
      this.#replenish()
      return this.#empty()
    })
    this.#replenish()
    this.#serve()
    return come
  }

  /** The same where it is open and nobody waits for it; false otherwise, and nothing is used up. */
  drawNow(keyBytes: number, proofBytes: number, use: PadUse): boolean {
    if (!this.#queue.isEmpty) return false
    const pad = this.#take(keyBytes + proofBytes + TAG_KEY_BYTES, proofBytes)
    if (pad !== undefined) use(pad)
    return pad !== undefined
  }

  /** The bytes that a received message names, or undefined when they are not open or were used. */
  follow(
    padSegments: readonly Segment[],
    tagSegments: readonly Segment[],
  ): { pad: Secret; tagKey: Secret } | undefined {
    if (!this.#pool.unused([...tagSegments, ...padSegments])) return undefined
    return {
      pad: this.#receivingPads.gather(padSegments),
      tagKey: this.#receivingPads.gather(tagSegments),
    }
  }

  /** The message that named them is genuine: they are used up. */
  spend(padSegments: readonly Segment[], tagSegments: readonly Segment[], proofBytes = 0): void {
    const all = [...tagSegments, ...padSegments]
    const finished = this.#pool.spend(all)
    this.#receivingPads.burn(all)
    for (const ref of finished) this.#receivingPads.drop(ref)
    this.#countPad(padSegments, tagSegments, proofBytes)
  }

  /** All keys of this link are void. */
  voidAll(): void {
    this.#carryOut(this.#pool.voidAll())
  }

  /** Forgets everything in memory; what the store holds is the caller's matter. */
  close(error: QkdError): void {
    this.#send = undefined
    this.#queue.failAll(error)
    this.#sendingPads.clear()
    this.#receivingPads.clear()
    this.#pool = new LinkPool(this.#side, this.#options.limits)
  }

  #take(lengthBytes: number, proofBytes: number): Pad | undefined {
    const drawn = this.#pool.draw(lengthBytes, this.#options.steadyMs())
    if (drawn === undefined) return undefined
    const [tagSegments, padSegments] = splitSegments(drawn.segments, TAG_KEY_BYTES)
    const pad = {
      pad: this.#sendingPads.gather(padSegments),
      padSegments,
      tagKey: this.#sendingPads.gather(tagSegments),
      tagSegments,
    }
    this.#sendingPads.burn(drawn.segments)
    for (const ref of drawn.finished) this.#sendingPads.drop(ref)
    this.#countPad(padSegments, tagSegments, proofBytes)
    this.#replenish()
    return pad
  }

  #serve(): void {
    for (;;) {
      const { first } = this.#queue
      const pad = first && this.#take(first.lengthBytes, first.proofBytes)
      if (pad === undefined) return
      this.#queue.give(pad)
      this.#replenish()
    }
  }

  /** For those who wait. */
  #replenish(): void {
    const step = this.#pool.replenish(this.#queue.waitingBytes, this.#options.steadyMs())
    this.#carryOut(step)
  }

  #carryOut(step: PoolStep): void {
    for (const ref of step.load) this.#load(ref)
    for (const { use, ...ref } of step.drop) this.#padsFor(use).drop(ref)
    const { store, onFault, onLacking, onExpired } = this.#options
    if (step.lacking.length > 0) onLacking?.(this.qkdlId, step.lacking)
    if (step.expiredBytes > 0) {
      this.#counters.count({ expiredBits: BigInt(step.expiredBytes) * 8n })
      onExpired?.(step.expiredBytes * 8)
    }
    const ops = step.writes.flatMap((write) => poolOps(this.qkdlId, write))
    if (ops.length === 0 && step.messages.length === 0) return
    const durable = ops.length === 0 ? Promise.resolve() : store.commit(ops)
    // What was to be said before the link went down must not come after: the same connection may carry it again,
    // and would then take old words for new ones.
    const send = this.#send
    this.#order = Promise.all([this.#order, durable]).then(() => {
      if (send === undefined || this.#send !== send) return
      for (const message of step.messages) send(message)
    })
    this.#order.catch(onFault)
  }

  /** The bytes of a half about to be removed from the store. */
  #load(ref: OpenRef): void {
    const { store, onFault } = this.#options
    try {
      const bytes = store.get(halfKey(this.qkdlId, ref))
      if (bytes !== undefined) this.#padsFor(ref.use).add(ref, bytes)
      else
        onFault(new QkdError("operation-failed", `half-block ${halfName(ref)} is not in the store`))
    } catch (cause) {
      onFault(cause)
    }
  }

  #padsFor(use: OpenRef["use"]): PadBytes {
    return use === "sending" ? this.#sendingPads : this.#receivingPads
  }

  #restore(): void {
    const { store, steadyMs } = this.#options
    const link = this.qkdlId
    const granted = new Map<string, LinkSide>()
    for (const { key } of store.list(ownerPrefix(link))) {
      const owner = store.get(key)?.use((bytes) => bytes[0])
      granted.set(halfName(halfOfKey(link, key)), owner === 0 ? "low" : "high")
    }
    const bornMs = new Map<string, number>()
    for (const { key } of store.list(bornPrefix(link))) {
      const at = store.get(key)?.use(decodeBornMs)
      if (at !== undefined) bornMs.set(blockOfKey(link, key), at)
    }
    const blocks = blocksOf(link, store.list(halfPrefix(link)), granted, bornMs)
    const spent = store.list(spentPrefix(link)).map(({ key }) => blockOfKey(link, key))
    this.#pool.restore(blocks, spent, steadyMs())
    if (this.#counters.peer === this.peer) {
      // What grew too old meanwhile goes before anybody hears of it.
      this.#carryOut(this.#pool.sweep(steadyMs()))
      return
    }
    // The store knows this link with another neighbour: its keys are not for this one.
    this.#counters.peer = this.peer
    this.voidAll()
    void this.saveRecord()
  }

  #countPad(pad: readonly Segment[], tag: readonly Segment[], proofBytes: number): void {
    this.#counters.count({
      consumedBits: BigInt((lengthOf(pad) - proofBytes) * 8),
      authenticationBits: BigInt((lengthOf(tag) + proofBytes) * 8),
    })
  }

  #empty(): QkdError {
    return new QkdError("resource-denied", `link ${this.qkdlId} has too little key in stock`, {
      appTag: "pool-empty",
    })
  }
}

const NO_PATH = { appTag: "no-path" } as const
