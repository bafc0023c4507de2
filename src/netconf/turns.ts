// One at a time, in the order of asking: all changes of a server's datastores wait in one line, so that whoever
// holds the turn sees nothing move. Knows nothing of what is done.

export class Turns {
  /** The end of the line. */
  #tail: Promise<unknown> = Promise.resolve()

  /** Runs `work` when all before it is over, however that ended. Never asked from within a turn: it would wait for itself. */
  take<T>(work: () => T | Promise<T>): Promise<T> {
    const done = this.#tail.then(work)
    this.#tail = done.catch(() => undefined)
    return done
  }
}
