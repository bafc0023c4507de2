// The most that demands can carry together, written down plainly: a flow for every demand on every arc, kept at every node.
// Slow, and nothing of the engine's own search in it: what column generation is held against.

import type { MakeLinearProgram } from "../../src/engine/linear-program.js"

export interface PlainDemand {
  readonly from: number
  readonly to: number
  readonly rateBps: number
}

export interface PlainLink {
  readonly a: number
  readonly b: number
  readonly rateBps: number
}

/** @param passes by node, whether it may relay. */
export function nodeArcOptimum(
  links: readonly PlainLink[],
  passes: readonly boolean[],
  demands: readonly PlainDemand[],
  make: MakeLinearProgram,
): number {
  const program = make()
  const linkRows = links.map(({ rateBps }) => program.addRow(Number.NEGATIVE_INFINITY, rateBps))
  for (const { from, to, rateBps } of demands) {
    const carried = program.addRow(Number.NEGATIVE_INFINITY, rateBps)
    const kept = passes.map(() => program.addRow(0, 0))
    for (const [number, { a, b }] of links.entries())
      for (const [tail, head] of [
        [a, b],
        [b, a],
      ] as const) {
        // Nothing leaves the goal, enters the source, or passes where nobody relays.
        if (tail === to || head === from) continue
        if (tail !== from && passes[tail] !== true) continue
        const rows = [linkRows[number] ?? -1]
        const factors = [1]
        if (tail !== from) {
          rows.push(kept[tail] ?? -1)
          factors.push(-1)
        }
        if (head !== to) {
          rows.push(kept[head] ?? -1)
          factors.push(1)
        } else {
          rows.push(carried)
          factors.push(1)
        }
        program.addColumn(head === to ? 1 : 0, rows, factors)
      }
  }
  const solution = program.solve()
  program.close()
  return solution?.objective ?? 0
}
