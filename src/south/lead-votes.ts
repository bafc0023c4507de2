// Whether this controller was replaced, as the nodes have it (THREATS C3). One node that says so may be mistaken or worse:
// it is believed of itself, and no more. More than half of all say what has become of the network.

import type { QkdError } from "../errors.js"

export class LeadVotes {
  readonly #onReplaced: (refusal: QkdError) => void
  readonly #refusals = new Map<string, QkdError>()
  #isOver = false

  /** @param onReplaced called once, with what one of them said */
  constructor(onReplaced: (refusal: QkdError) => void) {
    this.#onReplaced = onReplaced
  }

  /**
   * @param refusal undefined when the node obeys this controller
   * @param managed how many nodes there are, whether they say anything or not
   */
  heard(qkdnId: string, refusal: QkdError | undefined, managed: number): void {
    if (refusal === undefined) this.#refusals.delete(qkdnId)
    else this.#refusals.set(qkdnId, refusal)
    if (refusal === undefined || this.#isOver || this.#refusals.size * 2 <= managed) return
    this.#isOver = true
    // Of the middle term: a node that lies names none that nobody can go above.
    const all = [...this.#refusals.values()].sort((a, b) => termIn(a) - termIn(b))
    const middle = all[Math.floor(all.length / 2)]
    if (middle !== undefined) this.#onReplaced(middle)
  }

  forget(qkdnId: string): void {
    this.#refusals.delete(qkdnId)
  }
}

/** The term in force at the node that refused; 0 where it does not say. */
function termIn({ info }: QkdError): number {
  const term = Number(info?.["term"])
  return Number.isSafeInteger(term) ? term : 0
}
