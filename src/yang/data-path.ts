// The way to one place in instance data, led by the schema. Whether anything stands there is asked by `valueAt` only.

import { QkdError } from "../errors.js"
import { parseInstanceId, quoteValue } from "./instance-id.js"
import type { InstanceStep } from "./instance-id.js"
import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import { findEntry, keyOf } from "./list-index.js"
import type { Schema, SchemaNode } from "./schema-types.js"
import { pathOf } from "./trail.js"
import type { Trail } from "./trail.js"
import { Misfit, lexicalOf, parseLexical } from "./values.js"

/** One data node on the way. */
export interface DataStep {
  readonly node: SchemaNode
  /** List entry: its keys. Without them a list step means the whole list. */
  readonly keys?: JsonObject
  /** Leaf-list: one value. Without it the whole leaf-list is meant. */
  readonly value?: JsonValue
}

/** From the top of the datastore; empty means all of it. */
export type DataPath = readonly DataStep[]

/**
 * Read a path in RFC 7951 form (section 6.11), module names as prefixes; `/` is the whole datastore.
 *
 * @throws QkdError `invalid-value`, `unknown-element` or `unknown-namespace`.
 */
export function parseDataPath(schema: Schema, text: string): DataPath {
  if (text.trim() === "/") return []
  const steps = parseInstanceId(text, (name) => (name === "" ? undefined : name))
  if (steps === undefined)
    throw new QkdError("invalid-value", `${JSON.stringify(text.slice(0, 200))} is not a path`)
  const path: DataStep[] = []
  let node = schema.root
  for (const step of steps) {
    const found = childNamed(schema, node, step, text)
    path.push(read(found, step, text))
    node = found
  }
  return path
}

function childNamed(
  schema: Schema,
  parent: SchemaNode,
  step: InstanceStep,
  text: string,
): SchemaNode {
  const member = step.module === parent.module ? step.name : `${step.module}:${step.name}`
  const node = parent.members.get(member)
  if (node !== undefined) return node
  if (schema.moduleByName(step.module) === undefined)
    throw new QkdError("unknown-namespace", `unknown module ${step.module}`, {
      path: text,
      info: { "bad-element": step.name, "bad-namespace": step.module },
    })
  throw new QkdError("unknown-element", `unknown node ${step.name} of ${step.module}`, {
    path: text,
    info: { "bad-element": step.name },
  })
}

function read(node: SchemaNode, step: InstanceStep, text: string): DataStep {
  const { predicates } = step
  if (predicates.length === 0) return { node }
  const wrong = (what: string): QkdError => new QkdError("invalid-value", what, { path: text })
  const valueOf = (leaf: SchemaNode | undefined, written: string): JsonValue => {
    if (leaf?.type === undefined) throw wrong(`${node.name} has no such key`)
    const value = parseLexical(leaf.type, written, (name) => (name === "" ? leaf.module : name))
    if (value instanceof Misfit) throw wrong(`${leaf.name} ${value.message}`)
    return value
  }
  const first = predicates[0]
  if (node.kind === "leaf-list" && predicates.length === 1 && first?.key === ".")
    return { node, value: valueOf(node, first.value) }
  const keys = node.keys ?? []
  if (node.kind !== "list" || keys.length !== predicates.length)
    throw wrong(`${node.name} is not named by these predicates`)
  const entry: Record<string, JsonValue> = {}
  for (const key of keys) {
    const predicate = predicates.find((p) => p.key === key && p.keyModule === node.module)
    if (predicate === undefined) throw wrong(`key ${key} of ${node.name} is missing`)
    entry[key] = valueOf(node.members.get(key), predicate.value)
  }
  return { node, keys: entry }
}

/** The path as text, as it stands in errors. */
export function dataPathText(path: DataPath): string {
  const last = path.at(-1)
  if (last === undefined) return "/"
  const trail = trailOf(path)
  return last.value === undefined
    ? pathOf(trail)
    : `${pathOf(trail)}[.=${quoteValue(lexicalOf(last.value))}]`
}

export function trailOf(path: DataPath): Trail | undefined {
  let trail: Trail | undefined
  for (const { node, keys } of path)
    trail = { up: trail, node, ...(keys === undefined ? {} : { entry: keys }) }
  return trail
}

/** What stands at a path: for a list entry the entry, for a list without keys in the path the array. */
export function valueAt(data: JsonObject, path: DataPath): JsonValue | undefined {
  let at: JsonValue | undefined = data
  for (const step of path) {
    if (!isObject(at)) return undefined
    at = stepInto(at, step)
  }
  return at
}

function stepInto(object: JsonObject, { node, keys, value }: DataStep): JsonValue | undefined {
  const inside = Object.hasOwn(object, node.member) ? object[node.member] : undefined
  const item = keys ?? value
  if (item === undefined) return inside
  return isArray(inside) ? inside[findEntry(node, inside, keyOf(node, item))] : undefined
}
