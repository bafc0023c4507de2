// The paths between two nodes in order of cost: Yen's method with Lawler's rule. How the rest of a path is found behind
// its fixed beginning is the caller's: by plain search, or by one that keeps limits.

import type { PathGraph } from "./path-graph.js"
import {
  comparePaths,
  type LinkPath,
  type PathQuestion,
  type RankedPath,
  sumAlong,
} from "./path-question.js"
import { Blocks } from "./shortest.js"

/**
 * The cheapest rest of a path, behind a beginning that is fixed.
 *
 * @param from where the beginning ends.
 * @param root the links of the beginning.
 * @param blocks nodes of the beginning, and links not to be taken.
 * @param bound what the rest must cost less than.
 */
export type FindRest = (
  from: number,
  root: LinkPath,
  blocks: Blocks,
  bound: number,
) => LinkPath | undefined

interface Candidate extends RankedPath {
  /** From this link on it is free to differ: before, all differences have been looked for already. */
  readonly branch: number
}

/**
 * All paths, one after the other, cheapest first; equal ones with fewer hops first.
 *
 * @param wanted how many will be taken at most: what cannot be among them is not looked for.
 */
export function* pathsInOrder(
  graph: PathGraph,
  question: PathQuestion,
  findRest: FindRest,
  wanted = Number.POSITIVE_INFINITY,
): Generator<RankedPath, void> {
  const { from, cost } = question
  if (from === question.to || wanted < 1) return
  const blocks = new Blocks(graph)
  const taken: LinkPath[] = []
  const waiting: Candidate[] = []
  const look = (root: LinkPath, node: number): void => {
    const rootCost = sumAlong(root, cost)
    const worst = waiting[wanted - taken.length - 1]?.cost ?? Number.POSITIVE_INFINITY
    const rest = findRest(node, root, blocks, worst - rootCost)
    if (rest === undefined) return
    const path = [...root, ...rest]
    insert(waiting, { path, cost: sumAlong(path, cost), branch: root.length })
  }
  look([], from)
  for (let best = waiting.shift(); best !== undefined; best = waiting.shift()) {
    yield { path: best.path, cost: best.cost }
    taken.push(best.path)
    if (taken.length >= wanted) return
    const nodes = graph.nodesOf(from, best.path)
    for (let i = best.branch; i < best.path.length; i += 1) {
      const root = best.path.slice(0, i)
      blocks.clear()
      for (const node of nodes.slice(0, i)) blocks.blockNode(node)
      for (const other of taken) if (startsWith(other, root)) blocks.blockLink(other[i] ?? -1)
      look(root, nodes[i] ?? -1)
    }
  }
}

function startsWith(path: LinkPath, root: LinkPath): boolean {
  for (let i = 0; i < root.length; i += 1) if (path[i] !== root[i]) return false
  return true
}

/** Keeps the list in order. */
function insert(list: Candidate[], candidate: Candidate): void {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    const other = list[middle]
    if (other !== undefined && comparePaths(other, candidate) <= 0) low = middle + 1
    else high = middle
  }
  list.splice(low, 0, candidate)
}
