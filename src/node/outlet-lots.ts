// The lots of an outlet: keys that it was given ahead of demand, by pair of SAEs and size. As many as its callers asked for
// lately, none for who asks seldom; what nobody asks for goes back. Each key leaves once.
//
//   enc_keys ──▶ take ──▶ half used? ──▶ fill          each tenth of a second: how much is asked for, what lies too long

import { uuidTexts, UUID_BYTES } from "../keys/bytes.js"
import { Secret } from "../keys/secret.js"
import type { LotRun } from "./lot-ports.js"
import { endKeys, joined } from "./made-batch.js"
import type { EndKey } from "./ports.js"

export interface LotPair {
  readonly saeId: string
  readonly peerSaeId: string
  readonly keySizeBits: number
}

/** A lot as the node gives it; ids and keys go beside it. */
export interface LotGiven {
  readonly id: number
  readonly count: number
  readonly runs: readonly LotRun[]
  /** By the clock that all processes of the machine share (`sharedMs`). */
  readonly untilMs: number
}

export interface OutletLotsOptions {
  /** Asks the node for so many keys; it answers by `filled`. */
  readonly fill: (order: LotPair & { readonly count: number }) => void
  /** Of each lot, how many of its keys were given out so far. */
  readonly used: (lots: readonly (readonly [id: number, used: number])[]) => void
  /** The rest of a lot, from the first that was not given out; lent. */
  readonly back: (id: number, used: number, rest: Secret) => void
  /** Milliseconds that only grow, `sharedMs` where nothing else is said. */
  readonly nowMs?: () => number
}

/** Milliseconds since the machine started. */
export function sharedMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}

export const LOT_TICK_MS = 100
/** How much the last tick counts in what is asked for a second. */
const NEWEST = 0.4
/** A lot is to last so long. */
const COVER_S = 0.25
const MOST_KEYS = 1024
/** Who asks for fewer is served by the node. */
const LEAST_KEYS = 8
/** What was not asked for after so long goes back. */
const HELD_MS = 1000
/** The node had none to give: no sooner again. */
const RETRY_MS = 100
const MAX_PAIRS = 1024

interface Part {
  readonly id: number
  readonly count: number
  readonly runs: readonly LotRun[]
  readonly keyIds: readonly string[]
  readonly keys: Secret
  readonly cameMs: number
  readonly untilMs: number
  next: number
}

interface Pair extends LotPair {
  parts: Part[]
  held: number
  /** Since the last tick. */
  asked: number
  perS: number
  /** Keys to have. */
  target: number
  filling: boolean
  retryMs: number
}

export class OutletLots {
  readonly #options: OutletLotsOptions
  readonly #nowMs: () => number
  readonly #pairs = new Map<string, Pair>()
  /** What the node has not been told of yet. */
  readonly #news = new Map<number, number>()
  #last: Pair | undefined
  #closed = false

  constructor(options: OutletLotsOptions) {
    this.#options = options
    this.#nowMs = options.nowMs ?? sharedMs
  }

