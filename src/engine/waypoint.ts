// What a path has to pass on its way: a node, or any one of several; a link, or any one of several. Searches nothing.

import type { PathGraph } from "./path-graph.js"
import type { LinkPath } from "./path-question.js"

/** One of these nodes or one of these links must be passed; an end of the path counts as passed. */
export interface Waypoint {
  readonly nodes?: readonly number[]
  readonly links?: readonly number[]
}

/** Each of these nodes. */
export function eachOf(nodes: readonly number[]): Waypoint[] {
  return nodes.map((node) => ({ nodes: [node] }))
}

/** Those that a path does not pass. */
export function notPassed(
  waypoints: readonly Waypoint[],
  graph: PathGraph,
  from: number,
  path: LinkPath,
): readonly Waypoint[] {
  if (waypoints.length === 0) return waypoints
  const nodes = new Set(graph.nodesOf(from, path))
  const links = new Set(path)
  return waypoints.filter(
    (one) =>
      one.nodes?.some((node) => nodes.has(node)) !== true &&
      one.links?.some((link) => links.has(link)) !== true,
  )
}
