// What a leafref's path points to in the schema (RFC 7950 section 9.9.2). Predicates play no part here.

import type { Node } from "./node.js"
import type { Step, XPathExpression, XPathNode } from "./xpath-ast.js"

/** The node at the end of the path seen from `leaf`; undefined when there is none. */
export function followLeafref(
  leaf: Node,
  expression: XPathExpression,
  root: Node,
): Node | undefined {
  const { ast } = expression
  if (ast.kind !== "path" || ast.start !== undefined) return undefined
  let at: Node | undefined = ast.absolute ? root : leaf
  for (const step of ast.steps) at = at === undefined ? undefined : take(at, step, expression)
  return at
}

function take(from: Node, step: Step, expression: XPathExpression): Node | undefined {
  const { axis, test } = step
  if (axis === "self" && test.kind === "node") return from
  if (axis === "parent" && test.kind === "node") return parentOf(from)
  if (axis !== "child" || test.kind !== "name") return undefined
  const module = test.prefix === undefined ? undefined : expression.prefixes.get(test.prefix)
  const wanted = module ?? expression.module
  return findChild(from, wanted, test.name)
}

/** Input and output stand for their operation: data has one node for both (RFC 7950 section 6.4.1). */
function parentOf(node: Node): Node | undefined {
  const isPart = node.kind === "input" || node.kind === "output"
  return isPart ? node.parent?.dataParent() : node.dataParent()
}

function findChild(from: Node, module: string, name: string): Node | undefined {
  for (const child of from.children.values()) {
    if (["choice", "case", "input", "output"].includes(child.kind)) {
      const found = findChild(child, module, name)
      if (found !== undefined) return found
    } else if (child.name === name && child.module === module) return child
  }
  return undefined
}

/** Is it a `path-arg` (RFC 7950 section 14): names and `..`, keys compared with `current()/..` alone? */
export function checkLeafrefPath(ast: XPathNode): boolean {
  return ast.kind === "path" && ast.start === undefined && isPlain(ast)
}

function isPlain(ast: Extract<XPathNode, { kind: "path" }>): boolean {
  if (ast.predicates.length > 0) return false
  let down = false
  for (const { axis, test, predicates } of ast.steps) {
    if (axis === "child" && test.kind === "name" && test.name !== "*") down = true
    else if (axis !== "parent" || test.kind !== "node" || down) return false
    if (!predicates.every((predicate) => down && isKeyTest(predicate))) return false
  }
  return down
}

function isCurrent(ast: XPathNode): boolean {
  return ast.kind === "call" && ast.name === "current"
}

/** `key = current()/../leaf` */
function isKeyTest(ast: XPathNode): boolean {
  if (ast.kind !== "binary" || ast.operator !== "=") return false
  const { left, right } = ast
  if (left.kind !== "path" || left.absolute || left.start !== undefined) return false
  const [key] = left.steps
  if (left.steps.length !== 1 || key?.axis !== "child" || key.test.kind !== "name") return false
  return (
    right.kind === "path" &&
    right.start !== undefined &&
    isCurrent(right.start) &&
    right.steps[0]?.axis === "parent" &&
    isPlain(right)
  )
}
