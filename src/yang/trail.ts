// Where in the instance data one is: a chain of data nodes, turned into a path only when somebody asks.

import { quoteValue } from "./instance-id.js"
import type { JsonValue } from "./json-text.js"
import type { SchemaNode } from "./schema-types.js"
import { lexicalOf } from "./values.js"

export interface Trail {
  readonly up: Trail | undefined
  readonly node: SchemaNode
  /** For a list entry: the entry (its keys may still be filled in) and its position from 1. */
  readonly entry?: Readonly<Record<string, JsonValue>> | undefined
  readonly position?: number | undefined
}

/** `[qkdl_id='...']`, or the position where keys are missing. */
function predicates(trail: Trail): string {
  const { node, entry, position } = trail
  if (entry === undefined) return ""
  const keys = node.keys ?? []
  const values = keys.map((key) => entry[key])
  if (keys.length === 0 || values.includes(undefined))
    return position === undefined ? "" : `[${position}]`
  return keys.map((key, i) => `[${key}=${quoteValue(lexicalOf(values[i] ?? ""))}]`).join("")
}

/** The instance path, such as `/etsi-qkd-sdn-node:qkd_node/qkd_links/qkd_link[qkdl_id='...']`; `/` for a root. */
export function pathOf(trail: Trail | undefined): string {
  const text = partOf(trail)
  return text === "" ? "/" : text
}

function partOf(trail: Trail | undefined): string {
  if (trail === undefined) return ""
  const { node } = trail
  if (node.kind === "root") return ""
  // A trail that starts below the root still tells the whole path, without the keys it does not know.
  const before = trail.up === undefined ? node.path : `${partOf(trail.up)}/${node.member}`
  if (node.kind === "input" || node.kind === "output") return node.path
  return before + predicates(trail)
}

/** The path of one member below a trail. */
export function pathTo(trail: Trail | undefined, member: string): string {
  return `${partOf(trail)}/${member}`
}
