// A rate that may be saved up for a while, in bits. Time is an argument: steady milliseconds.

export class TokenBucket {
  readonly #bps: number
  readonly #capacityBits: number
  #bits: number
  #atMs: number

  /** @param capacityBits most that is saved up; @param bits saved up now */
  constructor(bps: number, capacityBits: number, bits: number, nowMs: number) {
    this.#bps = bps
    this.#capacityBits = capacityBits
    this.#bits = Math.min(bits, capacityBits)
    this.#atMs = nowMs
  }

  /** Negative while a debt is paid off. */
  level(nowMs: number): number {
    const seconds = Math.max(0, nowMs - this.#atMs) / 1000
    this.#bits = Math.min(this.#capacityBits, this.#bits + seconds * this.#bps)
    this.#atMs = Math.max(this.#atMs, nowMs)
    return this.#bits
  }

  /**
   * All of it or nothing. What is more than ever fits is given to a full bucket, on credit: no request is refused for
   * ever, and the rate holds over time.
   */
  take(bits: number, nowMs: number): boolean {
    if (this.level(nowMs) < Math.min(bits, this.#capacityBits)) return false
    this.#bits -= bits
    return true
  }

  /** As much of it as there is. @returns how much */
  takeUpTo(bits: number, nowMs: number): number {
    const taken = Math.max(0, Math.min(bits, this.level(nowMs)))
    this.#bits -= taken
    return taken
  }

  /** Gives back what was not used after all. */
  giveBack(bits: number): void {
    this.#bits = Math.min(this.#capacityBits, this.#bits + bits)
  }
}
