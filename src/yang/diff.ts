// What makes two trees of one schema differ, as a list of changes. Compares only; writing the changes as an edit is
// diff-xml's business, judging either tree validate's.

import { isFilled } from "./data-node.js"
import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import { diffList } from "./diff-list.js"
import type { Placement } from "./diff-list.js"
import type { Schema, SchemaNode } from "./schema-types.js"
import { quoteValue } from "./instance-id.js"
import { pathOf, pathTo } from "./trail.js"
import type { Trail } from "./trail.js"
import { lexicalOf } from "./values.js"

/**
 * - `create`, `delete`: a leaf, a container with presence, a list entry, a leaf-list value, anydata; whole, with all
 *   that is in it. Containers without presence always exist (RFC 7950 section 7.5.1): they are looked into instead.
 * - `replace`: another value in a leaf or anydata; a list without keys, or state values that may repeat, as a whole.
 * - `move`: an entry of a list its user orders, at another place; changes inside it stand beside this one.
 */
export interface Change {
  readonly kind: "create" | "delete" | "replace" | "move"
  /** The object that holds the node. */
  readonly up: Trail
  readonly node: SchemaNode
  /** Instance path of what changes. */
  readonly path: string
  /** Absent for `create`. */
  readonly before?: JsonValue
  /** Absent for `delete`. */
  readonly after?: JsonValue
  /** Where a created or moved entry stands, if its user orders the list. */
  readonly place?: Placement
}

export interface DiffOptions {
  /** Look at configuration only. Default: at state too. */
  readonly configOnly?: boolean
}

/**
 * The changes that lead from one tree to the other, in an order in which they can be done: what goes first goes away
 * first, so that the cases of a choice do not meet; moves and creations count on those before them.
 */
export function diff(
  schema: Schema,
  from: JsonObject,
  to: JsonObject,
  options: DiffOptions = {},
): readonly Change[] {
  const changes: Change[] = []
  const walk = new Walk(changes, options.configOnly === true)
  walk.members({ up: undefined, node: schema.root }, from, to)
  return changes
}

const NOTHING: JsonObject = {}

class Walk {
  constructor(
    private readonly changes: Change[],
    private readonly configOnly: boolean,
  ) {}

  members(up: Trail, from: JsonObject, to: JsonObject): void {
    if (from === to) return
    const members = up.node.members
    for (const name in from) {
      const node = members.get(name)
      if (node !== undefined && !isThere(node, to[name]))
        this.member(up, node, from[name], to[name])
    }
    for (const name in to) {
      const node = members.get(name)
      if (node !== undefined && isThere(node, to[name])) this.member(up, node, from[name], to[name])
    }
  }

  private member(
    up: Trail,
    node: SchemaNode,
    before: JsonValue | undefined,
    after: JsonValue | undefined,
  ): void {
    if (before === after || (this.configOnly && !node.config)) return
    if (node.kind === "container" && (!node.presence || (isObject(before) && isObject(after)))) {
      const old = isObject(before) ? before : NOTHING
      this.members({ up, node }, old, isObject(after) ? after : NOTHING)
      return
    }
    if (isKeyed(node)) {
      this.list(up, node, isArray(before) ? before : [], isArray(after) ? after : [])
      return
    }
    if (before !== undefined && after !== undefined && sameValue(before, after)) return
    this.add(up, node, pathTo(up, node.member), before, after)
  }

  private list(
    up: Trail,
    node: SchemaNode,
    before: readonly JsonValue[],
    after: readonly JsonValue[],
  ): void {
    const inside = (old: JsonValue, entry: JsonValue): void => {
      if (isObject(old) && isObject(entry)) this.members({ up, node, entry }, old, entry)
    }
    diffList(node, before, after, {
      gone: (item) => {
        this.add(up, node, itemPath(up, node, item), item, undefined)
      },
      fresh: (item, place) => {
        this.add(up, node, itemPath(up, node, item), undefined, item, place)
      },
      kept: inside,
      moved: (old, item, place) => {
        const path = itemPath(up, node, item)
        this.changes.push({ kind: "move", up, node, path, before: old, after: item, place })
        inside(old, item)
      },
    })
  }

  private add(
    up: Trail,
    node: SchemaNode,
    path: string,
    before: JsonValue | undefined,
    after: JsonValue | undefined,
    place?: Placement,
  ): void {
    const kind = before === undefined ? "create" : after === undefined ? "delete" : "replace"
    this.changes.push({
      kind,
      up,
      node,
      path,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
      ...(place === undefined ? {} : { place }),
    })
  }
}

/** Entries that can be told apart: keyed lists, and the leaf-lists of configuration, whose values are unique. */
function isKeyed(node: SchemaNode): boolean {
  if (node.kind === "list") return (node.keys?.length ?? 0) > 0
  return node.kind === "leaf-list" && node.config
}

/** Is there anything, at the end? */
function isThere(node: SchemaNode, value: JsonValue | undefined): boolean {
  return isFilled(node, value) && !(isArray(value) && value.length === 0)
}

/** The instance path of a list entry or a leaf-list value. */
export function itemPath(up: Trail, node: SchemaNode, item: JsonValue): string {
  if (isObject(item)) return pathOf({ up, node, entry: item })
  return `${pathTo(up, node.member)}[.=${quoteValue(lexicalOf(item))}]`
}

/** Equal as JSON: members in any order, array items in theirs. */
export function sameValue(a: JsonValue, b: JsonValue): boolean {
  if (a === b) return true
  if (isArray(a)) {
    if (!isArray(b) || a.length !== b.length) return false
    return a.every((item, i) => sameValue(item, b[i] ?? null))
  }
  if (!isObject(a) || !isObject(b)) return false
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  return names.every((name) => {
    const x = a[name]
    const y = Object.hasOwn(b, name) ? b[name] : undefined
    return x !== undefined && y !== undefined && sameValue(x, y)
  })
}
