// Puts names beside their nodes so that they cover neither a node nor each other, and cross few lines. A name that fits
// nowhere is left out rather than laid over another.

import type { Frame, Point } from "./map-layout.js"

export interface Named {
  readonly at: Point
  /** Of the mark it belongs to. */
  readonly radius: number
  readonly width: number
  readonly height: number
}

/** Top left corner by number; undefined where there is no room. */
export function placeLabels(
  names: readonly Named[],
  /** Points along lines. */
  crossed: readonly Point[],
  within: Frame,
): (Point | undefined)[] {
  const taken: Frame[] = names.map(({ at, radius }) => ({
    x: at.x - radius,
    y: at.y - radius,
    width: radius * 2,
    height: radius * 2,
  }))
  return names.map(({ at, radius, width, height }) => {
    const gap = radius + 4
    const middle = at.y - height / 2
    const corners: Point[] = [
      { x: at.x + gap, y: middle },
      { x: at.x - gap - width, y: middle },
      { x: at.x - width / 2, y: at.y - gap - height },
      { x: at.x - width / 2, y: at.y + gap },
      { x: at.x + gap * 0.7, y: at.y - gap * 0.7 - height },
      { x: at.x + gap * 0.7, y: at.y + gap * 0.7 },
      { x: at.x - gap * 0.7 - width, y: at.y - gap * 0.7 - height },
      { x: at.x - gap * 0.7 - width, y: at.y + gap * 0.7 },
    ]
    let best: { box: Frame; cost: number } | undefined
    for (const [rank, corner] of corners.entries()) {
      const box = { ...corner, width, height }
      if (!isWithin(box, within) || taken.some((other) => overlaps(box, other))) continue
      const lines = crossed.filter((point) => contains(box, point)).length
      const cost = lines * 3 + rank
      if (best === undefined || cost < best.cost) best = { box, cost }
    }
    if (best === undefined) return undefined
    taken.push(best.box)
    return { x: best.box.x, y: best.box.y }
  })
}

function overlaps(one: Frame, other: Frame): boolean {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  )
}

function contains({ x, y, width, height }: Frame, point: Point): boolean {
  return point.x >= x && point.x <= x + width && point.y >= y && point.y <= y + height
}

function isWithin(box: Frame, frame: Frame): boolean {
  return (
    box.x >= frame.x &&
    box.y >= frame.y &&
    box.x + box.width <= frame.x + frame.width &&
    box.y + box.height <= frame.y + frame.height
  )
}
