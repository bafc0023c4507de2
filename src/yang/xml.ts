// XML elements to checked instance data and back, led by the schema. Checks names, shapes, types, keys and doubles;
// not mandatory nodes, conditions or references (validate).

import { QkdError } from "../errors.js"
import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import type { Schema, SchemaNode } from "./schema-types.js"
import { DEFAULT_NS, tagAttributes, tagOf } from "./tags.js"
import { pathOf, pathTo } from "./trail.js"
import type { Trail } from "./trail.js"
import { Misfit, lexicalOf } from "./values.js"
import { childrenOf, escapeAttr, escapeText, textOf, writeXml } from "./xml-tree.js"
import type { XmlElement } from "./xml-tree.js"
import { isPlainText, valueOf, xmlTextOf } from "./xml-values.js"

const NO_PREFIXES: ReadonlyMap<string, string> = new Map()

/**
 * The members that `elements` are, strictly: unknown elements, wrong types, duplicates and missing keys throw.
 *
 * @param at the node whose children `elements` are; absent means the top of the datastore. For a notification
 *   pass `schema.notificationRoot` with the event element, or its node with its children.
 * @throws QkdError `unknown-element`, `unknown-namespace`, `unknown-attribute`, `missing-element`, `bad-element`,
 *   `invalid-value`, with the instance path.
 */
export function decodeXml(
  schema: Schema,
  elements: readonly XmlElement[],
  at?: SchemaNode,
): JsonObject {
  const object: Record<string, JsonValue> = {}
  decodeChildren(schema, { up: undefined, node: at ?? schema.root }, elements, object)
  return object
}

/**
 * The data child an element is.
 *
 * @throws QkdError `unknown-namespace` or `unknown-element`.
 */
export function childOf(schema: Schema, trail: Trail, element: XmlElement): SchemaNode {
  const { node } = trail
  const path = pathTo(trail, element.name)
  const module =
    element.ns === node.namespace && node.module !== ""
      ? node.module
      : schema.moduleByNamespace(element.ns)?.name
  if (module === undefined)
    throw new QkdError("unknown-namespace", `unknown namespace ${JSON.stringify(element.ns)}`, {
      path,
      info: { "bad-element": element.name, "bad-namespace": element.ns },
    })
  const child = node.members.get(
    module === node.module ? element.name : `${module}:${element.name}`,
  )
  if (child === undefined)
    throw new QkdError("unknown-element", `unknown element ${element.name} of ${module}`, {
      path,
      info: { "bad-element": element.name },
    })
  return child
}

/** Text between elements where only elements belong. */
export function refuseText(trail: Trail, element: XmlElement): void {
  if (element.children.some((child) => typeof child === "string" && child.trim() !== ""))
    throw new QkdError("bad-element", "holds text, where elements are wanted", {
      path: pathOf(trail),
      info: { "bad-element": element.name },
    })
}

function refuseAttributes(path: string, element: XmlElement): void {
  const attribute = element.attrs.find((attr) => attr.ns !== DEFAULT_NS) ?? element.attrs[0]
  if (attribute !== undefined)
    throw new QkdError("unknown-attribute", `unknown attribute ${attribute.name}`, {
      path,
      info: { "bad-element": element.name, "bad-attribute": attribute.name },
    })
}

function decodeChildren(
  schema: Schema,
  trail: Trail,
  elements: readonly XmlElement[],
  into: Record<string, JsonValue>,
): void {
  const lists = new Map<SchemaNode, JsonValue[]>()
  for (const element of elements) {
    const child = childOf(schema, trail, element)
    if (child.kind === "list" || child.kind === "leaf-list") {
      let items = lists.get(child)
      if (items === undefined) {
        items = []
        lists.set(child, items)
        into[child.member] = items
      }
      items.push(
        child.kind === "list"
          ? decodeEntry(schema, trail, child, element, items.length + 1)
          : decodeLeaf(schema, trail, child, element),
      )
      continue
    }
    if (Object.hasOwn(into, child.member))
      throw new QkdError("bad-element", `${child.name} is there twice`, {
        path: pathTo(trail, child.member),
        info: { "bad-element": child.name },
      })
    into[child.member] = decodeSingle(schema, trail, child, element)
  }
}

function decodeSingle(schema: Schema, up: Trail, node: SchemaNode, element: XmlElement): JsonValue {
  if (node.kind === "leaf") return decodeLeaf(schema, up, node, element)
  const trail: Trail = { up, node }
  refuseAttributes(pathOf(trail), element)
  if (node.kind === "anydata" || node.kind === "anyxml") return decodeAny(schema, element)
  refuseText(trail, element)
  const object: Record<string, JsonValue> = {}
  decodeChildren(schema, trail, childrenOf(element), object)
  return object
}

/** One list entry, keys first so that faults below can name it. */
function decodeEntry(
  schema: Schema,
  up: Trail,
  node: SchemaNode,
  element: XmlElement,
  position: number,
): JsonObject {
  const entry: Record<string, JsonValue> = {}
  const trail: Trail = { up, node, entry, position }
  const children = childrenOf(element)
  const keys = decodeKeys(schema, trail, children, entry)
  for (const key of keys) refuseAttributes(pathTo(trail, key.name), key)
  refuseAttributes(pathOf(trail), element)
  refuseText(trail, element)
  decodeChildren(
    schema,
    trail,
    children.filter((child) => !keys.has(child)),
    entry,
  )
  return entry
}

/**
 * Put an entry's keys into `entry`; the elements they came from, whose attributes are the caller's business.
 *
 * @throws QkdError `missing-element` for a key that is not there.
 */
