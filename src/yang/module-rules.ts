// Rules on modules as wholes: no circles of imports, versions that may meet, names defined once, extensions that exist
// (RFC 7950 sections 5.1, 6.2.1, 7.1.5, 7.1.6, 7.19, 12).

import type { Module, Unit } from "./module.js"
import { argOf, statementFault, subOf, subsOf } from "./statement.js"
import type { Statement } from "./statement.js"

/** @throws QkdError at an import that closes a circle. */
export function refuseCircles(modules: readonly Module[]): void {
  const done = new Set<Module>()
  const open = new Set<Module>()
  const visit = (module: Module): void => {
    if (done.has(module)) return
    open.add(module)
    for (const { statement, prefixes } of module.units)
      for (const imported of subsOf(statement, "import")) {
        const target = prefixes.get(argOf(imported, "prefix") ?? "")
        if (target === undefined) continue
        if (open.has(target))
          throw statementFault(imported, `modules import each other in a circle: ${target.name}`)
        visit(target)
      }
    open.delete(module)
    done.add(module)
  }
  modules.forEach(visit)
}

/** What an include may bring together: one version of YANG (section 12). */
export function checkInclude(include: Statement, module: Statement, submodule: Statement): void {
  const version = (statement: Statement): string => argOf(statement, "yang-version") ?? "1"
  if (version(module) !== version(submodule))
    throw statementFault(
      include,
      `${submodule.argument ?? ""} is YANG ${version(submodule)}, its module YANG ${version(module)}`,
    )
}

/** @throws QkdError for features and extensions that module and submodules define twice. */
export function refuseTwice(module: Module): void {
  for (const keyword of ["feature", "extension"]) {
    const seen = new Set<string>()
    for (const { statement } of module.units)
      for (const sub of subsOf(statement, keyword)) {
        const name = sub.argument ?? ""
        if (seen.has(name)) throw statementFault(sub, `${keyword} ${name} is defined twice`)
        seen.add(name)
      }
  }
}

/** @throws QkdError at the use of an extension nobody defines, or with an argument where it takes none. */
export function checkExtensions(unit: Unit): void {
  const visit = (statement: Statement): void => {
    for (const sub of statement.sub) {
      const colon = sub.keyword.indexOf(":")
      if (colon >= 0) check(sub, colon, unit)
      // What stands inside an extension is its own business.
      else visit(sub)
    }
  }
  visit(unit.statement)
}

function check(use: Statement, colon: number, unit: Unit): void {
  const module = unit.prefixes.get(use.keyword.slice(0, colon))
  if (module === undefined) throw statementFault(use, `unknown prefix in ${use.keyword}`)
  const name = use.keyword.slice(colon + 1)
  for (const { statement } of module.units)
    for (const extension of subsOf(statement, "extension")) {
      if (extension.argument !== name) continue
      const takes = subOf(extension, "argument") !== undefined
      if (takes !== (use.argument !== undefined))
        throw statementFault(use, `${use.keyword} ${takes ? "needs an" : "takes no"} argument`)
      return
    }
  throw statementFault(use, `unknown extension ${use.keyword}`)
}
