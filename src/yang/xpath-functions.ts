// The functions of XPath 1.0 (section 4) and of YANG (RFC 7950 section 10). `last`, `position` and `current` are known
// by the evaluator, which alone knows where it is.

import { QkdError } from "../errors.js"
import type { DataNode } from "./data-node.js"
import type { Schema } from "./schema-types.js"
import { lexicalOf } from "./values.js"
import type { XPathExpression } from "./xpath-ast.js"
import {
  effectiveType,
  isNodeSet,
  resolveIdentity,
  stringOfNode,
  toBoolean,
  toNumber,
  toText,
} from "./xpath-values.js"
import type { XPathValue } from "./xpath-values.js"
import { compileXsdPattern } from "./xsd-regex.js"
import type { XsdPattern } from "./xsd-regex.js"

export interface CallContext {
  readonly schema: Schema
  readonly expression: XPathExpression
  /** The context node. */
  readonly node: DataNode
  /** What a leafref or instance-identifier leaf points to. */
  readonly deref: (node: DataNode) => readonly DataNode[]
}

type Call = (args: readonly XPathValue[], context: CallContext) => XPathValue

function fault(expression: XPathExpression, what: string): QkdError {
  return new QkdError("operation-failed", `XPath ${JSON.stringify(expression.text)}: ${what}`)
}

/** The text of an argument; the context node's when it is left out. */
function text(args: readonly XPathValue[], at: number, context: CallContext): string {
  const value = args[at]
  return value === undefined
    ? stringOfNode(context.node, context.expression)
    : toText(value, context.expression)
}

function nodes(
  args: readonly XPathValue[],
  context: CallContext,
  orSelf = false,
): readonly DataNode[] {
  const value = args[0]
  if (value === undefined && orSelf) return [context.node]
  if (value !== undefined && isNodeSet(value)) return value
  throw fault(context.expression, "a node set is wanted")
}

const patterns = new Map<string, XsdPattern>()
const MAX_PATTERNS = 500

function patternOf(source: string): XsdPattern {
  let found = patterns.get(source)
  if (found === undefined) {
    found = compileXsdPattern(source)
    if (patterns.size >= MAX_PATTERNS) patterns.clear()
    patterns.set(source, found)
  }
  return found
}

function derivedFrom(args: readonly XPathValue[], context: CallContext, orSelf: boolean): boolean {
  const { schema, expression } = context
  const wanted = resolveIdentity(text(args, 1, context), expression, schema)
  const base = wanted === undefined ? undefined : schema.identities.get(wanted)
  if (base === undefined) return false
  return nodes(args, context).some((node) => {
    if (effectiveType(node)?.base !== "identityref") return false
    const identity = schema.identities.get(lexicalOf(node.value))
    return identity !== undefined && (base.derived.has(identity) || (orSelf && identity === base))
  })
}

/** XPath's round: halves towards positive infinity. */
function round(value: number): number {
  return Number.isFinite(value) ? Math.floor(value + 0.5) : value
}

/** Section 4.2, in characters rather than UTF-16 units. */
function substring(value: string, from: number, length: number | undefined): string {
  const start = round(from)
  const end = length === undefined ? Infinity : start + round(length)
  if (Number.isNaN(start) || Number.isNaN(end)) return ""
  return Array.from(value)
    .filter((_, i) => i + 1 >= start && i + 1 < end)
    .join("")
}

function translate(value: string, from: string, to: string): string {
  const table = new Map<string, string>()
  const targets = Array.from(to)
  for (const [i, c] of Array.from(from).entries()) if (!table.has(c)) table.set(c, targets[i] ?? "")
  return Array.from(value, (c) => table.get(c) ?? c).join("")
}

