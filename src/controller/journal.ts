// The last notices, numbered without gaps, for subscribers that come back and ask what they missed. Tells nobody
// by itself.

import type { Notice } from "./ports.js"

export class Journal {
  readonly #limit: number
  /** A ring: notice `seq` sits at `seq % limit`. */
  readonly #ring: Notice[] = []
  #last = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get lastSeq(): number {
    return this.#last
  }

  add(notice: Omit<Notice, "seq">): Notice {
    this.#last += 1
    const numbered = { seq: this.#last, ...notice }
    this.#ring[this.#last % this.#limit] = numbered
    return numbered
  }

  /** Notices after `seq`; null when some of them are no longer held, or `seq` was never given. */
  since(seq: number): readonly Notice[] | null {
    if (!Number.isInteger(seq) || seq < 0 || seq > this.#last) return null
    if (this.#last - seq > this.#limit) return null
    const found: Notice[] = []
    for (let next = seq + 1; next <= this.#last; next += 1) {
      const notice = this.#ring[next % this.#limit]
      if (notice !== undefined) found.push(notice)
    }
    return found
  }
}
