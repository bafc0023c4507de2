// Puts labels where they cover nothing: each has a few places to try, in the order wished; a label that fits
// nowhere is left out rather than laid over another.

export interface Box {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

export interface Wish {
  readonly id: string
  /** Places to try, best first. */
  readonly places: readonly Box[]
  /** Shown even when it covers something: what is selected. */
  readonly must: boolean
}

export function overlaps(p: Box, q: Box): boolean {
  return p.x < q.x + q.w && q.x < p.x + p.w && p.y < q.y + q.h && q.y < p.y + p.h
}

export function contains(box: Box, x: number, y: number): boolean {
  return x >= box.x && x <= box.x + box.w && y >= box.y && y <= box.y + box.h
}

/**
 * Chosen places by id, in the order of the wishes. `taken` is never covered; points of `soft` (samples along
 * lines) are avoided where another place is as good.
 */
export function place(
  wishes: readonly Wish[],
  taken: readonly Box[],
  soft: readonly { readonly x: number; readonly y: number }[],
  within: Box,
): Map<string, Box> {
  const held = [...taken]
  const chosen = new Map<string, Box>()
  for (const wish of wishes) {
    let best: { box: Box; cost: number } | undefined
    wish.places.forEach((box, rank) => {
      const outside =
        box.x < within.x ||
        box.y < within.y ||
        box.x + box.w > within.x + within.w ||
        box.y + box.h > within.y + within.h
      const covered = held.filter((other) => overlaps(box, other)).length + (outside ? 1 : 0)
      if (covered > 0 && !wish.must) return
      const crossed = soft.filter((point) => contains(box, point.x, point.y)).length
      const cost = covered * 1000 + crossed * 3 + rank
      if (best === undefined || cost < best.cost) best = { box, cost }
    })
    if (best === undefined) continue
    chosen.set(wish.id, best.box)
    held.push(best.box)
  }
  return chosen
}
