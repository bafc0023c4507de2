// Deadlines the core asked for, kept with one timer. Near ones are gathered, so that a thousand wishes do not
// become a thousand timers.

export type Schedule = (delayMs: number, run: () => void) => () => void

const STEP_MS = 50
/** The longest a timer can be set; a later deadline is asked for again when it ends. */
const LONGEST_MS = 2 ** 31 - 1

export class Wakes {
  readonly #schedule: Schedule
  readonly #now: () => number
  readonly #wake: () => void
  readonly #times = new Set<number>()
  #cancel: (() => void) | undefined
  #armedFor = Number.POSITIVE_INFINITY

  constructor(schedule: Schedule, now: () => number, wake: () => void) {
    this.#schedule = schedule
    this.#now = now
    this.#wake = wake
  }

  at(timeMs: number): void {
    const time = Math.ceil(timeMs / STEP_MS) * STEP_MS
    this.#times.add(time)
    if (time < this.#armedFor) this.#arm()
  }

  stop(): void {
    this.#cancel?.()
    this.#times.clear()
    this.#armedFor = Number.POSITIVE_INFINITY
  }

  #arm(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
    if (this.#times.size === 0) return
    this.#armedFor = Math.min(...this.#times)
    const delay = Math.min(Math.max(this.#armedFor - this.#now(), 0), LONGEST_MS)
    this.#cancel = this.#schedule(delay, () => {
      this.#ring()
    })
  }

  #ring(): void {
    const now = this.#now()
    let due = false
    for (const time of this.#times) {
      if (time > now) continue
      this.#times.delete(time)
      due = true
    }
    this.#arm()
    if (due) this.#wake()
  }
}
