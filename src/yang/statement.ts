// A statement of YANG text, and the way to those inside it. Knows no meaning.

import type { QkdError } from "../errors.js"
import { syntaxFault } from "./tokens.js"

export interface Statement {
  /** `prefix:name` for extensions. */
  readonly keyword: string
  readonly argument?: string
  readonly sub: readonly Statement[]
  readonly line: number
  readonly file: string
}

/** The first substatement with that keyword. */
export function subOf(statement: Statement, keyword: string): Statement | undefined {
  return statement.sub.find((s) => s.keyword === keyword)
}

/** The argument of the first substatement with that keyword. */
export function argOf(statement: Statement, keyword: string): string | undefined {
  return subOf(statement, keyword)?.argument
}

/** All substatements with that keyword. */
export function subsOf(statement: Statement, keyword: string): Statement[] {
  return statement.sub.filter((s) => s.keyword === keyword)
}

/** A fault of meaning at a statement: `malformed-message` with `file:line`. */
export function statementFault(statement: Statement, what: string): QkdError {
  return syntaxFault(statement.file, statement.line, what)
}