  get heldKeys(): number {
    let sum = 0
    for (const { held } of this.#pairs.values()) sum += held
    return sum
  }

  /** So many keys that were given to nobody before; undefined where there are not as many. */
  take(saeId: string, peerSaeId: string, keySizeBits: number, count: number): EndKey[] | undefined {
    const pair = this.#pair(saeId, peerSaeId, keySizeBits)
    if (pair === undefined || pair.held < count) return undefined
    const now = this.#nowMs()
    this.#giveBack(pair, ({ untilMs }) => untilMs <= now)
    if (pair.held < count) return undefined
    const taken: EndKey[][] = []
    let missing = count
    for (const part of pair.parts) {
      if (missing === 0) break
      const some = Math.min(missing, part.count - part.next)
      taken.push(keysFrom(part, some, keySizeBits / 8))
      missing -= some
      this.#news.set(part.id, part.next)
    }
    if (pair.parts.some(isOver)) pair.parts = pair.parts.filter((part) => !isOver(part))
    pair.held -= count
    pair.asked += count
    this.#fill(pair)
    return joined(taken)
  }

  /** The node has given so many: who asks often will find the next ones here. */
  asked(saeId: string, peerSaeId: string, keySizeBits: number, count: number): void {
    let pair = this.#pair(saeId, peerSaeId, keySizeBits)
    if (pair === undefined) {
      if (this.#pairs.size >= MAX_PAIRS || this.#closed) return
      const figures = { held: 0, asked: 0, perS: 0, target: 0, filling: false, retryMs: 0 }
      pair = { ...{ saeId, peerSaeId, keySizeBits, parts: [] }, ...figures }
      this.#pairs.set(nameOf(saeId, peerSaeId, keySizeBits), pair)
    }
    pair.asked += count
  }

  /**
   * The node's answer to `fill`.
   *
   * @param bytes ids, 16 bytes each, then the keys; copied
   */
  filled(to: LotPair, given: LotGiven | undefined, bytes: Uint8Array): void {
    const pair = this.#pair(to.saeId, to.peerSaeId, to.keySizeBits)
    if (pair !== undefined) pair.filling = false
    if (given === undefined) {
      if (pair !== undefined) pair.retryMs = this.#nowMs() + RETRY_MS
      return
    }
    const { id, count, runs, untilMs } = given
    const idBytes = count * UUID_BYTES
    const part: Part = {
      ...{ id, count, runs, untilMs, cameMs: this.#nowMs(), next: 0 },
      keyIds: uuidTexts(Uint8Array.from(bytes.subarray(0, idBytes))),
      keys: Secret.copy(bytes.subarray(idBytes)),
    }
    if (pair === undefined || this.#closed) {
      this.#backTo(part, to.keySizeBits / 8)
      return
    }
    pair.parts.push(part)
    pair.held += count
  }

  /** Each tenth of a second. */
  tick(): void {
    const now = this.#nowMs()
    for (const [name, pair] of this.#pairs) {
      pair.perS += NEWEST * ((1000 / LOT_TICK_MS) * pair.asked - pair.perS)
      pair.asked = 0
      const target = Math.min(MOST_KEYS, Math.floor(COVER_S * pair.perS))
      pair.target = target < LEAST_KEYS ? 0 : target
      this.#giveBack(pair, (part) => part.untilMs <= now || part.cameMs <= now - HELD_MS)
      this.#fill(pair)
      if (pair.held === 0 && !pair.filling && pair.perS < 1) this.#forget(name, pair)
    }
    this.tell()
  }

  /** What was given out, and the node does not know of yet. */
  tell(): void {
    if (this.#news.size === 0) return
    const lots = Array.from(this.#news)
    this.#news.clear()
    this.#options.used(lots)
  }

  /** All goes back: something has changed. */
  recall(): void {
    for (const pair of this.#pairs.values()) this.#giveBack(pair, () => true)
  }

  /** All goes back, and nothing is taken any more. */
  close(): void {
    this.#closed = true
    this.recall()
    this.tell()
  }

  #pair(saeId: string, peerSaeId: string, keySizeBits: number): Pair | undefined {
    const last = this.#last
    if (last?.saeId === saeId && last.peerSaeId === peerSaeId && last.keySizeBits === keySizeBits)
      return last
    const pair = this.#pairs.get(nameOf(saeId, peerSaeId, keySizeBits))
    if (pair !== undefined) this.#last = pair
    return pair
  }

  #forget(name: string, pair: Pair): void {
    this.#pairs.delete(name)
    if (this.#last === pair) this.#last = undefined
  }

  #fill(pair: Pair): void {
    const { saeId, peerSaeId, keySizeBits, held, target } = pair
    if (pair.filling || this.#closed || 2 * held >= target) return
    if (this.#nowMs() < pair.retryMs) return
    pair.filling = true
    this.tell()
    this.#options.fill({ saeId, peerSaeId, keySizeBits, count: target - held })
  }

  #giveBack(pair: Pair, which: (part: Part) => boolean): void {
    if (!pair.parts.some(which)) return
    const going = pair.parts.filter(which)
    pair.parts = pair.parts.filter((part) => !going.includes(part))
    for (const part of going) {
      pair.held -= part.count - part.next
      this.#backTo(part, pair.keySizeBits / 8)
    }
  }

  #backTo(part: Part, size: number): void {
    this.#news.delete(part.id)
    const [rest] = part.keys.cut(part.next * size, (part.count - part.next) * size, 1)
    part.keys.wipe()
    if (rest === undefined) return
    this.#options.back(part.id, part.next, rest)
    rest.wipe()
  }
}

/** The next keys of a part: they are its no more. */
function keysFrom(part: Part, count: number, size: number): EndKey[] {
  const cut = part.keys.cut(part.next * size, size, count)
  const [first] = part.runs
  const from = part.next
  part.next += count
  if (part.runs.length === 1 && first !== undefined)
    return endKeys(part.keyIds, from, cut, first.facts)
  let end = 0
  return part.runs.flatMap((run) => {
    const begin = end
    end += run.count
    const [low, high] = [Math.max(begin, from), Math.min(end, from + count)]
    if (low >= high) return []
    return endKeys(part.keyIds, low, cut.slice(low - from, high - from), run.facts)
  })
}

function isOver({ count, next }: Part): boolean {
  return next === count
}

/** SAE ids may hold anything: with the length of the first it is told where the second begins. */
function nameOf(saeId: string, peerSaeId: string, keySizeBits: number): string {
  return `${keySizeBits} ${saeId.length} ${saeId}${peerSaeId}`
}
