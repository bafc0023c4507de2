// Configuration and state brought together for `get`. Does not check either.

import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import type { SchemaNode } from "../yang/schema.js"

/**
 * `config` with `state` laid over it: containers member by member, list entries by their keys, all else
 * state wins. Entries that only one side has are kept; those of state come last. Neither input is changed.
 */
export function mergeState(node: SchemaNode, config: JsonObject, state: JsonObject): JsonObject {
  const out: Record<string, JsonValue> = { ...config }
  for (const [member, value] of Object.entries(state)) {
    const child = node.members.get(member)
    const before = out[member]
    out[member] =
      child === undefined || before === undefined ? value : mergeValue(child, before, value)
  }
  return out
}

function mergeValue(node: SchemaNode, config: JsonValue, state: JsonValue): JsonValue {
  if (node.kind === "container" && isObject(config) && isObject(state))
    return mergeState(node, config, state)
  if (node.kind === "list" && isArray(config) && isArray(state))
    return mergeList(node, config, state)
  return state
}

function mergeList(
  node: SchemaNode,
  config: readonly JsonValue[],
  state: readonly JsonValue[],
): JsonValue {
  const keys = node.keys ?? []
  if (keys.length === 0) return [...config, ...state]
  const [only] = keys
  const idOf = (entry: JsonValue): JsonValue => {
    if (!isObject(entry)) return ""
    const id = keys.length === 1 && only !== undefined ? entry[only] : undefined
    return typeof id === "string" ? id : JSON.stringify(keys.map((key) => entry[key]))
  }
  const byId = new Map(state.map((entry) => [idOf(entry), entry]))
  const merged = config.map((entry) => {
    const id = idOf(entry)
    const more = byId.get(id)
    if (more === undefined || !isObject(entry) || !isObject(more)) return entry
    byId.delete(id)
    return mergeEntry(node, entry, more)
  })
  return [...merged, ...byId.values()]
}

/** Entries are never changed in place: two that were merged once give the same entry again, as long as both live. */
const mergedEntries = new WeakMap<
  JsonObject,
  { readonly state: JsonObject; readonly merged: JsonObject }
>()

function mergeEntry(node: SchemaNode, config: JsonObject, state: JsonObject): JsonObject {
  const known = mergedEntries.get(config)
  if (known?.state === state) return known.merged
  const merged = mergeState(node, config, state)
  mergedEntries.set(config, { state, merged })
  return merged
}
