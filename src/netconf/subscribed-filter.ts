// Filters as subscriptions write them: anydata or XPath, on the spot or under `/filters`, in XML or JSON. What they let
// pass is decided by `stream-filter.ts` and `push-selection.ts`.

import { QkdError } from "../errors.js"
import { compileXPathFilter } from "../yang/filter-xpath.js"
import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import type { Schema } from "../yang/schema.js"
import { lexicalOf } from "../yang/values.js"
import { childrenOf, parseXml, type XmlElement } from "../yang/xml-tree.js"
import type { StreamFilter } from "./stream-filter.js"

/** Filters of streams and of datastores have the same forms under other names. */
export interface FilterNames {
  readonly subtree: string
  readonly xpath: string
}

export const STREAM_FILTER: FilterNames = {
  subtree: "stream-subtree-filter",
  xpath: "stream-xpath-filter",
}
export const DATASTORE_FILTER: FilterNames = {
  subtree: "datastore-subtree-filter",
  xpath: "datastore-xpath-filter",
}

/**
 * The filter among the members of a request or of an entry under `/filters`.
 *
 * @param prefix of the members' names, such as `ietf-yang-push:`.
 * @param raw the elements that `data` was decoded from, if it came as XML: a subtree filter may hold what is no data
 *   (attributes, entries without keys), and an XPath the prefixes in scope.
 * @throws QkdError `invalid-value` for an XPath that cannot be read.
 */
export function filterIn(
  schema: Schema,
  data: JsonObject,
  names: FilterNames,
  prefix = "",
  raw: readonly XmlElement[] = [],
): StreamFilter | undefined {
  const written = (name: string): XmlElement | undefined => raw.find((e) => e.name === name)
  const subtree = data[prefix + names.subtree]
  if (subtree !== undefined) {
    const element = written(names.subtree)
    const elements = element === undefined ? elementsOf(schema, subtree) : childrenOf(element)
    return { kind: "subtree", elements }
  }
  const xpath = data[prefix + names.xpath]
  if (typeof xpath !== "string") return undefined
  const prefixes = new Map(schema.modules.map((m) => [m.name, m.namespace]))
  // RFC 8639 section 4, stream-xpath-filter: prefixes of the XML win over module names.
  for (const [name, namespace] of written(names.xpath)?.prefixes ?? [])
    if (name !== "") prefixes.set(name, namespace)
  return { kind: "xpath", expression: compileXPathFilter(schema, { text: xpath, prefixes }) }
}

/** What anydata holds, as the elements of a subtree filter. */
function elementsOf(schema: Schema, value: JsonValue): readonly XmlElement[] {
  if (!isObject(value)) return []
  const raw = value["@xml"]
  if (typeof raw === "string") return childrenOf(parseXml(`<filter>${raw}</filter>`))
  const prefixes = new Map(schema.modules.map((m) => [m.name, m.namespace]))
  return membersOf(value, "", prefixes)
}

function membersOf(
  object: JsonObject,
  outerNs: string,
  prefixes: ReadonlyMap<string, string>,
): XmlElement[] {
  return Object.entries(object).flatMap(([member, value]) => {
    const colon = member.indexOf(":")
    const ns = colon < 0 ? outerNs : prefixes.get(member.slice(0, colon))
    if (ns === undefined)
      throw new QkdError("unknown-namespace", `unknown module in ${member}`, {
        info: { "bad-element": member, "bad-namespace": member.slice(0, colon) },
      })
    const name = member.slice(colon + 1)
    // `[null]` is the value of an empty leaf (RFC 7951 section 6.9), not a list.
    const empty = isArray(value) && value.length === 1 && value[0] === null
    const items = isArray(value) && !empty ? value : [value]
    return items.map((item): XmlElement => {
      const children = isObject(item)
        ? membersOf(item, ns, prefixes)
        : item === null || isArray(item)
          ? []
          : [lexicalOf(item)]
      return { name, ns, attrs: [], children, prefixes }
    })
  })
}
