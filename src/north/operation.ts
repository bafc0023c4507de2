// One operation of the REST face as data, and the parameters that many of them have.

import { MAX_LIMIT } from "./lists.js"
import type { JsonSchema } from "./schemas.js"

export interface Parameter {
  readonly name: string
  readonly in: "query" | "path" | "header"
  readonly description: string
  /** Query and header values arrive as text: `pattern` says what is accepted. */
  readonly schema: JsonSchema
}

export interface Answer {
  readonly description: string
  /** Name of a schema; absent when the answer has no body. */
  readonly shape?: string
}

export interface Operation {
  readonly method: "get" | "post" | "put" | "delete"
  /** OpenAPI template under `/api/v1`. */
  readonly path: string
  readonly summary: string
  readonly description?: string
  /** Who may: anyone, any role, or operators. */
  readonly access: "open" | "read" | "change"
  readonly parameters: readonly Parameter[]
  /** Name of the schema of the JSON body. */
  readonly body?: string
  readonly answers: Readonly<Record<number, Answer>>
}

export function query(name: string, description: string, pattern?: string): Parameter {
  return {
    name,
    in: "query",
    description,
    schema: { type: "string", maxLength: 1024, ...(pattern === undefined ? {} : { pattern }) },
  }
}

export function inPath(name: string, description: string): Parameter {
  return { name, in: "path", description, schema: { type: "string", maxLength: 255 } }
}

export function header(name: string, description: string, pattern?: string): Parameter {
  return { ...query(name, description, pattern), in: "header" }
}

export const INTEGER = "^(0|[1-9][0-9]{0,14})$"

export const IDEMPOTENCY_KEY = header(
  "Idempotency-Key",
  "Repeating an order with the same key within 24 hours gives the first answer again",
  "^[\\x21-\\x7e]{1,255}$",
)

export const WAIT = header("Prefer", "`wait=N`, N seconds up to 30 (RFC 7240)")

export const unlessChanged = (what: string): Parameter =>
  header("If-Match", `The ETag last seen, or \`*\`; 412 when the ${what} has changed since`)

export const LIST: readonly Parameter[] = [
  query(
    "limit",
    `How many at most, 1 to ${MAX_LIMIT}; 100 unless told`,
    "^([1-9][0-9]{0,2}|1000)$",
  ),
  query("cursor", "Opaque; from `next` of the page before"),
  query("filter", "`column:value`, several joined by commas, all must hold"),
  query("sort", "A column, with `-` in front for falling order"),
  query("fields", "Members to give, joined by commas"),
]

export const IF_NONE_MATCH = header("If-None-Match", "Answer 304 when this is still its ETag")
