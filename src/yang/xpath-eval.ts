// Evaluates XPath expressions on instance data. Lists are entered by key where predicates name all keys, so a
// reference into a long list costs no walk.

import { QkdError } from "../errors.js"
import { parseInstanceId } from "./instance-id.js"
import { DataNode } from "./data-node.js"
import { distinct, siblings } from "./data-node-sets.js"
import { findEntry, keyOf } from "./list-index.js"
import { isArray } from "./json-text.js"
import type { JsonValue } from "./json-text.js"
import type { Schema, SchemaNode } from "./schema-types.js"
import { Misfit, lexicalOf, parseLexical } from "./values.js"
import { ANY_MODULE } from "./xpath-ast.js"
import type { Axis, NodeTest, Step, XPathExpression, XPathNode } from "./xpath-ast.js"
import { callFunction, readsText } from "./xpath-functions.js"
import {
  compareEqual,
  compareOrder,
  effectiveType,
  isNodeSet,
  resolveIdentity,
  toBoolean,
  toNumber,
  toText,
} from "./xpath-values.js"
import type { XPathValue } from "./xpath-values.js"

/** Steps taken so far against what one validation may take: a hostile expression ends, it does not hang. */
export interface Budget {
  left: number
}

interface Place {
  readonly node: DataNode
  readonly position: number
  readonly size: number
}

const REVERSE: ReadonlySet<Axis> = new Set([
  "ancestor",
  "ancestor-or-self",
  "preceding",
  "preceding-sibling",
])

export class XPathEvaluator {
  constructor(
    private readonly schema: Schema,
    private readonly expression: XPathExpression,
    private readonly current: DataNode,
    private readonly budget: Budget,
  ) {}

  /** The value of the whole expression at the current node. */
  value(): XPathValue {
    return this.evaluate(this.expression.ast, { node: this.current, position: 1, size: 1 })
  }

  spend(steps: number): void {
    this.budget.left -= steps
    if (this.budget.left < 0)
      throw new QkdError(
        "resource-denied",
        `XPath ${JSON.stringify(this.expression.text)} takes too long`,
      )
  }

  private evaluate(ast: XPathNode, at: Place): XPathValue {
    this.spend(1)
    switch (ast.kind) {
      case "number":
      case "string":
        return ast.value
      case "variable":
        throw new QkdError("operation-failed", `XPath variable $${ast.name} is not known`)
      case "negate":
        return -toNumber(this.evaluate(ast.operand, at), this.expression)
      case "binary":
        return this.binary(ast, at)
      case "call":
        return this.call(ast, at)
      case "path":
        return this.path(ast, at)
    }
  }

  private call(ast: Extract<XPathNode, { kind: "call" }>, at: Place): XPathValue {
    if (ast.args.length === 0) {
      if (ast.name === "current") return [this.current]
      if (ast.name === "position") return at.position
      if (ast.name === "last") return at.size
    }
    const args = ast.args.map((arg) => this.evaluate(arg, at))
    if (readsText(ast.name)) this.weigh(...(args.length === 0 ? [[at.node]] : args))
    if (ast.name === "re-match") {
      const [text = "", pattern = ""] = args.map((arg) => toText(arg, this.expression))
      this.spend(1 + (text.length * pattern.length) / 8)
    }
    return callFunction(ast.name, args, {
      schema: this.schema,
      expression: this.expression,
      node: at.node,
      deref: (node) => dereference(this.schema, node, this.budget),
    })
  }

  /** Pay for turning nodes into text or numbers, and for comparing each with each. */
  private weigh(...values: readonly XPathValue[]): void {
    let pairs = 1
    for (const value of values) {
      if (!isNodeSet(value)) continue
      pairs *= Math.max(1, value.length)
      for (const node of value)
        if (!node.isLeaf) for (const below of node.descendants()) this.spend(below.isLeaf ? 1 : 2)
    }
    this.spend(pairs)
  }

  private binary(ast: Extract<XPathNode, { kind: "binary" }>, at: Place): XPathValue {
    const { operator, left, right } = ast
    if (operator === "or")
      return toBoolean(this.evaluate(left, at)) || toBoolean(this.evaluate(right, at))
    if (operator === "and")
      return toBoolean(this.evaluate(left, at)) && toBoolean(this.evaluate(right, at))
    const a = this.evaluate(left, at)
    const b = this.evaluate(right, at)
    if (operator !== "|") this.weigh(a, b)
    const { expression } = this
    switch (operator) {
      case "|":
        if (!isNodeSet(a) || !isNodeSet(b))
          throw new QkdError("operation-failed", "XPath: | joins node sets only")
        return distinct([...a, ...b])
      case "=":
        return compareEqual(a, b, false, expression, this.schema)
      case "!=":
        return compareEqual(a, b, true, expression, this.schema)
      case "<":
      case "<=":
      case ">":
      case ">=":
        return compareOrder(a, b, operator, expression)
      case "+":
        return toNumber(a, expression) + toNumber(b, expression)
      case "-":
        return toNumber(a, expression) - toNumber(b, expression)
      case "*":
        return toNumber(a, expression) * toNumber(b, expression)
      case "div":
        return toNumber(a, expression) / toNumber(b, expression)
      case "mod":
        return toNumber(a, expression) % toNumber(b, expression)
    }
  }

