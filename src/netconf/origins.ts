// Origins of configuration in the operational datastore (RFC 8342 section 5.3.4): told as annotations, and filtered by.
// State has no origin. What inherits its parent's says nothing.

import { isDeepStrictEqual } from "node:util"
import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import { findEntry, keyOf } from "../yang/list-index.js"
import type { SchemaNode } from "../yang/schema.js"
import { originTag, tagMember, tagOf } from "../yang/tags.js"
import type { Origin } from "./backend.js"

export interface OriginQuestion {
  /** Configuration and state, without defaults that nobody set. */
  readonly used: JsonObject
  readonly running: JsonObject
  readonly originOf: (path: string, guess: Origin) => Origin
  /** Configuration of other origins is left out; what holds something that stays, stays. */
  readonly keeps: ((origin: Origin) => boolean) | undefined
  readonly annotate: boolean
}

/** @param data of the operational datastore, or a part of it. */
export function withOrigins(
  root: SchemaNode,
  data: JsonObject,
  question: OriginQuestion,
): JsonObject {
  const { used, running } = question
  return new Walk(question).object(root, { value: data, used, running }, undefined)?.object ?? {}
}

/** One place in the three trees. */
interface Place<T extends JsonValue = JsonValue> {
  readonly value: T
  readonly used: JsonValue | undefined
  readonly running: JsonValue | undefined
}

class Walk {
  constructor(private readonly question: OriginQuestion) {}

  /** @param inherited undefined at the top, where every origin must be told. @returns undefined when nothing is left. */
  object(
    node: SchemaNode,
    place: Place<JsonObject>,
    inherited: Origin | undefined,
  ): { readonly object: JsonObject; readonly some: boolean } | undefined {
    const { value } = place
    const kept: Record<string, JsonValue> = {}
    let some = false
    for (const member in value) {
      const child = node.members.get(member)
      const inside = value[member]
      if (child === undefined || inside === undefined) continue
      const left = child.config
        ? this.member(child, placeIn(place, member, inside), value, inherited, kept)
        : inside
      if (left === undefined) continue
      const isKey = node.keys?.includes(member) === true
      some ||= !isKey
      kept[member] = left
      const tag = value[tagMember(member)]
      if (tag !== undefined && kept[tagMember(member)] === undefined && left === inside)
        kept[tagMember(member)] = tag
    }
    return { object: kept, some }
  }

  private member(
    node: SchemaNode,
    place: Place,
    parent: JsonObject,
    inherited: Origin | undefined,
    kept: Record<string, JsonValue>,
  ): JsonValue | undefined {
    const { value } = place
    if (node.kind === "container" && isObject(value))
      return this.inner(node, { ...place, value }, inherited, node.presence)
    if (node.kind === "list" && isArray(value))
      return this.entries(node, { ...place, value }, inherited)
    if (node.kind === "leaf-list" && isArray(value))
      return this.items(node, { ...place, value }, parent, inherited, kept)
    const origin = this.originOf(node, place)
    const isKey = node.parent?.keys?.includes(node.member) === true
    if (!isKey && this.question.keeps?.(origin) === false) return undefined
    const tag = this.tag(origin, inherited, tagOf(parent, node.member))
    if (tag !== undefined) kept[tagMember(node.member)] = tag
    return value
  }

  /** A container or an entry. @param own whether it may stay with nothing inside. */
  private inner(
    node: SchemaNode,
    place: Place<JsonObject>,
    inherited: Origin | undefined,
    own: boolean,
  ): JsonObject | undefined {
    const { keeps } = this.question
    const origin = this.originOf(node, place)
    const made = this.object(node, place, origin)
    if (made === undefined) return undefined
    if (keeps !== undefined && !made.some && !(own && keeps(origin))) return undefined
    const tag = this.tag(origin, inherited, undefined)
    return tag === undefined ? made.object : { "@": tag, ...made.object }
  }

  private entries(
    node: SchemaNode,
    place: Place<readonly JsonValue[]>,
    inherited: Origin | undefined,
  ): JsonValue | undefined {
    const entryIn = (list: JsonValue | undefined, entry: JsonValue): JsonValue | undefined =>
      isArray(list) ? list[findEntry(node, list, keyOf(node, entry))] : undefined
    const kept: JsonValue[] = []
    for (const entry of place.value) {
      if (!isObject(entry)) continue
      const at = {
        value: entry,
        used: entryIn(place.used, entry),
        running: entryIn(place.running, entry),
      }
      const left = this.inner(node, at, inherited, true)
      if (left !== undefined) kept.push(left)
    }
    return kept.length > 0 ? kept : undefined
  }

  private items(
    node: SchemaNode,
    place: Place<readonly JsonValue[]>,
    parent: JsonObject,
    inherited: Origin | undefined,
    kept: Record<string, JsonValue>,
  ): JsonValue | undefined {
    const itemIn = (list: JsonValue | undefined, item: JsonValue): JsonValue | undefined =>
      isArray(list) ? list[findEntry(node, list, keyOf(node, item))] : undefined
    const left: JsonValue[] = []
    const tags: (JsonObject | null)[] = []
    for (const [i, item] of place.value.entries()) {
      const at = {
        value: item,
        used: itemIn(place.used, item),
        running: itemIn(place.running, item),
      }
      const origin = this.originOf(node, at)
      if (this.question.keeps?.(origin) === false) continue
      left.push(item)
      tags.push(this.tag(origin, inherited, tagOf(parent, node.member, i)) ?? null)
    }
    if (tags.some((tag) => tag !== null)) kept[tagMember(node.member)] = tags
    return left.length > 0 ? left : undefined
  }

  /** Running says it, something else says it, or nobody does. An object is there or not; a value is the same or not. */
  private originOf(node: SchemaNode, { value, used, running }: Place): Origin {
    const same = isObject(value) ? running !== undefined : isDeepStrictEqual(running, value)
    const guess =
      running !== undefined && same ? "intended" : used !== undefined ? "system" : "default"
    return this.question.originOf(node.path, guess)
  }

  private tag(
    origin: Origin,
    inherited: Origin | undefined,
    before: JsonObject | undefined,
  ): JsonObject | undefined {
    if (!this.question.annotate || origin === inherited) return before
    return { ...before, ...originTag(origin) }
  }
}

function placeIn(place: Place<JsonObject>, member: string, value: JsonValue): Place {
  const { used, running } = place
  return {
    value,
    used: isObject(used) ? used[member] : undefined,
    running: isObject(running) ? running[member] : undefined,
  }
}
