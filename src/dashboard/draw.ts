// Paints a scene on a canvas. Every colour comes from page.css, every meaning from scale.ts; nothing is decided
// here but strokes.

import { type Graticule, graticule, scaleBar } from "./graticule.js"
import { type DrawnLink, type DrawnNode, type Scene, secondLine } from "./scene.js"

export type Palette = (token: string) => string

export const FONT =
  'Inter, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "DejaVu Sans Condensed", sans-serif'
export const LABEL_FONT = `600 13px ${FONT}`
export const SMALL_FONT = `11.5px ${FONT}`

/** Reads the custom properties of the current theme, each once. */
export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element)
  const known = new Map<string, string>()
  return (token) => {
    const held = known.get(token) ?? style.getPropertyValue(token).trim()
    known.set(token, held)
    return held
  }
}

type Ctx = CanvasRenderingContext2D

function drawGrid(ctx: Ctx, scene: Scene, color: Palette): void {
  const { width, height } = scene
  ctx.fillStyle = color("--map")
  ctx.fillRect(0, 0, width, height)
  if (!scene.geographic) {
    ctx.fillStyle = color("--grid")
    for (let x = 20; x < width; x += 28) {
      for (let y = 20; y < height; y += 28) ctx.fillRect(x, y, 1.5, 1.5)
    }
    return
  }
  const { meridians, parallels } = graticule(scene.view, scene)
  const fine = graticule(scene.view, scene, 19)
  rule(ctx, scene, color("--grid-2"), fine)
  rule(ctx, scene, color("--grid"), { meridians, parallels })
  drawFrame(ctx, scene, color, meridians, parallels)
}

function rule(
  ctx: Ctx,
  { width, height }: Scene,
  color: string,
  { meridians, parallels }: Pick<Graticule, "meridians" | "parallels">,
): void {
  ctx.strokeStyle = color
  ctx.lineWidth = 1
  ctx.beginPath()
  for (const { at } of meridians) {
    ctx.moveTo(Math.round(at) + 0.5, 0)
    ctx.lineTo(Math.round(at) + 0.5, height)
  }
  for (const { at } of parallels) {
    ctx.moveTo(0, Math.round(at) + 0.5)
    ctx.lineTo(width, Math.round(at) + 0.5)
  }
  ctx.stroke()
}

/** The zebra border of a chart, its steps those of the graticule. */
function drawFrame(
  ctx: Ctx,
  scene: Scene,
  color: Palette,
  meridians: readonly { at: number; text: string }[],
  parallels: readonly { at: number; text: string }[],
): void {
  const { width, height } = scene
  const band = 4
  const stripes = (
    edges: readonly number[],
    end: number,
    paint: (from: number, to: number) => void,
  ): void => {
    const all = [0, ...[...edges].sort((p, q) => p - q), end]
    all.slice(1).forEach((to, i) => {
      if (i % 2 === 0) paint(all[i] ?? 0, to)
    })
  }
  ctx.fillStyle = color("--frame")
  stripes(
    meridians.map((m) => m.at),
    width,
    (from, to) => {
      ctx.fillRect(from, 0, to - from, band)
      ctx.fillRect(from, height - band, to - from, band)
    },
  )
  stripes(
    parallels.map((p) => p.at),
    height,
    (from, to) => {
      ctx.fillRect(0, from, band, to - from)
      ctx.fillRect(width - band, from, band, to - from)
    },
  )
  ctx.font = `10.5px ${FONT}`
  ctx.fillStyle = color("--ink-3")
  ctx.textBaseline = "top"
  ctx.textAlign = "left"
  for (const { at, text } of meridians) {
    if (at > 30 && at < width - 60) ctx.fillText(text, at + 4, 8)
  }
  ctx.textBaseline = "bottom"
  for (const { at, text } of parallels) {
    if (at > 40 && at < height - 30) ctx.fillText(text, 9, at - 2)
  }
}

