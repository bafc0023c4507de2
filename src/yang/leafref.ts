// What a leafref's path points to in the schema (RFC 7950 section 9.9.2). Predicates play no part here.

import type { Node } from "./node.js"
import type { Step, XPathExpression, XPathNode } from "./xpath-ast.js"

/** The node at the end of the path seen from `leaf`; undefined when there is none. */
export function followLeafref(
  leaf: Node,
  expression: XPathExpression,
  root: Node,
): Node | undefined {
  const follow = (ast: XPathNode, from: Node): Node | undefined => {
    if (ast.kind === "call") {
      const argument = ast.args[0]
      if (ast.name === "current") return leaf
      if (ast.name !== "deref" || argument === undefined) return undefined
      const reference = follow(ast.args[0] ?? ast, from)
      return reference?.type?.path === undefined
        ? undefined
        : followLeafref(reference, reference.type.path, root)
    }
    if (ast.kind !== "path") return undefined
    const start = ast.start === undefined ? (ast.absolute ? root : from) : follow(ast.start, from)
    let at = start
    for (const step of ast.steps) at = at === undefined ? undefined : take(at, step, expression)
    return at
  }
  return follow(expression.ast, leaf)
}

function take(from: Node, step: Step, expression: XPathExpression): Node | undefined {
  const { axis, test } = step
  if (axis === "self" && test.kind === "node") return from
  if (axis === "parent" && test.kind === "node") return from.dataParent()
  if (axis !== "child" || test.kind !== "name") return undefined
  const module = test.prefix === undefined ? undefined : expression.prefixes.get(test.prefix)
  const wanted = module ?? expression.module
  return findChild(from, wanted, test.name)
}

function findChild(from: Node, module: string, name: string): Node | undefined {
  for (const child of from.children.values()) {
    if (child.kind === "choice" || child.kind === "case") {
      const found = findChild(child, module, name)
      if (found !== undefined) return found
    } else if (child.name === name && child.module === module) return child
  }
  return undefined
}
