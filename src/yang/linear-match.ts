// Regular expression matching in time linear in the text: an NFA simulated set by set, its steps remembered as a
// DFA that grows on demand. Whole-text match only; no captures.

import type { Regex } from "./regex-tree.js"

/** An instruction: consume one character of the set, fork, or accept. */
type Instruction =
  | { readonly op: "set"; readonly test: RegExp; next: number }
  | { readonly op: "fork"; a: number; b: number }
  | { readonly op: "accept" }

interface State {
  readonly positions: readonly number[]
  readonly accepts: boolean
  readonly ascii: (State | undefined)[]
  readonly other: Map<number, State>
}

/** Beyond this the pattern's counted repetitions are too large to unroll. */
const MAX_INSTRUCTIONS = 5_000
const MAX_STATES = 500
/** Characters times instructions: what one match may cost at worst. */
const MAX_WORK = 20_000_000

function assemble(regex: Regex): Instruction[] | undefined {
  const program: Instruction[] = []
  // Emits code for `node` that continues at the next instruction emitted after it.
  const emit = (node: Regex): boolean => {
    if (program.length > MAX_INSTRUCTIONS) return false
    switch (node.kind) {
      case "set":
        program.push({
          op: "set",
          test: new RegExp(`^(?:${node.js})$`, "u"),
          next: program.length + 1,
        })
        return true
      case "sequence":
        return node.items.every(emit)
      case "choice": {
        const exits: { op: "fork"; a: number; b: number }[] = []
        for (const [i, item] of node.items.entries()) {
          const last = i === node.items.length - 1
          const fork = { op: "fork" as const, a: program.length + 1, b: 0 }
          if (!last) program.push(fork)
          if (!emit(item)) return false
          if (!last) {
            const exit = { op: "fork" as const, a: 0, b: 0 }
            program.push(exit)
            exits.push(exit)
            fork.b = program.length
          }
        }
        for (const exit of exits) exit.a = exit.b = program.length
        return true
      }
      case "repeat": {
        for (let i = 0; i < node.min; i++) {
          const before = program.length
          if (!emit(node.item)) return false
          // Nothing, however often.
          if (program.length === before) break
        }
        if (node.max === Infinity) {
          const start = program.length
          const fork = { op: "fork" as const, a: start + 1, b: 0 }
          program.push(fork)
          if (!emit(node.item)) return false
          program.push({ op: "fork", a: start, b: start })
          fork.b = program.length
          return true
        }
        const forks: { op: "fork"; a: number; b: number }[] = []
        for (let i = node.min; i < node.max; i++) {
          const fork = { op: "fork" as const, a: program.length + 1, b: 0 }
          program.push(fork)
          forks.push(fork)
          if (!emit(node.item)) return false
        }
        for (const fork of forks) fork.b = program.length
        return true
      }
    }
  }
  if (!emit(regex)) return undefined
  program.push({ op: "accept" })
  return program
}

/** Undefined when the pattern is too large to unroll. */
export function linearMatcher(regex: Regex): ((text: string) => boolean) | undefined {
  const program = assemble(regex)
  if (program === undefined) return undefined
  let states = new Map<string, State>()

  /** All positions reachable without consuming, in order. */
  const close = (seeds: readonly number[]): State => {
    const seen = new Set<number>()
    const stack = [...seeds]
    const positions: number[] = []
    let accepts = false
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (seen.has(at)) continue
      seen.add(at)
      const instruction = program[at]
      if (instruction?.op === "fork") stack.push(instruction.a, instruction.b)
      else if (instruction?.op === "accept") accepts = true
      else if (instruction !== undefined) positions.push(at)
    }
    positions.sort((a, b) => a - b)
    const key = `${positions.join(",")}${accepts ? "!" : ""}`
    const known = states.get(key)
    if (known !== undefined) return known
    if (states.size > MAX_STATES) states = new Map()
    const state: State = { positions, accepts, ascii: [], other: new Map() }
    states.set(key, state)
    return state
  }

  const step = (state: State, c: string, cp: number): State => {
    const known = cp < 128 ? state.ascii[cp] : state.other.get(cp)
    if (known !== undefined) return known
    const targets: number[] = []
    for (const at of state.positions) {
      const instruction = program[at]
      if (instruction?.op === "set" && instruction.test.test(c)) targets.push(instruction.next)
    }
    const next = close(targets)
    if (cp < 128) state.ascii[cp] = next
    else if (state.other.size < 1_000) state.other.set(cp, next)
    return next
  }

  const start = close([0])
  return (text) => {
    if (text.length * program.length > MAX_WORK) return false
    let state = start
    for (const c of text) {
      state = step(state, c, c.codePointAt(0) ?? 0)
      if (state.positions.length === 0 && !state.accepts) return false
    }
    return state.accepts
  }
}
