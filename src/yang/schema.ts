// YANG text to a compiled schema: the order of the passes. Each pass has its own file.

import { QkdError } from "../errors.js"
import { deviate } from "./deviate.js"
import { UnboundLeafref, finish } from "./finish.js"
import { Identities } from "./identities.js"
import { ModuleSet } from "./module-set.js"
import type { Module, Unit } from "./module.js"
import { Node, followPath, isLeftOut } from "./node.js"
import type { Context } from "./node.js"
import { latestRevision } from "./module.js"
import { statementFault, subsOf } from "./statement.js"
import type { Statement } from "./statement.js"
import type { ModuleInfo, Schema, WhenProfile } from "./schema-types.js"
import { TreeBuilder } from "./tree-builder.js"
import { TypeResolver, defaultFault } from "./type-resolver.js"
import { XPathSource } from "./xpath-source.js"

export type { ModuleInfo, Schema, SchemaNode } from "./schema-types.js"

export interface SchemaSource {
  /** Module name, for messages. */
  readonly name: string
  readonly text: string
}

export interface CompileOptions {
  /** Modules whose nodes exist; the others lend typedefs and groupings. Default: all. */
  readonly implement?: readonly string[]
  /** Implement what implemented modules augment, deviate or point to as well, as a server would have to. */
  readonly implementReferenced?: boolean
  /** Module name to features in force; a module not named has all its features. */
  readonly features?: Readonly<Record<string, readonly string[]>>
  readonly whenProfile?: WhenProfile
}

/** What a statement changes, waiting for its target to exist. */
interface Pending {
  readonly statement: Statement
  readonly unit: Unit
}

/**
 * Compile modules, submodules among them, to one schema.
 *
 * @throws QkdError `malformed-message` with file and line when the modules are not valid YANG; `too-big` when they nest
 *   or grow beyond all reason.
 */
export function compileSchema(
  sources: readonly SchemaSource[],
  options: CompileOptions = {},
): Schema {
  try {
    let implement = options.implement
    for (;;) {
      const chosen = implement === undefined ? options : { ...options, implement }
      try {
        return compile(sources, chosen)
      } catch (error) {
        if (!(error instanceof UnboundLeafref) || options.implementReferenced !== true) throw error
        const more = error.through.filter((name) => implement?.includes(name) === false)
        if (more.length === 0) throw error
        implement = [...(implement ?? []), ...more]
      }
    }
  } catch (error) {
    // Typedefs, identities or features chained by the ten thousand: the call stack is the limit.
    if (error instanceof RangeError)
      throw new QkdError("too-big", "YANG modules refer to each other too deeply", { cause: error })
    throw error
  }
}

