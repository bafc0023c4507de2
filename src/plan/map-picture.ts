// A network drawn: links by width and colour, routes beside them, nodes with their names, and a legend from the same
// scales. Takes what to show; decides nothing about the network.

import type { PathGraph } from "../engine/path-graph.js"
import { placeLabels } from "./label-places.js"
import { aspectOf, fitInto, type Frame, layOut, type Place, type Point } from "./map-layout.js"
import { type LegendPart, drawLegend, LEGEND_WIDTH } from "./map-legend.js"
import type { Tone } from "./map-scales.js"
import { element, escaped, SERIES, sheet, short, textWidth } from "./svg.js"

export interface MapNode extends Place {
  readonly name: string
  /** Filled with this colour; open where absent. */
  readonly tone?: Tone
  /** Drawn larger: an end of what is asked about. */
  readonly marked?: boolean
  /** Crossed out. */
  readonly gone?: boolean
  /** Shown by the pointer. */
  readonly note: string
}

export interface MapLink {
  readonly widthPx: number
  readonly tone: Tone
  /** Dashed and crossed out. */
  readonly gone?: boolean
  /** Stands out, with this word in a badge. */
  readonly badge?: string
  readonly note: string
}

/** A way through the network, drawn beside the links it uses. */
export interface MapRoute {
  readonly series: number
  readonly from: number
  readonly links: readonly number[]
  readonly dashed: boolean
  readonly note: string
}

export interface MapPicture {
  readonly title: string
  readonly subtitle: string
  readonly graph: PathGraph
  readonly nodes: readonly MapNode[]
  readonly links: readonly MapLink[]
  readonly routes: readonly MapRoute[]
  readonly legend: readonly LegendPart[]
}

const MAP_WIDTH = 960
const TOP = 92
const MARGIN = 46
const ROUTE_PX = 3.2
const ROUTE_GAP_PX = 4.6

/** Networks of more nodes are drawn with thinner lines, and not every name is tried. */
const LARGE = 150
const THIN = 0.6
const MOST_NAMES = 200

export function drawMap(given: MapPicture): string {
  const picture = given.nodes.length > LARGE ? thinned(given) : given
  const { graph, nodes, links, legend } = picture
  const raw = layOut(graph, nodes)
  const height = Math.min(1040, Math.max(420, MAP_WIDTH * aspectOf(raw)))
  const frame: Frame = {
    x: MARGIN + 30,
    y: TOP + MARGIN - 10,
    width: MAP_WIDTH - 2 * MARGIN - 60,
    height: height - 2 * MARGIN,
  }
  const points = fitInto(raw, frame)
  const lines = links.map((_, link) => lineOf(graph, points, link))
  const radius = nodes.length > LARGE ? 3 : nodes.length > 60 ? 4.5 : 6
  const legendFrame = { x: MAP_WIDTH + 24, y: TOP + 8 }
  const { svg: legendSvg, bottom } = drawLegend(legend, legendFrame)
  const order = [...links.keys()].sort((a, b) => weightOf(links[a]) - weightOf(links[b]))
  const labels = labelsOf(picture, points, lines, radius, { ...within(height) })
  return sheet(
    {
      width: MAP_WIDTH + LEGEND_WIDTH + 48,
      height: Math.max(TOP + height, bottom + 28),
      title: picture.title,
      subtitle: picture.subtitle,
    },
    [
      ...order.map((link) => drawLink(links[link], lines[link])),
      ...drawRoutes(picture, points, radius),
      ...links.map((link, number) => drawMark(link, lines[number])),
      ...nodes.map((node, number) => drawNode(node, points[number], radius)),
      ...labels,
      legendSvg,
    ],
  )
}

/** Lines and the legend's samples alike. */
function thinned(picture: MapPicture): MapPicture {
  const thin = <T extends { readonly widthPx: number }>(line: T): T => ({
    ...line,
    widthPx: line.widthPx * THIN,
  })
  return {
    ...picture,
    links: picture.links.map(thin),
    legend: picture.legend.map(({ head, rows }) => ({
      head,
      rows: rows.map(({ sample, words }) => ({
        sample: sample.kind === "line" ? thin(sample) : sample,
        words,
      })),
    })),
  }
}

function within(height: number): Frame {
  return { x: 8, y: TOP - 12, width: MAP_WIDTH - 8, height: height + 8 }
}

