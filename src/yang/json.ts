// RFC 7951 JSON to checked, canonical instance data. Checks names, shapes and types; not keys, mandatory nodes,
// conditions or references (validate).

import { QkdError } from "../errors.js"
import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import type { Schema, SchemaNode } from "./schema-types.js"
import { isDefaultTag } from "./tags.js"
import { pathOf, pathTo } from "./trail.js"
import type { Trail } from "./trail.js"
import { Misfit, checkValue } from "./values.js"

export type { JsonObject, JsonValue } from "./json-text.js"
export { parseJson } from "./json-text.js"

/**
 * Check member names and types, and bring values to their canonical form.
 *
 * @param at the node whose members `value` holds; absent means the top of the datastore.
 * @throws QkdError `unknown-element`, `unknown-namespace`, `invalid-value` with the instance path.
 */
export function decodeJson(schema: Schema, value: JsonValue, at?: SchemaNode): JsonObject {
  return decodeObject(schema, { up: undefined, node: at ?? schema.root }, value)
}

/** The data child a member name means; a needlessly qualified name is allowed, as other servers write it. */
export function memberOf(node: SchemaNode, name: string): SchemaNode | undefined {
  const found = node.members.get(name)
  if (found !== undefined) return found
  const own = `${node.module}:`
  return name.startsWith(own) ? node.members.get(name.slice(own.length)) : undefined
}

function decodeObject(schema: Schema, trail: Trail, value: JsonValue): JsonObject {
  if (!isObject(value)) throw invalid(pathOf(trail), "must be a JSON object")
  const object: Record<string, JsonValue> = {}
  decodeMembers(schema, trail, value, object)
  return object
}

function decodeMembers(
  schema: Schema,
  trail: Trail,
  value: JsonObject,
  into: Record<string, JsonValue>,
): void {
  // Keys first, so that every fault below can name its entry.
  for (const key of trail.node.keys ?? []) {
    const written = value[key]
    const child = trail.node.members.get(key)
    if (written !== undefined && child !== undefined)
      into[key] = decodeNode(schema, trail, child, written)
  }
  for (const name in value) {
    const child = memberOf(trail.node, name)
    if (child === undefined) {
      if (name.startsWith("@")) refuseMetadata(trail, name, value[name] ?? null)
      else throw unknownMember(schema, trail, name)
      continue
    }
    if (Object.hasOwn(into, child.member)) {
      if (name !== child.member || trail.node.keys?.includes(name) !== true)
        throw invalid(pathTo(trail, child.member), "is there twice")
      continue
    }
    const written = value[name]
    if (written !== undefined) into[child.member] = decodeNode(schema, trail, child, written)
  }
}

/** Metadata (RFC 7952) says nothing about data to be read, but for defaults another server has tagged: dropped. */
function refuseMetadata(trail: Trail, name: string, value: JsonValue): void {
  const child = memberOf(trail.node, name.slice(1))
  if (child?.type !== undefined && isDefaultTag(value)) return
  throw new QkdError("unknown-attribute", `metadata ${name} is not known`, {
    path: pathTo(trail, name),
    info: { "bad-element": name.slice(1), "bad-attribute": name },
  })
}

function unknownMember(schema: Schema, trail: Trail, name: string): QkdError {
  const path = pathTo(trail, name)
  const colon = name.indexOf(":")
  if (colon > 0 && schema.moduleByName(name.slice(0, colon)) === undefined)
    return new QkdError("unknown-namespace", `unknown module in ${name}`, {
      path,
      info: { "bad-element": name, "bad-namespace": name.slice(0, colon) },
    })
  return new QkdError("unknown-element", `unknown member ${name}`, {
    path,
    info: { "bad-element": name },
  })
}

function decodeNode(schema: Schema, up: Trail, node: SchemaNode, value: JsonValue): JsonValue {
  switch (node.kind) {
    case "leaf":
      return decodeLeaf(up, node, value)
    case "leaf-list":
      if (!isArray(value)) throw invalid(pathTo(up, node.member), "must be a JSON array")
      return value.map((item) => decodeLeaf(up, node, item))
    case "list":
      if (!isArray(value)) throw invalid(pathTo(up, node.member), "must be a JSON array")
      return value.map((item, i) => {
        const entry: Record<string, JsonValue> = {}
        const trail: Trail = { up, node, entry, position: i + 1 }
        if (!isObject(item)) throw invalid(pathOf(trail), "must be a JSON object")
        decodeMembers(schema, trail, item, entry)
        return entry
      })
    case "anydata":
      if (!isObject(value)) throw invalid(pathTo(up, node.member), "must be a JSON object")
      return value
    case "anyxml":
      return value
    default:
      return decodeObject(schema, { up, node }, value)
  }
}

function decodeLeaf(up: Trail, node: SchemaNode, value: JsonValue): JsonValue {
  if (node.type === undefined) return value
  const found = checkValue(node.type, value, node.module)
  if (found instanceof Misfit) throw invalid(pathTo(up, node.member), found.message)
  return found
}

function invalid(path: string, message: string): QkdError {
  return new QkdError("invalid-value", message, { path })
}
