// Where nodes stand on a picture: by longitude and latitude in the Mercator projection, else by a layout that depends on
// the links alone, so that the same network gives the same picture on every machine and every day.

import type { PathGraph } from "../engine/path-graph.js"

export interface Point {
  readonly x: number
  readonly y: number
}

export interface Place {
  readonly lat?: number
  readonly lon?: number
}

const RAD = Math.PI / 180
/** Nodes that the layout starts from; more make it no better. */
const PIVOTS = 50
/** Above this many nodes the layout is not refined: each step looks at every pair. */
const REFINED_UP_TO = 600
const STEPS = 120

/** By node number; y downwards, in units of its own. */
export function layOut(graph: PathGraph, places: readonly Place[]): Point[] {
  const placed = places.map(({ lat, lon }) =>
    lat === undefined || lon === undefined ? undefined : mercator(lat, lon),
  )
  return placed.some((point) => point !== undefined)
    ? besideNeighbours(graph, placed)
    : byLinks(graph)
}

/** Latitudes beyond 85 degrees are drawn there. */
function mercator(lat: number, lon: number): Point {
  const phi = Math.max(-85, Math.min(85, lat)) * RAD
  return { x: lon * RAD, y: -Math.log(Math.tan(Math.PI / 4 + phi / 2)) }
}

/** Nodes without coordinates stand near the middle of their placed neighbours. */
function besideNeighbours(graph: PathGraph, placed: readonly (Point | undefined)[]): Point[] {
  const known = placed.filter((point) => point !== undefined)
  const xs = known.map(({ x }) => x)
  const spread = Math.max(1e-4, Math.max(...xs) - Math.min(...xs))
  return placed.map((point, node): Point => {
    if (point !== undefined) return point
    const near = neighboursOf(graph, node).flatMap((other) => placed[other] ?? [])
    const around = near.length > 0 ? near : known
    const middle = (of: (one: Point) => number): number =>
      around.reduce((sum, one) => sum + of(one), 0) / around.length
    // The golden angle: several beside one place do not stand on each other.
    const angle = node * 2.4
    return {
      x: middle(({ x }) => x) + Math.cos(angle) * spread * 0.1,
      y: middle(({ y }) => y) + Math.sin(angle) * spread * 0.1,
    }
  })
}

function neighboursOf(graph: PathGraph, node: number): number[] {
  return [...graph.arcTo.subarray(graph.first[node] ?? 0, graph.first[node + 1] ?? 0)]
}

/**
 * Distances on paper like those in hops: pivot scaling (Brandes and Pich, Graph Drawing 2006), then stress majorisation
 * (Gansner, Koren and North, Graph Drawing 2004).
 */
function byLinks(graph: PathGraph): Point[] {
  const { nodeCount } = graph
  if (nodeCount === 1) return [{ x: 0, y: 0 }]
  const { distances, pivots } = pivotDistances(graph)
  const start = pivotScaling(distances, nodeCount)
  if (nodeCount > REFINED_UP_TO) return start
  const all = Array.from({ length: nodeCount }, (_, node) => {
    const known = pivots.indexOf(node)
    return known < 0 ? hopsFrom(graph, node) : (distances[known] ?? new Float64Array())
  })
  return majorised(all, start)
}

/** Farthest first: each pivot is the node farthest from those before. */
function pivotDistances(graph: PathGraph): { distances: Float64Array[]; pivots: number[] } {
  const nearest = new Float64Array(graph.nodeCount).fill(Number.POSITIVE_INFINITY)
  const distances: Float64Array[] = []
  const pivots: number[] = []
  for (let next = 0; pivots.length < Math.min(PIVOTS, graph.nodeCount); ) {
    const from = hopsFrom(graph, next)
    distances.push(from)
    pivots.push(next)
    for (const [node, hops] of from.entries()) nearest[node] = Math.min(nearest[node] ?? 0, hops)
    next = nearest.indexOf(Math.max(...nearest))
    if (pivots.includes(next)) break
  }
  return { distances, pivots }
}

/** Parts that are not joined stand a little apart. */
function hopsFrom(graph: PathGraph, from: number): Float64Array {
  const hops = new Float64Array(graph.nodeCount).fill(-1)
  hops[from] = 0
  const seen = [from]
  for (const node of seen)
    for (const other of neighboursOf(graph, node))
      if (hops[other] === -1) {
        hops[other] = (hops[node] ?? 0) + 1
        seen.push(other)
      }
  const farthest = hops.reduce((most, value) => Math.max(most, value), 0)
  return hops.map((value) => (value < 0 ? farthest + 2 : value))
}

