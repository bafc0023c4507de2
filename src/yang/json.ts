// RFC 7951 JSON to checked, canonical instance data.

import { QkdError } from "../errors.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import type { Schema, SchemaNode } from "./schema-types.js"

export type { JsonObject, JsonValue } from "./json-text.js"
export { parseJson } from "./json-text.js"

/**
 * Check member names and types, and bring values to their canonical form.
 *
 * @param at the node whose members `value` holds; absent means the top of the datastore.
 */
export function decodeJson(_schema: Schema, _value: JsonValue, _at?: SchemaNode): JsonObject {
  throw new QkdError("operation-not-supported", "under construction")
}
