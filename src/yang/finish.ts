// The last passes over a built tree: inheritance, member names, keys, unique, conditions, leafref targets, defaults.

import { QkdError } from "../errors.js"
import { checkLeafrefPath, followLeafref } from "./leafref.js"
import { followPath } from "./node.js"
import type { Node } from "./node.js"
import { subOf } from "./statement.js"
import type { ResolvedType, UniqueConstraint, WhenCondition, WrittenValue } from "./schema-types.js"
import { decimalIfInteger } from "./type-resolver.js"
import { Misfit, parseLexical } from "./values.js"
import type { XPathExpression } from "./xpath-ast.js"
import { namesIn } from "./xpath-names.js"

/** Settle everything below the roots; afterwards the nodes are what `SchemaNode` promises. */
export function finish(roots: readonly Node[]): void {
  for (const root of roots) settle(root, undefined, true, [])
  // Leafrefs first, in all trees: defaults of one may need the target of another.
  for (const root of roots) bindTypes(root, roots)
  for (const root of roots) settleDefaults(root)
}

function isTransparent(node: Node): boolean {
  return node.kind === "choice" || node.kind === "case"
}

/** Nodes whose insides are no configuration, whatever they say (RFC 7950 7.21.1). */
const NO_CONFIG = new Set(["input", "output", "notification"])

function settle(
  node: Node,
  dataParent: Node | undefined,
  config: boolean,
  outerWhens: readonly WhenCondition[],
): void {
  if (NO_CONFIG.has(node.kind)) {
    node.config = false
    config = false
  } else if (node.kind === "root") node.config = true
  else {
    const inOperation = !config && node.configWritten === true && insideOperation(node)
    if (node.configWritten === true && !config && !inOperation)
      throw node.fault(`${node.name} is configuration inside state`)
    node.config = config && node.configWritten !== false
  }
  settleStatus(node)
  checkPlace(node)
  node.whens = [...outerWhens, ...node.ownWhens]
  if (isTransparent(node) || dataParent === undefined) {
    node.path = dataParent?.path ?? ""
    node.member = node.name
  } else {
    node.member = node.module === dataParent.module ? node.name : node.key
    node.path = ["input", "output"].includes(node.kind)
      ? dataParent.path
      : `${dataParent.path}/${node.member}`
  }
  const inner = isTransparent(node) ? dataParent : node
  for (const child of node.children.values())
    settle(child, inner, node.config, isTransparent(node) ? node.whens : [])
  node.members = membersOf(node)
  if (node.kind === "list") settleList(node)
  if (node.kind === "choice") settleChoice(node)
  if (node.augmented === "plain" && node.config && isMandatory(node))
    throw node.fault(`${node.name} is mandatory, and put into another module without condition`)
  if (node.minElements > node.maxElements) throw node.fault("min-elements is above max-elements")
}

const STATUS_RANK = { current: 0, deprecated: 1, obsolete: 2 } as const

/** Nothing current may be made of, or be in, what is outdated (RFC 7950 section 7.21.2). */
function settleStatus(node: Node): void {
  const outer = node.parent?.status ?? "current"
  node.status = node.statusWritten ?? outer
  if (STATUS_RANK[node.status] < STATUS_RANK[outer] && node.module === node.parent?.module)
    throw node.fault(`${node.name} is ${node.status} inside what is ${outer}`)
  for (const { what, status, own } of node.uses)
    if (STATUS_RANK[own ?? node.status] < STATUS_RANK[status])
      throw node.fault(`${node.name} is ${own ?? node.status} and uses ${what}, which is ${status}`)
}

/** Actions and notifications inside data belong to nodes that can be told apart (RFC 7950 sections 7.15 and 7.16). */
function checkPlace(node: Node): void {
  const inData = node.parent !== undefined && node.parent.kind !== "root"
  if (node.kind !== "action" && !(node.kind === "notification" && inData)) return
  if (!inData) throw node.fault(`action ${node.name} belongs to no data`)
  for (let up = node.parent; up !== undefined; up = up.parent) {
    if (["rpc", "action", "notification"].includes(up.kind))
      throw node.fault(`${node.kind} ${node.name} is inside a ${up.kind}`)
    if (up.kind === "list" && up.keys === undefined)
      throw node.fault(`${node.kind} ${node.name} is inside a list without keys`)
  }
}