function pivotScaling(distances: readonly Float64Array[], nodeCount: number): Point[] {
  const squares = distances.map((row) => row.map((value) => value * value))
  const mean = (row: Float64Array): number =>
    row.reduce((sum, value) => sum + value, 0) / row.length
  const byPivot = squares.map(mean)
  const byNode = Float64Array.from(
    { length: nodeCount },
    (_, node) => squares.reduce((sum, row) => sum + (row[node] ?? 0), 0) / squares.length,
  )
  const whole = byPivot.reduce((sum, value) => sum + value, 0) / byPivot.length
  const centred = squares.map((row, pivot) =>
    row.map((value, node) => -0.5 * (value - (byPivot[pivot] ?? 0) - (byNode[node] ?? 0) + whole)),
  )
  const axisX = strongestAxis(centred, undefined)
  const axisY = strongestAxis(centred, axisX)
  const along = (axis: Float64Array, node: number): number =>
    centred.reduce((sum, row, pivot) => sum + (row[node] ?? 0) * (axis[pivot] ?? 0), 0)
  const points = Array.from({ length: nodeCount }, (_, node) => ({
    x: along(axisX, node),
    y: along(axisY, node),
  }))
  // Of the size of the distances; nodes of one place are moved a little apart.
  const size = Math.sqrt(Math.max(1e-9, ...points.map(({ x, y }) => x * x + y * y)))
  const reach = Math.sqrt(Math.max(1, ...squares.flatMap((row) => Math.max(...row)))) / 2
  return points.map(({ x, y }, node) => ({
    x: (x / size) * reach + Math.cos(node * 2.4) * 0.01,
    y: (y / size) * reach + Math.sin(node * 2.4) * 0.01,
  }))
}

/** By power iteration, at right angles to `other`. */
function strongestAxis(
  rows: readonly Float64Array[],
  other: Float64Array | undefined,
): Float64Array {
  const product = rows.map((a) =>
    rows.map((b) => a.reduce((sum, value, node) => sum + value * (b[node] ?? 0), 0)),
  )
  let axis = Float64Array.from(rows, (_, i) => 1 + ((i * 7) % 5))
  for (let step = 0; step < 200; step += 1) {
    if (other !== undefined) {
      const shared = axis.reduce((sum, value, i) => sum + value * (other[i] ?? 0), 0)
      axis = axis.map((value, i) => value - shared * (other[i] ?? 0))
    }
    const next = Float64Array.from(product, (row) =>
      row.reduce((sum, value, i) => sum + value * (axis[i] ?? 0), 0),
    )
    const size = Math.hypot(...next)
    if (size < 1e-12) break
    axis = next.map((value) => value / size)
  }
  return axis
}

function majorised(distances: readonly Float64Array[], start: readonly Point[]): Point[] {
  const xs = Float64Array.from(start, ({ x }) => x)
  const ys = Float64Array.from(start, ({ y }) => y)
  for (let step = 0; step < STEPS; step += 1)
    for (const [node, row] of distances.entries()) {
      let [x, y, weights] = [0, 0, 0]
      for (const [other, wanted] of row.entries()) {
        if (other === node || wanted === 0) continue
        const dx = (xs[node] ?? 0) - (xs[other] ?? 0)
        const dy = (ys[node] ?? 0) - (ys[other] ?? 0)
        const pull = wanted / Math.max(1e-6, Math.hypot(dx, dy))
        const weight = 1 / (wanted * wanted)
        x += weight * ((xs[other] ?? 0) + dx * pull)
        y += weight * ((ys[other] ?? 0) + dy * pull)
        weights += weight
      }
      if (weights === 0) continue
      xs[node] = x / weights
      ys[node] = y / weights
    }
  return Array.from(xs, (x, node) => ({ x, y: ys[node] ?? 0 }))
}

export interface Frame {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** The points within the frame, as great as they fit, in the middle. */
export function fitInto(points: readonly Point[], frame: Frame): Point[] {
  const xs = points.map(({ x }) => x)
  const ys = points.map(({ y }) => y)
  const [west, east] = [Math.min(...xs), Math.max(...xs)]
  const [north, south] = [Math.min(...ys), Math.max(...ys)]
  const scale = Math.min(
    frame.width / Math.max(1e-9, east - west),
    frame.height / Math.max(1e-9, south - north),
  )
  const left = frame.x + (frame.width - scale * (east - west)) / 2
  const top = frame.y + (frame.height - scale * (south - north)) / 2
  return points.map(({ x, y }) => ({ x: left + (x - west) * scale, y: top + (y - north) * scale }))
}

/** Height over width of what is to be drawn. */
export function aspectOf(points: readonly Point[]): number {
  const size = (values: readonly number[]): number => Math.max(...values) - Math.min(...values)
  const width = size(points.map(({ x }) => x))
  const height = size(points.map(({ y }) => y))
  return width < 1e-9 ? 1 : height / width
}
