// What of a change a user's rules forbid: both trees are walked side by side, and every node that comes, goes or
// changes is judged (RFC 8341 sections 3.2.5 and 3.2.8). Parts that are shared by both, or that the user may write
// as he likes, are passed over. Changes nothing.
//
// A container without presence is no change of its own: it exists in every datastore (RFC 7950 section 7.5.1).
// An entry whose rank among those that stay has changed counts as updated.

import { isDeepStrictEqual } from "node:util"
import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import { keyOf } from "../yang/list-index.js"
import type { SchemaNode } from "../yang/schema.js"
import type { Trail } from "../yang/trail.js"
import { CREATE, DELETE, UPDATE } from "./nacm-config.js"
import type { Place, UserRules } from "./nacm-rules.js"

const WRITE = CREATE | UPDATE | DELETE
const NOTHING: JsonObject = {}

/** The first forbidden part of a change; undefined when all of it is permitted. */
export function forbiddenPart(
  rules: UserRules,
  root: SchemaNode,
  previous: JsonObject,
  next: JsonObject,
): Trail | undefined {
  const trail: Trail = { up: undefined, node: root }
  return new Comparison(rules).members(rules.start, trail, previous, next)
}

class Comparison {
  constructor(private readonly rules: UserRules) {}

  members(place: Place, at: Trail, before: JsonObject, after: JsonObject): Trail | undefined {
    const names =
      after === NOTHING
        ? Object.keys(before)
        : before === NOTHING
          ? Object.keys(after)
          : new Set([...Object.keys(before), ...Object.keys(after)])
    for (const name of names) {
      const child = at.node.members.get(name)
      if (child === undefined || before[name] === after[name]) continue
      const found = this.#child(place, at, child, before[name], after[name])
      if (found !== undefined) return found
    }
    return undefined
  }

  #child(
    place: Place,
    up: Trail,
    child: SchemaNode,
    before: JsonValue | undefined,
    after: JsonValue | undefined,
  ): Trail | undefined {
    if (child.kind === "list" || child.kind === "leaf-list")
      return this.#items(place, up, child, listOf(before), listOf(after))
    const trail: Trail = { up, node: child }
    return this.#node(this.rules.enter(place, child), trail, before, after)
  }

  /** One instance: a container, a leaf, a list entry, a leaf-list's value. */
  #node(
    place: Place,
    trail: Trail,
    before: JsonValue | undefined,
    after: JsonValue | undefined,
  ): Trail | undefined {
    if (before === after) return undefined
    const { node } = trail
    const wanted = before === undefined ? CREATE : after === undefined ? DELETE : UPDATE
    const all = wanted === UPDATE ? WRITE : wanted
    if ((this.rules.permitsAllBelow(place, node) & all) === all) return undefined
    const permitted = (this.rules.permits(place, node) & wanted) !== 0
    if (node.kind !== "container" && node.kind !== "list")
      return permitted || isDeepStrictEqual(before, after) ? undefined : trail
    const own = node.kind === "list" || node.presence
    if (own && wanted !== UPDATE && !permitted) return trail
    return this.members(place, trail, objectOf(before), objectOf(after))
  }

  #items(
    place: Place,
    up: Trail,
    node: SchemaNode,
    before: readonly JsonValue[],
    after: readonly JsonValue[],
  ): Trail | undefined {
    if (this.rules.isOnePlace(place, node)) {
      const inside = this.rules.enter(place, node)
      if ((this.rules.permitsAllBelow(inside, node) & WRITE) === WRITE) return undefined
    }
    const same = alike(node, before, after)
    for (let i = 0; i < same; i++) {
      const found = this.#item(place, up, node, before[i], after[i])
      if (found !== undefined) return found
    }
    if (same === before.length && same === after.length) return undefined
    return this.#rest(place, up, node, before.slice(same), after.slice(same))
  }

  /** Items of which none need be where it was. */
  #rest(
    place: Place,
    up: Trail,
    node: SchemaNode,
    before: readonly JsonValue[],
    after: readonly JsonValue[],
  ): Trail | undefined {
    const old = new Map(before.map((item) => [idOf(node, item), item]))
    const now = new Map(after.map((item) => [idOf(node, item), item]))
    for (const [id, item] of old) {
      const found = this.#item(place, up, node, item, now.get(id))
      if (found !== undefined) return found
    }
    for (const [id, item] of now) {
      if (old.has(id)) continue
      const found = this.#item(place, up, node, undefined, item)
      if (found !== undefined) return found
    }
    if (!node.orderedByUser) return undefined
    const stayed = [...old.keys()].filter((id) => now.has(id))
    const moved = [...now.keys()].filter((id) => old.has(id)).filter((id, i) => stayed[i] !== id)
    for (const id of moved) {
      const item = now.get(id) ?? null
      const trail = trailOf(up, node, item)
      const inside = this.rules.enter(place, node, item)
      if ((this.rules.permits(inside, node) & UPDATE) === 0) return trail
    }
    return undefined
  }

  #item(
    place: Place,
    up: Trail,
    node: SchemaNode,
    before: JsonValue | undefined,
    after: JsonValue | undefined,
  ): Trail | undefined {
    if (before === after) return undefined
    const value = after ?? before ?? null
    return this.#node(this.rules.enter(place, node, value), trailOf(up, node, value), before, after)
  }
}

/** How many items at the beginning have the same keys in the same places. */
function alike(
  node: SchemaNode,
  before: readonly JsonValue[],
  after: readonly JsonValue[],
): number {
  const most = Math.min(before.length, after.length)
  for (let i = 0; i < most; i++) {
    const [a, b] = [before[i] ?? null, after[i] ?? null]
    if (a !== b && idOf(node, a) !== idOf(node, b)) return i
  }
  return most
}

/** Text equal for the same item of a list, or the same value of a leaf-list. */
function idOf(node: SchemaNode, item: JsonValue): string {
  return node.kind === "leaf-list" ? JSON.stringify(item) : keyOf(node, item)
}

function trailOf(up: Trail, node: SchemaNode, item: JsonValue): Trail {
  return { up, node, ...(node.kind === "list" && isObject(item) && { entry: item }) }
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return isArray(value) ? value : []
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : NOTHING
}
