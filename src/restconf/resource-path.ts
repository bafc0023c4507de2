// Where a data resource is: URI segments led through the schema (RFC 8040 section 3.5.3), and back to a URI; what
// stands there.

import type { DataPath, DataStep } from "../yang/data-path.js"
import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import { findEntry, keyOf } from "../yang/list-index.js"
import type { Schema, SchemaNode } from "../yang/schema.js"
import { Misfit, lexicalOf, parseLexical } from "../yang/values.js"
import { badUri, notFound } from "./fault.js"
import { encodePercent, show, type Segment } from "./uri.js"

export interface Resolved {
  readonly path: DataPath
  /** The path ends at an action (RFC 7950 section 7.15) of the node it leads to. */
  readonly action?: SchemaNode
}

/**
 * @param base where the segments begin; absent: at the top.
 * @throws RestconfFault 404 for a name the schema does not have, 400 for keys that cannot be.
 */
export function resolvePath(
  schema: Schema,
  segments: readonly Segment[],
  base: DataPath = [],
): Resolved {
  const path: DataStep[] = [...base]
  let at: SchemaNode = base.at(-1)?.node ?? schema.root
  for (const [i, segment] of segments.entries()) {
    const node = childNamed(schema, at, segment.name)
    if (node.kind === "action") {
      if (i + 1 < segments.length || segment.keys !== undefined)
        throw notFound(`nothing below action ${node.name}`)
      return { path, action: node }
    }
    const isLast = i + 1 === segments.length
    path.push(stepOf(schema, node, segment, isLast))
    at = node
  }
  return { path }
}

function childNamed(schema: Schema, at: SchemaNode, name: string): SchemaNode {
  const colon = name.indexOf(":")
  const module = colon < 0 ? undefined : name.slice(0, colon)
  if (module !== undefined && schema.moduleByName(module) === undefined)
    throw notFound(`no module ${show(module)}`)
  if (module === undefined && at.kind === "root")
    throw badUri(`the first name of a path carries its module: module:${name.slice(0, 64)}`)
  // A name without module is of the module of the node above (section 3.5.3): nothing is ever ambiguous.
  const own = module === undefined || module === at.module
  const local = name.slice(colon + 1)
  const found = at.members.get(own ? local : name) ?? actionOf(at, module ?? at.module, local)
  if (found !== undefined) return found
  const others = [...at.members.values()].filter((child) => child.name === local)
  const hint =
    own && others.length > 0 ? `; there is ${others.map((o) => o.member).join(", ")}` : ""
  throw notFound(`no ${show(name)} in ${at.kind === "root" ? "the datastore" : at.name}${hint}`)
}

function actionOf(at: SchemaNode, module: string, name: string): SchemaNode | undefined {
  const found = at.children.get(`${module}:${name}`)
  return found?.kind === "action" ? found : undefined
}

function stepOf(schema: Schema, node: SchemaNode, segment: Segment, isLast: boolean): DataStep {
  const { keys } = segment
  if (node.kind === "list") {
    const names = node.keys ?? []
    if (keys === undefined) {
      // Only the end of a path may stand for all entries of a list.
      if (!isLast) throw badUri(`list ${node.name} wants ${names.length} keys`)
      return { node }
    }
    if (names.length === 0) throw badUri(`list ${node.name} has no keys`)
    if (keys.length !== names.length)
      throw badUri(`list ${node.name} has ${names.length} keys, not ${keys.length}`)
    const entry = names.map((name, i): [string, JsonValue] => [
      name,
      keyValue(schema, node.members.get(name), keys[i] ?? ""),
    ])
    return { node, keys: Object.fromEntries(entry) }
  }
  if (node.kind === "leaf-list") {
    if (keys === undefined) return { node }
    if (keys.length !== 1) throw badUri(`leaf-list ${node.name} takes one value`)
    return { node, value: keyValue(schema, node, keys[0] ?? "") }
  }
  if (keys !== undefined) throw badUri(`${node.name} is no list, it takes no keys`)
  return { node }
}

/** Values stand in paths as RFC 7951 writes them: identities and instance paths with module names. */
function keyValue(schema: Schema, leaf: SchemaNode | undefined, text: string): JsonValue {
  if (leaf?.type === undefined) throw badUri("a key without type")
  const value = parseLexical(leaf.type, text, (prefix) =>
    prefix === "" ? leaf.module : schema.moduleByName(prefix)?.name,
  )
  if (value instanceof Misfit) throw badUri(`${leaf.name} ${value.message}`)
  return value
}

/**
 * What is at a path; for a list or leaf-list without keys the whole array; undefined where nothing is. A container
 * without presence is there, empty, wherever it may be (RFC 7950 section 7.5.1).
 */
export function resourceAt(data: JsonObject, path: DataPath): JsonValue | undefined {
  let at: JsonValue = data
  for (const step of path) {
    const { node } = step
    const value: JsonValue | undefined = isObject(at) ? at[node.member] : undefined
    const item = step.keys ?? step.value
    if (value === undefined) {
      if (node.kind !== "container" || node.presence) return undefined
      at = {}
    } else if (item !== undefined && isArray(value)) {
      const entry: JsonValue | undefined = value[findEntry(node, value, keyOf(node, item))]
      if (entry === undefined) return undefined
      at = entry
    } else at = value
  }
  return at
}

/** The key values of a step in key order; undefined where it names no one entry. */
export function keysOf(step: DataStep): readonly JsonValue[] | undefined {
  const { node, keys, value } = step
  if (keys !== undefined) return (node.keys ?? []).map((name) => keys[name] ?? "")
  return value === undefined ? undefined : [value]
}

/** One of many: a list or leaf-list entry named by its keys. */
export function isEntry(step: DataStep | undefined): boolean {
  return step?.keys !== undefined || step?.value !== undefined
}

/** The path as a URI below `data`: keys escaped, module names where they change. */
export function uriOf(path: DataPath): string {
  return path
    .map((step) => {
      const keys = keysOf(step)?.map((key) => encodePercent(lexicalOf(key)))
      return keys === undefined ? `/${step.node.member}` : `/${step.node.member}=${keys.join(",")}`
    })
    .join("")
}

/** The step that names one entry by what stands in it. */
export function stepTo(node: SchemaNode, value: JsonValue): DataStep {
  if (node.kind === "leaf-list") return { node, value }
  if (node.kind !== "list" || !isObject(value)) return { node }
  const keys: Record<string, JsonValue> = {}
  for (const name of node.keys ?? []) {
    const key = value[name]
    if (key !== undefined) keys[name] = key
  }
  return { node, keys }
}
