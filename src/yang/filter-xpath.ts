// XPath filters (RFC 6241 section 8.9): what an expression selects, with all that leads to it. Subtree filters are in
// filter.ts.

import { QkdError } from "../errors.js"
import { Conditions } from "./conditions.js"
import type { DataNode } from "./data-node.js"
import type { Whole } from "./filter.js"
import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import type { Schema, SchemaNode } from "./schema-types.js"
import { take } from "./tags.js"
import { ANY_MODULE } from "./xpath-ast.js"
import type { XPathExpression } from "./xpath-ast.js"
import { isFunction } from "./xpath-functions.js"
import { parseXPath } from "./xpath-parse.js"
import { namesIn } from "./xpath-names.js"
import { isNodeSet } from "./xpath-values.js"

export interface XPathFilter {
  readonly text: string
  /**
   * Prefix to namespace, in scope where the expression stands. `modules` for the names of all modules: RESTCONF's rule
   * (RFC 8040 section 4.8.4).
   */
  readonly prefixes: ReadonlyMap<string, string> | "modules"
}

/** Steps one filter may take: a second or so. */
const MAX_STEPS = 3_000_000

/** An expression read once, used on many trees. */
export type CompiledXPathFilter = XPathExpression

/**
 * Names without prefix match whatever module they are of: strictly they would match nothing (XPath 1.0 section 2.3), and
 * people who write them by hand mean the former.
 *
 * @throws QkdError `invalid-value` for broken syntax, unknown prefixes or functions.
 */
export function compileXPathFilter(schema: Schema, filter: XPathFilter): CompiledXPathFilter {
  const { text } = filter
  const prefixes = prefixNames(schema, filter)
  let ast
  try {
    ast = parseXPath(text)
  } catch (error) {
    if (error instanceof QkdError) throw invalid(error.message)
    throw error
  }
  for (const { prefix, call } of namesIn(ast)) {
    if (prefix !== undefined && !prefixes.has(prefix)) throw invalid(`unknown prefix ${prefix}`)
    if (call !== undefined && !isFunction(call)) throw invalid(`unknown function ${call}`)
  }
  return { text, ast, prefixes, module: ANY_MODULE }
}

function prefixNames(schema: Schema, { prefixes }: XPathFilter): ReadonlyMap<string, string> {
  if (prefixes === "modules") return new Map(schema.modules.map((m) => [m.name, m.name]))
  const names = new Map<string, string>()
  // A namespace nobody has: its names match nothing, which is no error.
  for (const [prefix, namespace] of prefixes)
    names.set(prefix, schema.moduleByNamespace(namespace)?.name ?? "")
  return names
}

/**
 * What the filter selects of the data, each node whole, with its ancestors and the keys of their entries.
 *
 * @throws QkdError `invalid-value` when the expression gives no node set (RFC 6241 section 8.9.1), `resource-denied` when
 *   it takes too long.
 * @param whole what becomes of a selected node with all below it; left as it is, by default.
 */
export function filterXPath(
  schema: Schema,
  data: JsonObject,
  filter: CompiledXPathFilter,
  whole: Whole = (_node, value) => value,
): JsonObject {
  const conditions = new Conditions(schema, schema.root, data)
  conditions.budget.left = MAX_STEPS
  let found
  try {
    found = conditions.evaluate(filter, conditions.root)
  } catch (error) {
    if (error instanceof QkdError && error.tag === "operation-failed") throw invalid(error.message)
    throw error
  }
  if (!isNodeSet(found)) throw invalid("selects no nodes but gives a value")
  const top = new Marked()
  for (const node of found) mark(top, node).whole = true
  const kept = top.part(schema.root, data, whole)
  return isObject(kept) ? kept : {}
}

/** What is selected at one place of the tree. */
class Marked {
  whole = false
  /** By schema node, then by position from 1 (0 for what is no entry). */
  readonly below = new Map<SchemaNode, Map<number, Marked>>()

  at(node: SchemaNode, position: number): Marked {
    let places = this.below.get(node)
    if (places === undefined) this.below.set(node, (places = new Map<number, Marked>()))
    let found = places.get(position)
    if (found === undefined) places.set(position, (found = new Marked()))
    return found
  }

  /** The selected part of a value; undefined where nothing is there (a default that only XPath sees). */
  part(node: SchemaNode, value: JsonValue, whole: Whole): JsonValue | undefined {
    if (this.whole) return wholeValue(node, value, whole)
    if (!isObject(value)) return value
    const kept: Record<string, JsonValue> = {}
    for (const key of node.keys ?? []) {
      const own = value[key]
      if (own !== undefined) kept[key] = own
    }
    let found = false
    for (const [child, places] of this.below) {
      const inside = value[child.member]
      if (inside === undefined) continue
      const left = partOf(child, inside, places, whole)
      if (left === undefined) continue
      found = true
      take(value, child.member, left, kept)
    }
    return found ? kept : undefined
  }
}

/** One instance of a node, seen as all there is of it. */
function wholeValue(node: SchemaNode, value: JsonValue, whole: Whole): JsonValue {
  if (node.kind !== "list") return whole(node, value)
  const made = whole(node, [value])
  return isArray(made) ? (made[0] ?? value) : made
}

function partOf(
  node: SchemaNode,
  value: JsonValue,
  places: ReadonlyMap<number, Marked>,
  whole: Whole,
): JsonValue | undefined {
  if ((node.kind !== "list" && node.kind !== "leaf-list") || !isArray(value))
    return places.get(0)?.part(node, value, whole)
  const items: JsonValue[] = []
  for (const position of [...places.keys()].sort((a, b) => a - b)) {
    const item = value[position - 1]
    const left = item === undefined ? undefined : places.get(position)?.part(node, item, whole)
    if (left !== undefined) items.push(left)
  }
  if (items.length === 0) return undefined
  return items.length === value.length && items.every((item, i) => item === value[i])
    ? value
    : items
}

function mark(top: Marked, node: DataNode): Marked {
  return node.up === undefined ? top : mark(top, node.up).at(node.node, node.position ?? 0)
}

function invalid(what: string): QkdError {
  return new QkdError("invalid-value", `XPath filter: ${what}`)
}
