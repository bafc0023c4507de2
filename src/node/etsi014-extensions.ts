// Extensions of ETSI GS QKD 014 requests and answers that are ours, prefixed as clause 6.2 asks: what an SAE may
// demand of its keys, and what it is told of them. Mandatory ones are met or the request is refused; optional ones
// are met where they can be.

import { QkdError } from "../errors.js"
import type { KeyTerms } from "../keys/key-terms.js"
import { isArray, isObject } from "../yang/json-text.js"
import type { JsonObject, JsonValue } from "../yang/json-text.js"
import type { EndKey } from "./ports.js"

export interface Extensions {
  readonly mandatory: KeyTerms
  readonly optional: KeyTerms
}

export const NO_EXTENSIONS: Extensions = { mandatory: {}, optional: {} }

/** The standard's own words (5.3). */
export const UNSUPPORTED_MANDATORY = "not all extension_mandatory parameters are supported"
export const UNMET_MANDATORY = "not all extension_mandatory request options could be met"

const MAX_EXTENSIONS = 16
const MAX_AVOIDED = 64
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Each takes a value and gives the term; undefined when the value is none. */
const KNOWN = new Map<string, (value: JsonValue) => KeyTerms | undefined>([
  [
    "keyloom_max_epsilon",
    (value) =>
      typeof value === "number" && value > 0 && value <= 1 ? { maxEpsilon: value } : undefined,
  ],
  [
    "keyloom_route",
    (value) => {
      if (value === "direct") return { directOnly: true }
      return value === "any" ? {} : undefined
    },
  ],
  [
    "keyloom_avoid_nodes",
    (value) => {
      if (!isArray(value) || value.length > MAX_AVOIDED) return undefined
      const nodes = value.filter((id) => typeof id === "string").map((id) => id.toLowerCase())
      const all = nodes.length === value.length && nodes.every((id) => UUID.test(id))
      return all ? { avoidNodes: nodes } : undefined
    },
  ],
  [
    "keyloom_disjoint_paths",
    (value) =>
      Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 16
        ? { disjointPaths: Number(value) }
        : undefined,
  ],
  [
    "keyloom_max_age_s",
    (value) => (typeof value === "number" && value >= 0 ? { maxAgeS: value } : undefined),
  ],
])

/**
 * `extension_mandatory` and `extension_optional` of a Key request (6.2, table 10).
 *
 * @throws QkdError `invalid-value`: no array of objects; a mandatory one that is unknown, named twice, or whose
 * value cannot be met. Optional ones that are unknown or odd are ignored, as the standard allows.
 */
export function parseExtensions(body: JsonObject): Extensions {
  const mandatory = entriesOf(body, "extension_mandatory")
  const optional = entriesOf(body, "extension_optional")
  if (mandatory.length === 0 && optional.length === 0) return NO_EXTENSIONS
  const unknown = mandatory.find(({ name }) => !KNOWN.has(name))
  if (unknown !== undefined) throw invalid(UNSUPPORTED_MANDATORY, unknown.path)
  const demanded = mandatory.map(({ name, value, path }, i) => {
    const term = KNOWN.get(name)?.(value)
    const again = mandatory.findIndex((other) => other.name === name) !== i
    if (term === undefined || again) throw invalid(UNMET_MANDATORY, path)
    return term
  })
  const wished = optional.map(({ name, value }) => KNOWN.get(name)?.(value) ?? {})
  return {
    mandatory: Object.assign({}, ...demanded) as KeyTerms,
    optional: Object.assign({}, ...wished) as KeyTerms,
  }
}

interface Entry {
  readonly name: string
  readonly value: JsonValue
  readonly path: string
}

function entriesOf(
  body: JsonObject,
  member: "extension_mandatory" | "extension_optional",
): readonly Entry[] {
  const value = body[member]
  if (value === undefined) return []
  if (!isArray(value)) throw invalid(`${member} shall be an array of objects`, `/${member}`)
  if (value.length > MAX_EXTENSIONS)
    throw invalid(`${member} shall have at most ${MAX_EXTENSIONS} entries`, `/${member}`)
  return value.flatMap((entry, i) => {
    if (!isObject(entry)) throw invalid(`${member} shall be an array of objects`, `/${member}/${i}`)
    return Object.entries(entry).map(([name, told]) => ({
      name,
      value: told,
      path: `/${member}/${i}/${name.slice(0, 64)}`,
    }))
  })
}

/**
 * What is told of a container's keys: of the weakest of them, so that it holds for each. Undefined where nothing is
 * known.
 */
export function containerExtension(keys: readonly EndKey[]): JsonObject | undefined {
  let most = 0
  let disjoint = Infinity
  let worst: number | undefined = 0
  for (const { links, disjointPaths = 1, epsilon } of keys) {
    if (links === undefined) return undefined
    if (links > most) most = links
    if (disjointPaths < disjoint) disjoint = disjointPaths
    if (epsilon === undefined) worst = undefined
    else if (worst !== undefined && epsilon > worst) worst = epsilon
  }
  if (keys.length === 0) return undefined
  if (told?.most !== most || told.disjoint !== disjoint || told.worst !== worst) {
    const extension = {
      keyloom_path_links: most,
      keyloom_disjoint_paths: disjoint,
      ...(worst !== undefined && { keyloom_epsilon: worst }),
    }
    told = { most, disjoint, worst, extension }
  }
  return told.extension
}

/** The last one told: keys of one path have the same, and who writes it knows it again. */
let told:
  | {
      readonly most: number
      readonly disjoint: number
      readonly worst: number | undefined
      readonly extension: JsonObject
    }
  | undefined

function invalid(message: string, path: string): QkdError {
  return new QkdError("invalid-value", message, { path })
}
