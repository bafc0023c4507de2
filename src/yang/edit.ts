// NETCONF edit-config (RFC 6241 section 7.2) on RFC 7951 data. Does not validate the outcome.

import { QkdError } from "../errors.js"
import type { JsonObject } from "./json-text.js"
import type { Schema } from "./schema-types.js"
import type { XmlElement } from "./xml-tree.js"

export type DefaultOperation = "merge" | "replace" | "none"

/** A new tree; `config` is untouched and shares what the edit does not reach. */
export function applyEdit(
  _schema: Schema,
  _config: JsonObject,
  _edit: readonly XmlElement[],
  _defaultOperation: DefaultOperation = "merge",
): JsonObject {
  throw new QkdError("operation-not-supported", "under construction")
}