/** Name, fewest and most arguments, meaning. */
const FUNCTIONS: Readonly<Record<string, readonly [number, number, Call]>> = {
  count: [1, 1, (a, c) => nodes(a, c).length],
  // No YANG data has IDs.
  id: [1, 1, () => []],
  "local-name": [0, 1, (a, c) => nodes(a, c, true)[0]?.node.name ?? ""],
  name: [
    0,
    1,
    (a, c) => {
      const node = nodes(a, c, true)[0]?.node
      return node === undefined || node.kind === "root" ? "" : `${node.module}:${node.name}`
    },
  ],
  "namespace-uri": [0, 1, (a, c) => nodes(a, c, true)[0]?.node.namespace ?? ""],
  string: [0, 1, (a, c) => text(a, 0, c)],
  concat: [2, Infinity, (a, c) => a.map((_, i) => text(a, i, c)).join("")],
  "starts-with": [2, 2, (a, c) => text(a, 0, c).startsWith(text(a, 1, c))],
  contains: [2, 2, (a, c) => text(a, 0, c).includes(text(a, 1, c))],
  "substring-before": [
    2,
    2,
    (a, c) => {
      const at = text(a, 0, c).indexOf(text(a, 1, c))
      return at < 0 ? "" : text(a, 0, c).slice(0, at)
    },
  ],
  "substring-after": [
    2,
    2,
    (a, c) => {
      const mark = text(a, 1, c)
      const at = text(a, 0, c).indexOf(mark)
      return at < 0 ? "" : text(a, 0, c).slice(at + mark.length)
    },
  ],
  substring: [
    2,
    3,
    (a, c) =>
      substring(
        text(a, 0, c),
        toNumber(a[1] ?? NaN, c.expression),
        a[2] === undefined ? undefined : toNumber(a[2], c.expression),
      ),
  ],
  "string-length": [0, 1, (a, c) => Array.from(text(a, 0, c)).length],
  "normalize-space": [0, 1, (a, c) => text(a, 0, c).trim().replace(/\s+/g, " ")],
  translate: [3, 3, (a, c) => translate(text(a, 0, c), text(a, 1, c), text(a, 2, c))],
  boolean: [1, 1, (a) => toBoolean(a[0] ?? false)],
  not: [1, 1, (a) => !toBoolean(a[0] ?? false)],
  true: [0, 0, () => true],
  false: [0, 0, () => false],
  lang: [1, 1, () => false],
  number: [0, 1, (a, c) => toNumber(a[0] ?? [c.node], c.expression)],
  sum: [1, 1, (a, c) => nodes(a, c).reduce((sum, n) => sum + toNumber([n], c.expression), 0)],
  floor: [1, 1, (a, c) => Math.floor(toNumber(a[0] ?? NaN, c.expression))],
  ceiling: [1, 1, (a, c) => Math.ceil(toNumber(a[0] ?? NaN, c.expression))],
  round: [1, 1, (a, c) => round(toNumber(a[0] ?? NaN, c.expression))],
  "re-match": [2, 2, (a, c) => patternOf(text(a, 1, c)).matches(text(a, 0, c))],
  deref: [1, 1, (a, c) => nodes(a, c).slice(0, 1).flatMap(c.deref)],
  "derived-from": [2, 2, (a, c) => derivedFrom(a, c, false)],
  "derived-from-or-self": [2, 2, (a, c) => derivedFrom(a, c, true)],
  "enum-value": [
    1,
    1,
    (a, c) => {
      const node = nodes(a, c)[0]
      const enums = node === undefined ? undefined : effectiveType(node)?.enums
      return node === undefined ? NaN : (enums?.get(lexicalOf(node.value)) ?? NaN)
    },
  ],
  "bit-is-set": [
    2,
    2,
    (a, c) => {
      const node = nodes(a, c)[0]
      if (node === undefined || effectiveType(node)?.base !== "bits") return false
      return lexicalOf(node.value)
        .split(" ")
        .includes(text(a, 1, c))
    },
  ],
}

/** @throws QkdError `operation-failed` for an unknown function or wrong arguments. */
export function callFunction(
  name: string,
  args: readonly XPathValue[],
  context: CallContext,
): XPathValue {
  const found = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
  if (found === undefined) throw fault(context.expression, `unknown function ${name}`)
  const [least, most, call] = found
  if (args.length < least || args.length > most)
    throw fault(context.expression, `wrong number of arguments for ${name}`)
  return call(args, context)
}

/** For the compiler: is there such a function? */
export function isFunction(name: string): boolean {
  return Object.hasOwn(FUNCTIONS, name) || ["last", "position", "current"].includes(name)
}

const BY_NODE: ReadonlySet<string> = new Set([
  ...["count", "local-name", "name", "namespace-uri", "boolean", "not", "deref"],
  ...["derived-from", "derived-from-or-self", "enum-value", "bit-is-set", "true", "false"],
])

/** Does a function look at the text of nodes, of which there may be much? */
export function readsText(name: string): boolean {
  return !BY_NODE.has(name)
}
