// Repeatable chance for long random tests: the same seed throws the same numbers.

export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number from 0, below `bound`. (mulberry32) */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * bound)
  }

  of<T>(choices: readonly T[]): T {
    const chosen = choices[this.below(choices.length)]
    if (chosen === undefined && choices.length === 0) throw new Error("nothing to choose from")
    return chosen as T
  }

  two<T>(choices: readonly T[]): [T, T] {
    const first = this.of(choices)
    return [first, this.of(choices.filter((one) => one !== first))]
  }
}
