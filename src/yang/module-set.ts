// The modules and submodules of one schema: who imports whom, which prefixes mean what, which features are in force.
// Knows nothing of nodes and types.

import { QkdError } from "../errors.js"
import { ifFeaturesHold } from "./if-feature.js"
import { checkExtensions, checkInclude, refuseCircles, refuseTwice } from "./module-rules.js"
import { latestRevision, Module, Scope } from "./module.js"
import type { Source, Unit } from "./module.js"
import { parseYang } from "./parse.js"
import { argOf, statementFault, subsOf } from "./statement.js"
import type { Statement } from "./statement.js"

export interface ModuleSetOptions {
  readonly implement?: readonly string[]
  readonly implementReferenced?: boolean
  readonly features?: Readonly<Record<string, readonly string[]>>
}

export class ModuleSet {
  /** All revisions of a module, newest first. */
  private readonly byName = new Map<string, Module[]>()
  readonly modules: Module[] = []

  constructor(
    sources: readonly { readonly name: string; readonly text: string }[],
    private readonly options: ModuleSetOptions,
  ) {
    const parsed = sources.map(({ name, text }) => ({
      text,
      statement: parseYang(text, name.endsWith(".yang") ? name : `${name}.yang`),
    }))
    const submodules = parsed.filter((p) => p.statement.keyword === "submodule")
    for (const { statement, text } of parsed) {
      if (statement.keyword === "submodule") continue
      const module = new Module(statement, text, this.included(statement, submodules))
      const same = this.byName.get(module.name) ?? []
      if (same.some((m) => m.revision === module.revision))
        throw statementFault(statement, `module ${module.name} is there twice`)
      same.push(module)
      same.sort((a, b) => (a.revision < b.revision ? 1 : -1))
      this.byName.set(module.name, same)
      this.modules.push(module)
    }
    this.checkNamespaces()
    for (const module of this.modules) this.makeUnits(module)
    this.markImplemented()
    refuseCircles(this.modules)
    for (const module of this.modules) {
      refuseTwice(module)
      this.decideFeatures(module)
      if (module.implemented) module.units.forEach(checkExtensions)
    }
  }

  /** The newest, or the one of that revision. */
  find(name: string, revision?: string): Module | undefined {
    const found = this.byName.get(name)
    return revision === undefined ? found?.[0] : found?.find((m) => m.revision === revision)
  }

  /** The submodules a module includes, directly or through others. */
  private included(statement: Statement, submodules: readonly Source[]): Source[] {
    const owner = statement.argument
    const found = new Map<string, Source>()
    const visit = (from: Statement): void => {
      for (const include of subsOf(from, "include")) {
        const name = include.argument ?? ""
        if (found.has(name)) continue
        const wanted = argOf(include, "revision-date")
        const candidates = submodules
          .filter((s) => s.statement.argument === name)
          .filter((s) => wanted === undefined || latestRevision(s.statement) === wanted)
          .sort((a, b) => (latestRevision(a.statement) < latestRevision(b.statement) ? 1 : -1))
        const source = candidates[0]
        const submodule = source?.statement
        if (source === undefined || submodule === undefined)
          throw statementFault(include, `submodule ${name} is missing`)
        if (argOf(submodule, "belongs-to") !== owner)
          throw statementFault(include, `submodule ${name} does not belong to ${owner ?? ""}`)
        checkInclude(include, statement, submodule)
        found.set(name, source)
        visit(submodule)
      }
    }
    visit(statement)
    return [...found.values()]
  }

  private checkNamespaces(): void {
    const owners = new Map<string, string>()
    for (const module of this.modules) {
      const owner = owners.get(module.namespace)
      if (owner !== undefined && owner !== module.name)
        throw statementFault(module.statement, `namespace is that of module ${owner} too`)
      owners.set(module.namespace, module.name)
    }
  }

  private makeUnits(module: Module): void {
    // Module and submodules share their top-level definitions (RFC 7950 5.1).
    const scope = new Scope(undefined)
    for (const { statement } of [module, ...module.submodules]) {
      const own =
        statement.keyword === "submodule"
          ? argOf(statement.sub.find((s) => s.keyword === "belongs-to") ?? statement, "prefix")
          : module.prefix
      const prefixes = new Map<string, Module>([[own ?? "", module]])
      for (const imported of subsOf(statement, "import")) {
        const prefix = argOf(imported, "prefix") ?? ""
        const name = imported.argument ?? ""
        const revision = argOf(imported, "revision-date")
        const target = this.find(name, revision)
        if (target === undefined)
          throw statementFault(
            imported,
            `imported module ${name}${revision === undefined ? "" : `@${revision}`} is missing`,
          )
        if (revision !== undefined && module.version === "1" && target.version === "1.1")
          throw statementFault(imported, `YANG 1 cannot import ${name}, of YANG 1.1, by revision`)
        if (prefixes.has(prefix)) throw statementFault(imported, `prefix ${prefix} is used twice`)
        prefixes.set(prefix, target)
      }
      const prefixNames = new Map([...prefixes].map(([prefix, m]) => [prefix, m.name]))
      const unit: Unit = { statement, module, prefixes, prefixNames, scope }
      scope.define(statement, unit)
      module.units.push(unit)
    }
  }

  private markImplemented(): void {
    const names = this.options.implement ?? [...this.byName.keys()]
    for (const name of names) {
      const module = this.find(name)
      if (module === undefined)
        throw new QkdError("data-missing", `module ${name} to implement is missing`)
      this.implement(module)
    }
  }

  private implement(module: Module): void {
    if (module.implemented) return
    module.implemented = true
    if (this.options.implementReferenced !== true) return
    // Nodes that are augmented or deviated must be there.
    for (const { statement, prefixes } of module.units)
      for (const sub of [...subsOf(statement, "augment"), ...subsOf(statement, "deviation")])
        for (const [, prefix] of (sub.argument ?? "").matchAll(/([A-Za-z_][\w.-]*):/g)) {
          const target = prefixes.get(prefix ?? "")
          if (target !== undefined) this.implement(target)
        }
  }

  private decideFeatures(module: Module): void {
    const chosen = this.options.features?.[module.name]
    const declared = new Map<string, { statement: Statement; unit: Unit }>()
    for (const unit of module.units)
      for (const statement of subsOf(unit.statement, "feature"))
        declared.set(statement.argument ?? "", { statement, unit })
    for (const name of chosen ?? [])
      if (!declared.has(name))
        throw new QkdError("invalid-value", `module ${module.name} has no feature ${name}`)
    // A feature may depend on others, also of other modules: decide on demand, refuse circles.
    for (const name of declared.keys())
      if (this.featureHolds(module, name, [])) module.features.add(name)
  }

  private featureHolds(module: Module, name: string, trail: readonly string[]): boolean {
    const chosen = this.options.features?.[module.name]
    // What is only imported has no features (RFC 8525: an import-only-module lists none).
    if (chosen === undefined ? !module.implemented : !chosen.includes(name)) return false
    for (const unit of module.units) {
      const statement = subsOf(unit.statement, "feature").find((s) => s.argument === name)
      if (statement === undefined) continue
      const key = `${module.name}:${name}`
      if (trail.includes(key)) throw statementFault(statement, `feature ${name} depends on itself`)
      return ifFeaturesHold(statement, unit, (other, feature) =>
        this.featureHolds(other, feature, [...trail, key]),
      )
    }
    throw new QkdError("malformed-message", `module ${module.name} has no feature ${name}`)
  }
}