/** Faint and thin ones lie below. */
function weightOf(link: MapLink | undefined): number {
  if (link === undefined) return 0
  return (link.tone === "faint" ? 0 : 100) + (link.badge === undefined ? 0 : 1000) + link.widthPx
}

interface Line {
  readonly a: Point
  readonly b: Point
  /** Parallel links bow apart. */
  readonly bow: Point | undefined
  readonly middle: Point
}

function lineOf(graph: PathGraph, points: readonly Point[], link: number): Line {
  const ends = [graph.linkA[link] ?? 0, graph.linkB[link] ?? 0].sort((x, y) => x - y)
  const a = points[ends[0] ?? 0] ?? { x: 0, y: 0 }
  const b = points[ends[1] ?? 0] ?? { x: 0, y: 0 }
  const first = graph.first[ends[0] ?? 0] ?? 0
  const end = graph.first[(ends[0] ?? 0) + 1] ?? 0
  const parallel: number[] = []
  for (let arc = first; arc < end; arc += 1)
    if (graph.arcTo[arc] === ends[1]) parallel.push(graph.arcLink[arc] ?? -1)
  const straight = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }
  if (parallel.length < 2) return { a, b, bow: undefined, middle: straight }
  const slot = parallel.sort((x, y) => x - y).indexOf(link) - (parallel.length - 1) / 2
  const length = Math.max(1, Math.hypot(b.x - a.x, b.y - a.y))
  const aside = (of: number): Point => ({
    x: straight.x - ((b.y - a.y) / length) * of,
    y: straight.y + ((b.x - a.x) / length) * of,
  })
  return { a, b, bow: aside(slot * 36), middle: aside(slot * 18) }
}

function pathOf({ a, b, bow }: Line): string {
  const start = `M${short(a.x)} ${short(a.y)}`
  const goal = `${short(b.x)} ${short(b.y)}`
  return bow === undefined ? `${start}L${goal}` : `${start}Q${short(bow.x)} ${short(bow.y)} ${goal}`
}

/** Parts lines that cross; ends before the nodes, where lines meet. */
function casingOf(line: Line): string {
  const { a, b, bow } = line
  const length = Math.hypot(b.x - a.x, b.y - a.y)
  if (bow !== undefined || length < 48) return ""
  const [ux, uy] = [((b.x - a.x) / length) * 22, ((b.y - a.y) / length) * 22]
  return pathOf({ ...line, a: { x: a.x + ux, y: a.y + uy }, b: { x: b.x - ux, y: b.y - uy } })
}

function drawLink(link: MapLink | undefined, line: Line | undefined): string {
  if (link === undefined || line === undefined) return ""
  const d = pathOf(line)
  const dash = link.gone === true ? "2 8" : undefined
  return element(
    "g",
    {},
    element("title", {}, escaped(link.note)),
    element("path", { class: "casing", d: casingOf(line), "stroke-width": link.widthPx + 3 }),
    element("path", {
      class: `link c-${link.tone}`,
      d,
      "stroke-width": link.widthPx,
      "stroke-dasharray": dash,
    }),
  )
}

/** Crosses and badges, above all lines. */
function drawMark({ gone, badge, note }: MapLink, line: Line | undefined): string {
  if (line === undefined) return ""
  const { x, y } = line.middle
  if (gone === true) return cross({ x, y }, 8)
  if (badge === undefined) return ""
  const width = Math.max(18, textWidth(badge, 11) + 10)
  return element(
    "g",
    {},
    element("title", {}, escaped(note)),
    element("rect", {
      class: "f-added",
      x: x - width / 2,
      y: y - 9,
      width,
      height: 18,
      rx: 9,
    }),
    element("text", { class: "number", x, y: y + 4, "text-anchor": "middle" }, escaped(badge)),
  )
}

function cross({ x, y }: Point, size: number): string {
  const d = `M${short(x - size)} ${short(y - size)}L${short(x + size)} ${short(y + size)}M${short(x - size)} ${short(y + size)}L${short(x + size)} ${short(y - size)}`
  return `${element("path", { class: "casing", d, "stroke-width": 7 })}${element("path", { class: "link c-down", d, "stroke-width": 3 })}`
}

function drawNode(node: MapNode, at: Point | undefined, radius: number): string {
  if (at === undefined) return ""
  const r = node.marked === true ? radius * 1.5 : radius
  const tone = node.tone === undefined ? "" : ` f-${node.tone}`
  return element(
    "g",
    {},
    element("title", {}, escaped(node.note)),
    element("circle", {
      class: `node${tone}`,
      cx: at.x,
      cy: at.y,
      r,
      style: radius < 4 ? "stroke-width:1" : undefined,
    }),
    ...(node.gone === true ? [cross(at, r + 4)] : []),
  )
}

