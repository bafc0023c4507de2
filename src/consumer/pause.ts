// A wait that a stop cuts short.

export class Pause {
  #ended = false
  #wake: (() => void) | undefined

  /** False once it was ended: time to go. */
  get running(): boolean {
    return !this.#ended
  }

  /** @returns after `ms`, or at once when it is or was ended */
  async wait(ms: number): Promise<void> {
    if (this.#ended) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }
}
