// Defaults in use (RFC 7950 sections 7.6.1 and 7.7.2): filled in, left out, or marked, as the modes of RFC 6243 ask.

import { Conditions } from "./conditions.js"
import { DataNode, caseInUse } from "./data-node.js"
import type { DataPath } from "./data-path.js"
import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import { findEntry, keyOf } from "./list-index.js"
import type { Schema, SchemaNode } from "./schema-types.js"
import { DEFAULT_TAG, tagMember } from "./tags.js"

/** RFC 6243 section 3. */
export type DefaultsMode = "report-all" | "report-all-tagged" | "trim" | "explicit"

export interface DefaultsOptions {
  /**
   * What counts as default data where it is tagged: `explicit`, what nobody has set; `trim`, whatever has the schema's
   * value (RFC 6243 section 2). Default: `explicit`.
   */
  readonly basicMode?: "explicit" | "trim"
  /** Configuration only: no state is filled in. */
  readonly configOnly?: boolean
}

/** Schema nodes with a default on themselves or somewhere below. */
const defaultsBelow = new WeakMap<SchemaNode, boolean>()

function hasDefaults(node: SchemaNode): boolean {
  const known = defaultsBelow.get(node)
  if (known !== undefined) return known
  const found = node.defaultValues.length > 0 || [...node.members.values()].some(hasDefaults)
  defaultsBelow.set(node, found)
  return found
}

/**
 * The data with every default in use filled in, but for containers at the top that have no data at all. What has no
 * default is shared.
 */
export function withDefaults(schema: Schema, data: JsonObject): JsonObject {
  const { root } = new Conditions(schema, schema.root, data)
  return new Filler({ topContainers: false }).object(root, data)
}

/** The data without what holds its default. */
export function withoutDefaults(schema: Schema, data: JsonObject): JsonObject {
  return trimmed(schema.root, data)
}

/**
 * The datastore as a mode reports it. Filter and select afterwards: defaults in use are as good as set, for filters too.
 * Tags (see tags.ts) go with what is selected.
 *
 * State that is not there but has a default is reported by `explicit` too (RFC 6243 section 3.3).
 */
export function reportDefaults(
  schema: Schema,
  data: JsonObject,
  mode: DefaultsMode,
  options: DefaultsOptions = {},
): JsonObject {
  if (mode === "trim") return trimmed(schema.root, data)
  const { root } = new Conditions(schema, schema.root, data)
  return new Filler(fillerOptions(mode, options)).object(root, data)
}

/**
 * The same for one place: an object with the one member the path ends in (an array with the one entry, for a list),
 * empty if nothing is there to report.
 */
export function reportDefaultsAt(
  schema: Schema,
  data: JsonObject,
  path: DataPath,
  mode: DefaultsMode,
  options: DefaultsOptions = {},
): JsonObject {
  const last = path.at(-1)
  if (last === undefined) return reportDefaults(schema, data, mode, options)
  let at: DataNode | undefined = new Conditions(schema, schema.root, data).root
  for (const step of path.slice(0, -1)) at = at === undefined ? undefined : instanceAt(at, step)
  if (at === undefined) return {}
  const { node } = last
  const item = last.keys ?? last.value
  const object = isObject(at.value) ? at.value : {}
  if (item === undefined) {
    const part: Record<string, JsonValue> = {}
    const value = object[node.member]
    if (mode === "trim")
      return trimmed(at.node, value === undefined ? {} : { [node.member]: value })
    if (value !== undefined) part[node.member] = value
    new Filler({ ...fillerOptions(mode, options), topContainers: true }).member(
      at,
      object,
      node,
      part,
    )
    return part
  }
  const found = instanceAt(at, last)
  if (found === undefined) return {}
  if (!isObject(found.value)) return { [node.member]: [found.value] }
  const entry =
    mode === "trim"
      ? trimmed(node, found.value)
      : new Filler(fillerOptions(mode, options)).object(found, found.value)
  return { [node.member]: [entry] }
}

