// The attributes that steer an edit: `operation` (RFC 6241 section 7.2), `insert`, `key` and `value` for user-ordered
// lists (RFC 7950 sections 7.7.9 and 7.8.6).

import { QkdError } from "../errors.js"
import { parseInstanceId } from "./instance-id.js"
import type { Place } from "./list-draft.js"
import { keyOf } from "./list-index.js"
import type { JsonValue } from "./json-text.js"
import type { Schema, SchemaNode } from "./schema-types.js"
import { DEFAULT_NS } from "./tags.js"
import { Misfit, parseLexical } from "./values.js"
import { attributeOf } from "./xml-tree.js"
import type { XmlElement } from "./xml-tree.js"

export const NETCONF_NS = "urn:ietf:params:xml:ns:netconf:base:1.0"
export const YANG_NS = "urn:ietf:params:xml:ns:yang:1"

export type Operation = "merge" | "replace" | "create" | "delete" | "remove" | "none"

const OPERATIONS: ReadonlySet<string> = new Set(["merge", "replace", "create", "delete", "remove"])

function isOperation(text: string): text is Operation {
  return OPERATIONS.has(text)
}

function attributeFault(
  tag: "bad-attribute" | "unknown-attribute" | "missing-attribute",
  element: XmlElement,
  attribute: string,
  path: string,
  message: string,
): QkdError {
  return new QkdError(tag, message, {
    path,
    info: { "bad-element": element.name, "bad-attribute": attribute },
  })
}

/**
 * The operation written on the element, if any.
 *
 * @throws QkdError `unknown-attribute` for any attribute that steers nothing, `bad-attribute` for a bad value.
 */
export function operationOf(element: XmlElement, path: string): Operation | undefined {
  let operation: Operation | undefined
  for (const { name, ns, value } of element.attrs) {
    if (ns === NETCONF_NS && name === "operation") {
      if (!isOperation(value))
        throw attributeFault(
          "bad-attribute",
          element,
          name,
          path,
          `unknown operation ${JSON.stringify(value)}`,
        )
      operation = value
    } else if (ns === DEFAULT_NS && name === "default") {
      if (!/^\s*(true|false|0|1)\s*$/.test(value))
        throw attributeFault("bad-attribute", element, name, path, "must be true or false")
    } else if (ns !== YANG_NS || !["insert", "key", "value"].includes(name)) {
      throw attributeFault("unknown-attribute", element, name, path, `unknown attribute ${name}`)
    }
  }
  return operation
}

/** Does the element say that its value is the default, and shall be unset (RFC 6243 section 4.5.2)? */
export function isSetToDefault(element: XmlElement): boolean {
  const value = attributeOf(element, "default", DEFAULT_NS)?.trim()
  return value === "true" || value === "1"
}

/**
 * Where `insert` wants an entry; undefined where nothing is said.
 *
 * @throws QkdError `bad-attribute`, `missing-attribute` or `unknown-attribute`.
 */
export function placeOf(
  schema: Schema,
  node: SchemaNode,
  element: XmlElement,
  path: string,
): Place | undefined {
  const attrs = element.attrs.filter((attr) => attr.ns === YANG_NS)
  if (attrs.length === 0) return undefined
  const find = (name: string): string | undefined => attrs.find((a) => a.name === name)?.value
  const insert = find("insert")
  const anchorName = node.kind === "list" ? "key" : "value"
  const stray = attrs.find((a) => a.name !== "insert" && a.name !== anchorName)
  if (!node.orderedByUser || stray !== undefined || insert === undefined)
    throw attributeFault(
      "unknown-attribute",
      element,
      stray?.name ?? attrs[0]?.name ?? "insert",
      path,
      `${node.name} takes no such attribute`,
    )
  if (insert === "first" || insert === "last") return { where: insert }
  if (insert !== "before" && insert !== "after")
    throw attributeFault("bad-attribute", element, "insert", path, `unknown place ${insert}`)
  const anchor = find(anchorName)
  if (anchor === undefined)
    throw attributeFault(
      "missing-attribute",
      element,
      anchorName,
      path,
      `insert ${insert} needs ${anchorName}`,
    )
  const key = anchorKey(schema, node, element, anchor)
  if (key === undefined)
    throw attributeFault("bad-attribute", element, anchorName, path, `${anchorName} is malformed`)
  return { where: insert, key }
}

/** The key text (see `keyOf`) of the entry an anchor names. */
function anchorKey(
  schema: Schema,
  node: SchemaNode,
  element: XmlElement,
  anchor: string,
): string | undefined {
  const resolve = (prefix: string): string | undefined => {
    const ns = element.prefixes.get(prefix) ?? (prefix === "" ? element.ns : undefined)
    return ns === undefined ? undefined : schema.moduleByNamespace(ns)?.name
  }
  const read = (leaf: SchemaNode | undefined, text: string): JsonValue | undefined => {
    if (leaf?.type === undefined) return undefined
    const value = parseLexical(leaf.type, text, resolve)
    return value instanceof Misfit ? undefined : value
  }
  if (node.kind === "leaf-list") {
    const value = read(node, anchor)
    return value === undefined ? undefined : keyOf(node, value)
  }
  const steps = parseInstanceId(`/${node.module}:${node.name}${anchor}`, (prefix) =>
    prefix === node.module ? prefix : resolve(prefix),
  )
  const predicates = steps?.[0]?.predicates ?? []
  const entry: Record<string, JsonValue> = {}
  for (const name of node.keys ?? []) {
    const text = predicates.find((p) => p.key === name)?.value
    const value = text === undefined ? undefined : read(node.members.get(name), text)
    if (value === undefined) return undefined
    entry[name] = value
  }
  return keyOf(node, entry)
}