  private path(ast: Extract<XPathNode, { kind: "path" }>, at: Place): XPathValue {
    let nodes: readonly DataNode[]
    if (ast.start !== undefined) {
      const start = this.evaluate(ast.start, at)
      if (!isNodeSet(start))
        throw new QkdError("operation-failed", "XPath: only a node set has predicates and steps")
      nodes = this.filter(start, ast.predicates)
    } else nodes = [ast.absolute ? at.node.top() : at.node]
    for (const step of ast.steps) {
      if (nodes.length === 0) return nodes
      nodes = this.step(nodes, step)
    }
    return nodes
  }

  private step(from: readonly DataNode[], step: Step): readonly DataNode[] {
    if (step.axis === "child") {
      if (from.length === 1 && from[0] !== undefined) return this.children(from[0], step)
      return from.flatMap((node) => this.children(node, step))
    }
    const found = from.flatMap((node) => {
      const candidates = this.along(node, step.axis).filter((n) => this.passes(n, step.test))
      return this.filter(candidates, step.predicates)
    })
    // Several starting points may meet on these axes.
    const ordered = REVERSE.has(step.axis) ? found.reverse() : found
    return from.length > 1 || REVERSE.has(step.axis) ? distinct(ordered) : ordered
  }

  private children(node: DataNode, step: Step): readonly DataNode[] {
    const { test } = step
    if (test.kind === "name" && test.name !== "*") {
      const module = this.moduleOf(test)
      if (module === ANY_MODULE) {
        const named = [...node.childSchemas()].filter((child) => child.name === test.name)
        this.spend(named.length)
        return named.flatMap((child) => this.instances(node, child, step))
      }
      const child = node.childSchema(module, test.name)
      return child === undefined ? [] : this.instances(node, child, step)
    }
    const all = [...node.children()]
    this.spend(all.length)
    return this.filter(
      all.filter((n) => this.passes(n, test)),
      step.predicates,
    )
  }

  /** The instances of one child that a step selects. */
  private instances(node: DataNode, child: SchemaNode, step: Step): readonly DataNode[] {
    const direct = this.byKey(node, child, step)
    if (direct !== undefined) return direct
    const found = node.childrenOf(child)
    this.spend(found.length)
    return this.filter(found, step.predicates)
  }

  /** The module a name test wants; `""` matches none, `ANY_MODULE` all. */
  private moduleOf(test: Extract<NodeTest, { kind: "name" }>): string {
    if (test.prefix === undefined) return this.expression.module
    return this.expression.prefixes.get(test.prefix) ?? ""
  }

  private passes(node: DataNode, test: NodeTest): boolean {
    this.spend(1)
    if (test.kind === "node") return true
    if (test.kind === "text") return node.isLeaf
    if (test.kind === "none" || node.node.kind === "root") return false
    if (test.name === "*")
      return test.prefix === undefined || node.node.module === this.moduleOf(test)
    return node.node.name === test.name && this.fits(test, node.node)
  }

  private fits(test: Extract<NodeTest, { kind: "name" }>, node: SchemaNode): boolean {
    const module = this.moduleOf(test)
    return module === node.module || module === ANY_MODULE
  }

  private filter(
    nodes: readonly DataNode[],
    predicates: readonly XPathNode[],
  ): readonly DataNode[] {
    let left = nodes
    for (const predicate of predicates) {
      const size = left.length
      left = left.filter((node, i) => {
        const value = this.evaluate(predicate, { node, position: i + 1, size })
        return typeof value === "number" ? value === i + 1 : toBoolean(value)
      })
    }
    return left
  }

  /** `list[key = value]...` with every key given from outside the list; undefined when it is not that. */
  private byKey(parent: DataNode, child: SchemaNode, step: Step): DataNode[] | undefined {
    const keys = child.keys
    if (keys === undefined || keys.length === 0 || step.predicates.length !== keys.length)
      return undefined
    const object = parent.value
    const list =
      typeof object === "object" && object !== null && !isArray(object)
        ? object[child.member]
        : undefined
    if (!isArray(list) || list.length < 8) return undefined
    const entry: Record<string, JsonValue> = {}
    for (const predicate of step.predicates) {
      if (predicate.kind !== "binary" || predicate.operator !== "=") return undefined
      const test = keyNamed(predicate.left)
      const name = test?.name
      if (test === undefined || !this.fits(test, child)) return undefined
      const leaf = name === undefined ? undefined : child.members.get(name)
      if (name === undefined || leaf?.type === undefined || !keys.includes(name)) return undefined
      if (!isIndependent(predicate.right)) return undefined
      const wanted = this.evaluate(predicate.right, { node: this.current, position: 1, size: 1 })
      const { expression, schema } = this
      if (isNodeSet(wanted) && wanted.length !== 1) return undefined
      if (effectiveTypeBase(leaf) === "identityref" && schema.whenProfile === "lenient")
        return undefined
      const text =
        isNodeSet(wanted) && wanted[0] !== undefined
          ? lexicalOf(wanted[0].value)
          : toText(wanted, expression)
      const value = parseLexical(leaf.type, text, (prefix) =>
        isNodeSet(wanted)
          ? prefix
          : resolveIdentity(`${prefix}:`, expression, schema)?.replace(/:$/, ""),
      )
      if (value instanceof Misfit) return []
      if (lexicalOf(value) !== text) return undefined
      entry[name] = value
    }
    if (Object.keys(entry).length !== keys.length) return undefined
    const at = findEntry(child, list, keyOf(child, entry))
    const found = list[at]
    return found === undefined ? [] : [new DataNode(parent.trees, parent, child, found, at + 1)]
  }

