// Finding list entries by key without walking the list: an index per array, built when first asked for and handed on
// to the array's next version.
//
// Versions may share one index. An index entry therefore only says where to look; the look decides. Every key of an
// array is in its index at some position, so a key that is absent there is absent from the array; a position that
// does not hold the key means that another version has moved it, and this array gets an index of its own.

import { isObject } from "./json-text.js"
import type { JsonValue } from "./json-text.js"
import type { SchemaNode } from "./schema-types.js"
import { lexicalOf } from "./values.js"

const indexes = new WeakMap<readonly (JsonValue | undefined)[], Map<string, number>>()

/** Text equal for equal keys: the key values of a list entry, or the value of a leaf-list entry. */
export function keyOf(node: SchemaNode, item: JsonValue): string {
  if (node.kind === "leaf-list") return lexicalOf(item)
  if (!isObject(item)) return ""
  const keys = node.keys ?? []
  if (keys.length === 1) return lexicalOf(item[keys[0] ?? ""] ?? "")
  return keys.map((key) => lexicalOf(item[key] ?? "")).join("\u0000")
}

function build(node: SchemaNode, array: readonly (JsonValue | undefined)[]): Map<string, number> {
  const index = new Map<string, number>()
  for (let i = 0; i < array.length; i++) {
    const item = array[i]
    if (item !== undefined) index.set(keyOf(node, item), i)
  }
  indexes.set(array, index)
  return index
}

/** The position of the entry with that key (see `keyOf`), or -1. */
export function findEntry(
  node: SchemaNode,
  array: readonly (JsonValue | undefined)[],
  key: string,
): number {
  const index = indexes.get(array) ?? build(node, array)
  const position = index.get(key)
  if (position === undefined) return -1
  const item = array[position]
  if (item !== undefined && keyOf(node, item) === key) return position
  return build(node, array).get(key) ?? -1
}

/** `to` is a copy of `from` with the same keys in the same places. */
export function handOnIndex(
  from: readonly (JsonValue | undefined)[],
  to: readonly (JsonValue | undefined)[],
): void {
  const index = indexes.get(from)
  if (index !== undefined) indexes.set(to, index)
}

/** An entry was put at the end of the array. */
export function noteAppended(
  node: SchemaNode,
  array: readonly (JsonValue | undefined)[],
  item: JsonValue,
): void {
  indexes.get(array)?.set(keyOf(node, item), array.length - 1)
}

/** An entry was taken out, its place left empty: no other version may see that. */
export function noteRemoved(
  array: readonly (JsonValue | undefined)[],
  key: string,
  isOwn: boolean,
): void {
  const index = indexes.get(array)
  if (index === undefined) return
  const own = isOwn ? index : new Map(index)
  own.delete(key)
  indexes.set(array, own)
}

/** Positions have changed. */
export function forgetIndex(array: readonly (JsonValue | undefined)[]): void {
  indexes.delete(array)
}
