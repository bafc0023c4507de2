// What is to be drawn, in pixels: from the network, the layout and the view. Pure geometry; painting is draw.ts.

import { rate } from "./format.js"
import { type Box, place, type Wish } from "./labels.js"
import type { Layout, Point, View } from "./layout.js"
import { bandOf, DOWN_TOKEN, fullStockBits, stockFill, widthPx } from "./scale.js"
import type { Store } from "./store.js"
import type { Link, LinkStatus, Node, Reach } from "./types.js"

export interface DrawnNode extends Point {
  readonly id: string
  readonly r: number
  readonly reach: Reach
  readonly name: string
  readonly place: string | undefined
  readonly label: Box | undefined
  readonly selected: boolean
  readonly dim: boolean
  /** On the selected service's path: its SAE, or `relay`. */
  readonly role: string | undefined
  readonly onPath: boolean
}

export interface DrawnLink {
  readonly id: string
  readonly from: Point
  /** Control point of the quadratic curve. */
  readonly bend: Point
  readonly to: Point
  /** On the curve, half-way. */
  readonly mid: Point
  readonly widthPx: number
  /** Custom property of the colour. */
  readonly token: string
  readonly status: LinkStatus
  readonly down: boolean
  readonly stock: number | undefined
  readonly badge: Box | undefined
  readonly text: string
  /** Where a lone stock tick stands, when no badge fits. */
  readonly tick: Point | undefined
  readonly selected: boolean
  readonly onPath: boolean
  readonly dim: boolean
}

export interface Scene {
  readonly width: number
  readonly height: number
  readonly view: View
  readonly geographic: boolean
  readonly nodes: readonly DrawnNode[]
  readonly links: readonly DrawnLink[]
  readonly fullStockBits: number
}

export interface SceneInput {
  readonly store: Store
  readonly layout: Layout
  readonly view: View
  readonly size: { readonly width: number; readonly height: number }
  /** Width of a text in pixels; `small` for the second line and badges. */
  readonly measure: (text: string, small: boolean) => number
}

export function onCurve(link: Pick<DrawnLink, "from" | "bend" | "to">, t: number): Point {
  const u = 1 - t
  return {
    x: u * u * link.from.x + 2 * u * t * link.bend.x + t * t * link.to.x,
    y: u * u * link.from.y + 2 * u * t * link.bend.y + t * t * link.to.y,
  }
}

/** Links of the same two nodes, each with how far it bows to the side. */
function bows(links: Iterable<Link>, spacing: number): Map<string, number> {
  const groups = new Map<string, Link[]>()
  for (const link of links) {
    const key = [link.a.qkdnId, link.b.qkdnId].sort().join()
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [link])
    else group.push(link)
  }
  const offsets = new Map<string, number>()
  for (const group of groups.values()) {
    group.sort((p, q) => (p.qkdlId < q.qkdlId ? -1 : 1))
    group.forEach((link, i) => {
      const side = link.a.qkdnId < link.b.qkdnId ? 1 : -1
      offsets.set(link.qkdlId, side * (i - (group.length - 1) / 2) * spacing)
    })
  }
  return offsets
}

function around(point: Point, r: number, w: number, h: number): Box[] {
  const gap = r + 5
  const d = gap * 0.75
  return [
    { x: point.x - w / 2, y: point.y + gap, w, h },
    { x: point.x - w / 2, y: point.y - gap - h, w, h },
    { x: point.x + gap, y: point.y - h / 2, w, h },
    { x: point.x - gap - w, y: point.y - h / 2, w, h },
    { x: point.x + d, y: point.y + d, w, h },
    { x: point.x - d - w, y: point.y + d, w, h },
    { x: point.x + d, y: point.y - d - h, w, h },
    { x: point.x - d - w, y: point.y - d - h, w, h },
  ]
}

interface Focus {
  readonly links: ReadonlySet<string>
  readonly nodes: ReadonlySet<string>
  readonly saes: ReadonlyMap<string, string>
  readonly any: boolean
}

/** What the selection makes stand out. */
function focusOf(store: Store): Focus {
  const links = new Set<string>()
  const nodes = new Set<string>()
  const saes = new Map<string, string>()
  const chosen = store.selection
  if (chosen?.kind === "service") {
    const service = store.services.get(chosen.id)
    const path = service?.path ?? service?.next
    for (const hop of path?.hops ?? []) links.add(hop.qkdlId)
    for (const id of path?.nodes ?? []) nodes.add(id)
    for (const end of service === undefined ? [] : [service.a, service.b]) {
      nodes.add(end.qkdnId)
      saes.set(end.qkdnId, end.saeId)
    }
  }
  return { links, nodes, saes, any: chosen?.kind === "service" }
}

