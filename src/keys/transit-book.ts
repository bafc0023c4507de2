// What a relay lets its neighbours send on over its links (THREATS T4): a path that the controller gave a rate
// (015 `virt_bandwidth`) always has that, with a burst. Whatever a neighbour sends beyond comes out of what nobody is
// promised, and only so much that others find as much again. Numbers only; times are steady milliseconds.
//
//   relay message ── rate of its path ──▶ the rest: part of the neighbour ──▶ part of the path within it
//
// A fixed part for each neighbour would leave key unused while the others rest. So the part is of what is left: the
// more somebody has taken lately, the less is free, and the less he may take. Who has taken nothing always finds room.

import { BURST_S } from "./rate-book.js"
import { TokenBucket } from "./token-bucket.js"

export interface TransitTerms {
  /** The VIRT link of the path. */
  readonly pathQkdlId: string
  /** The neighbour that its messages come from. */
  readonly sender: string
  /** The PHYS link that they leave over. */
  readonly qkdlId: string
  /** Key bits a second, each way. */
  readonly promisedBps?: number
}

/** A relay message on its way. */
export interface Passing {
  readonly pathQkdlId: string
  readonly sender: string
  readonly qkdlId: string
  /** Of end keys. */
  readonly keyBits: number
  /** Of the link: with proof and tag. */
  readonly linkBits: number
}

/** What the link has, but for what this book knows of. */
export interface LinkRoom {
  /** Beyond what this site's own applications are promised. */
  readonly freeBits: number
  /** Keys of this site leave over it as well. */
  readonly ownUse: boolean
  /** Some of it is promised to applications of this site. */
  readonly promised: boolean
  /** Bits per second that have come in lately, for both directions; infinite for a link that has just been set up. */
  readonly inflowBps: number
}

/** What a message was let through for. */
export interface Passage {
  /** Counted against its path's rate. */
  readonly promisedBits: number
  /** Bits of the link beyond that. */
  readonly excessBits: number
}

/** A message counts as its keys, and at least as this part of what it costs: a single key of 256 bits costs four times itself. */
const LEAST_SHARE = 0.25

/** What a single key of 256 bits costs a link: on links that make a few bits a second the last one is for whoever took nothing. */
const SINGLE_LINK_BITS = 1024

/**
 * Who took no more than this lately, eight single keys, nor half of what came in for this direction, is not the greedy one: where
 * nothing is promised he may wait for key that is still to come, as on a link that has just come up.
 */
const MODEST_BITS = 8192

/** What was taken lately: forgotten by and by, as a burst is saved up. */
class RecentUse {
  #bits = 0
  #atMs = 0

  level(nowMs: number): number {
    this.#bits *= Math.exp(-Math.max(0, nowMs - this.#atMs) / (1000 * BURST_S))
    this.#atMs = Math.max(this.#atMs, nowMs)
    return this.#bits
  }

  add(bits: number, nowMs: number): void {
    this.#bits = Math.max(0, this.level(nowMs) + bits)
  }
}

interface Entry {
  readonly terms: TransitTerms
  readonly promised: TokenBucket | undefined
  readonly excess: RecentUse
}

export class TransitBook {
  #entries = new Map<string, Entry>()
  /** By the link that they leave over. */
  #byLink = new Map<string, Entry[]>()

  /** The paths that pass here, each way. Those known keep what they have saved up unless their rate differs. */
  configure(paths: readonly TransitTerms[], nowMs: number): void {
    const before = this.#entries
    this.#entries = new Map()
    this.#byLink = new Map()
    for (const terms of paths) {
      const known = before.get(nameOf(terms))
      const { promisedBps: bps = 0 } = terms
      const entry: Entry = {
        terms,
        // Full from the start: what is promised is kept for it before it comes.
        promised:
          known?.terms.promisedBps === terms.promisedBps
            ? known?.promised
            : bps === 0
              ? undefined
              : new TokenBucket(bps, BURST_S * bps, Infinity, nowMs),
        excess: known?.excess ?? new RecentUse(),
      }
      this.#entries.set(nameOf(terms), entry)
      const others = this.#byLink.get(terms.qkdlId)
      if (others === undefined) this.#byLink.set(terms.qkdlId, [entry])
      else others.push(entry)
    }
  }

  /** Undefined: it is more than the path's rate, and others need what is left. */
  admit(passing: Passing, room: LinkRoom, nowMs: number): Passage | undefined {
    const { keyBits, linkBits } = passing
    const entry = this.#entries.get(nameOf(passing))
    const counted = Math.max(keyBits, LEAST_SHARE * linkBits)
    const promisedBits = entry?.promised?.takeUpTo(counted, nowMs) ?? 0
    const excessBits = linkBits * (1 - promisedBits / counted)
    const passage = { promisedBits, excessBits }
    if (excessBits > 0 && !this.#leavesEnough(passing, entry, excessBits, room, nowMs)) {
      entry?.promised?.giveBack(promisedBits)
      return undefined
    }
    entry?.excess.add(excessBits, nowMs)
    return passage
  }

  /** A message that was let through, and could not be sent. */
  refund(passing: Passing, { promisedBits, excessBits }: Passage, nowMs: number): void {
    const entry = this.#entries.get(nameOf(passing))
    entry?.promised?.giveBack(promisedBits)
    entry?.excess.add(-excessBits, nowMs)
  }

  /** Key bits of this link that are promised to paths and were not used lately. */
  reservedBits(qkdlId: string, nowMs: number, except?: Passing): number {
    let sum = 0
    for (const { terms, promised } of this.#byLink.get(qkdlId) ?? [])
      if (except === undefined || nameOf(terms) !== nameOf(except))
        sum += promised?.level(nowMs) ?? 0
    return sum
  }

  #leavesEnough(
    passing: Passing,
    entry: Entry | undefined,
    excessBits: number,
    room: LinkRoom,
    nowMs: number,
  ): boolean {
    const { qkdlId, sender } = passing
    // Where no link is named it may be another one of several in parallel.
    const users = Array.from(
      new Set([...(this.#byLink.get(qkdlId) ?? []), ...(entry ? [entry] : [])]),
    )
    const ofSender = users.filter(({ terms }) => terms.sender === sender)
    const reserved = this.reservedBits(qkdlId, nowMs, passing)
    const free = room.freeBits - reserved
    const senderUse = ofSender.reduce((sum, { excess }) => sum + excess.level(nowMs), 0)
    const spare = excessBits <= free || (reserved === 0 && !room.promised)
    const modest = Math.min(MODEST_BITS, (BURST_S * room.inflowBps) / 4)
    if (spare && senderUse + excessBits <= modest) return true
    const shared = room.ownUse || users.length > ofSender.length
    if (shared && senderUse + 2 * excessBits - SINGLE_LINK_BITS > free) return false
    if (!ofSender.some((one) => one !== entry)) return true
    // What the sender may take yet, of which its other paths find as much as this one takes.
    const left = shared ? (free - senderUse) / 2 : free
    const more = 2 * Math.max(0, excessBits - SINGLE_LINK_BITS)
    return (entry?.excess.level(nowMs) ?? 0) + more <= left
  }
}

function nameOf({ pathQkdlId, sender }: Pick<TransitTerms, "pathQkdlId" | "sender">): string {
  return `${sender} ${pathQkdlId}`
}
