// The names an XPath expression is made of, for those who must know them all beforehand.

import type { XPathNode } from "./xpath-ast.js"

/** All prefixes of name tests and names of functions. */
export function* namesIn(
  node: XPathNode,
): Iterable<{ readonly prefix?: string; readonly call?: string }> {
  switch (node.kind) {
    case "call":
      yield { call: node.name }
      for (const arg of node.args) yield* namesIn(arg)
      break
    case "negate":
      yield* namesIn(node.operand)
      break
    case "binary":
      yield* namesIn(node.left)
      yield* namesIn(node.right)
      break
    case "path":
      if (node.start !== undefined) yield* namesIn(node.start)
      for (const predicate of node.predicates) yield* namesIn(predicate)
      for (const { test, predicates } of node.steps) {
        if (test.kind === "name" && test.prefix !== undefined) yield { prefix: test.prefix }
        for (const predicate of predicates) yield* namesIn(predicate)
      }
      break
    default:
  }
}