function badgeText(link: Link): string {
  if (link.status === "ACTIVE") return rate(link.performance.skrBps)
  return { PASSIVE: "from stock", PENDING: "waiting", OFF: "off" }[link.status]
}

function drawLink(
  input: SceneInput,
  link: Link,
  ends: { readonly from: Point; readonly to: Point },
  bow: number,
  focus: Focus,
  fullBits: number,
): DrawnLink {
  const { store } = input
  const { from, to } = ends
  const length = Math.max(1, Math.hypot(to.x - from.x, to.y - from.y))
  const normal = { x: -(to.y - from.y) / length, y: (to.x - from.x) / length }
  const bend = {
    x: (from.x + to.x) / 2 + normal.x * bow * 2,
    y: (from.y + to.y) / 2 + normal.y * bow * 2,
  }
  const mid = onCurve({ from, bend, to }, 0.5)
  const share = store.shareOf(link)
  const down = link.status !== "ACTIVE"
  const width = down ? 2.5 : widthPx(link.performance.skrBps)
  const away = (bow < 0 ? -1 : 1) * (width / 2 + 7)
  const selected = store.selection?.kind === "link" && store.selection.id === link.qkdlId
  return {
    id: link.qkdlId,
    from,
    bend,
    to,
    mid,
    widthPx: width,
    token: share === undefined ? DOWN_TOKEN : bandOf(share).token,
    status: link.status,
    down,
    stock: stockFill(link.performance.stockBits, fullBits),
    badge: undefined,
    text: badgeText(link),
    tick: { x: mid.x + normal.x * away, y: mid.y + normal.y * away },
    selected,
    onPath: focus.links.has(link.qkdlId),
    dim: focus.any && !focus.links.has(link.qkdlId),
  }
}

const BADGE_HEIGHT = 21
/** Up to so many nodes there is room for second lines and badges. */
export const FEW = 12

/** A lone tick where a badge has no room; on short links none. */
function tickWish(link: DrawnLink): Wish[] {
  const length = Math.hypot(link.to.x - link.from.x, link.to.y - link.from.y)
  if (link.badge !== undefined || link.tick === undefined || link.stock === undefined) return []
  const { x, y } = link.tick
  return length < 70
    ? []
    : [{ id: link.id, places: [{ x: x - 4, y: y - 8, w: 8, h: 16 }], must: false }]
}

function badgeWish(link: DrawnLink, textWidth: number, few: boolean): Wish[] {
  const w = textWidth + (link.stock === undefined ? 16 : 27) + (link.down ? 15 : 0)
  const length = Math.hypot(link.to.x - link.from.x, link.to.y - link.from.y)
  if (!link.selected && length < w + (few ? 44 : 150)) return []
  const places = [0.5, 0.42, 0.58, 0.34, 0.66].map((t) => {
    const at = onCurve(link, t)
    return { x: at.x - w / 2 - 2, y: at.y - BADGE_HEIGHT / 2 - 2, w: w + 4, h: BADGE_HEIGHT + 4 }
  })
  return [{ id: link.id, places, must: link.selected }]
}

function labelled(
  input: SceneInput,
  nodes: readonly DrawnNode[],
  links: readonly DrawnLink[],
): { nodes: DrawnNode[]; links: DrawnLink[] } {
  const { store, measure, size } = input
  const degree = new Map<string, number>()
  for (const { a, b } of store.links.values()) {
    for (const { qkdnId } of [a, b]) degree.set(qkdnId, (degree.get(qkdnId) ?? 0) + 1)
  }
  const discs = nodes.map(({ x, y, r }) => ({
    x: x - r - 3,
    y: y - r - 3,
    w: 2 * r + 6,
    h: 2 * r + 6,
  }))
  const soft = links.flatMap((link) =>
    Array.from({ length: 15 }, (_, i) => onCurve(link, (i + 1) / 16)),
  )
  const within = { x: 22, y: 16, w: size.width - 44, h: size.height - 38 }
  const ordered = [...nodes].sort(
    (p, q) =>
      Number(q.selected || q.role !== undefined) - Number(p.selected || p.role !== undefined) ||
      Number(p.dim) - Number(q.dim) ||
      (degree.get(q.id) ?? 0) - (degree.get(p.id) ?? 0) ||
      (p.id < q.id ? -1 : 1),
  )
  const nodeWishes = ordered.map((node): Wish => {
    const second = secondLine(node)
    const w = Math.max(measure(node.name, false), second === undefined ? 0 : measure(second, true))
    const h = second === undefined ? 17 : 31
    return {
      id: node.id,
      places: around(node, node.r, w + 4, h),
      must: node.selected || (node.role !== undefined && node.role !== "relay"),
    }
  })
  const labels = place(nodeWishes, discs, soft, within)
  const wishes = links
    .flatMap((link) => badgeWish(link, measure(link.text, true), store.nodes.size <= FEW))
    .sort((p, q) => Number(q.must) - Number(p.must))
  const badges = place(wishes, [...discs, ...labels.values()], [], within)
  const badged = links.map((link) => {
    const box = badges.get(link.id)
    return box === undefined
      ? link
      : { ...link, badge: { x: box.x + 2, y: box.y + 2, w: box.w - 4, h: box.h - 4 } }
  })
  const ticks = place(
    badged.flatMap(tickWish),
    [...discs, ...labels.values(), ...badges.values()],
    soft,
    within,
  )
  return {
    nodes: nodes.map((node) => ({ ...node, label: labels.get(node.id) })),
    links: badged.map((link) => (ticks.has(link.id) ? link : { ...link, tick: undefined })),
  }
}

