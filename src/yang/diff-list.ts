// Two versions of one list or leaf-list compared: what went, what came, what stayed, and, where the user orders it, the
// fewest moves. Knows nothing of what is inside the entries.

import type { JsonValue } from "./json-text.js"
import { keyOf } from "./list-index.js"
import type { SchemaNode } from "./schema-types.js"

/** Where an entry of a user-ordered list comes to stand, those before it being in place already. */
export type Placement =
  | { readonly where: "first" | "last" }
  | {
      readonly where: "after"
      /** The entry, or value, just before it. */
      readonly anchor: JsonValue
      /** The list as it is in the end. */
      readonly among: readonly JsonValue[]
    }

export interface ListChanges {
  gone(item: JsonValue): void
  fresh(item: JsonValue, place?: Placement): void
  kept(before: JsonValue, after: JsonValue): void
  moved(before: JsonValue, after: JsonValue, place: Placement): void
}

/** Tell the changes: first what goes, then the rest in the order of the later version. */
export function diffList(
  node: SchemaNode,
  before: readonly JsonValue[],
  after: readonly JsonValue[],
  changes: ListChanges,
): void {
  // Versions of one tree share what an edit did not reach.
  let start = 0
  const most = Math.min(before.length, after.length)
  while (start < most && before[start] === after[start]) start += 1
  let common = 0
  while (
    common < most - start &&
    before[before.length - 1 - common] === after[after.length - 1 - common]
  )
    common += 1
  const oldEnd = before.length - common
  const newEnd = after.length - common

  const wanted = new Set<string>()
  for (let i = start; i < newEnd; i++) wanted.add(keyOf(node, after[i] ?? null))
  const known = new Map<string, number>()
  for (let i = start; i < oldEnd; i++) {
    const item = before[i] ?? null
    const key = keyOf(node, item)
    if (wanted.has(key)) known.set(key, i)
    else changes.gone(item)
  }
  const from: (number | undefined)[] = []
  for (let i = start; i < newEnd; i++) from.push(known.get(keyOf(node, after[i] ?? null)))
  const still = node.orderedByUser ? longestRising(from) : undefined
  // An entry put at the end stands right if nothing behind it stays where it is.
  let lastStill = common > 0 ? Infinity : -1
  for (const position of still ?? []) lastStill = Math.max(lastStill, position)
  for (let i = start; i < newEnd; i++) {
    const item = after[i] ?? null
    const old = from[i - start]
    if (still === undefined || still.has(i - start)) {
      if (old === undefined) changes.fresh(item)
      else changes.kept(before[old] ?? null, item)
      continue
    }
    const anchor = after[i - 1]
    const place: Placement =
      i - start > lastStill
        ? { where: "last" }
        : anchor === undefined
          ? { where: "first" }
          : { where: "after", anchor, among: after }
    if (old === undefined) changes.fresh(item, place)
    else changes.moved(before[old] ?? null, item, place)
  }
}

/** The positions of a longest rising subsequence: the entries that need not move. */
function longestRising(values: readonly (number | undefined)[]): ReadonlySet<number> {
  /** Position of the smallest end of a rising run of each length. */
  const ends: number[] = []
  const previous: number[] = []
  for (const [position, value] of values.entries()) {
    previous.push(-1)
    if (value === undefined) continue
    let low = 0
    let high = ends.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((values[ends[middle] ?? 0] ?? 0) < value) low = middle + 1
      else high = middle
    }
    if (low > 0) previous[position] = ends[low - 1] ?? -1
    ends[low] = position
  }
  const found = new Set<number>()
  for (let at = ends.at(-1) ?? -1; at >= 0; at = previous[at] ?? -1) found.add(at)
  return found
}
