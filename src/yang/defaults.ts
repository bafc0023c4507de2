// Defaults in use (RFC 7950 sections 7.6.1 and 7.7.2; RFC 6243): filled in, or left out.

import { Conditions } from "./conditions.js"
import { DataNode, caseInUse } from "./data-node.js"
import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import type { Schema, SchemaNode } from "./schema-types.js"

/** Schema nodes with a default on themselves or somewhere below. */
const defaultsBelow = new WeakMap<SchemaNode, boolean>()

function hasDefaults(node: SchemaNode): boolean {
  const known = defaultsBelow.get(node)
  if (known !== undefined) return known
  const found = node.defaultValues.length > 0 || [...node.members.values()].some(hasDefaults)
  defaultsBelow.set(node, found)
  return found
}

/** The data with every default in use filled in (RFC 6243 report-all). What has none is shared. */
export function withDefaults(schema: Schema, data: JsonObject): JsonObject {
  const { root } = new Conditions(schema, schema.root, data)
  return filled(root, data, true)
}

function filled(at: DataNode, object: JsonObject, isRoot: boolean): JsonObject {
  if (!hasDefaults(at.node)) return object
  const result: Record<string, JsonValue> = { ...object }
  for (const [member, child] of at.node.members) {
    if (!hasDefaults(child)) continue
    const value = object[member]
    if (child.kind === "list" && isArray(value)) {
      result[member] = at.childrenOf(child).map((entry) => below(entry))
    } else if (child.kind === "container") {
      // Top-level containers are not conjured up: a module without data stays without.
      if (value === undefined && (isRoot || child.presence || !caseInUse(child, object))) continue
      const instance = at.childrenOf(child)[0]
      const inner = instance === undefined ? {} : below(instance)
      if (value !== undefined || (isObject(inner) && Object.keys(inner).length > 0))
        result[member] = inner
    } else if (value === undefined && child.defaultValues.length > 0) {
      const implied = at.childrenOf(child).map((instance) => instance.value)
      const first = implied[0]
      if (first !== undefined) result[member] = child.kind === "leaf-list" ? implied : first
    }
  }
  return result
}

function below(instance: DataNode): JsonValue {
  return isObject(instance.value) ? filled(instance, instance.value, false) : instance.value
}

/** The data without leaves that hold their default (RFC 6243 trim). */
export function withoutDefaults(schema: Schema, data: JsonObject): JsonObject {
  return trimmed(schema.root, data)
}

function trimmed(node: SchemaNode, object: JsonObject): JsonObject {
  if (!hasDefaults(node)) return object
  const result: Record<string, JsonValue> = {}
  for (const member in object) {
    const value = object[member]
    const child = node.members.get(member)
    if (value === undefined || child === undefined) continue
    if (child.kind === "list" && isArray(value))
      result[member] = value.map((entry) => (isObject(entry) ? trimmed(child, entry) : entry))
    else if (child.kind === "container" && isObject(value)) {
      const inner = trimmed(child, value)
      if (child.presence || Object.keys(inner).length > 0) result[member] = inner
    } else if (!isDefault(child, value)) result[member] = value
  }
  return result
}

function isDefault(node: SchemaNode, value: JsonValue): boolean {
  if (node.defaultValues.length === 0) return false
  const values = node.kind === "leaf-list" && isArray(value) ? value : [value]
  return JSON.stringify(values) === JSON.stringify(node.defaultValues)
}
