// Instance data seen as XPath sees it (RFC 7950 section 6.4.1): nodes with parents, containers without presence and
// defaults in use included. Built as far as somebody looks.

import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import type { SchemaNode } from "./schema-types.js"

/** Decides whether a node that is not in the data may exist: its conditions. */
export type WhenHolds = (child: SchemaNode, parent: DataNode) => boolean

export interface DataTree {
  readonly root: SchemaNode
  readonly data: JsonObject
  readonly whenHolds: WhenHolds
}

/** A Trail as well: `pathOf` tells where it is. */
export class DataNode {
  readonly entry?: JsonObject
  private kids: Map<SchemaNode, readonly DataNode[]> | undefined

  constructor(
    readonly trees: readonly DataTree[],
    readonly up: DataNode | undefined,
    readonly node: SchemaNode,
    readonly value: JsonValue,
    /** From 1, among its list; absent for single nodes. */
    readonly position?: number,
  ) {
    if (node.kind === "list" && isObject(value)) this.entry = value
  }

  /** The root over one or more trees: a notification and the datastore it speaks of, say. */
  static root(trees: readonly DataTree[], main: DataTree): DataNode {
    return new DataNode(trees, undefined, main.root, main.data)
  }

  get isLeaf(): boolean {
    return this.node.kind === "leaf" || this.node.kind === "leaf-list"
  }

  top(): DataNode {
    return this.up === undefined ? this : this.up.top()
  }

  /** The children that are instances of one schema node. */
  childrenOf(child: SchemaNode): readonly DataNode[] {
    const known = this.kids?.get(child)
    if (known !== undefined) return known
    const found = this.make(child)
    this.kids ??= new Map()
    this.kids.set(child, found)
    return found
  }

  /** The schema nodes a child may be of. */
  childSchemas(): Iterable<SchemaNode> {
    if (this.node.kind !== "root") return this.node.members.values()
    return this.trees.flatMap((tree) => [...tree.root.members.values()])
  }

  /** The schema node of a child by module and name. */
  childSchema(module: string, name: string): SchemaNode | undefined {
    const member = module === this.node.module ? name : `${module}:${name}`
    if (this.node.kind !== "root") return this.node.members.get(member)
    for (const tree of this.trees) {
      const found = tree.root.members.get(member)
      if (found !== undefined) return found
    }
    return undefined
  }

  *children(): Iterable<DataNode> {
    for (const child of this.childSchemas()) yield* this.childrenOf(child)
  }

  *descendants(): Iterable<DataNode> {
    for (const child of this.children()) {
      yield child
      yield* child.descendants()
    }
  }

  /** Same place in the same data. */
  isSame(other: DataNode): boolean {
    if (this === other) return true
    if (this.node !== other.node || this.position !== other.position) return false
    if (this.up === undefined || other.up === undefined) return this.up === other.up
    return this.up.isSame(other.up)
  }

  private object(child: SchemaNode): JsonObject | undefined {
    if (this.node.kind === "root") {
      const tree = this.trees.find((t) => t.root.members.get(child.member) === child)
      return tree?.data
    }
    return isObject(this.value) ? this.value : undefined
  }

  private make(child: SchemaNode): readonly DataNode[] {
    const object = this.object(child)
    if (object === undefined) return []
    const value = object[child.member]
    if (value !== undefined) {
      if ((child.kind === "list" || child.kind === "leaf-list") && isArray(value))
        return value.map((item, i) => new DataNode(this.trees, this, child, item, i + 1))
      return [new DataNode(this.trees, this, child, value)]
    }
    const implied = impliedValues(child)
    if (implied.length === 0 || !caseInUse(child, object)) return []
    const whenHolds = this.trees[0]?.whenHolds
    if (child.whens.length > 0 && whenHolds?.(child, this) !== true) return []
    return implied.map(
      (item, i) =>
        new DataNode(this.trees, this, child, item, child.kind === "leaf-list" ? i + 1 : undefined),
    )
  }
}

const EMPTY: JsonObject = {}

function impliedValues(child: SchemaNode): readonly JsonValue[] {
  if (child.kind === "container" && !child.presence) return [EMPTY]
  return child.defaultValues
}

/** True if a value is data: a container without presence that holds nothing is as good as none (RFC 7950 7.5.1). */
export function isFilled(node: SchemaNode, value: JsonValue | undefined): boolean {
  if (value === undefined) return false
  if (node.kind !== "container" || node.presence || !isObject(value)) return true
  for (const name in value) {
    const child = node.members.get(name)
    if (child !== undefined && isFilled(child, value[name])) return true
  }
  return false
}

/** True if any data below the schema node is there. */
export function hasData(node: SchemaNode, object: JsonObject): boolean {
  if (node.kind !== "choice" && node.kind !== "case") return isFilled(node, object[node.member])
  for (const child of node.children.values()) if (hasData(child, object)) return true
  return false
}

/**
 * True if the default of a node inside cases would be in use: every enclosing case has data, or is the default case of
 * a choice that has none (RFC 7950 section 7.9.3).
 */
export function caseInUse(child: SchemaNode, object: JsonObject): boolean {
  for (let at = child; at.parent !== undefined; at = at.parent) {
    const { parent } = at
    if (parent.kind === "choice") {
      if (hasData(at, object)) continue
      const isDefault = parent.defaults[0] === `${at.module}:${at.name}`
      if (!isDefault || hasData(parent, object)) return false
    } else if (parent.kind !== "case") return true
  }
  return true
}