/** Each link gives every route that uses it a place of its own beside it. */
function drawRoutes(
  { graph, routes }: MapPicture,
  points: readonly Point[],
  radius: number,
): string[] {
  const slots = new Map<number, number>()
  const users = new Map<number, number>()
  for (const { links } of routes)
    for (const link of links) users.set(link, (users.get(link) ?? 0) + 1)
  return routes.map(({ series, from, links, dashed, note }) => {
    const words: string[] = []
    for (const [hop, node] of graph.nodesOf(from, links).slice(0, -1).entries()) {
      const link = links[hop] ?? -1
      const slot = slots.get(link) ?? 0
      slots.set(link, slot + 1)
      const a = points[node] ?? { x: 0, y: 0 }
      const b = points[graph.otherEnd(link, node)] ?? a
      const aside = (slot - ((users.get(link) ?? 1) - 1) / 2) * ROUTE_GAP_PX
      // The side does not depend on the way it is gone along.
      const sign = (graph.linkA[link] ?? -1) === node ? 1 : -1
      const length = Math.max(1, Math.hypot(b.x - a.x, b.y - a.y))
      const [ux, uy] = [(b.x - a.x) / length, (b.y - a.y) / length]
      const [nx, ny] = [-uy * aside * sign, ux * aside * sign]
      const cut = Math.min(length / 3, radius)
      words.push(
        `${words.length === 0 ? "M" : "L"}${short(a.x + nx + ux * cut)} ${short(a.y + ny + uy * cut)}`,
      )
      words.push(`L${short(b.x + nx - ux * cut)} ${short(b.y + ny - uy * cut)}`)
    }
    const d = words.join("")
    return element(
      "g",
      {},
      element("title", {}, escaped(note)),
      element("path", {
        class: "casing",
        d,
        "stroke-width": ROUTE_PX + 2,
        "stroke-linejoin": "round",
      }),
      element("path", {
        class: `link c-${SERIES[series % SERIES.length] ?? "s0"}`,
        d,
        "stroke-width": ROUTE_PX,
        "stroke-linejoin": "round",
        "stroke-dasharray": dashed ? "7 6" : undefined,
      }),
    )
  })
}

function labelsOf(
  { nodes, graph, routes }: MapPicture,
  points: readonly Point[],
  lines: readonly Line[],
  radius: number,
  frame: Frame,
): string[] {
  const size = nodes.length > 60 ? 11 : 12
  const onRoute = new Set(routes.flatMap(({ from, links }) => graph.nodesOf(from, links)))
  const degree = (node: number): number => (graph.first[node + 1] ?? 0) - (graph.first[node] ?? 0)
  const rank = (node: number): number =>
    (nodes[node]?.marked === true ? 2000 : 0) +
    (onRoute.has(node) ? 1000 : 0) +
    (nodes[node]?.tone === "high" ? 500 : 0) +
    degree(node)
  const order = [...nodes.keys()].sort((a, b) => rank(b) - rank(a) || a - b)
  const crossed = lines.flatMap(({ a, b }) => {
    const steps = Math.max(2, Math.ceil(Math.hypot(b.x - a.x, b.y - a.y) / 6))
    return Array.from({ length: steps }, (_, i) => ({
      x: a.x + ((b.x - a.x) * i) / steps,
      y: a.y + ((b.y - a.y) * i) / steps,
    }))
  })
  const places = placeLabels(
    order.map((node, i) => ({
      at: points[node] ?? { x: 0, y: 0 },
      radius: nodes[node]?.marked === true ? radius * 1.5 : radius,
      // Too wide for any place: a mark that others keep clear of.
      width: i < MOST_NAMES ? textWidth(nodes[node]?.name ?? "", size) : Number.POSITIVE_INFINITY,
      height: size + 2,
    })),
    crossed,
    frame,
  )
  return places.flatMap((corner, i): string[] => {
    const node = nodes[order[i] ?? -1]
    if (corner === undefined || node === undefined) return []
    const strong = node.marked === true ? " strong" : ""
    const kind = size === 11 ? "label small" : "label"
    return [
      element(
        "text",
        { class: `${kind}${strong}`, x: corner.x, y: corner.y + size - 1 },
        escaped(node.name),
      ),
    ]
  })
}
