// Puts together what comes in one turn of the event loop, so that it can go in one message. What comes first does not wait
// for others: it is handed on, with all that the same event brought, before the next event. What comes soon after, from
// other events of the turn as it seems, goes at the turn's end.

/**
 * Events of one turn follow each other so closely, what is done about a hundred keys in between included. A lone request is
 * not answered, and the next one here, as soon.
 */
const SOON_MS = 0.5

export class TurnGatherer<T> {
  readonly #handOn: (all: readonly T[]) => void
  #waiting: T[] = []
  #handedOnMs = Number.NEGATIVE_INFINITY

  constructor(handOn: (all: readonly T[]) => void) {
    this.#handOn = handOn
  }

  add(one: T): void {
    this.#waiting.push(one)
    if (this.#waiting.length > 1) return
    // No immediate for a lone one: it would have the loop go round once more.
    if (performance.now() - this.#handedOnMs < SOON_MS) setImmediate(this.#leave)
    else process.nextTick(this.#leave)
  }

  readonly #leave = (): void => {
    const all = this.#waiting
    this.#waiting = []
    this.#handOn(all)
    this.#handedOnMs = performance.now()
  }
}