/** Under the name: the part in the selected service, or the place. */
export function secondLine(node: DrawnNode): string | undefined {
  return node.role ?? node.place
}

function drawNode(store: Store, node: Node, at: Point, few: boolean, focus: Focus): DrawnNode {
  const { selection } = store
  const relay = focus.nodes.has(node.qkdnId)
  return {
    id: node.qkdnId,
    ...at,
    r: few ? 9 : 6,
    reach: node.reach,
    name: node.name,
    place: few && node.place !== node.name ? node.place : undefined,
    label: undefined,
    selected: selection?.kind === "node" && selection.id === node.qkdnId,
    dim: focus.any && !focus.nodes.has(node.qkdnId),
    role: focus.saes.get(node.qkdnId) ?? (relay && few ? "relay" : undefined),
    onPath: focus.nodes.has(node.qkdnId),
  }
}

export function buildScene(input: SceneInput): Scene {
  const { store, layout, view, size } = input
  const focus = focusOf(store)
  const few = store.nodes.size <= FEW
  const screen = (id: string): Point | undefined => {
    const point = layout.points.get(id)
    return point && { x: point.x * view.k + view.x, y: point.y * view.k + view.y }
  }
  const fullBits = fullStockBits(
    [...store.links.values()].map((link) => link.performance.stockBits ?? 0),
  )
  const offsets = bows(store.links.values(), few ? 34 : 16)
  const links = [...store.links.values()].flatMap((link) => {
    const from = screen(link.a.qkdnId)
    const to = screen(link.b.qkdnId)
    if (from === undefined || to === undefined) return []
    const bow = offsets.get(link.qkdlId) ?? 0
    return [drawLink(input, link, { from, to }, bow, focus, fullBits)]
  })
  const nodes = [...store.nodes.values()].flatMap((node) => {
    const at = screen(node.qkdnId)
    return at === undefined ? [] : [drawNode(store, node, at, few, focus)]
  })
  return {
    ...size,
    view,
    geographic: layout.geographic,
    ...labelled(input, nodes, links),
    fullStockBits: fullBits,
  }
}

/** What lies under a point: a node before a link. */
export function hit(
  scene: Scene,
  at: Point,
): { readonly kind: "node" | "link"; readonly id: string } | undefined {
  const near = (point: Point): number => Math.hypot(point.x - at.x, point.y - at.y)
  let best: { kind: "node" | "link"; id: string; far: number } | undefined
  for (const node of scene.nodes) {
    const far = near(node)
    // 24 px wide at least (WCAG 2.5.8).
    if (far <= Math.max(12, node.r + 4) && far < (best?.far ?? Infinity)) {
      best = { kind: "node", id: node.id, far }
    }
  }
  if (best !== undefined) return best
  for (const link of scene.links) {
    for (let t = 0.02; t < 1; t += 0.02) {
      const far = near(onCurve(link, t))
      if (far <= Math.max(9, link.widthPx) && far < (best?.far ?? Infinity)) {
        best = { kind: "link", id: link.id, far }
      }
    }
    const { badge } = link
    if (badge !== undefined && Math.abs(at.y - badge.y - badge.h / 2) <= 12) {
      if (at.x >= badge.x && at.x <= badge.x + badge.w) return { kind: "link", id: link.id }
    }
  }
  return best
}
