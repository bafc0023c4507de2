// if-feature expressions (RFC 7950 section 7.20.2).

import type { Module, Unit } from "./module.js"
import { statementFault, subsOf } from "./statement.js"
import type { Statement } from "./statement.js"

type Holds = (module: Module, feature: string) => boolean

/** True if every if-feature of the statement holds. */
export function ifFeaturesHold(
  statement: Statement,
  unit: Unit,
  holds: Holds = (module, feature) => module.features.has(feature),
): boolean {
  return subsOf(statement, "if-feature").every((s) => evaluate(s, unit, holds))
}

function evaluate(statement: Statement, unit: Unit, holds: Holds): boolean {
  const tokens = (statement.argument ?? "").match(/[()]|[^\s()]+/g) ?? []
  let at = 0
  const feature = (name: string): boolean => {
    const colon = name.indexOf(":")
    const local = name.slice(colon + 1)
    const module = colon < 0 ? unit.module : unit.prefixes.get(name.slice(0, colon))
    if (module === undefined) throw statementFault(statement, `unknown prefix in ${name}`)
    const declared = module.units.some((u) =>
      subsOf(u.statement, "feature").some((f) => f.argument === local),
    )
    if (!declared) throw statementFault(statement, `unknown feature ${name}`)
    return holds(module, local)
  }
  const factor = (): boolean => {
    const token = tokens[at++]
    if (token === undefined || token === ")" || token === "and" || token === "or")
      throw statementFault(statement, "broken if-feature expression")
    if (token === "not") return !factor()
    if (token !== "(") return feature(token)
    const inner = expression()
    if (tokens[at++] !== ")") throw statementFault(statement, "missing ) in if-feature")
    return inner
  }
  const term = (): boolean => {
    let result = factor()
    while (tokens[at] === "and") {
      at += 1
      const right = factor()
      result = result && right
    }
    return result
  }
  const expression = (): boolean => {
    let result = term()
    while (tokens[at] === "or") {
      at += 1
      const right = term()
      result = result || right
    }
    return result
  }
  const result = expression()
  if (at < tokens.length) throw statementFault(statement, "broken if-feature expression")
  return result
}
