// XPath expressions of YANG statements: parsed once per text, bound to the prefixes of where they stand.

import { QkdError } from "../errors.js"
import type { Unit } from "./module.js"
import { statementFault } from "./statement.js"
import type { Statement } from "./statement.js"
import type { XPathExpression, XPathNode } from "./xpath-ast.js"
import { isFunction } from "./xpath-functions.js"
import { namesIn } from "./xpath-names.js"
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
