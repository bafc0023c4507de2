// XPath 1.0 values: conversions and comparisons (sections 3.4 and 4), with YANG's rules for identities.

import type { DataNode } from "./data-node.js"
import type { Schema } from "./schema-types.js"
import { checkValue, lexicalOf, Misfit } from "./values.js"
import type { ResolvedType } from "./schema-types.js"
import type { XPathExpression } from "./xpath-ast.js"

export type XPathValue = string | number | boolean | readonly DataNode[]

export function isNodeSet(value: XPathValue): value is readonly DataNode[] {
  return typeof value === "object"
}

/** The type a leaf's value is of: through leafrefs, and the member a union's value fits. */
export function effectiveType(node: DataNode): ResolvedType | undefined {
  let type = node.node.type
  for (let i = 0; i < 16 && type !== undefined; i++) {
    if (type.base === "leafref") type = type.target?.type
    else if (type.base === "union") {
      const { value } = node
      const { module } = node.node
      type = type.members?.find((m) => !(checkValue(m, value, module) instanceof Misfit))
    } else return type
  }
  return type
}

/** XPath's string of a node. An identity carries the prefix the expression knows its module by (RFC 7950 9.10.3). */
export function stringOfNode(node: DataNode, expression: XPathExpression): string {
  if (!node.isLeaf) {
    let text = ""
    for (const below of node.descendants())
      if (below.isLeaf) text += stringOfNode(below, expression)
    return text
  }
  const text = lexicalOf(node.value)
  if (effectiveType(node)?.base !== "identityref") return text
  const colon = text.indexOf(":")
  const module = text.slice(0, colon)
  for (const [prefix, name] of expression.prefixes)
    if (name === module) return `${prefix}${text.slice(colon)}`
  return text
}

export function toText(value: XPathValue, expression: XPathExpression): string {
  if (typeof value === "string") return value
  if (typeof value === "boolean") return value ? "true" : "false"
  if (typeof value === "number") return numberText(value)
  const first = value[0]
  return first === undefined ? "" : stringOfNode(first, expression)
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN"
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity"
  if (Object.is(value, -0)) return "0"
  const text = value.toString()
  if (!text.includes("e")) return text
  // No exponents in XPath 1.0.
  return BigInt(Math.trunc(value)).toString() === "0"
    ? value.toFixed(20).replace(/0+$/, "")
    : BigInt(Math.trunc(value)).toString()
}

export function toNumber(value: XPathValue, expression: XPathExpression): number {
  if (typeof value === "number") return value
  if (typeof value === "boolean") return value ? 1 : 0
  const text = toText(value, expression).trim()
  return /^-?(\d+(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : NaN
}

export function toBoolean(value: XPathValue): boolean {
  if (typeof value === "boolean") return value
  if (typeof value === "number") return value !== 0 && !Number.isNaN(value)
  return value.length > 0
}

/** The identity a name in an expression means, as `module:name`; undefined when its prefix is unknown. */
export function resolveIdentity(
  name: string,
  expression: XPathExpression,
  schema: Schema,
): string | undefined {
  const colon = name.indexOf(":")
  if (colon < 0) return `${expression.module}:${name}`
  const prefix = name.slice(0, colon)
  const module = expression.prefixes.get(prefix) ?? schema.moduleByName(prefix)?.name
  return module === undefined ? undefined : `${module}${name.slice(colon)}`
}

/** Does a leaf's text equal a written one? */
function nodeEqualsText(
  node: DataNode,
  text: string,
  expression: XPathExpression,
  schema: Schema,
): boolean {
  if (effectiveType(node)?.base !== "identityref") return stringOfNode(node, expression) === text
  const value = lexicalOf(node.value)
  const colon = text.indexOf(":")
  if (colon >= 0 && resolveIdentity(text, expression, schema) === value) return true
  if (schema.whenProfile === "strict") return false
  // RFC 6020 leaves an identity's string value open, and modules in the field rely on it:
  // docs/decisions/0001-when-conditions-of-015.md.
  if (colon < 0) return value.endsWith(`:${text}`)
  const module = schema.moduleByName(value.slice(0, value.indexOf(":")))
  return module !== undefined && text === `${module.prefix}${value.slice(value.indexOf(":"))}`
}

export function compareEqual(
  left: XPathValue,
  right: XPathValue,
  negated: boolean,
  expression: XPathExpression,
  schema: Schema,
): boolean {
  if (isNodeSet(left) && isNodeSet(right)) return equalSets(left, right, negated, expression)
  if (isNodeSet(right)) return compareEqual(right, left, negated, expression, schema)
  if (isNodeSet(left)) {
    if (typeof right === "boolean") return (toBoolean(left) === right) !== negated
    if (typeof right === "number")
      return left.some((node) => (toNumber([node], expression) === right) !== negated)
    return left.some((node) => nodeEqualsText(node, right, expression, schema) !== negated)
  }
  let equal: boolean
  if (typeof left === "boolean" || typeof right === "boolean")
    equal = toBoolean(left) === toBoolean(right)
  else if (typeof left === "number" || typeof right === "number")
    equal = toNumber(left, expression) === toNumber(right, expression)
  else equal = left === right
  return equal !== negated
}

/** True if some pair is equal (or differs): compared in the form all expressions share, `module:name` for identities. */
function equalSets(
  left: readonly DataNode[],
  right: readonly DataNode[],
  negated: boolean,
  expression: XPathExpression,
): boolean {
  const text = (node: DataNode): string =>
    node.isLeaf ? lexicalOf(node.value) : stringOfNode(node, expression)
  const rights = new Set(right.map(text))
  if (!negated) return left.some((node) => rights.has(text(node)))
  if (rights.size === 0) return false
  return left.some((node) => rights.size > 1 || !rights.has(text(node)))
}

export function compareOrder(
  left: XPathValue,
  right: XPathValue,
  operator: "<" | "<=" | ">" | ">=",
  expression: XPathExpression,
): boolean {
  const holds = (a: number, b: number): boolean => {
    switch (operator) {
      case "<":
        return a < b
      case "<=":
        return a <= b
      case ">":
        return a > b
      case ">=":
        return a >= b
    }
  }
  // A set against a boolean is one boolean (section 3.4).
  const numbers = (value: XPathValue, other: XPathValue): number[] =>
    isNodeSet(value) && typeof other !== "boolean"
      ? value.map((node) => toNumber([node], expression))
      : [isNodeSet(value) ? Number(toBoolean(value)) : toNumber(value, expression)]
  const rights = numbers(right, left)
  return numbers(left, right).some((a) => rights.some((b) => holds(a, b)))
}
