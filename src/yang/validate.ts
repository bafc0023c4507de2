// Instance data against the schema.

import type { AppTag, ErrorTag } from "../errors.js"
import { QkdError } from "../errors.js"
import type { JsonObject } from "./json-text.js"
import type { Schema } from "./schema-types.js"

export interface YangFault {
  readonly tag: ErrorTag
  readonly appTag?: AppTag
  readonly path: string
  readonly message: string
}

/**
 * - `config`: the whole configuration, nothing else
 * - `data`: configuration and state, whole
 * - `get`: like data, but a filtered part: nothing need be there
 * - `notification`, `rpc-input`, `rpc-output`: one member, its `module:name`
 */
export type ValidationKind = "config" | "data" | "get" | "notification" | "rpc-input" | "rpc-output"

export type Validator = (data: JsonObject) => readonly YangFault[]

export function compileValidator(_schema: Schema, _what: ValidationKind): Validator {
  throw new QkdError("operation-not-supported", "under construction")
}