function drawScaleBar(ctx: Ctx, scene: Scene, color: Palette): void {
  if (!scene.geographic) return
  const { px, text } = scaleBar(scene.view, scene)
  const x = scene.width - 18 - px
  const y = scene.height - 18
  ctx.strokeStyle = color("--ink-2")
  ctx.lineWidth = 1.5
  ctx.beginPath()
  ctx.moveTo(x, y - 5)
  ctx.lineTo(x, y)
  ctx.lineTo(x + px, y)
  ctx.lineTo(x + px, y - 5)
  ctx.stroke()
  ctx.fillStyle = color("--ink-2")
  ctx.font = `11px ${FONT}`
  ctx.textAlign = "center"
  ctx.textBaseline = "bottom"
  ctx.fillText(text, x + px / 2, y - 4)
}

function trace(ctx: Ctx, link: DrawnLink): void {
  ctx.beginPath()
  ctx.moveTo(link.from.x, link.from.y)
  ctx.quadraticCurveTo(link.bend.x, link.bend.y, link.to.x, link.to.y)
}

function drawHalo(ctx: Ctx, link: DrawnLink, color: Palette): void {
  if (!link.selected && !link.onPath) return
  trace(ctx, link)
  ctx.lineCap = "round"
  ctx.lineWidth = link.widthPx + 15
  ctx.strokeStyle = color("--halo")
  ctx.stroke()
}

function drawLine(ctx: Ctx, link: DrawnLink, color: Palette): void {
  ctx.globalAlpha = link.dim ? 0.35 : 1
  ctx.lineCap = "butt"
  trace(ctx, link)
  ctx.lineWidth = link.widthPx + 3
  ctx.strokeStyle = link.onPath || link.selected ? color("--halo-casing") : color("--map")
  ctx.stroke()
  ctx.lineWidth = link.widthPx
  ctx.strokeStyle = color(link.token)
  ctx.setLineDash(link.down ? [7, 6] : [])
  ctx.stroke()
  ctx.setLineDash([])
  ctx.globalAlpha = 1
}

function cross(ctx: Ctx, x: number, y: number, r: number, color: string): void {
  ctx.strokeStyle = color
  ctx.lineWidth = 2
  ctx.lineCap = "round"
  ctx.beginPath()
  ctx.moveTo(x - r, y - r)
  ctx.lineTo(x + r, y + r)
  ctx.moveTo(x + r, y - r)
  ctx.lineTo(x - r, y + r)
  ctx.stroke()
}

function gauge(ctx: Ctx, x: number, y: number, h: number, fill: number, color: Palette): void {
  const w = 5
  ctx.fillStyle = color("--panel")
  ctx.strokeStyle = color("--ink-2")
  ctx.lineWidth = 1
  ctx.beginPath()
  ctx.roundRect(x - w / 2, y - h / 2, w, h, 1.5)
  ctx.fill()
  ctx.stroke()
  const tall = (h - 2) * fill
  ctx.fillStyle = color("--stock")
  ctx.fillRect(x - w / 2 + 1, y + h / 2 - 1 - tall, w - 2, tall)
}

function drawMark(ctx: Ctx, link: DrawnLink, color: Palette): void {
  ctx.globalAlpha = link.dim ? 0.45 : 1
  const { badge } = link
  if (badge === undefined) {
    if (link.down) {
      ctx.fillStyle = color("--map")
      ctx.beginPath()
      ctx.arc(link.mid.x, link.mid.y, 8, 0, 2 * Math.PI)
      ctx.fill()
      cross(ctx, link.mid.x, link.mid.y, 4, color("--bad"))
    }
    if (link.tick !== undefined && link.stock !== undefined) {
      gauge(ctx, link.tick.x, link.tick.y, 13, link.stock, color)
    }
    ctx.globalAlpha = 1
    return
  }
  ctx.fillStyle = color("--panel")
  ctx.strokeStyle = link.selected ? color("--ink") : color("--line-2")
  ctx.lineWidth = link.selected ? 1.5 : 1
  ctx.beginPath()
  ctx.roundRect(badge.x, badge.y, badge.w, badge.h, badge.h / 2)
  ctx.fill()
  ctx.stroke()
  const y = badge.y + badge.h / 2
  let x = badge.x + 8
  if (link.stock !== undefined) {
    gauge(ctx, x + 3, y, 13, link.stock, color)
    x += 11
  }
  if (link.down) {
    cross(ctx, x + 4, y, 3.5, color("--bad"))
    x += 15
  }
  ctx.font = SMALL_FONT
  ctx.fillStyle = color("--ink")
  ctx.textAlign = "left"
  ctx.textBaseline = "middle"
  ctx.fillText(link.text, x, y + 0.5)
  ctx.globalAlpha = 1
}

