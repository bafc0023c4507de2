// The difference of two selections as the edits of a YANG patch (RFC 8641 section 3.7, RFC 8072 section 2.5), each
// addressed as RESTCONF addresses data (RFC 8040 section 3.5.3). Values are encoded late, for each encoding.

import { diff, type Change } from "../yang/diff.js"
import type { Placement } from "../yang/diff-list.js"
import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import { findEntry, keyOf } from "../yang/list-index.js"
import type { Schema, SchemaNode } from "../yang/schema.js"
import type { Trail } from "../yang/trail.js"
import { lexicalOf } from "../yang/values.js"
import { encodeXml } from "../yang/xml.js"
import type { Encoding } from "./stream-event.js"
import type { ChangeType } from "./subscribed-terms.js"

export interface PatchEdit {
  readonly operation: ChangeType
  /** Data resource, seen from the datastore. */
  readonly target: string
  readonly where?: "first" | "last" | "after"
  readonly point?: string
  /** Absent for `delete` and `move`. */
  readonly value?: {
    readonly parent: SchemaNode
    readonly node: SchemaNode
    readonly item: JsonValue
  }
}

/** In an order in which a receiver can make them. */
export function patchEdits(schema: Schema, from: JsonObject, to: JsonObject): readonly PatchEdit[] {
  const edits: PatchEdit[] = []
  /** Targets that were replaced with all that is in them. */
  const whole = new Set<string>()
  for (const change of diff(schema, from, to)) {
    const { up, node } = change
    if (isAddressable(change) || up.up === undefined) edits.push(editOf(change))
    else {
      const target = resourceOf(up)
      if (!whole.has(target)) edits.push(wholeParent(up, node, target, to))
      whole.add(target)
    }
  }
  if (whole.size === 0) return edits
  const covered = ({ target }: PatchEdit): boolean =>
    [...whole].some((outer) => target.startsWith(`${outer}/`))
  return edits.filter((edit) => !covered(edit))
}

/** Entries without keys, and state values that may repeat, have no address of their own. */
function isAddressable({ node }: Change): boolean {
  if (node.kind === "list") return (node.keys?.length ?? 0) > 0
  return node.kind !== "leaf-list" || node.config
}

/** The node that holds what has no address, as it is now. */
function wholeParent(up: Trail, node: SchemaNode, target: string, to: JsonObject): PatchEdit {
  const item = valueAt(up, to)
  if (item === undefined) return { operation: "delete", target }
  return {
    operation: "replace",
    target,
    value: { parent: up.up?.node ?? node, node: up.node, item },
  }
}

function editOf(change: Change): PatchEdit {
  const { kind, up, node, before, after, place } = change
  const item = after ?? before ?? null
  const single = node.kind !== "list" && node.kind !== "leaf-list"
  const target =
    single || !isAddressable(change) ? resourceOfMember(up, node) : resourceOfItem(up, node, item)
  const position = place === undefined ? {} : positionOf(up, node, place)
  if (kind === "delete") return { operation: "delete", target }
  if (kind === "move") return { operation: "move", target, ...position }
  const operation = kind === "create" && place !== undefined ? "insert" : kind
  return { operation, target, ...position, value: { parent: up.node, node, item } }
}

function positionOf(
  up: Trail,
  node: SchemaNode,
  place: Placement,
): Pick<PatchEdit, "where" | "point"> {
  if (place.where !== "after") return { where: place.where }
  return { where: "after", point: resourceOfItem(up, node, place.anchor) }
}

/** The members of the list `edit`. */
export function editsData(
  schema: Schema,
  edits: readonly PatchEdit[],
  encoding: Encoding,
): JsonObject[] {
  return edits.map(({ operation, target, where, point, value }, i) => ({
    "edit-id": String(i + 1),
    operation,
    target,
    ...(point === undefined ? {} : { point }),
    ...(where === undefined ? {} : { where }),
    ...(value === undefined ? {} : { value: valueData(schema, value, encoding) }),
  }))
}

/** RFC 8072 section 2.4: one instance of the target, under its own name. */
function valueData(
  schema: Schema,
  { parent, node, item }: NonNullable<PatchEdit["value"]>,
  encoding: Encoding,
): JsonObject {
  const many = node.kind === "list" || node.kind === "leaf-list"
  const content = many && !isArray(item) ? [item] : item
  if (encoding === "json") return { [`${node.module}:${node.name}`]: content }
  return { "@xml": encodeXml(schema, { [node.member]: content }, parent) }
}

function resourceOf(trail: Trail | undefined): string {
  if (trail === undefined || trail.node.kind === "root") return ""
  const { up, node, entry } = trail
  return entry === undefined ? resourceOfMember(up, node) : resourceOfItem(up, node, entry)
}

function resourceOfMember(up: Trail | undefined, node: SchemaNode): string {
  return `${resourceOf(up)}/${node.member}`
}

function resourceOfItem(up: Trail | undefined, node: SchemaNode, item: JsonValue): string {
  const keys = isObject(item) ? (node.keys ?? []).map((key) => item[key] ?? "") : [item]
  return `${resourceOfMember(up, node)}=${keys.map((k) => encodeURIComponent(lexicalOf(k))).join(",")}`
}

function valueAt(trail: Trail, tree: JsonObject): JsonValue | undefined {
  if (trail.node.kind === "root") return tree
  const { up, node, entry } = trail
  const outer = up === undefined ? tree : valueAt(up, tree)
  const value = isObject(outer) ? outer[node.member] : undefined
  if (entry === undefined || !isArray(value)) return value
  const at = findEntry(node, value, keyOf(node, entry))
  return at < 0 ? undefined : value[at]
}
