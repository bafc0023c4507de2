// Seeded randomness and what it does to texts: mutation by bytes, by pieces of others, by words of the language.

export type Random = () => number

/** The same numbers for the same seed (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export function below(random: Random, n: number): number {
  return Math.floor(random() * n)
}

export function pick<T>(random: Random, from: readonly T[]): T {
  const found = from[below(random, from.length)]
  if (found === undefined) throw new Error("nothing to pick from")
  return found
}

/** Beyond this an input says nothing new. */
const MAX_LENGTH = 4096

const ODD = [
  "\u0000",
  "\ufeff",
  "\ud800",
  "\u2028",
  "\u00e9",
  "\u{1f600}",
  "\t",
  "\r\n",
  "'",
  '"',
  "%",
  "&",
  "<",
  "\\",
]

/** A text made of one of the corpus by a few changes. */
export function mutate(
  random: Random,
  corpus: readonly string[],
  words: readonly string[],
): string {
  let text = pick(random, corpus)
  for (let changes = 1 + below(random, 4); changes > 0; changes--)
    text = change(random, text, corpus, words)
  return text.slice(0, MAX_LENGTH)
}

function change(
  random: Random,
  text: string,
  corpus: readonly string[],
  words: readonly string[],
): string {
  const at = below(random, text.length + 1)
  const end = Math.min(text.length, at + below(random, 12))
  switch (below(random, 9)) {
    case 0:
      return text.slice(0, at) + text.slice(end)
    case 1:
      return text.slice(0, at) + String.fromCharCode(32 + below(random, 95)) + text.slice(at + 1)
    case 2:
      return text.slice(0, at) + pick(random, words) + text.slice(at)
    case 3:
      return text.slice(0, at) + pick(random, words) + text.slice(end)
    case 4:
      return text.slice(0, end) + text.slice(at)
    case 5: {
      const other = pick(random, corpus)
      return text.slice(0, at) + other.slice(below(random, other.length + 1))
    }
    case 6:
      return text.slice(0, at) + pick(random, ODD) + text.slice(at)
    case 7:
      return text.slice(0, at) + text.slice(at, end).repeat(1 + below(random, 40)) + text.slice(end)
    default:
      return text.slice(0, at)
  }
}
