// What a datastore subscription selects (RFC 8641 section 3.6), and whether it ever will select anything.

import { QkdError } from "../errors.js"
import { filterXPath } from "../yang/filter-xpath.js"
import { filterSubtree } from "../yang/filter.js"
import type { JsonObject } from "../yang/json.js"
import type { Schema, SchemaNode } from "../yang/schema.js"
import { childrenOf, textOf, writeXml, type XmlElement } from "../yang/xml-tree.js"
import type { StreamFilter } from "./stream-filter.js"

/**
 * An expression that gives no node set selects nothing (`datastore-xpath-filter`).
 *
 * @throws QkdError `resource-denied` when an expression takes too long.
 */
export function selectData(
  schema: Schema,
  data: JsonObject,
  filter: StreamFilter | undefined,
): JsonObject {
  if (filter === undefined) return data
  if (filter.kind === "subtree") return filterSubtree(schema, data, filter.elements)
  try {
    return filterXPath(schema, data, filter.expression)
  } catch (error) {
    if (error instanceof QkdError && error.tag === "invalid-value") return {}
    throw error
  }
}

/** Two filters with the same text here select the same. */
export function selectionKey(filter: StreamFilter | undefined): string {
  if (filter === undefined) return ""
  if (filter.kind === "subtree") return `s${filter.elements.map(writeXml).join("")}`
  const { text, prefixes, module } = filter.expression
  const used = [...prefixes].filter(([prefix]) => text.includes(prefix))
  return `x${JSON.stringify([text, module, used])}`
}

const NONE: ReadonlySet<string> = new Set()

/**
 * False when no instance data could ever be selected: the schema has none of it. Not seen through for XPath.
 *
 * @param without top-level members that do not count.
 */
export function canSelect(
  schema: Schema,
  filter: StreamFilter | undefined,
  without: ReadonlySet<string> = NONE,
): boolean {
  if (filter?.kind !== "subtree") return true
  return filter.elements.some((element) => canSelectIn(schema, schema.root, element, without))
}

function canSelectIn(
  schema: Schema,
  node: SchemaNode,
  element: XmlElement,
  without: ReadonlySet<string> = NONE,
): boolean {
  // Instance data has no attributes.
  if (element.attrs.length > 0) return false
  const module = element.ns === "" ? undefined : schema.moduleByNamespace(element.ns)?.name
  if (element.ns !== "" && module === undefined) return false
  const children = childrenOf(element)
  return [...node.members.values()].some((child) => {
    if (without.has(child.member)) return false
    if (child.name !== element.name || (module !== undefined && child.module !== module))
      return false
    if (children.length === 0) return true
    const wanted = children.filter((c) => childrenOf(c).length > 0 || textOf(c).trim() === "")
    return wanted.length === 0 || wanted.some((c) => canSelectIn(schema, child, c))
  })
}
