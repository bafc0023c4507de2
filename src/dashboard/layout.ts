// Where nodes stand before zooming: by longitude and latitude in the Mercator projection, or, where a site has
// none, by a layout that depends on the network alone, so that it is the same on every screen and every day.

import type { Link, Node } from "./types.js"

export interface Point {
  readonly x: number
  readonly y: number
}

export interface Layout {
  /** In world units, y downwards. */
  readonly points: ReadonlyMap<string, Point>
  /** World units are Mercator radians; without it there is no map to draw a graticule on. */
  readonly geographic: boolean
}

const RAD = Math.PI / 180

/** Mercator, radians; y grows southwards. Latitudes beyond 85° are drawn there. */
export function mercator(lat: number, lon: number): Point {
  const phi = Math.max(-85, Math.min(85, lat)) * RAD
  return { x: lon * RAD, y: -Math.log(Math.tan(Math.PI / 4 + phi / 2)) }
}

export function lonOf(x: number): number {
  return x / RAD
}

export function latOf(y: number): number {
  return (2 * Math.atan(Math.exp(-y)) - Math.PI / 2) / RAD
}

type Pair = readonly [number, number]

function pairsOf(ids: readonly string[], links: readonly Link[]): Pair[] {
  const at = new Map(ids.map((id, i) => [id, i]))
  return links.flatMap((link): Pair[] => {
    const a = at.get(link.a.qkdnId)
    const b = at.get(link.b.qkdnId)
    return a === undefined || b === undefined || a === b ? [] : [[a, b]]
  })
}

/** Springs along links, repulsion between all, from a circle; a fixed number of steps, no chance. */
function spring(ids: readonly string[], links: readonly Link[]): Map<string, Point> {
  const n = ids.length
  const pairs = pairsOf(ids, links)
  const x = ids.map((_, i) => Math.cos((2 * Math.PI * i) / n))
  const y = ids.map((_, i) => Math.sin((2 * Math.PI * i) / n))
  const ideal = Math.sqrt(4 / Math.max(1, n))
  const steps = n > 400 ? 0 : 300
  for (let step = 0; step < steps; step += 1) {
    const heat = 0.1 * (1 - step / steps)
    const fx = new Float64Array(n)
    const fy = new Float64Array(n)
    const push = (i: number, j: number, force: (d: number) => number): void => {
      const dx = (x[i] ?? 0) - (x[j] ?? 0)
      const dy = (y[i] ?? 0) - (y[j] ?? 0)
      const d = Math.max(0.01, Math.hypot(dx, dy))
      const f = force(d) / d
      fx[i] = (fx[i] ?? 0) + dx * f
      fy[i] = (fy[i] ?? 0) + dy * f
      fx[j] = (fx[j] ?? 0) - dx * f
      fy[j] = (fy[j] ?? 0) - dy * f
    }
    for (let i = 0; i < n; i += 1) {
      for (let j = i + 1; j < n; j += 1) push(i, j, (d) => (ideal * ideal) / d)
    }
    for (const [a, b] of pairs) push(a, b, (d) => -(d * d) / ideal)
    for (let i = 0; i < n; i += 1) {
      const f = Math.max(1e-9, Math.hypot(fx[i] ?? 0, fy[i] ?? 0))
      const move = Math.min(f, heat) / f
      x[i] = (x[i] ?? 0) + (fx[i] ?? 0) * move
      y[i] = (y[i] ?? 0) + (fy[i] ?? 0) * move
    }
  }
  return new Map(ids.map((id, i) => [id, { x: (x[i] ?? 0) * 1.6, y: y[i] ?? 0 }]))
}

/** Sites without coordinates stand beside their placed neighbours. */
function besideNeighbours(
  id: string,
  index: number,
  placed: ReadonlyMap<string, Point>,
  links: readonly Link[],
): Point {
  const near = links.flatMap((link) => {
    const other =
      link.a.qkdnId === id ? link.b.qkdnId : link.b.qkdnId === id ? link.a.qkdnId : undefined
    const point = other === undefined ? undefined : placed.get(other)
    return point === undefined ? [] : [point]
  })
  const around = near.length > 0 ? near : [...placed.values()]
  const all = [...placed.values()]
  const spread = Math.max(
    0.0005,
    Math.max(...all.map((p) => p.x)) - Math.min(...all.map((p) => p.x)),
  )
  const angle = index * 2.4
  return {
    x: around.reduce((sum, p) => sum + p.x, 0) / around.length + Math.cos(angle) * spread * 0.12,
    y: around.reduce((sum, p) => sum + p.y, 0) / around.length + Math.sin(angle) * spread * 0.12,
  }
}

/** Places every node. The order of `nodes` decides nothing but ties. */
export function layOut(nodes: Iterable<Node>, links: Iterable<Link>): Layout {
  const all = [...nodes].sort((p, q) => (p.qkdnId < q.qkdnId ? -1 : 1))
  const joined = [...links]
  const points = new Map<string, Point>()
  for (const node of all) {
    if (node.lat !== undefined && node.lon !== undefined) {
      points.set(node.qkdnId, mercator(node.lat, node.lon))
    }
  }
  if (points.size === 0) {
    const ids = all.map((node) => node.qkdnId)
    return { points: spring(ids, joined), geographic: false }
  }
  const placed = new Map(points)
  all
    .filter((node) => !placed.has(node.qkdnId))
    .forEach((node, i) => {
      points.set(node.qkdnId, besideNeighbours(node.qkdnId, i, placed, joined))
    })
  return { points, geographic: true }
}

/** World to screen: `screen = world * k + (x, y)`. */
export interface View {
  readonly k: number
  readonly x: number
  readonly y: number
}

/** The view that shows all points within the padding; never closer than a few hundred metres. */
export function fit(
  points: Iterable<Point>,
  size: { readonly width: number; readonly height: number },
  padding: { readonly x: number; readonly y: number },
): View {
  const all = [...points]
  if (all.length === 0) return { k: 1, x: size.width / 2, y: size.height / 2 }
  const xs = all.map((p) => p.x)
  const ys = all.map((p) => p.y)
  const [west, east] = [Math.min(...xs), Math.max(...xs)]
  const [north, south] = [Math.min(...ys), Math.max(...ys)]
  const room = (whole: number, pad: number): number => Math.max(40, whole - 2 * pad)
  const k = Math.min(
    room(size.width, padding.x) / Math.max(1e-4, east - west),
    room(size.height, padding.y) / Math.max(1e-4, south - north),
  )
  return {
    k,
    x: size.width / 2 - (k * (west + east)) / 2,
    y: size.height / 2 - (k * (north + south)) / 2,
  }
}
