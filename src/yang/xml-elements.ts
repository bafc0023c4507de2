// Instance data as elements, for edits that are built here rather than read. The text form is xml.ts's.

import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import type { Schema, SchemaNode } from "./schema-types.js"
import { encodeXml } from "./xml.js"
import { parseXml, xmlElement } from "./xml-tree.js"
import type { XmlElement } from "./xml-tree.js"
import { xmlTextOf } from "./xml-values.js"

/** One leaf, leaf-list value, container, list entry or anydata as an element. */
export function elementOf(schema: Schema, node: SchemaNode, value: JsonValue): XmlElement {
  const { name, namespace } = node
  if (node.type !== undefined) {
    const { text, prefixes } = xmlTextOf(schema, node.type, value, node.module)
    return xmlElement(name, namespace, text === "" ? [] : [text], [], prefixes)
  }
  if (node.kind === "anydata" || node.kind === "anyxml") {
    let up = node.parent
    while (up?.kind === "choice" || up?.kind === "case") up = up.parent
    return parseXml(encodeXml(schema, { [node.member]: value }, up))
  }
  return xmlElement(name, namespace, isObject(value) ? elementsOf(schema, node, value) : [])
}

/** The members of an object, keys first. */
export function elementsOf(schema: Schema, node: SchemaNode, object: JsonObject): XmlElement[] {
  const elements = keyElements(schema, node, object)
  for (const name in object) {
    const child = node.members.get(name)
    const value = object[name]
    if (child === undefined || value === undefined || node.keys?.includes(name) === true) continue
    if ((child.kind === "list" || child.kind === "leaf-list") && isArray(value))
      for (const item of value) elements.push(elementOf(schema, child, item))
    else elements.push(elementOf(schema, child, value))
  }
  return elements
}

/** The keys of a list entry. */
export function keyElements(schema: Schema, node: SchemaNode, entry: JsonObject): XmlElement[] {
  const elements: XmlElement[] = []
  for (const key of node.keys ?? []) {
    const leaf = node.members.get(key)
    const value = entry[key]
    if (leaf !== undefined && value !== undefined) elements.push(elementOf(schema, leaf, value))
  }
  return elements
}
