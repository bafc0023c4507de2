// XPath expressions of YANG statements: parsed once per text, bound to the prefixes of where they stand.

import { QkdError } from "../errors.js"
import type { Unit } from "./module-set.js"
import { statementFault } from "./parse.js"
import type { Statement } from "./parse.js"
import type { XPathExpression, XPathNode } from "./xpath-ast.js"
import { isFunction } from "./xpath-functions.js"
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
    for (const { prefix, call } of namesIn(ast)) {
      if (prefix !== undefined && !unit.prefixes.has(prefix))
        throw statementFault(statement, `unknown prefix ${prefix} in ${JSON.stringify(text)}`)
      if (call !== undefined && !isFunction(call))
        throw statementFault(statement, `unknown function ${call} in ${JSON.stringify(text)}`)
    }
    return { text, ast, prefixes: unit.prefixNames, module }
  }
}

/** All prefixes of name tests and names of functions. */
function* namesIn(node: XPathNode): Iterable<{ readonly prefix?: string; readonly call?: string }> {
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
