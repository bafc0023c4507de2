// YANG text to a tree of statements. Knows the syntax, not the meaning.

import { QkdError } from "../errors.js"

export interface Statement {
  /** `prefix:name` for extensions. */
  readonly keyword: string
  readonly argument?: string
  readonly sub: readonly Statement[]
  readonly line: number
  readonly file: string
}

/** @throws QkdError `malformed-message` with file and line. */
export function parseYang(_text: string, file: string): Statement {
  throw new QkdError("operation-not-supported", `${file}: under construction`)
}
