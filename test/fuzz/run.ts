// Runs inputs through the targets and watches: what breaks, what takes long, whether memory grows.

import { readFileSync, readdirSync } from "node:fs"
import path from "node:path"
import { GRAMMARS, WORDS } from "./grammars.js"
import { mutate, randomOf } from "./random.js"
import { TARGETS } from "./targets.js"

const CORPUS = path.resolve(import.meta.dirname, "../corpus")

export interface Finding {
  readonly target: string
  readonly input: string
  readonly what: string
}

export interface TargetReport {
  readonly target: string
  readonly inputs: number
  readonly slowestMs: number
  readonly slowest: string
  readonly findings: readonly Finding[]
}

/**
 * The texts kept for a target; every input that ever broke something among them. A file `*.texts` holds several as JSON,
 * for what UTF-8 cannot carry.
 */
export function corpusOf(target: string): readonly string[] {
  const folder = path.join(CORPUS, target)
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const text = readFileSync(path.join(folder, name), "utf8")
      return name.endsWith(".texts") ? (JSON.parse(text) as string[]) : [text]
    })
}

/** One input; what is wrong with how it was taken. */
export function tryInput(
  target: string,
  input: string,
  limitMs: number,
): { ms: number; what?: string } {
  const start = performance.now()
  try {
    TARGETS[target]?.(input)
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { ms: performance.now() - start, what }
  }
  const ms = performance.now() - start
  return ms > limitMs ? { ms, what: `took ${Math.round(ms)} ms` } : { ms }
}

/** The corpus, then `count` inputs made of it and of the grammar, always the same for one seed. */
export function fuzzTarget(
  target: string,
  seed: number,
  count: number,
  limitMs: number,
): TargetReport {
  const random = randomOf(seed)
  const corpus = corpusOf(target)
  const grammar = GRAMMARS[target]
  const words = WORDS[target] ?? [" "]
  const findings: Finding[] = []
  let slowestMs = 0
  let slowest = ""
  const one = (input: string): void => {
    const { ms, what } = tryInput(target, input, limitMs)
    if (ms > slowestMs) {
      slowestMs = ms
      slowest = input
    }
    if (what !== undefined && findings.length < 20) findings.push({ target, input, what })
  }
  corpus.forEach(one)
  for (let i = 0; i < count; i++)
    one(
      grammar !== undefined && random() < 0.5
        ? random() < 0.7
          ? grammar(random)
          : mutate(random, [grammar(random)], words)
        : mutate(random, corpus, words),
    )
  return { target, inputs: count + corpus.length, slowestMs, slowest, findings }
}
