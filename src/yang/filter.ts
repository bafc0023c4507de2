// Selecting parts of instance data: NETCONF subtree filters, configuration only, defaults.

import { QkdError } from "../errors.js"
import type { JsonObject } from "./json-text.js"
import type { Schema } from "./schema-types.js"
import type { XmlElement } from "./xml-tree.js"

/** RFC 6241 section 6. */
export function filterSubtree(
  _schema: Schema,
  _data: JsonObject,
  _filter: readonly XmlElement[],
): JsonObject {
  throw new QkdError("operation-not-supported", "under construction")
}

/** The data without its state. */
export function configOnly(_schema: Schema, _data: JsonObject): JsonObject {
  throw new QkdError("operation-not-supported", "under construction")
}

/** The data with every default in use filled in (RFC 6243 report-all). */
export function withDefaults(_schema: Schema, _data: JsonObject): JsonObject {
  throw new QkdError("operation-not-supported", "under construction")
}
