// Metadata beside instance data (RFC 7952): members named `@leaf`. The one we know says that a value is a default (RFC
// 6243 section 6, RFC 8040 section 4.8.9). Tagged data is for writing out only; it is not valid input anywhere else.

import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"

/** The namespace of the `default` attribute in XML (RFC 6243 section 6). */
export const DEFAULT_NS = "urn:ietf:params:xml:ns:netconf:default:1.0"

const NAME = "ietf-netconf-with-defaults:default"

/** What says of one value that it is a default. */
export const DEFAULT_TAG: JsonObject = { [NAME]: true }

/** The member that holds the metadata of another. */
export function tagMember(member: string): string {
  return `@${member}`
}

/** Is the value of a member, or its item at a position, tagged as a default? */
export function isTagged(object: JsonObject, member: string, position = 0): boolean {
  const tag = object[tagMember(member)]
  const one = isArray(tag) ? tag[position] : tag
  return isObject(one) && one[NAME] === true
}

/** A member of `from` and its tag, put into `to`. */
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
