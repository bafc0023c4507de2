// `with-origin` (RFC 8527 section 3.2.2): what is shown of the operational datastore says where it comes from, beside
// each value that came otherwise than what holds it. The resource itself always says so.

import type { NetconfBackend } from "../netconf/backend.js"
import { withOrigins } from "../netconf/origins.js"
import type { DataPath } from "../yang/data-path.js"
import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import { tagMember } from "../yang/tags.js"
import { isEntry } from "./resource-path.js"

export interface Origins {
  readonly backend: NetconfBackend
  /** Configuration and state, without defaults that nobody set. */
  readonly used: JsonObject
  readonly running: JsonObject
}

/** @param value of the resource at the path, or a part of it. @param tag what is said beside it already. */
export function originsOf(
  { backend, used, running }: Origins,
  path: DataPath,
  value: JsonValue,
  tag?: JsonValue,
): { readonly value: JsonValue; readonly tag?: JsonValue } {
  const tree = path.reduceRight<JsonValue>((inner, step, level) => {
    const { node, keys } = step
    const { member } = node
    if (level === path.length - 1)
      return {
        [member]: isEntry(step) ? [value] : value,
        ...(tag !== undefined && { [tagMember(member)]: tag }),
      }
    if (keys === undefined || !isObject(inner)) return { [member]: inner }
    return { [member]: [{ ...keys, ...inner }] }
  }, value)
  if (!isObject(tree)) return { value }
  const told = withOrigins(backend.schema.root, tree, {
    ...{ used, running, keeps: undefined, annotate: true },
    originOf: (at, guess) => backend.originOf?.(at, guess) ?? guess,
  })
  return descend(told, path)
}

/** To the resource again; what it inherits from above it is told at it. */
function descend(told: JsonObject, path: DataPath): { value: JsonValue; tag?: JsonValue } {
  let inherited: JsonValue | undefined
  let at: JsonObject = told
  for (const step of path.slice(0, -1)) {
    const inside = at[step.node.member]
    const next = isArray(inside) ? inside[0] : inside
    if (!isObject(next)) break
    at = next
    inherited = at["@"] ?? inherited
  }
  const last = path.at(-1)
  if (last === undefined) return { value: told }
  const found = at[last.node.member] ?? null
  const value = isEntry(last) && isArray(found) ? (found[0] ?? null) : found
  const own = at[tagMember(last.node.member)]
  // State has no origin.
  if (!last.node.config) return { value, ...(own !== undefined && { tag: own }) }
  const { kind } = last.node
  if (kind === "container" || kind === "list")
    return { value: isArray(value) ? value.map((v) => said(v, inherited)) : said(value, inherited) }
  const tag = isArray(value)
    ? value.map((_, i) => joined(inherited, isArray(own) ? own[i] : undefined))
    : joined(inherited, own)
  return { value, tag }
}

function said(value: JsonValue, inherited: JsonValue | undefined): JsonValue {
  if (!isObject(value) || value["@"] !== undefined || inherited === undefined) return value
  return { "@": inherited, ...value }
}

/** What is said nearer counts. */
function joined(inherited: JsonValue | undefined, own: JsonValue | undefined): JsonValue {
  return { ...objectOr(inherited), ...objectOr(own) }
}

function objectOr(value: JsonValue = null): JsonObject {
  return isObject(value) ? value : {}
}
