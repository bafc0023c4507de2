// Parts of instance data chosen by kind, depth or name: RESTCONF's `content`, `depth` and `fields` (RFC 8040 section
// 4.8), NETCONF's `max-depth` and `config-filter` (RFC 8526). Keys of list entries always stay, so that what is left is
// still data of the schema.

import { QkdError } from "../errors.js"
import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import type { SchemaNode } from "./schema-types.js"
import { take } from "./tags.js"

/** The objects a value holds: entries of a list, or the object itself. */
function eachObject(
  node: SchemaNode,
  value: JsonValue,
  change: (object: JsonObject) => JsonObject | undefined,
): JsonValue | undefined {
  if (node.kind === "list" && isArray(value)) {
    const kept: JsonValue[] = []
    for (const entry of value) {
      const found = isObject(entry) ? change(entry) : undefined
      if (found !== undefined) kept.push(found)
    }
    return kept.length > 0 ? kept : undefined
  }
  return isObject(value) ? change(value) : value
}

function keysOf(node: SchemaNode, object: JsonObject): Record<string, JsonValue> {
  const keys: Record<string, JsonValue> = {}
  for (const key of node.keys ?? []) {
    const value = object[key]
    if (value !== undefined) keys[key] = value
  }
  return keys
}

function hasObjects(node: SchemaNode): boolean {
  return node.kind === "container" || node.kind === "list" || node.kind === "root"
}

/**
 * The uppermost levels of a value of `node`: depth 1 is the node alone, with nothing inside but the keys of an entry.
 *
 * @param depth from 1; Infinity for no limit.
 */
export function limitDepth(node: SchemaNode, value: JsonValue, depth: number): JsonValue {
  if (depth === Infinity || !hasObjects(node)) return value
  const cut = (object: JsonObject): JsonObject => {
    if (depth <= 1) return keysOf(node, object)
    const kept: Record<string, JsonValue> = {}
    for (const member in object) {
      const child = node.members.get(member)
      const inside = object[member]
      if (child === undefined || inside === undefined) continue
      const left = limitDepth(child, inside, depth - 1)
      take(object, member, left, kept)
    }
    return kept
  }
  return eachObject(node, value, cut) ?? value
}

/** Nodes with configuration or state on themselves or somewhere below. */
const kindsBelow = new WeakMap<SchemaNode, { readonly config: boolean; readonly state: boolean }>()

function kindsIn(node: SchemaNode): { readonly config: boolean; readonly state: boolean } {
  const known = kindsBelow.get(node)
  if (known !== undefined) return known
  let config = node.config && node.kind !== "root" && !isInner(node)
  let state = !node.config
  for (const child of node.members.values()) {
    if (config && state) break
    const inside = kindsIn(child)
    config ||= inside.config
    state ||= inside.state
  }
  const found = { config, state }
  kindsBelow.set(node, found)
  return found
}

function isInner(node: SchemaNode): boolean {
  return node.kind === "container" && !node.presence
}

/**
 * Only configuration, or only state with the configuration that holds it (RFC 8040 section 4.8.1); undefined when
 * nothing is left.
 */
export function selectContent(
  node: SchemaNode,
  value: JsonValue,
  content: "config" | "nonconfig" | "all",
): JsonValue | undefined {
  if (content === "all") return value
  if (!node.config) return content === "config" ? undefined : value
  const kinds = kindsIn(node)
  if (content === "config" && !kinds.state) return value
  if (content === "nonconfig" && !kinds.state) return undefined
  if (!hasObjects(node)) return content === "config" ? value : undefined
  return eachObject(node, value, (object) => {
    const kept = keysOf(node, object)
    let found = false
    for (const member in object) {
      const child = node.members.get(member)
      const inside = object[member]
      if (child === undefined || inside === undefined) continue
      const left = selectContent(child, inside, content)
      if (left === undefined) continue
      found = true
      take(object, member, left, kept)
    }
    if (found) return kept
    const stays = content === "config" && (node.kind !== "container" || node.presence)
    return stays ? kept : undefined
  })
}