function compile(sources: readonly SchemaSource[], options: CompileOptions): Schema {
  const set = new ModuleSet(sources, options)
  const identities = new Identities(set.modules)
  const xpaths = new XPathSource()
  const builder = new TreeBuilder(new TypeResolver(identities, xpaths), xpaths)
  const data = new Node("root", "data", "", "", undefined, undefined)
  const rpcs = new Node("root", "rpcs", "", "", undefined, undefined)
  const notifications = new Node("root", "notifications", "", "", undefined, undefined)
  const roots = [data, rpcs, notifications]
  const augments: Pending[] = []
  const deviations: Pending[] = []

  for (const module of set.modules.filter((m) => m.implemented)) {
    for (const unit of module.units) {
      const { statement } = unit
      const context = contextOf(unit)
      const only = (keep: (keyword: string) => boolean): Statement => ({
        ...statement,
        sub: statement.sub.filter((s) => keep(s.keyword)),
      })
      builder.fill(
        rpcs,
        only((k) => k === "rpc"),
        context,
      )
      builder.fill(
        notifications,
        only((k) => k === "notification"),
        context,
      )
      builder.fill(
        data,
        only((k) => k !== "rpc" && k !== "notification"),
        context,
      )
      for (const s of subsOf(statement, "augment")) augments.push({ statement: s, unit })
      for (const s of subsOf(statement, "deviation")) deviations.push({ statement: s, unit })
    }
  }
  applyAugments(builder, roots, augments)
  for (const { statement, unit } of deviations) {
    const target = findTarget(roots, statement, unit)
    if (target === undefined && targetLeftOut(roots, statement, unit)) continue
    if (target === undefined)
      throw statementFault(statement, `deviation target ${statement.argument ?? ""} is not there`)
    set.find(target.module)?.deviatedBy.add(unit.module.name)
    deviate(builder, target, statement, contextOf(unit))
  }
  const unused = set.modules
    .filter((m) => m.implemented)
    .flatMap(({ units }) => units)
    .flatMap((unit) => builder.unusedGroupings(unit.statement, contextOf(unit)))
  refuseTwice(roots)
  finish(roots)
  unused.forEach(checkUnused)

  const modules = set.modules.map(moduleInfo)
  const byNamespace = new Map(modules.map((m) => [m.namespace, m]))
  // The implemented revision comes last, so that it wins.
  const byName = new Map(
    [...modules]
      .sort((a, b) => Number(a.implemented) - Number(b.implemented))
      .map((m) => [m.name, m]),
  )
  return {
    modules,
    root: data,
    notificationRoot: notifications,
    rpcs: rpcs.children,
    notifications: notifications.children,
    identities: identities.table(),
    whenProfile: options.whenProfile ?? "lenient",
    moduleByNamespace: (namespace) => byNamespace.get(namespace),
    moduleByName: (name) => byName.get(name),
  }
}

/** Data, operations and notifications of a module share their names (RFC 7950 section 6.2.1). */
function refuseTwice(roots: readonly Node[]): void {
  const seen = new Set<string>()
  for (const root of roots)
    for (const child of root.children.values()) {
      if (seen.has(child.key)) throw child.fault(`${child.name} is there twice`)
      seen.add(child.key)
    }
}

/** What can be told of a grouping nobody uses. */
function checkUnused(node: Node): void {
  const { type } = node
  for (const written of type === undefined ? [] : node.defaultsWritten) {
    const fault = type === undefined ? undefined : defaultFault(type, written)
    if (fault !== undefined) throw node.fault(fault)
  }
  node.children.forEach(checkUnused)
}

function contextOf(unit: Unit): Context {
  return { unit, home: unit.module, scope: unit.scope }
}

function findTarget(roots: readonly Node[], statement: Statement, unit: Unit): Node | undefined {
  for (const root of roots) {
    const found = followPath(root, statement, unit, unit.module.name)
    if (found !== undefined) return found
  }
  return undefined
}

function targetLeftOut(roots: readonly Node[], statement: Statement, unit: Unit): boolean {
  return roots.some((root) => isLeftOut(root, statement, unit, unit.module.name))
}

/** An augment may wait for the nodes of another: go round until nothing moves. */
function applyAugments(
  builder: TreeBuilder,
  roots: readonly Node[],
  augments: readonly Pending[],
): void {
  let waiting = augments
  while (waiting.length > 0) {
    const still = waiting.filter(({ statement, unit }) => {
      const target = findTarget(roots, statement, unit)
      if (target === undefined) return true
      builder.augment(target, statement, contextOf(unit))
      return false
    })
    if (still.length === waiting.length) {
      const first = still.find(({ statement, unit }) => !targetLeftOut(roots, statement, unit))
      if (first === undefined) return
      throw statementFault(
        first.statement,
        `augment target ${first.statement.argument ?? ""} is not there`,
      )
    }
    waiting = still
  }
}

function moduleInfo(module: Module): ModuleInfo {
  return {
    name: module.name,
    revision: module.revision,
    namespace: module.namespace,
    prefix: module.prefix,
    yangVersion: module.version,
    features: [...module.features],
    deviations: [...module.deviatedBy],
    submodules: module.submodules.map(({ statement, text }) => ({
      name: statement.argument ?? "",
      revision: latestRevision(statement),
      text,
    })),
    implemented: module.implemented,
    text: module.text,
  }
}
