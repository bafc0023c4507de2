// A compiled schema as JSON Schema (2020-12 words only, nothing beyond plain keywords), for ajv and for OpenAPI.
// What JSON Schema cannot say (keys, conditions, references) is not in it.

import { showIntervals, unscaled } from "./intervals.js"
import type { Interval, ResolvedType, SchemaNode } from "./schema-types.js"

export interface JsonSchema {
  readonly [keyword: string]:
    | string
    | number
    | boolean
    | readonly (string | number | null | JsonSchema)[]
    | JsonSchema
}

export interface JsonSchemaOptions {
  /** Leave state out. */
  readonly configOnly: boolean
  /** Say what must be there. */
  readonly required: boolean
  /** Replaces the keywords of a leaf's type. */
  readonly leaf?: (node: SchemaNode, type: ResolvedType) => JsonSchema | undefined
  /** Leave descriptions out. */
  readonly bare?: boolean
}

/** The object whose members are those of `node`. */
export function objectSchema(node: SchemaNode, options: JsonSchemaOptions): JsonSchema {
  const properties: Record<string, JsonSchema> = {}
  const required: string[] = []
  for (const [member, child] of node.members) {
    if (options.configOnly && !child.config) continue
    properties[member] = nodeSchema(child, options)
    const isKey = node.keys?.includes(member) === true
    if (isKey || (options.required && isAlwaysThere(child))) required.push(member)
  }
  return {
    type: "object",
    ...described(node, options),
    properties,
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  }
}

/** Mandatory whatever else is in the object. */
function isAlwaysThere(node: SchemaNode): boolean {
  return node.mandatory && node.whens.length === 0 && node.parent?.kind !== "case"
}

function described(node: SchemaNode, options: JsonSchemaOptions): JsonSchema {
  return options.bare === true || node.description === undefined
    ? {}
    : { description: node.description }
}

function nodeSchema(node: SchemaNode, options: JsonSchemaOptions): JsonSchema {
  switch (node.kind) {
    case "leaf":
      return { ...leafSchema(node, options), ...described(node, options) }
    case "leaf-list":
    case "list": {
      const items = node.kind === "list" ? objectSchema(node, options) : leafSchema(node, options)
      return {
        type: "array",
        items,
        ...(options.required && node.minElements > 0 ? { minItems: node.minElements } : {}),
        ...(options.required && node.maxElements < Infinity ? { maxItems: node.maxElements } : {}),
      }
    }
    case "anydata":
      return { type: "object", ...described(node, options) }
    case "anyxml":
      return described(node, options)
    default:
      return objectSchema(node, options)
  }
}

function leafSchema(node: SchemaNode, options: JsonSchemaOptions): JsonSchema {
  if (node.type === undefined) return {}
  return options.leaf?.(node, node.type) ?? typeSchema(node.type)
}

/** The nearest JSON Schema has to a type; never stricter than the type. */
export function typeSchema(type: ResolvedType): JsonSchema {
  switch (type.base) {
    case "int8":
    case "int16":
    case "int32":
    case "uint8":
    case "uint16":
    case "uint32":
      return alternatives(type.ranges ?? [], ({ min, max }) => ({
        type: "integer",
        minimum: Number(min),
        maximum: Number(max),
      }))
    case "int64":
    case "uint64":
      return {
        type: "string",
        pattern: "^-?(0|[1-9][0-9]*)$",
        description: `64-bit integer, ${showIntervals(type.ranges ?? [])}`,
      }
    case "decimal64": {
      const digits = type.fractionDigits ?? 1
      const ends = type.ranges ?? []
      const whole = ends.length === 1 && ends[0] !== undefined && ends[0].max < 1n << 62n
      return {
        type: "string",
        pattern: `^-?(0|[1-9][0-9]*)\\.[0-9]{1,${digits}}$`,
        ...(whole && ends[0] !== undefined
          ? {
              description: `decimal, ${unscaled(ends[0].min, digits)} to ${unscaled(ends[0].max, digits)}`,
            }
          : {}),
      }
    }
    case "boolean":
      return { type: "boolean" }
    case "empty":
      return { type: "array", minItems: 1, maxItems: 1, items: { type: "null" } }
    case "enumeration":
      return oneOf(type.enums?.keys())
    case "identityref":
      return oneOf(type.identities?.keys())
    case "string":
      return stringSchema(type)
    case "binary":
      return { type: "string", contentEncoding: "base64" }
    case "leafref":
      return type.target?.type === undefined ? { type: "string" } : typeSchema(type.target.type)
    case "union":
      return { anyOf: (type.members ?? []).map(typeSchema) }
    case "bits":
    case "instance-identifier":
      return { type: "string" }
  }
}

/** An empty `enum` is not JSON Schema; a type without values (a base nobody has derived from) takes none. */
function oneOf(names: Iterable<string> | undefined): JsonSchema {
  const all = [...(names ?? [])]
  return all.length === 0 ? { type: "string", not: {} } : { type: "string", enum: all }
}

function stringSchema(type: ResolvedType): JsonSchema {
  const patterns = type.patterns.filter((p) => !p.invert).map((p) => ({ pattern: p.js }))
  const inverted = type.patterns.filter((p) => p.invert).map((p) => ({ not: { pattern: p.js } }))
  const all = [...patterns, ...inverted]
  const lengths = alternatives(type.lengths ?? [], ({ min, max }) => ({
    ...(min > 0n ? { minLength: Number(min) } : {}),
    ...(max < 1n << 32n ? { maxLength: Number(max) } : {}),
  }))
  return {
    type: "string",
    ...lengths,
    ...(all.length === 1 ? all[0] : all.length > 1 ? { allOf: all } : {}),
  }
}

function alternatives(
  intervals: readonly Interval[],
  one: (interval: Interval) => JsonSchema,
): JsonSchema {
  const all = intervals.map(one)
  return all.length === 1 && all[0] !== undefined ? all[0] : all.length === 0 ? {} : { anyOf: all }
}