/** A mandatory node (RFC 7950 section 3). */
function isMandatory(node: Node): boolean {
  if (node.kind === "list" || node.kind === "leaf-list") return node.minElements > 0
  if (node.kind === "container")
    return !node.presence && [...node.children.values()].some(isMandatory)
  return node.mandatory
}

function insideOperation(node: Node): boolean {
  for (let up = node.parent; up !== undefined; up = up.parent)
    if (NO_CONFIG.has(up.kind)) return true
  return false
}

function membersOf(node: Node): ReadonlyMap<string, Node> {
  const members = new Map<string, Node>()
  const collect = (from: Node): void => {
    for (const child of from.children.values()) {
      if (isTransparent(child)) collect(child)
      else if (child.kind === "action" || (child.kind === "notification" && node.kind !== "root"))
        continue
      else if (members.has(child.member))
        throw child.fault(`${child.name} is there twice in ${node.name}`)
      else members.set(child.member, child)
    }
  }
  collect(node)
  return members
}

function settleList(list: Node): void {
  if (list.keys === undefined) {
    if (list.config) throw list.fault(`list ${list.name} has no key`)
  } else {
    if (new Set(list.keys).size < list.keys.length) throw list.fault("a key is named twice")
    list.keys = list.keys.map((written) => written.slice(written.indexOf(":") + 1))
    for (const name of list.keys) {
      const key = list.children.get(`${list.module}:${name}`)
      if (key?.kind !== "leaf") throw list.fault(`key ${name} is not a leaf of the list`)
      if (key.config !== list.config) throw key.fault(`key ${name} differs in config from its list`)
      if (key.ownWhens.length > 0 && key.context?.unit.module.version === "1.1")
        throw key.fault(`key ${name} has a when`)
      if (key.type?.base === "empty" && key.context?.unit.module.version !== "1.1")
        throw key.fault(`key ${name} is of type empty`)
      if (key.statement !== undefined && subOf(key.statement, "if-feature") !== undefined)
        throw key.fault(`key ${name} has an if-feature`)
      key.mandatory = true
    }
  }
  list.unique = list.uniqueWritten.map(({ statement, unit }): UniqueConstraint => {
    const text = statement.argument ?? ""
    const paths = text
      .trim()
      .split(/\s+/)
      .map((path) => {
        const leaf = followPath(list, { ...statement, argument: path }, unit, list.module)
        if (leaf?.kind !== "leaf") throw list.fault(`unique names ${path}, which is not a leaf`)
        const steps: Node[] = []
        for (let at: Node | undefined = leaf; at !== undefined && at !== list; at = at.parent)
          if (!isTransparent(at)) steps.unshift(at)
        if (steps.some((step) => step.kind === "list"))
          throw list.fault(`unique goes into another list: ${path}`)
        return steps
      })
    if (new Set(paths.map((path) => path.at(-1)?.config)).size > 1)
      throw list.fault(`unique names configuration and state: ${text}`)
    return { text, paths }
  })
}

function settleChoice(choice: Node): void {
  const written = choice.defaultsWritten[0]
  if (written === undefined) return
  const colon = written.text.indexOf(":")
  const module = colon < 0 ? choice.module : written.prefixes.get(written.text.slice(0, colon))
  const name = `${module ?? ""}:${written.text.slice(colon + 1)}`
  if (!choice.children.has(name)) throw choice.fault(`default case ${written.text} is not there`)
  if (choice.mandatory) throw choice.fault("a mandatory choice has a default")
  for (const node of choice.children.get(name)?.children.values() ?? [])
    if (isMandatory(node))
      throw choice.fault(`default case ${written.text} has the mandatory ${node.name}`)
  choice.defaults = [name]
}