export function decodeKeys(
  schema: Schema,
  trail: Trail,
  children: readonly XmlElement[],
  entry: Record<string, JsonValue>,
): ReadonlySet<XmlElement> {
  const { node } = trail
  const taken = new Set<XmlElement>()
  for (const key of node.keys ?? []) {
    const leaf = node.members.get(key)
    const element = children.find((child) => child.name === key && child.ns === node.namespace)
    if (leaf === undefined || element === undefined)
      throw new QkdError("missing-element", `key ${key} is missing`, {
        path: pathTo(trail, key),
        info: { "bad-element": key },
      })
    entry[key] = leafValue(schema, trail, leaf, element)
    taken.add(element)
  }
  return taken
}

function decodeLeaf(schema: Schema, up: Trail, node: SchemaNode, element: XmlElement): JsonValue {
  // A value another server has tagged as a default is a value all the same (RFC 6243 section 6).
  if (element.attrs.some((attr) => attr.ns !== DEFAULT_NS || attr.name !== "default"))
    refuseAttributes(pathTo(up, node.member), element)
  return leafValue(schema, up, node, element)
}

/** @throws QkdError `invalid-value` with the instance path. */
export function leafValue(
  schema: Schema,
  up: Trail,
  node: SchemaNode,
  element: XmlElement,
): JsonValue {
  const value = valueOf(schema, node, element)
  if (value instanceof Misfit)
    throw new QkdError("invalid-value", value.message, {
      path: pathTo(up, node.member),
      info: { "bad-element": node.name },
    })
  return value
}

/** Content without a schema of its own: modelled data as data, other elements as `@xml`, plain text as text. */
export function decodeAny(schema: Schema, element: XmlElement): JsonValue {
  const children = childrenOf(element)
  if (children.length === 0) return textOf(element)
  try {
    return decodeXml(schema, children)
  } catch {
    return { "@xml": children.map(writeXml).join("") }
  }
}

/**
 * XML text of the members, in schema order, keys first.
 *
 * @param at the node whose members `data` holds; absent means the top of the datastore.
 * @throws QkdError `unknown-element` for a member the schema does not have.
 */
export function encodeXml(schema: Schema, data: JsonObject, at?: SchemaNode): string {
  return encodeMembers(schema, data, at ?? schema.root, undefined)
}

/** How a schema node is written, worked out once. */
interface Writing {
  /** Members in the order of writing: keys first. */
  readonly members: readonly (readonly [string, SchemaNode])[]
  /** `<name`, without and with its namespace. */
  readonly open: string
  readonly openWithNs: string
  readonly close: string
  /** The text of a value is its lexical form. */
  readonly isPlain: boolean
}

const writings = new WeakMap<SchemaNode, Writing>()

function writingOf(node: SchemaNode): Writing {
  const known = writings.get(node)
  if (known !== undefined) return known
  const keys = node.keys ?? []
  const all = [...node.members]
  const made: Writing = {
    members: [
      ...keys.flatMap((key) => all.filter(([name]) => name === key)),
      ...all.filter(([name]) => !keys.includes(name)),
    ],
    open: `<${node.name}`,
    openWithNs: `<${node.name} xmlns="${escapeAttr(node.namespace)}"`,
    close: `</${node.name}>`,
    isPlain: node.type !== undefined && isPlainText(node.type),
  }
  writings.set(node, made)
  return made
}

function encodeMembers(
  schema: Schema,
  data: JsonObject,
  node: SchemaNode,
  ns: string | undefined,
): string {
  let isTagged = false
  for (const name in data) {
    if (node.members.has(name)) continue
    if (!name.startsWith("@"))
      throw new QkdError("unknown-element", `unknown member ${name}`, {
        path: `${node.path}/${name}`,
      })
    isTagged = true
  }
  let out = ""
  for (const [name, child] of writingOf(node).members) {
    const value = data[name]
    if (value === undefined) continue
    if ((child.kind === "list" || child.kind === "leaf-list") && isArray(value))
      for (let i = 0; i < value.length; i++) {
        const tag = isTagged ? tagOf(data, name, i) : undefined
        out += encodeOne(schema, value[i] ?? null, child, ns, tag)
      }
    else out += encodeOne(schema, value, child, ns, isTagged ? tagOf(data, name) : undefined)
  }
  return out
}

function encodeOne(
  schema: Schema,
  value: JsonValue,
  node: SchemaNode,
  ns: string | undefined,
  tag?: JsonObject,
): string {
  const { open, openWithNs, close, isPlain } = writingOf(node)
  let head = node.namespace === ns ? open : openWithNs
  let inner: string
  if (isPlain && tag === undefined) inner = escapeText(lexicalOf(value))
  else if (node.type !== undefined) {
    const { text, prefixes } = xmlTextOf(schema, node.type, value, node.module)
    for (const [prefix, namespace] of prefixes)
      head += ` xmlns:${prefix}="${escapeAttr(namespace)}"`
    if (tag !== undefined) head += tagAttributes(schema, tag, prefixes)
    inner = escapeText(text)
  } else if (node.kind === "anydata" || node.kind === "anyxml") inner = encodeAny(schema, value)
  else {
    inner = isObject(value) ? encodeMembers(schema, value, node, node.namespace) : ""
    const own = isObject(value) ? value["@"] : undefined
    if (isObject(own)) head += tagAttributes(schema, own, NO_PREFIXES)
  }
  return inner === "" ? `${head}/>` : `${head}>${inner}${close}`
}

function encodeAny(schema: Schema, value: JsonValue): string {
  if (!isObject(value)) return escapeText(typeof value === "string" ? value : JSON.stringify(value))
  const raw = value["@xml"]
  return typeof raw === "string" ? raw : encodeXml(schema, value)
}
