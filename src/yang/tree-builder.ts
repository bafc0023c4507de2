// Data definition statements to schema nodes: uses expanded, refined and augmented on the spot (RFC 7950 section 7).
// Inheritance, defaults, keys and references between nodes are settled later (finish).

import { QkdError } from "../errors.js"
import { checkApplicable } from "./applicable.js"
import { ifFeaturesHold } from "./if-feature.js"
import { Node, attach, followPath, isLeftOut } from "./node.js"
import type { Context } from "./node.js"
import { argOf, statementFault, subOf, subsOf } from "./statement.js"
import type { Statement } from "./statement.js"
import type { MustCondition, NodeKind, Status, WhenCondition } from "./schema-types.js"
import type { TypeResolver } from "./type-resolver.js"
import type { XPathSource } from "./xpath-source.js"

const NODE_KINDS: ReadonlySet<string> = new Set([
  "container",
  "list",
  "leaf",
  "leaf-list",
  "choice",
  "case",
  "anydata",
  "anyxml",
  "rpc",
  "action",
  "notification",
  "input",
  "output",
])

/** Groupings that use groupings can grow without end; the largest real schemas have some 100,000 nodes. */
const MAX_NODES = 250_000

function isNodeKind(keyword: string): keyword is NodeKind {
  return NODE_KINDS.has(keyword)
}

function isStatus(text: string): text is Status {
  return text === "current" || text === "deprecated" || text === "obsolete"
}

/** What a `uses` says of its grouping, for the rule that current things use no outdated ones of their module. */
function usedGrouping(
  uses: Statement,
  grouping: Statement,
  from: Context["unit"],
  of: Context["unit"],
): Node["uses"][number] {
  const status = argOf(grouping, "status") ?? "current"
  const own = argOf(uses, "status")
  return {
    what: `grouping ${grouping.argument ?? ""}`,
    status: from.module === of.module && isStatus(status) ? status : "current",
    own: own !== undefined && isStatus(own) ? own : undefined,
  }
}

export class TreeBuilder {
  private readonly usesOpen: Statement[] = []
  private readonly expanded = new Set<Statement>()
  private built = 0

  constructor(
    readonly types: TypeResolver,
    readonly xpaths: XPathSource,
  ) {}

  /** Build every data definition directly inside `statement` below `parent`. */
  fill(parent: Node, statement: Statement, context: Context): void {
    for (const sub of statement.sub) {
      if (sub.keyword === "uses") this.expand(parent, sub, context)
      else if (isNodeKind(sub.keyword)) {
        const node = this.build(sub, sub.keyword, context)
        if (node !== undefined) attach(parent, node)
        else parent.leftOut.add(`${context.home.name}:${sub.argument ?? sub.keyword}`)
      }
    }
  }

  /** One node with all below it; undefined when its features are not in force. */
  private build(statement: Statement, kind: NodeKind, outer: Context): Node | undefined {
    if (!ifFeaturesHold(statement, outer.unit)) return undefined
    if (++this.built > MAX_NODES)
      throw new QkdError(
        "too-big",
        `${outer.unit.module.name}: more than ${MAX_NODES} schema nodes`,
      )
    const { home, unit } = outer
    const context: Context = { ...outer, scope: outer.scope.within(statement, unit) }
    const name = statement.argument ?? kind
    const node = new Node(kind, name, home.name, home.namespace, statement, context)
    const type = subOf(statement, "type")
    if (type !== undefined) {
      node.type = this.types.resolve(type, context.scope, unit)
      node.uses.push(...this.types.typedefsIn(type, context.scope, unit))
    }
    this.properties(node, statement, context)
    const key = argOf(statement, "key")
    if (key !== undefined) node.keys = key.trim().split(/\s+/)
    const when = this.when(
      statement,
      context,
      kind === "choice" || kind === "case" ? "parent" : "self",
    )
    if (when !== undefined) node.ownWhens.push(when)
    this.fill(node, statement, context)
    // Every operation has both, written or not (RFC 7950 7.14).
    if (kind === "rpc" || kind === "action")
      for (const part of ["input", "output"] as const)
        if (!node.children.has(`${home.name}:${part}`))
          attach(node, new Node(part, part, home.name, home.namespace, undefined, context))
    return node
  }

  /** Everything refine and deviate may touch as well. */
  private properties(node: Node, statement: Statement, context: Context): void {
    const { unit } = context
    for (const sub of statement.sub) {
      const argument = sub.argument ?? ""
      node.written.add(sub.keyword)
      switch (sub.keyword) {
        case "config":
          node.configWritten = argument === "true"
          break
        case "mandatory":
          node.mandatory = argument === "true"
          break
        case "presence":
          node.presence = true
          break
        case "ordered-by":
          node.orderedByUser = argument === "user"
          break
        case "min-elements":
          node.minElements = Number(argument)
          break
        case "max-elements":
          node.maxElements = argument === "unbounded" ? Infinity : Number(argument)
          break
        case "units":
          node.units = argument
          break
        case "default":
          node.defaultsWritten.push({
            text: argument,
            prefixes: unit.prefixNames,
            module: unit.module.name,
          })
          break
        case "must":
          node.musts.push(this.must(sub, context))
          break
        case "unique":
          node.uniqueWritten.push({ statement: sub, unit })
          break
        case "description":
          node.description = argument
          break
        case "reference":
          node.reference = argument
          break
        case "status":
          if (isStatus(argument)) node.statusWritten = argument
          break
        default:
          this.extension(node, sub, context)
      }
    }
  }