  private along(node: DataNode, axis: Axis): readonly DataNode[] {
    switch (axis) {
      case "self":
        return [node]
      case "parent":
        return node.up === undefined ? [] : [node.up]
      case "child":
        return [...node.children()]
      case "ancestor":
      case "ancestor-or-self": {
        const found = axis === "ancestor" ? [] : [node]
        for (let up = node.up; up !== undefined; up = up.up) found.push(up)
        return found
      }
      case "descendant":
        return [...this.counted(node.descendants())]
      case "descendant-or-self":
        return [node, ...this.counted(node.descendants())]
      case "following-sibling":
        return siblings(node, true, this)
      case "preceding-sibling":
        return siblings(node, false, this)
      case "following":
      case "preceding": {
        const found: DataNode[] = []
        for (let at: DataNode | undefined = node; at !== undefined; at = at.up)
          for (const sibling of siblings(at, axis === "following", this))
            found.push(...this.counted([sibling, ...sibling.descendants()]))
        return found
      }
      case "attribute":
      case "namespace":
        return []
    }
  }

  private *counted(nodes: Iterable<DataNode>): Iterable<DataNode> {
    for (const node of nodes) {
      this.spend(1)
      yield node
    }
  }
}

function effectiveTypeBase(leaf: SchemaNode): string | undefined {
  let type = leaf.type
  while (type?.base === "leafref") type = type.target?.type
  return type?.base
}

/** The key a predicate's left side names: a lone child step. */
function keyNamed(ast: XPathNode): Extract<NodeTest, { kind: "name" }> | undefined {
  if (ast.kind !== "path" || ast.absolute || ast.start !== undefined || ast.steps.length !== 1)
    return undefined
  const step = ast.steps[0]
  if (step?.axis !== "child" || step.test.kind !== "name" || step.predicates.length > 0)
    return undefined
  return step.test
}

/** True if the value does not depend on the node the predicate is tried on. */
function isIndependent(ast: XPathNode): boolean {
  if (ast.kind === "string" || ast.kind === "number") return true
  if (ast.kind === "call") return ast.name === "current" && ast.args.length === 0
  return (
    ast.kind === "path" && (ast.absolute || (ast.start !== undefined && isIndependent(ast.start)))
  )
}

/** What a leafref or instance-identifier leaf points to; empty when it is neither or points to nothing. */
export function dereference(schema: Schema, node: DataNode, budget: Budget): readonly DataNode[] {
  let type = node.node.type
  if (type?.base === "union")
    type = type.members?.find((m) => m.base === "leafref" || m.base === "instance-identifier")
  if (type?.base === "leafref" && type.path !== undefined) {
    const found = new XPathEvaluator(schema, type.path, node, budget).value()
    const value = lexicalOf(node.value)
    return isNodeSet(found) ? found.filter((n) => lexicalOf(n.value) === value) : []
  }
  if (effectiveType(node)?.base === "instance-identifier") {
    const found = followInstanceId(node.top(), lexicalOf(node.value))
    return found === undefined ? [] : [found]
  }
  return []
}

/** The node at a canonical RFC 7951 instance path. */
export function followInstanceId(root: DataNode, text: string): DataNode | undefined {
  const steps = parseInstanceId(text, (name) => (name === "" ? undefined : name))
  let at: DataNode | undefined = steps === undefined ? undefined : root
  for (const step of steps ?? []) {
    const child: SchemaNode | undefined = at?.childSchema(step.module, step.name)
    if (at === undefined || child === undefined) return undefined
    at = at.childrenOf(child).find((candidate) =>
      step.predicates.every((p) => {
        if (p.key === undefined) return candidate.position === Number(p.value)
        if (p.key === ".") return lexicalOf(candidate.value) === p.value
        const key = candidate.childSchema(p.keyModule ?? step.module, p.key)
        const leaf = key === undefined ? undefined : candidate.childrenOf(key)[0]
        return leaf !== undefined && lexicalOf(leaf.value) === p.value
      }),
    )
  }
  return at
}
