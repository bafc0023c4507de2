// What of a tree a user may read (RFC 8341 section 3.2.4): a node he may not read goes with all below it, and nothing
// tells that it was there. Parts that he may read whole are shared with the original.

import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import type { SchemaNode } from "../yang/schema.js"
import { tagMember } from "../yang/tags.js"
import { READ } from "./nacm-config.js"
import type { Place, UserRules } from "./nacm-rules.js"

/** Begins the names of metadata, see yang/tags. */
const TAG = tagMember("")

/** The members of `object`, an instance of `node` at `place`, without what may not be read. */
export function readablePart(
  rules: UserRules,
  place: Place,
  node: SchemaNode,
  object: JsonObject,
): JsonObject {
  const kept: Record<string, JsonValue> = {}
  let whole = true
  for (const name in object) {
    const value = object[name]
    const child = node.members.get(name)
    if (value === undefined || name.startsWith(TAG)) continue
    const seen = child === undefined ? undefined : readableChild(rules, place, child, value)
    if (seen !== value) whole = false
    if (seen !== undefined) kept[name] = seen
  }
  if (whole) return object
  // Metadata (RFC 7952) stays with what it speaks of, where that is as it was.
  for (const name in object) {
    const [value, of] = [object[name], name.slice(TAG.length)]
    if (value === undefined || !name.startsWith(TAG)) continue
    if (of === "" || (kept[of] !== undefined && kept[of] === object[of])) kept[name] = value
  }
  return kept
}

function readableChild(
  rules: UserRules,
  place: Place,
  child: SchemaNode,
  value: JsonValue,
): JsonValue | undefined {
  const many = (child.kind === "list" || child.kind === "leaf-list") && isArray(value)
  if (!many) return readableNode(rules, rules.enter(place, child), child, value)
  if (rules.isOnePlace(place, child)) {
    const inside = rules.enter(place, child)
    if ((rules.permitsAllBelow(inside, child) & READ) !== 0) return value
    if ((rules.permits(inside, child) & READ) === 0) return undefined
  }
  const kept: JsonValue[] = []
  let whole = true
  for (const item of value) {
    const seen = readableNode(rules, rules.enter(place, child, item), child, item)
    if (seen !== item) whole = false
    if (seen !== undefined) kept.push(seen)
  }
  if (whole) return value
  return kept.length === 0 ? undefined : kept
}

function readableNode(
  rules: UserRules,
  place: Place,
  node: SchemaNode,
  value: JsonValue,
): JsonValue | undefined {
  if ((rules.permitsAllBelow(place, node) & READ) !== 0) return value
  if ((rules.permits(place, node) & READ) === 0) return undefined
  if (!isObject(value) || node.members.size === 0) return value
  const seen = readablePart(rules, place, node, value)
  if (seen === value) return value
  // An entry that cannot be named cannot be shown.
  if (node.keys?.some((key) => seen[key] === undefined) === true) return undefined
  // A container emptied here must look like one that never held anything.
  if (node.kind === "container" && !node.presence && Object.keys(seen).length === 0)
    return undefined
  return seen
}
