// XPath expressions of YANG statements: parsed once per text, bound to the prefixes of where they stand.

import { QkdError } from "../errors.js"
import type { Unit } from "./module-set.js"
import { statementFault } from "./parse.js"
import type { Statement } from "./parse.js"
import type { XPathExpression, XPathNode } from "./xpath-ast.js"
import { parseXPath } from "./xpath-parse.js"

export class XPathSource {
  private readonly asts = new Map<string, XPathNode>()

  /**
   * @param module whose names need no prefix.
   * @throws QkdError at the statement for broken syntax or unknown prefixes.
   */
  expression(statement: Statement, unit: Unit, module: string): XPathExpression {
    const text = statement.argument ?? ""
    let ast = this.asts.get(text)
    if (ast === undefined) {
      try {
        ast = parseXPath(text)
      } catch (error) {
        if (error instanceof QkdError) throw statementFault(statement, error.message)
        throw error
      }
      this.asts.set(text, ast)
    }
    for (const prefix of prefixesOf(ast))
      if (!unit.prefixes.has(prefix))
        throw statementFault(statement, `unknown prefix ${prefix} in ${JSON.stringify(text)}`)
    return { text, ast, prefixes: unit.prefixNames, module }
  }
}

/** All prefixes in name tests. */
function* prefixesOf(node: XPathNode): Iterable<string> {
  switch (node.kind) {
    case "call":
      for (const arg of node.args) yield* prefixesOf(arg)
      break
    case "negate":
      yield* prefixesOf(node.operand)
      break
    case "binary":
      yield* prefixesOf(node.left)
      yield* prefixesOf(node.right)
      break
    case "path":
      if (node.start !== undefined) yield* prefixesOf(node.start)
      for (const predicate of node.predicates) yield* prefixesOf(predicate)
      for (const step of node.steps) {
        if (step.test.kind === "name" && step.test.prefix !== undefined) yield step.test.prefix
        for (const predicate of step.predicates) yield* prefixesOf(predicate)
      }
      break
    default:
  }
}