  private extension(node: Node, sub: Statement, { unit }: Context): void {
    const colon = sub.keyword.indexOf(":")
    if (colon < 0) return
    const module = unit.prefixes.get(sub.keyword.slice(0, colon))
    if (module === undefined) throw statementFault(sub, `unknown prefix in ${sub.keyword}`)
    node.extensions.push({
      module: module.name,
      name: sub.keyword.slice(colon + 1),
      ...(sub.argument === undefined ? {} : { argument: sub.argument }),
    })
  }

  must(statement: Statement, { unit, home }: Context): MustCondition {
    const errorMessage = argOf(statement, "error-message")
    const errorAppTag = argOf(statement, "error-app-tag")
    return {
      expression: this.xpaths.expression(statement, unit, home.name),
      ...(errorMessage === undefined ? {} : { errorMessage }),
      ...(errorAppTag === undefined ? {} : { errorAppTag }),
    }
  }

  private when(
    statement: Statement,
    { unit, home }: Context,
    context: WhenCondition["context"],
  ): WhenCondition | undefined {
    const when = subOf(statement, "when")
    if (when === undefined) return undefined
    return { expression: this.xpaths.expression(when, unit, home.name), context }
  }

  private expand(parent: Node, uses: Statement, context: Context): void {
    if (!ifFeaturesHold(uses, context.unit)) return
    const definition = context.scope.lookup("grouping", uses, context.unit)
    const grouping = definition.statement
    if (this.usesOpen.includes(grouping))
      throw statementFault(uses, `grouping ${grouping.argument ?? ""} uses itself`)
    this.usesOpen.push(grouping)
    this.expanded.add(grouping)
    const holder = new Node("container", "uses", context.home.name, "", uses, context)
    this.fill(holder, grouping, {
      unit: definition.unit,
      home: context.home,
      scope: definition.scope.within(grouping, definition.unit),
    })
    this.usesOpen.pop()
    for (const refine of subsOf(uses, "refine")) this.refine(holder, refine, context)
    for (const augment of subsOf(uses, "augment")) {
      const target = followPath(holder, augment, context.unit, context.home.name)
      if (target !== undefined) this.augment(target, augment, context)
      else if (!isLeftOut(holder, augment, context.unit, context.home.name))
        throw statementFault(augment, `augment target ${augment.argument ?? ""} is not there`)
    }
    for (const key of holder.leftOut) parent.leftOut.add(key)
    parent.uses.push(...holder.uses, usedGrouping(uses, grouping, context.unit, definition.unit))
    const when = this.when(uses, context, "parent")
    for (const child of holder.children.values()) {
      if (when !== undefined) child.ownWhens.push(when)
      // An implicit case of the grouping's own choice stays; below a choice `attach` makes new ones.
      attach(parent, child)
    }
  }

  /** Children of an augment statement below its target, each under the augment's condition. */
  augment(target: Node, augment: Statement, outer: Context): void {
    if (!ifFeaturesHold(augment, outer.unit)) return
    if (["leaf", "leaf-list", "anydata", "anyxml", "rpc", "action"].includes(target.kind))
      throw statementFault(augment, `a ${target.kind} cannot be augmented`)
    const lone = subOf(augment, "case")
    if (lone !== undefined && target.kind !== "choice")
      throw statementFault(lone, `a ${target.kind} has no cases`)
    const context: Context = { ...outer, scope: outer.scope.within(augment, outer.unit) }
    const before = new Set(target.children.values())
    this.fill(target, augment, context)
    const when = this.when(augment, context, "parent")
    const isForeign = target.module !== outer.home.name
    for (const child of target.children.values()) {
      if (before.has(child)) continue
      if (when !== undefined) child.ownWhens.push(when)
      if (isForeign)
        child.augmented =
          when !== undefined && outer.unit.module.version === "1.1" ? "conditional" : "plain"
    }
  }

  /** Build groupings that nobody uses, to find what is wrong in them; the nodes, for whoever looks closer. */
  unusedGroupings(statement: Statement, context: Context): Node[] {
    const found: Node[] = []
    for (const sub of statement.sub) {
      const inner: Context = { ...context, scope: context.scope.within(sub, context.unit) }
      if (sub.keyword === "typedef") this.types.checkTypedef(sub, context.scope, context.unit)
      if (sub.keyword === "grouping" && !this.expanded.has(sub)) {
        const holder = new Node("container", "grouping", context.home.name, "", sub, context)
        this.usesOpen.push(sub)
        this.fill(holder, sub, inner)
        this.usesOpen.pop()
        found.push(holder)
      }
      if (sub.sub.length > 0 && !sub.keyword.includes(":"))
        found.push(...this.unusedGroupings(sub, inner))
    }
    return found
  }

  private refine(holder: Node, refine: Statement, context: Context): void {
    const node = followPath(holder, refine, context.unit, context.home.name)
    if (node === undefined) {
      // Whoever uses a grouping cannot know which features will be in force.
      if (isLeftOut(holder, refine, context.unit, context.home.name)) return
      throw statementFault(refine, `refined node ${refine.argument ?? ""} is not there`)
    }
    if (!ifFeaturesHold(refine, context.unit)) {
      node.parent?.children.delete(node.key)
      node.parent?.leftOut.add(node.key)
      return
    }
    checkApplicable(node, refine)
    if (subOf(refine, "default") !== undefined) node.defaultsWritten = []
    this.properties(node, refine, context)
  }
}