function drawNode(ctx: Ctx, node: DrawnNode, color: Palette): void {
  ctx.globalAlpha = node.dim ? 0.5 : 1
  const { x, y, r } = node
  if (node.selected || node.onPath) {
    ctx.fillStyle = color("--halo")
    ctx.beginPath()
    ctx.arc(x, y, r + 7, 0, 2 * Math.PI)
    ctx.fill()
  }
  ctx.fillStyle = color("--panel")
  ctx.strokeStyle = color("--map")
  ctx.lineWidth = 5
  ctx.beginPath()
  ctx.arc(x, y, r, 0, 2 * Math.PI)
  ctx.stroke()
  ctx.fill()
  ctx.strokeStyle = color("--ink")
  ctx.lineWidth = 2
  ctx.setLineDash(node.reach === "connected" ? [] : [3, 2.5])
  ctx.stroke()
  ctx.setLineDash([])
  if (node.reach === "connected") {
    ctx.fillStyle = color("--ink")
    ctx.beginPath()
    ctx.arc(x, y, r * 0.42, 0, 2 * Math.PI)
    ctx.fill()
  } else if (node.reach === "unmanaged") cross(ctx, x, y, r * 0.35, color("--bad"))
  else if (node.reach === "unreachable") {
    ctx.font = `700 ${r * 1.4}px ${FONT}`
    ctx.fillStyle = color("--warn")
    ctx.textAlign = "center"
    ctx.textBaseline = "middle"
    ctx.fillText("?", x, y + 0.5)
  }
  ctx.globalAlpha = 1
}

function drawLabel(ctx: Ctx, node: DrawnNode, color: Palette): void {
  const box = node.label
  if (box === undefined) return
  ctx.globalAlpha = node.dim ? 0.55 : 1
  ctx.lineJoin = "round"
  ctx.textBaseline = "top"
  const left = box.x > node.x
  const right = box.x + box.w < node.x
  ctx.textAlign = left ? "left" : right ? "right" : "center"
  const x = left ? box.x + 2 : right ? box.x + box.w - 2 : box.x + box.w / 2
  const line = (text: string, y: number, font: string, token: string): void => {
    ctx.font = font
    ctx.strokeStyle = color("--map")
    ctx.lineWidth = 4
    ctx.strokeText(text, x, y)
    ctx.fillStyle = color(token)
    ctx.fillText(text, x, y)
  }
  line(node.name, box.y + 2, LABEL_FONT, "--ink")
  const second = secondLine(node)
  if (second !== undefined) {
    line(second, box.y + 17, SMALL_FONT, node.role === undefined ? "--ink-2" : "--accent")
  }
  ctx.globalAlpha = 1
}

/** Paints everything. The context is already scaled for the display's pixels. */
export function draw(ctx: Ctx, scene: Scene, color: Palette): void {
  drawGrid(ctx, scene, color)
  for (const link of scene.links) drawHalo(ctx, link, color)
  for (const link of scene.links) if (link.dim) drawLine(ctx, link, color)
  for (const link of scene.links) if (!link.dim) drawLine(ctx, link, color)
  for (const node of scene.nodes) drawNode(ctx, node, color)
  for (const link of scene.links) drawMark(ctx, link, color)
  for (const node of scene.nodes) drawLabel(ctx, node, color)
  drawScaleBar(ctx, scene, color)
}
