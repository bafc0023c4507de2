// Leaf values between XML and RFC 7951 form: where prefixes come in and go out. One leaf at a time.

import { parseInstanceId, quoteValue } from "./instance-id.js"
import type { JsonValue } from "./json-text.js"
import type { ResolvedType, Schema, SchemaNode } from "./schema-types.js"
import { Misfit, checkValue, lexicalOf, parseLexical } from "./values.js"
import { textOf } from "./xml-tree.js"
import { renamePrefixes } from "./xpath-prefixes.js"
import type { XmlElement } from "./xml-tree.js"

/** The value an element's text is, with the prefixes in scope there. */
export function valueOf(schema: Schema, node: SchemaNode, element: XmlElement): JsonValue | Misfit {
  if (node.type === undefined) return new Misfit("has no type")
  if (element.children.some((child) => typeof child !== "string"))
    return new Misfit("holds elements, where a value is wanted")
  return parseLexical(node.type, textOf(element), (prefix) => {
    const ns = element.prefixes.get(prefix) ?? (prefix === "" ? element.ns : undefined)
    return ns === undefined ? undefined : schema.moduleByNamespace(ns)?.name
  })
}

export interface XmlText {
  readonly text: string
  /** Prefix to namespace the text needs. */
  readonly prefixes: ReadonlyMap<string, string>
}

const NONE: ReadonlyMap<string, string> = new Map()

/** Whether values of a type are written as they are, whatever the value. */
export function isPlainText(type: ResolvedType): boolean {
  if (type.base === "leafref")
    return type.target?.type === undefined || isPlainText(type.target.type)
  if (type.base === "union") return type.members?.every(isPlainText) === true
  if (type.base === "string") return type.xpath !== true
  return type.base !== "identityref" && type.base !== "instance-identifier"
}

/** A canonical value as XML text. */
export function xmlTextOf(
  schema: Schema,
  type: ResolvedType,
  value: JsonValue,
  module: string,
): XmlText {
  switch (type.base) {
    case "leafref":
      return type.target?.type === undefined
        ? { text: lexicalOf(value), prefixes: NONE }
        : xmlTextOf(schema, type.target.type, value, module)
    case "union": {
      const member = type.members?.find((m) => !(checkValue(m, value, module) instanceof Misfit))
      return member === undefined
        ? { text: lexicalOf(value), prefixes: NONE }
        : xmlTextOf(schema, member, value, module)
    }
    case "identityref":
      return identityText(schema, lexicalOf(value))
    case "instance-identifier":
      return instanceText(schema, lexicalOf(value))
    case "string":
      return type.xpath === true
        ? xpathText(schema, lexicalOf(value))
        : { text: lexicalOf(value), prefixes: NONE }
    default:
      return { text: lexicalOf(value), prefixes: NONE }
  }
}

function identityText(schema: Schema, value: string): XmlText {
  const colon = value.indexOf(":")
  const module = schema.moduleByName(value.slice(0, colon))
  if (module === undefined) return { text: value, prefixes: NONE }
  return {
    text: `${module.prefix}:${value.slice(colon + 1)}`,
    prefixes: new Map([[module.prefix, module.namespace]]),
  }
}

/** Module names may stand as prefixes: no two modules share one. */
function xpathText(schema: Schema, value: string): XmlText {
  const prefixes = new Map<string, string>()
  const text = renamePrefixes(value, (name) => {
    const module = schema.moduleByName(name)
    if (module !== undefined) prefixes.set(name, module.namespace)
    return undefined
  })
  return { text, prefixes }
}

/** In XML every step carries a prefix (RFC 7950 9.13.2). */
function instanceText(schema: Schema, value: string): XmlText {
  const steps = parseInstanceId(value, (name) => (name === "" ? undefined : name))
  if (steps === undefined) return { text: value, prefixes: NONE }
  const prefixes = new Map<string, string>()
  const named = (moduleName: string, name: string): string => {
    const module = schema.moduleByName(moduleName)
    if (module === undefined) return name
    let prefix = module.prefix
    // Two modules may have chosen the same prefix.
    while (prefixes.has(prefix) && prefixes.get(prefix) !== module.namespace) prefix += "_"
    prefixes.set(prefix, module.namespace)
    return `${prefix}:${name}`
  }
  const text = steps
    .map((step) => {
      const predicates = step.predicates.map((p) => {
        if (p.key === undefined) return `[${p.value}]`
        const key = p.key === "." ? "." : named(p.keyModule ?? step.module, p.key)
        return `[${key}=${quoteValue(p.value)}]`
      })
      return `/${named(step.module, step.name)}${predicates.join("")}`
    })
    .join("")
  return { text, prefixes }
}
