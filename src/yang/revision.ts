// What differs between two versions of a configuration. An edit shares what it does not reach, so what is the same
// object is the same data, and looking costs what changed, not what is there. Judges nothing.

import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import { keyOf } from "./list-index.js"
import type { SchemaNode } from "./schema-types.js"

/** One list, then and now. */
export interface ListRevision {
  /** Entries that are new or not the object they were, in the order of the list. */
  readonly changed: readonly ChangedEntry[]
  readonly before: readonly JsonValue[]
}

export interface ChangedEntry {
  /** In the list as it is now. */
  readonly index: number
  readonly entry: JsonObject
  /** The entry with the same keys as it was; absent when there was none. */
  readonly before?: JsonObject
}

export class Revision {
  /** Schema nodes of which an instance came, went or changed; of a subtree that came or went, the topmost. */
  readonly touched = new Set<SchemaNode>()
  /** Those of `touched` of which something that was there before is no longer there as it was. */
  readonly lost = new Set<SchemaNode>()
  /** By the array as it is now; arrays that are the same object, or that are new, are not in it. */
  readonly lists = new Map<readonly JsonValue[], ListRevision>()
  /** `next` without list entries that are the same object, for a look at shapes and types. */
  readonly reached: JsonObject
  /** The data does not fit the schema: nothing else here counts. */
  misfit = false

  constructor(root: SchemaNode, next: JsonObject, previous: JsonObject) {
    this.reached = this.#object(root, next, previous)
  }

  /** Equal in content; the order of entries counts. */
  get isEmpty(): boolean {
    return this.touched.size === 0 && !this.misfit
  }

  #object(node: SchemaNode, next: JsonObject, before: JsonObject): JsonObject {
    const reached: Record<string, JsonValue> = {}
    for (const member of Object.keys(next)) {
      const child = node.members.get(member)
      const value = next[member]
      if (child === undefined || value === undefined) {
        this.misfit = true
        continue
      }
      const was = Object.hasOwn(before, member) ? before[member] : undefined
      const kept = was === undefined ? this.#came(child, value) : this.#member(child, value, was)
      if (kept !== undefined) reached[member] = kept
    }
    for (const member of Object.keys(before)) {
      if (Object.hasOwn(next, member)) continue
      const child = node.members.get(member)
      if (child !== undefined) this.#touch(child, true)
    }
    return reached
  }

  #came(child: SchemaNode, value: JsonValue): JsonValue {
    this.#touch(child, false)
    return value
  }

  /** The part of a member to look at; undefined for none. */
  #member(child: SchemaNode, value: JsonValue, was: JsonValue): JsonValue | undefined {
    if (child.kind === "list") {
      if (value === was) return undefined
      if (isArray(value) && isArray(was)) return this.#list(child, value, was)
    } else if (child.kind === "container") {
      if (value === was) return undefined
      if (isObject(value) && isObject(was)) return this.#object(child, value, was)
    } else {
      if (!sameValue(value, was)) this.#touch(child, true)
      return value
    }
    this.misfit = true
    return value
  }

  #list(node: SchemaNode, now: readonly JsonValue[], before: readonly JsonValue[]): JsonValue[] {
    const { fresh, gone, inPlace } = align(now, before)
    const goneByKey = new Map(gone.map((item) => [keyOf(node, item), item]))
    const changed: ChangedEntry[] = []
    const reached: JsonValue[] = []
    for (const index of fresh) {
      const item = now[index]
      if (!isObject(item)) {
        this.misfit = true
        continue
      }
      const key = keyOf(node, item)
      const was = goneByKey.get(key)
      if (!isObject(was)) {
        this.#touch(node, false)
        changed.push({ index, entry: item })
        reached.push(item)
        continue
      }
      goneByKey.delete(key)
      // Found again in another place: the order is another.
      if (inPlace.get(index) !== was) this.#touch(node, true)
      changed.push({ index, entry: item, before: was })
      reached.push(this.#object(node, item, was))
    }
    if (goneByKey.size > 0) this.#touch(node, true)
    this.lists.set(now, { changed, before })
    return reached
  }

  #touch(node: SchemaNode, lost: boolean): void {
    this.touched.add(node)
    if (lost) this.lost.add(node)
  }
}

interface Alignment {
  /** Indexes in the new array that no entry of the old one was found for. */
  readonly fresh: readonly number[]
  readonly gone: readonly JsonValue[]
  /** What stood where a fresh one stands, where that can be said. */
  readonly inPlace: ReadonlyMap<number, JsonValue>
}

/** Walks both arrays side by side. Where it loses step it reports too much, never too little. */
function align(now: readonly JsonValue[], before: readonly JsonValue[]): Alignment {
  const fresh: number[] = []
  const gone: JsonValue[] = []
  const inPlace = new Map<number, JsonValue>()
  let j = 0
  for (let i = 0; i < now.length; i++) {
    const item = now[i]
    if (item === before[j] && j < before.length) {
      j += 1
      continue
    }
    // Entries that were taken out: go on behind them.
    const ahead = j + 1 < before.length && item === before[j + 1]
    const was = before[j]
    if (was !== undefined && (ahead || now[i + 1] !== was)) {
      gone.push(was)
      j += 1
      if (ahead) {
        j += 1
        continue
      }
      inPlace.set(i, was)
    }
    fresh.push(i)
  }
  for (; j < before.length; j++) {
    const was = before[j]
    if (was !== undefined) gone.push(was)
  }
  return { fresh, gone, inPlace }
}

/** Equality of leaves, leaf-lists and data without a schema. */
function sameValue(a: JsonValue, b: JsonValue): boolean {
  if (a === b) return true
  if (isArray(a))
    return (
      isArray(b) && a.length === b.length && a.every((item, i) => sameValue(item, b[i] ?? null))
    )
  if (!isObject(a) || !isObject(b)) return false
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => {
      const [left, right] = [a[name], b[name]]
      return left !== undefined && right !== undefined && sameValue(left, right)
    })
  )
}
