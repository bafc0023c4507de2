// What waits for the token, which does one thing at a time.

import type { Frame } from "../transport/frames.js"

/**
 * Requests in the order they came, but proofs before all: a proof takes a token next to nothing beside an import, the other
 * site waits for it, and behind the imports of the next batches it would wait for all of them. A proof is asked for
 * when its key's import has been answered, so none overtakes what it is about.
 */
export class TokenQueue {
  readonly #proofs: Frame[] = []
  readonly #others: Frame[] = []

  push(frame: Frame): void {
    const queue = frame.header["op"] === "prove" ? this.#proofs : this.#others
    queue.push(frame)
  }

  /** The next, or undefined when none waits. */
  take(): Frame | undefined {
    return this.#proofs.shift() ?? this.#others.shift()
  }
}
