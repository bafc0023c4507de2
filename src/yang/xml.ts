// XML elements to checked instance data and back, led by the schema.

import { QkdError } from "../errors.js"
import type { JsonObject } from "./json-text.js"
import type { Schema, SchemaNode } from "./schema-types.js"
import type { XmlElement } from "./xml-tree.js"

/**
 * The members that `elements` are, strictly: unknown elements, wrong types, duplicates and missing keys throw.
 *
 * @param at the node whose children `elements` are; absent means the top of the datastore. For a notification
 *   pass `schema.notificationRoot` with the event element, or its node with its children.
 */
export function decodeXml(
  _schema: Schema,
  _elements: readonly XmlElement[],
  _at?: SchemaNode,
): JsonObject {
  throw new QkdError("operation-not-supported", "under construction")
}

/** XML text of the members. */
export function encodeXml(_schema: Schema, _data: JsonObject, _at?: SchemaNode): string {
  throw new QkdError("operation-not-supported", "under construction")
}