/** What a `fields` expression names: member by member what is wanted of it; empty means all of it. */
export type Fields = ReadonlyMap<SchemaNode, Fields>

const NAME = /^(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*)$/
const MAX_FIELDS = 10_000
const MAX_DEPTH = 64

/**
 * Read `a/b(c;d/e);f` (RFC 8040 section 4.8.3).
 *
 * @param node what the names are looked up in: the target of the request.
 * @throws QkdError `invalid-value` for broken syntax, names that are not there, and more than anybody needs.
 */
export function parseFields(node: SchemaNode, text: string): Fields {
  const tokens = text.split(/([/;()])/).filter((token) => token !== "")
  if (tokens.length > MAX_FIELDS)
    throw new QkdError("invalid-value", `fields: more than ${MAX_FIELDS} words`)
  let at = 0
  const fault = (what: string): QkdError =>
    new QkdError("invalid-value", `fields: ${what} at ${JSON.stringify(tokens[at] ?? "the end")}`)

  const expression = (up: SchemaNode, into: Map<SchemaNode, Fields>, depth: number): void => {
    if (depth > MAX_DEPTH) throw fault("too deep")
    for (;;) {
      path(up, into, depth)
      if (tokens[at] !== ";") return
      at += 1
    }
  }
  const path = (up: SchemaNode, into: Map<SchemaNode, Fields>, depth: number): void => {
    let node = up
    let here = into
    for (;;) {
      const child = named(node, tokens[at] ?? "")
      if (child === undefined) throw fault("unknown name")
      at += 1
      const isLast = tokens[at] !== "/" && tokens[at] !== "("
      const known = here.get(child)
      // Asked for whole before: nothing more to say. Asked for whole now: all that was said is included.
      const inside = isLast ? new Map<SchemaNode, Fields>() : known?.size === 0 ? undefined : known
      const next = new Map(inside)
      if (known?.size !== 0 || isLast) here.set(child, next)
      if (isLast) return
      node = child
      here = next
      const separator = tokens[at]
      at += 1
      if (separator === "/") continue
      expression(node, here, depth + 1)
      if (tokens[at] !== ")") throw fault(") is missing")
      at += 1
      return
    }
  }
  const found = new Map<SchemaNode, Fields>()
  expression(node, found, 1)
  if (at < tokens.length) throw fault("not expected")
  return found
}

function named(node: SchemaNode, name: string): SchemaNode | undefined {
  if (!NAME.test(name)) return undefined
  const found = node.members.get(name)
  if (found !== undefined) return found
  const colon = name.indexOf(":")
  if (colon >= 0)
    return name.slice(0, colon) === node.module
      ? node.members.get(name.slice(colon + 1))
      : undefined
  // At the top of the datastore a name without its module is taken where it is nobody else's.
  const fitting = [...node.members.values()].filter((child) => child.name === name)
  return fitting.length === 1 ? fitting[0] : undefined
}

/**
 * What the fields name of a value of `node`, with the nodes that lead there; undefined when nothing of it is there.
 *
 * @param depth counts from each node named, which is level 1 (RFC 8040 section 4.8.3).
 */
export function selectFields(
  node: SchemaNode,
  value: JsonValue,
  fields: Fields,
  depth = Infinity,
): JsonValue | undefined {
  if (fields.size === 0) return limitDepth(node, value, depth)
  return eachObject(node, value, (object) => {
    const kept = keysOf(node, object)
    let found = false
    for (const [child, inner] of fields) {
      const inside = object[child.member]
      const left = inside === undefined ? undefined : selectFields(child, inside, inner, depth)
      if (left === undefined) continue
      found = true
      take(object, child.member, left, kept)
    }
    return found ? kept : undefined
  })
}
