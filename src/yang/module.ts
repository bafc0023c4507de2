// A module, the texts it consists of, and which typedefs and groupings are visible where in them (RFC 7950 section 5.5).
// Who imports whom is the set's business.

import { argOf, statementFault, subsOf } from "./statement.js"
import type { Statement } from "./statement.js"

/** A text as it was read. */
export interface Source {
  readonly statement: Statement
  readonly text: string
}

/** One text: a module or one of its submodules. Prefixes are private to a text. */
export interface Unit {
  readonly statement: Statement
  readonly module: Module
  readonly prefixes: ReadonlyMap<string, Module>
  /** The same with names instead of modules, for XPath and values. */
  readonly prefixNames: ReadonlyMap<string, string>
  readonly scope: Scope
}

export class Module {
  readonly units: Unit[] = []
  readonly features = new Set<string>()
  readonly deviatedBy = new Set<string>()
  implemented = false

  constructor(
    readonly statement: Statement,
    readonly text: string,
    readonly submodules: readonly Source[],
  ) {}

  get name(): string {
    return this.statement.argument ?? ""
  }
  get namespace(): string {
    return argOf(this.statement, "namespace") ?? ""
  }
  get prefix(): string {
    return argOf(this.statement, "prefix") ?? ""
  }
  get revision(): string {
    return latestRevision(this.statement)
  }
  get version(): "1" | "1.1" {
    return argOf(this.statement, "yang-version") === "1.1" ? "1.1" : "1"
  }
}

export function latestRevision(statement: Statement): string {
  return subsOf(statement, "revision").reduce((latest, s) => {
    const date = s.argument ?? ""
    return date > latest ? date : latest
  }, "")
}

const BUILTIN_TYPES: ReadonlySet<string> = new Set([
  ...["binary", "bits", "boolean", "decimal64", "empty", "enumeration", "identityref"],
  ...["instance-identifier", "int8", "int16", "int32", "int64", "leafref", "string"],
  ...["uint8", "uint16", "uint32", "uint64", "union"],
])

/** A typedef or grouping with the place its own names are looked up from. */
export interface Definition {
  readonly statement: Statement
  readonly scope: Scope
  readonly unit: Unit
}

export class Scope {
  private readonly typedefs = new Map<string, Definition>()
  private readonly groupings = new Map<string, Definition>()
  private readonly inner = new WeakMap<Statement, Scope>()

  constructor(private readonly outer: Scope | undefined) {}

  /** Take in the typedefs and groupings directly inside a statement. */
  define(statement: Statement, unit: Unit): void {
    for (const sub of statement.sub) {
      const table =
        sub.keyword === "typedef"
          ? this.typedefs
          : sub.keyword === "grouping"
            ? this.groupings
            : undefined
      if (table === undefined) continue
      const name = sub.argument ?? ""
      if (sub.keyword === "typedef" && BUILTIN_TYPES.has(name))
        throw statementFault(sub, `typedef ${name} has the name of a built-in type`)
      if (this.find(sub.keyword === "typedef" ? "typedef" : "grouping", name) !== undefined)
        throw statementFault(sub, `${sub.keyword} ${name} is defined twice`)
      table.set(name, { statement: sub, scope: this, unit })
    }
  }

  /** The scope inside a statement: this one, if it defines nothing. */
  within(statement: Statement, unit: Unit): Scope {
    const known = this.inner.get(statement)
    if (known !== undefined) return known
    if (!statement.sub.some((s) => s.keyword === "typedef" || s.keyword === "grouping")) return this
    const scope = new Scope(this)
    scope.define(statement, unit)
    this.inner.set(statement, scope)
    return scope
  }

  /** By unprefixed name, from here outwards. */
  find(kind: "typedef" | "grouping", name: string): Definition | undefined {
    const own = (kind === "typedef" ? this.typedefs : this.groupings).get(name)
    return own ?? this.outer?.find(kind, name)
  }

  /** By name as written. A foreign prefix sees the top level of its module only. */
  lookup(kind: "typedef" | "grouping", statement: Statement, unit: Unit): Definition {
    const written = statement.argument ?? ""
    const colon = written.indexOf(":")
    const prefix = colon < 0 ? undefined : written.slice(0, colon)
    const name = written.slice(colon + 1)
    const module = prefix === undefined ? unit.module : unit.prefixes.get(prefix)
    if (module === undefined) throw statementFault(statement, `unknown prefix ${prefix ?? ""}`)
    const scope = module === unit.module ? this : module.units[0]?.scope
    const found = scope?.find(kind, name)
    if (found === undefined) throw statementFault(statement, `unknown ${kind} ${written}`)
    return found
  }
}
