// YANG text to a tree of statements, checked against the statement grammar. Knows no meaning.

import { QkdError } from "../errors.js"
import { checkGrammar } from "./grammar.js"
import type { Statement } from "./statement.js"
import { YangTokens, syntaxFault } from "./tokens.js"
import type { Token } from "./tokens.js"

const MAX_DEPTH = 200

/**
 * Parse one module or submodule.
 *
 * @param file name for messages and `Statement.file`.
 * @throws QkdError `malformed-message` with `file:line`.
 */
export function parseYang(text: string, file: string): Statement {
  const tokens = new YangTokens(text, file)

  const statement = (first: Token, depth: number): Statement => {
    if (first.kind !== "string" || first.quoted)
      throw syntaxFault(file, first.line, "expected a statement")
    if (!/^[A-Za-z_][\w.-]*(:[A-Za-z_][\w.-]*)?$/.test(first.text))
      throw syntaxFault(file, first.line, `${JSON.stringify(first.text)} is not a keyword`)
    if (depth > MAX_DEPTH) throw new QkdError("too-big", `${file}:${first.line}: nested too deep`)
    let token = tokens.next()
    let argument: string | undefined
    if (token.kind === "string") {
      argument = token.text
      token = tokens.next()
    }
    const sub: Statement[] = []
    if (token.kind === "{") {
      for (token = tokens.next(); token.kind !== "}"; token = tokens.next()) {
        if (token.kind === "end")
          throw syntaxFault(file, first.line, `${first.text} has no closing brace`)
        sub.push(statement(token, depth + 1))
      }
    } else if (token.kind !== ";") {
      throw syntaxFault(file, token.line, `expected ; or { after ${first.text}`)
    }
    return {
      keyword: first.text,
      ...(argument === undefined ? {} : { argument }),
      sub,
      line: first.line,
      file,
    }
  }

  const root = statement(tokens.next(), 0)
  const after = tokens.next()
  if (after.kind !== "end") throw syntaxFault(file, after.line, "text after the module")
  if (root.keyword !== "module" && root.keyword !== "submodule")
    throw syntaxFault(file, root.line, "expected module or submodule")
  const version = root.sub.find((s) => s.keyword === "yang-version")?.argument
  if (version === "1.1") tokens.checkVersion11()
  checkGrammar(root, version === "1.1")
  return root
}
