// What a client asks to see of a datastore, and that part of it: filters of both kinds (RFC 6241 sections 6 and 8.9),
// the modes of RFC 6243. What the caller may see at all has been decided before.

import { QkdError } from "../errors.js"
import { reportDefaults, type DefaultsMode } from "../yang/defaults.js"
import { filterSubtree, type Whole } from "../yang/filter.js"
import { compileXPathFilter, filterXPath, type CompiledXPathFilter } from "../yang/filter-xpath.js"
import type { JsonObject } from "../yang/json.js"
import type { Schema } from "../yang/schema.js"
import { attributeOf, childrenOf, type XmlElement } from "../yang/xml-tree.js"
import { BASE_NS } from "./names.js"
import { choiceOf, type Parameters } from "./parameters.js"

export type Filter =
  | { readonly subtree: readonly XmlElement[] }
  | { readonly xpath: CompiledXPathFilter }

/**
 * The `filter` of get and get-config; undefined without one.
 *
 * @throws QkdError `bad-attribute` for a type that is neither, `missing-attribute` for XPath without `select`,
 *   `invalid-value` for an expression that is none.
 */
export function filterOf(schema: Schema, parameters: Parameters): Filter | undefined {
  const filter = parameters.get("filter")
  if (filter === undefined) return undefined
  const attribute = (name: string): string | undefined =>
    attributeOf(filter, name) ?? attributeOf(filter, name, BASE_NS)
  const type = attribute("type") ?? "subtree"
  const info = { "bad-attribute": "type", "bad-element": "filter" }
  if (type === "subtree") return { subtree: childrenOf(filter) }
  if (type !== "xpath")
    throw new QkdError("bad-attribute", `filter type ${type} is not supported`, { info })
  const text = attribute("select")
  if (text === undefined)
    throw new QkdError("missing-attribute", "an XPath filter wants select", {
      info: { ...info, "bad-attribute": "select" },
    })
  return { xpath: compileXPathFilter(schema, { text, prefixes: filter.prefixes }) }
}

/** The part of `data` that the filter selects; all of it without a filter. @throws QkdError as XPath goes wrong. */
export function selectedBy(
  schema: Schema,
  data: JsonObject,
  filter: Filter | undefined,
  whole?: Whole,
): JsonObject {
  if (filter === undefined) return data
  return "subtree" in filter
    ? filterSubtree(schema, data, filter.subtree, whole)
    : filterXPath(schema, data, filter.xpath, whole)
}

const MODES: readonly [DefaultsMode, ...DefaultsMode[]] = [
  "explicit",
  "report-all",
  "report-all-tagged",
  "trim",
]

/** RFC 6243 section 4.5.1. @throws QkdError `invalid-value`. */
export function defaultsModeOf(parameters: Parameters): DefaultsMode | undefined {
  if (!parameters.has("with-defaults")) return undefined
  return choiceOf(parameters, "with-defaults", MODES)
}

/**
 * The data as a mode reports it; without a mode as it is, which is `explicit`, our basic mode (section 2.3).
 *
 * @param readable what of it the caller may see: a default must not be told in the place of a value that was hidden.
 */
export function reported(
  schema: Schema,
  data: JsonObject,
  mode: DefaultsMode | undefined,
  configOnly: boolean,
  readable: (data: JsonObject) => JsonObject,
): JsonObject {
  return mode === undefined ? data : readable(reportDefaults(schema, data, mode, { configOnly }))
}
