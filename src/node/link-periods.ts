// What happened to a link's pool in each of the latest periods, from counters that only grow. Pure.

import type { LinkPeriod } from "../model/etsi015-link.js"
import type { PoolFigures } from "./ports.js"

export interface PeriodLimits {
  readonly periodS: number
  /** Periods kept. */
  readonly rows: number
}

export class LinkPeriods {
  readonly rows: LinkPeriod[] = []
  readonly #limits: PeriodLimits
  #start: { readonly atMs: number; readonly figures: PoolFigures } | undefined

  constructor(limits: PeriodLimits) {
    this.#limits = limits
  }

  /** Counters as they are now: ends a period that is over. One without use leaves no row. */
  look(figures: PoolFigures | undefined, nowMs: number): void {
    if (figures === undefined) return
    const start = (this.#start ??= { atMs: nowMs, figures })
    if (nowMs - start.atMs < this.#limits.periodS * 1000) return
    this.#start = { atMs: nowMs, figures }
    const row = {
      startTime: new Date(start.atMs).toISOString(),
      endTime: new Date(nowMs).toISOString(),
      generatedBits: Number(figures.generatedBits - start.figures.generatedBits),
      consumedBits: Number(figures.consumedBits - start.figures.consumedBits),
      authenticationBits: Number(figures.authenticationBits - start.figures.authenticationBits),
      relayedBits: Number((figures.relayedBits ?? 0n) - (start.figures.relayedBits ?? 0n)),
      expiredBits: Number((figures.expiredBits ?? 0n) - (start.figures.expiredBits ?? 0n)),
    }
    const { generatedBits, consumedBits, authenticationBits, expiredBits } = row
    if (generatedBits + consumedBits + authenticationBits + expiredBits === 0) return
    this.rows.push(row)
    if (this.rows.length > this.#limits.rows) this.rows.shift()
  }
}
