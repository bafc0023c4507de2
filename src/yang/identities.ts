// Identities and their derivation (RFC 7950 section 7.18).

import { ifFeaturesHold } from "./if-feature.js"
import type { Module, Unit } from "./module.js"
import { argOf, statementFault, subsOf } from "./statement.js"
import type { Statement } from "./statement.js"
import type { Identity } from "./schema-types.js"

interface Known extends Identity {
  readonly bases: Known[]
  readonly derived: Set<Known>
  readonly statement: Statement
  readonly unit: Unit
  readonly implemented: boolean
}

export class Identities {
  /** By module object, since two revisions of one module may both lend identities. */
  private readonly byModule = new Map<Module, Map<string, Known>>()

  constructor(modules: readonly Module[]) {
    for (const module of modules) {
      const own = new Map<string, Known>()
      this.byModule.set(module, own)
      for (const unit of module.units) {
        for (const statement of subsOf(unit.statement, "identity")) {
          const name = statement.argument ?? ""
          if (own.has(name)) throw statementFault(statement, `identity ${name} is defined twice`)
          if (!ifFeaturesHold(statement, unit)) continue
          const description = argOf(statement, "description")
          own.set(name, {
            module: module.name,
            name,
            bases: [],
            derived: new Set(),
            statement,
            unit,
            implemented: module.implemented,
            ...(description === undefined ? {} : { description }),
          })
        }
      }
    }
    for (const identity of this.every())
      for (const base of subsOf(identity.statement, "base"))
        identity.bases.push(this.base(base, identity))
    for (const identity of this.every()) this.spread(identity)
  }

  private base(statement: Statement, identity: Known): Known {
    const base = this.known(statement, identity.unit)
    const rank = (of: Known): number =>
      ["current", "deprecated", "obsolete"].indexOf(argOf(of.statement, "status") ?? "current")
    if (base.unit.module === identity.unit.module && rank(identity) < rank(base))
      throw statementFault(statement, `base ${base.name} is outdated, ${identity.name} is not`)
    return base
  }

  private *every(): Iterable<Known> {
    for (const own of this.byModule.values()) yield* own.values()
  }

  private spread(identity: Known): void {
    const seen = new Set<Known>()
    const up = (from: Known): void => {
      for (const base of from.bases) {
        if (base === identity)
          throw statementFault(identity.statement, `identity ${identity.name} is its own base`)
        if (seen.has(base)) continue
        seen.add(base)
        // A value must be of an implemented module (RFC 7950 9.10.2).
        if (identity.implemented) base.derived.add(identity)
        up(base)
      }
    }
    up(identity)
  }

  private known(statement: Statement, unit: Unit): Known {
    const written = statement.argument ?? ""
    const colon = written.indexOf(":")
    const module = colon < 0 ? unit.module : unit.prefixes.get(written.slice(0, colon))
    const found =
      module === undefined ? undefined : this.byModule.get(module)?.get(written.slice(colon + 1))
    if (found === undefined) throw statementFault(statement, `unknown identity ${written}`)
    return found
  }

  /** The identity a `base` statement names. */
  lookup(statement: Statement, unit: Unit): Identity {
    return this.known(statement, unit)
  }

  /** By `module:name`, of implemented modules. */
  table(): ReadonlyMap<string, Identity> {
    const table = new Map<string, Identity>()
    for (const identity of this.every())
      if (identity.implemented) table.set(`${identity.module}:${identity.name}`, identity)
    return table
  }
}