function instanceAt(up: DataNode, step: DataPath[number]): DataNode | undefined {
  const { node } = step
  const item = step.keys ?? step.value
  if (item === undefined) return up.childrenOf(node)[0]
  // Not by `childrenOf`: a list may be long.
  const items = isObject(up.value) ? up.value[node.member] : undefined
  if (!isArray(items)) return undefined
  const position = findEntry(node, items, keyOf(node, item))
  const value = items[position]
  return value === undefined ? undefined : new DataNode(up.trees, up, node, value, position + 1)
}

interface FillerOptions {
  /** Fill containers at the top that have no data. */
  readonly topContainers: boolean
  readonly fills?: (node: SchemaNode) => boolean
  readonly tags?: "explicit" | "trim" | undefined
}

function fillerOptions(mode: DefaultsMode, options: DefaultsOptions): FillerOptions {
  const configOnly = options.configOnly === true
  return {
    topContainers: true,
    fills: (node) => (node.config ? mode !== "explicit" : !configOnly),
    tags: mode === "report-all-tagged" ? (options.basicMode ?? "explicit") : undefined,
  }
}

class Filler {
  constructor(private readonly options: FillerOptions) {}

  object(at: DataNode, object: JsonObject): JsonObject {
    if (!hasDefaults(at.node)) return object
    const result: Record<string, JsonValue> = { ...object }
    for (const child of at.node.members.values())
      if (hasDefaults(child)) this.member(at, object, child, result)
    return result
  }

  /** Fill one member of an object in `result`, where it stands already if it is there. */
  member(
    at: DataNode,
    object: JsonObject,
    child: SchemaNode,
    result: Record<string, JsonValue>,
  ): void {
    const { member } = child
    const value = object[member]
    if (child.kind === "list" && isArray(value))
      result[member] = at.childrenOf(child).map((entry) => this.inside(entry))
    else if (child.kind === "container") this.container(at, object, child, result)
    else if (child.defaultValues.length > 0) this.leaf(at, object, child, result)
  }

  private container(
    at: DataNode,
    object: JsonObject,
    child: SchemaNode,
    result: Record<string, JsonValue>,
  ): void {
    const value = object[child.member]
    if (value === undefined) {
      if (child.presence || !caseInUse(child, object)) return
      if (at.node.kind === "root" && !this.options.topContainers) return
    }
    const instance = at.childrenOf(child)[0]
    const inner = instance === undefined ? {} : this.inside(instance)
    if (value !== undefined || (isObject(inner) && Object.keys(inner).length > 0))
      result[child.member] = inner
  }

  private leaf(
    at: DataNode,
    object: JsonObject,
    child: SchemaNode,
    result: Record<string, JsonValue>,
  ): void {
    const { member } = child
    const value = object[member]
    const { tags } = this.options
    if (at.node.keys?.includes(member) === true) return
    if (value !== undefined) {
      if (tags === "trim" && isDefault(child, value))
        result[tagMember(member)] = tagFor(child, value)
      return
    }
    if (this.options.fills?.(child) === false) return
    const implied = at.childrenOf(child).map((instance) => instance.value)
    const first = implied[0]
    if (first === undefined) return
    const filled = child.kind === "leaf-list" ? implied : first
    result[member] = filled
    if (tags !== undefined) result[tagMember(member)] = tagFor(child, filled)
  }

  private inside(instance: DataNode): JsonValue {
    return isObject(instance.value) ? this.object(instance, instance.value) : instance.value
  }
}

function tagFor(node: SchemaNode, value: JsonValue): JsonValue {
  return node.kind === "leaf-list" && isArray(value) ? value.map(() => DEFAULT_TAG) : DEFAULT_TAG
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
    } else if (node.keys?.includes(member) === true || !isDefault(child, value))
      result[member] = value
  }
  return result
}

/** Is a value the one the schema gives by itself? */
export function isDefault(node: SchemaNode, value: JsonValue): boolean {
  if (node.defaultValues.length === 0) return false
  const values = node.kind === "leaf-list" && isArray(value) ? value : [value]
  return JSON.stringify(values) === JSON.stringify(node.defaultValues)
}
