// Metadata beside instance data (RFC 7952): members named `@leaf` beside a leaf or leaf-list, `@` inside an object. Two
// annotations are known: that a value is a default (RFC 6243 section 6, RFC 8040 section 4.8.9) and where it comes from
// (RFC 8342 section 5.3.4). Tagged data is for writing out; what reads data drops the first and refuses all others.

import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import type { Schema } from "./schema-types.js"
import { escapeAttr } from "./xml-tree.js"

/** The namespace of the `default` attribute in XML (RFC 6243 section 6). */
export const DEFAULT_NS = "urn:ietf:params:xml:ns:netconf:default:1.0"
export const ORIGIN_NS = "urn:ietf:params:xml:ns:yang:ietf-origin"

const DEFAULT = "ietf-netconf-with-defaults:default"
const ORIGIN = "ietf-origin:origin"

/** What says of one value that it is a default. */
export const DEFAULT_TAG: JsonObject = { [DEFAULT]: true }

/** What says of a value, or of an object and all inside that says nothing else, where it comes from. */
export function originTag(origin: string): JsonObject {
  return { [ORIGIN]: `ietf-origin:${origin}` }
}

/** The member that holds the metadata of another. */
export function tagMember(member: string): string {
  return `@${member}`
}

/** The metadata of a leaf, or of one value of a leaf-list. */
export function tagOf(object: JsonObject, member: string, position = 0): JsonObject | undefined {
  const tag = object[tagMember(member)]
  const one = isArray(tag) ? tag[position] : tag
  return isObject(one) ? one : undefined
}

/** A member of `from` put into `to`, with its tag if it is whole. */
export function take(
  from: JsonObject,
  member: string,
  value: JsonValue,
  to: Record<string, JsonValue>,
): void {
  to[member] = value
  const tag = from[tagMember(member)]
  if (tag !== undefined && from[member] === value) to[tagMember(member)] = tag
}

/** Is this nothing but the mark of a default, for one value or for several? */
export function isDefaultTag(value: JsonValue): boolean {
  if (isArray(value)) return value.every((one) => one === null || isDefaultTag(one))
  if (!isObject(value)) return false
  return typeof value[DEFAULT] === "boolean" && Object.keys(value).length === 1
}

/** Metadata as XML attributes with the declarations they need, a space before each. */
export function tagAttributes(
  schema: Schema,
  tag: JsonObject,
  taken: ReadonlyMap<string, string>,
): string {
  const free = (wanted: string): string => {
    let prefix = wanted
    while (taken.has(prefix)) prefix += "_"
    return prefix
  }
  let text = ""
  if (tag[DEFAULT] === true) {
    const wd = free("wd")
    text += ` xmlns:${wd}="${DEFAULT_NS}" ${wd}:default="true"`
  }
  const origin = tag[ORIGIN]
  if (typeof origin !== "string") return text
  // The value is an identity: its prefix is declared too.
  const colon = origin.indexOf(":")
  const module = schema.moduleByName(origin.slice(0, colon))
  const or = free("or")
  text += ` xmlns:${or}="${ORIGIN_NS}"`
  if (module === undefined || module.namespace === ORIGIN_NS)
    return `${text} ${or}:origin="${or}:${escapeAttr(origin.slice(colon + 1))}"`
  const by = free("by")
  text += ` xmlns:${by}="${escapeAttr(module.namespace)}"`
  return `${text} ${or}:origin="${by}:${escapeAttr(origin.slice(colon + 1))}"`
}
