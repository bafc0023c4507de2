// What turns one JSON tree into the next, for trees that share what has not changed: parts that are the same object
// are not looked into. Knows no schema and no file.

import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"

/** A place: member names, and indexes of array items, from the root. */
type Place = readonly (string | number)[]

/**
 * `put` alone: a value there. `like`: what stood at that place before any change. `drop` alone: the member goes. With
 * `from`: items of an array are replaced.
 */
export type Change =
  | { readonly at: Place; readonly put: JsonValue }
  | { readonly at: Place; readonly like: string }
  | { readonly at: Place; readonly drop: true }
  | {
      readonly at: Place
      readonly from: number
      readonly drop: number
      readonly put: readonly JsonValue[]
    }

/** Changes in the order in which they are to be made; none for equal trees. */
export function changesBetween(before: JsonObject, after: JsonObject): Change[] {
  const known = new Map(Object.entries(before).map(([name, value]) => [value, name]))
  const changes: Change[] = []
  compare({ known, changes }, before, after, [])
  return changes
}

interface Comparing {
  /** Top-level members of the tree before, by their values: what is kept beside its successor is not said again. */
  readonly known: ReadonlyMap<JsonValue, string>
  readonly changes: Change[]
}

function compare(into: Comparing, before: JsonValue, after: JsonValue, at: Place): void {
  const { changes } = into
  if (before === after) return
  if (isArray(before) && isArray(after)) compareArrays(into, before, after, at)
  else if (isObject(before) && isObject(after)) {
    for (const name of Object.keys(before))
      if (!Object.hasOwn(after, name)) changes.push({ at: [...at, name], drop: true })
    for (const name of Object.keys(after)) {
      const [was, is] = [before[name], after[name]]
      if (is === undefined || was === is) continue
      if (was === undefined || !Object.hasOwn(before, name)) add(into, is, [...at, name])
      else compare(into, was, is, [...at, name])
    }
  } else changes.push({ at, put: after })
}

function add(into: Comparing, value: JsonValue, at: Place): void {
  const { known, changes } = into
  const like = typeof value === "object" ? known.get(value) : undefined
  if (like !== undefined) changes.push({ at, like })
  else if (isObject(value) && Object.values(value).some((inner) => known.has(inner))) {
    changes.push({ at, put: {} })
    for (const [name, inner] of Object.entries(value)) add(into, inner, [...at, name])
  } else changes.push({ at, put: value })
}

/** What stands between the items both begin with and those both end with. */
function compareArrays(
  into: Comparing,
  before: readonly JsonValue[],
  after: readonly JsonValue[],
  at: Place,
): void {
  const shorter = Math.min(before.length, after.length)
  let from = 0
  while (from < shorter && before[from] === after[from]) from += 1
  let same = 0
  while (same < shorter - from && before.at(-1 - same) === after.at(-1 - same)) same += 1
  const drop = before.length - same - from
  const put = after.slice(from, after.length - same)
  const [was, is] = [before[from], put[0]]
  if (drop === 1 && put.length === 1 && was !== undefined && is !== undefined)
    compare(into, was, is, [...at, from])
  else if (drop > 0 || put.length > 0) into.changes.push({ at, from, drop, put })
}

/**
 * The tree after the changes; the one before is untouched.
 *
 * @returns undefined when they do not fit it, so were not made for it.
 */
export function withChanges(
  before: JsonObject,
  changes: readonly Change[],
): JsonObject | undefined {
  let tree: JsonValue | undefined = before
  for (const change of changes) {
    const named = "like" in change && Object.hasOwn(before, change.like)
    const put = named ? before[change.like] : undefined
    if ("like" in change && put === undefined) return undefined
    tree = withChange(tree, put === undefined ? change : { at: change.at, put }, 0)
    if (tree === undefined) return undefined
  }
  return isObject(tree) ? tree : undefined
}

function withChange(tree: JsonValue, change: Change, depth: number): JsonValue | undefined {
  const step = change.at[depth]
  if (step === undefined) {
    if ("from" in change) {
      if (!isArray(tree) || change.from + change.drop > tree.length) return undefined
      const { from, drop, put } = change
      return [...tree.slice(0, from), ...put, ...tree.slice(from + drop)]
    }
    return "put" in change ? change.put : undefined
  }
  const isLast = depth === change.at.length - 1 && !("from" in change)
  if (typeof step === "number") {
    const item = isArray(tree) ? tree[step] : undefined
    const made = item === undefined ? undefined : withChange(item, change, depth + 1)
    return made === undefined || !isArray(tree) ? undefined : tree.with(step, made)
  }
  if (!isObject(tree)) return undefined
  if (isLast && !("put" in change)) {
    const { [step]: _, ...rest } = tree
    return rest
  }
  const member = Object.hasOwn(tree, step) ? tree[step] : undefined
  const made: JsonValue | undefined =
    isLast && "put" in change
      ? change.put
      : member === undefined
        ? undefined
        : withChange(member, change, depth + 1)
  return made === undefined ? undefined : { ...tree, [step]: made }
}

/** A change read back from text. */
export function isChange(value: JsonValue): value is Change & JsonObject {
  if (!isObject(value)) return false
  const { at, from, drop, put, like } = value
  if (at === undefined || !isArray(at)) return false
  if (!at.every((step) => typeof step === "string" || isIndex(step))) return false
  if (like !== undefined) return typeof like === "string" && put === undefined && drop === undefined
  if (from !== undefined) return isIndex(from) && isIndex(drop) && put !== undefined && isArray(put)
  return (put === undefined) !== (drop === undefined) && (drop === undefined || drop === true)
}

function isIndex(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
}
