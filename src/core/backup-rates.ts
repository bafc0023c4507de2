// How much of each link is kept for backups: as much as the worst single failure would make move there at once, since
// services that no one failure hits together can share. Adds up; decides nothing. What is entered is added when it is
// first asked for: a decision that moves a thousand services to their backups asks for none of it.

import type { BackupPath, Service } from "../model/service.js"

type ByFailure = Map<string, number>

export class BackupRates {
  readonly #under: BackupRates | undefined
  /** By link and failure, bits per second: what differs from below. */
  readonly #byLink = new Map<string, ByFailure>()
  /** By link, the greatest sum; as long as nothing changes there. */
  readonly #most = new Map<string, number>()
  #entered: { readonly backup: BackupPath; readonly sign: 1 | -1 }[] = []

  constructor(under?: BackupRates) {
    this.#under = under
  }

  /** @returns links where something may have changed */
  enter(before: Service | undefined, after: Service | null): readonly string[] {
    if (before?.backup === after?.backup) return NONE
    const touched: string[] = []
    for (const [backup, sign] of [
      [before?.backup, -1],
      [after?.backup, 1],
    ] as const) {
      if (backup === undefined || backup.rateBps === 0 || backup.against.length === 0) continue
      this.#entered.push({ backup, sign })
      touched.push(...backup.keptOn)
    }
    return touched
  }

  /** Bits per second kept on a link. */
  bps(qkdlId: string): number {
    this.#settle()
    const own = this.#byLink.get(qkdlId)
    if (own === undefined) return this.#under?.bps(qkdlId) ?? 0
    if (this.#under !== undefined) return greatest(this.#sums(qkdlId))
    const known = this.#most.get(qkdlId)
    if (known !== undefined) return known
    const most = greatest(own)
    this.#most.set(qkdlId, most)
    return most
  }

  /** What is kept on a link beyond what these failures would make move there: free for a backup against them. */
  slackBps(qkdlId: string, against: readonly string[]): number {
    const kept = this.bps(qkdlId)
    let most = 0
    for (const failure of against) most = Math.max(most, this.#sumOf(qkdlId, failure))
    return kept - most
  }

  #sumOf(qkdlId: string, failure: string): number {
    const own = this.#byLink.get(qkdlId)?.get(failure) ?? 0
    return this.#under === undefined ? own : own + this.#under.#sumOf(qkdlId, failure)
  }

  #sums(qkdlId: string): ByFailure {
    this.#settle()
    const sums = this.#under === undefined ? new Map<string, number>() : this.#under.#sums(qkdlId)
    for (const [failure, bps] of this.#byLink.get(qkdlId) ?? NOTHING)
      sums.set(failure, (sums.get(failure) ?? 0) + bps)
    return sums
  }

  #settle(): void {
    if (this.#entered.length === 0) return
    const entered = this.#entered
    this.#entered = []
    for (const { backup, sign } of entered) {
      for (const qkdlId of backup.keptOn) {
        const sums: ByFailure = this.#byLink.get(qkdlId) ?? new Map<string, number>()
        this.#byLink.set(qkdlId, sums)
        this.#most.delete(qkdlId)
        for (const failure of backup.against) {
          const sum = (sums.get(failure) ?? 0) + sign * backup.rateBps
          if (sum === 0) sums.delete(failure)
          else sums.set(failure, sum)
        }
      }
    }
  }
}

const NONE: readonly string[] = []
const NOTHING: ReadonlyMap<string, number> = new Map()

function greatest(sums: ReadonlyMap<string, number>): number {
  let most = 0
  for (const bps of sums.values()) if (bps > most) most = bps
  return most
}