function bindTypes(node: Node, roots: readonly Node[]): void {
  if (node.type !== undefined) {
    node.type = bindType(node.type, node, roots)
    checkNoCircle(node)
  }
  for (const child of node.children.values()) bindTypes(child, roots)
}

/** A copy whose leafrefs know their target as seen from this leaf. */
function bindType(type: ResolvedType, leaf: Node, roots: readonly Node[]): ResolvedType {
  if (type.base === "union")
    return { ...type, members: (type.members ?? []).map((m) => bindType(m, leaf, roots)) }
  if (type.base !== "leafref" || type.path === undefined) return type
  if (!checkLeafrefPath(type.path.ast)) throw leaf.fault(`${type.path.text} is no leafref path`)
  // Unprefixed names are the leaf's module's; a typedef's own module where that finds nothing.
  for (const module of new Set([leaf.module, type.path.module])) {
    const path = { ...type.path, module }
    for (const root of roots) {
      const target = followLeafref(leaf, path, root)
      if (target?.kind === "leaf" || target?.kind === "leaf-list") {
        if (leaf.config && !target.config && type.requireInstance === true)
          throw leaf.fault(`leafref of configuration points to state: ${path.text}`)
        return { ...type, path, target }
      }
    }
  }
  const fault = leaf.fault(`leafref path ${type.path.text} leads to no leaf`)
  throw new UnboundLeafref(fault.message, modulesIn(type.path))
}

/** A leafref to nothing, which may be because a module it goes through is not implemented. */
export class UnboundLeafref extends QkdError {
  constructor(
    message: string,
    readonly through: readonly string[],
  ) {
    super("malformed-message", message)
  }
}

function modulesIn(path: XPathExpression): string[] {
  const names = [...namesIn(path.ast)].map(({ prefix }) =>
    prefix === undefined ? path.module : path.prefixes.get(prefix),
  )
  return names.filter((name) => name !== undefined)
}

function checkNoCircle(leaf: Node): void {
  const seen = new Set<unknown>([leaf])
  for (let at = leaf.type?.target; at !== undefined; at = at.type?.target) {
    if (seen.has(at)) throw leaf.fault("leafrefs point at each other in a circle")
    seen.add(at)
  }
}

function settleDefaults(node: Node): void {
  const { type } = node
  if ((node.kind === "leaf" || node.kind === "leaf-list") && type !== undefined) {
    if (node.units === undefined && type.units !== undefined) node.units = type.units
    const written = defaultsOf(node, type)
    node.defaults = written.map((w) => w.text)
    node.defaultValues = written.map((w) => defaultValue(node, type, w))
    const texts = node.defaultValues.map((value) => JSON.stringify(value))
    if (node.config && new Set(texts).size < texts.length)
      throw node.fault(`${node.name} has a default twice`)
  }
  for (const child of node.children.values()) settleDefaults(child)
}

function defaultsOf(node: Node, type: ResolvedType): readonly WrittenValue[] {
  const isKey = node.kind === "leaf" && (node.parent?.keys?.includes(node.name) ?? false)
  if (isKey) return []
  if (node.defaultsWritten.length > 0) {
    if (node.mandatory || node.minElements > 0)
      throw node.fault(`${node.name} is mandatory and has a default`)
    return node.defaultsWritten
  }
  if (type.default === undefined || node.mandatory || node.minElements > 0) return []
  // Leaf-lists have defaults since YANG 1.1 only (RFC 7950 7.7.2).
  if (node.kind === "leaf-list" && node.context?.unit.module.version !== "1.1") return []
  return [type.default]
}

function defaultValue(node: Node, type: ResolvedType, written: WrittenValue) {
  if (type.base === "empty") throw node.fault(`${node.name} is of type empty and has a default`)
  const value = parseLexical(type, decimalIfInteger(type, written.text), (prefix) =>
    prefix === "" ? written.module : written.prefixes.get(prefix),
  )
  if (value instanceof Misfit) throw node.fault(`default of ${node.name}: ${value.message}`)
  return value
}
