// YANG text to a compiled schema.

import { QkdError } from "../errors.js"
import type { Schema, WhenProfile } from "./schema-types.js"

export type { ModuleInfo, Schema, SchemaNode } from "./schema-types.js"

export interface SchemaSource {
  /** Module name, for messages. */
  readonly name: string
  readonly text: string
}

export interface CompileOptions {
  /** Modules whose nodes exist; the others lend typedefs and groupings. Default: all. */
  readonly implement?: readonly string[]
  /** Module name to features in force; a module not named has all its features. */
  readonly features?: Readonly<Record<string, readonly string[]>>
  readonly whenProfile?: WhenProfile
}

/** @throws QkdError `malformed-message` with file and line when the modules are not valid YANG. */
export function compileSchema(
  _sources: readonly SchemaSource[],
  _options: CompileOptions = {},
): Schema {
  throw new QkdError("operation-not-supported", "under construction")
}
