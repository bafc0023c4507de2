// Data as the body of an answer, JSON or XML: a whole datastore, one resource, an operation's output (RFC 8040
// sections 3.4, 3.5, 3.6.2 and 5.2). What of the data is shown was decided before.

import type { DataPath } from "../yang/data-path.js"
import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import type { Schema, SchemaNode } from "../yang/schema.js"
import { tagMember } from "../yang/tags.js"
import { encodeXml } from "../yang/xml.js"
import { RestconfFault } from "./fault.js"
import type { Encoding } from "./message.js"
import { RESTCONF_NS } from "./names.js"
import { isEntry } from "./resource-path.js"

/** A tree with the schema it is of; a datastore is shown as several of them together. */
export interface Shown {
  readonly schema: Schema
  readonly data: JsonObject
}

/** The datastore resource. */
export function datastoreText(trees: readonly Shown[], encoding: Encoding): string {
  if (encoding === "xml") {
    const inner = trees.map(({ schema, data }) => encodeXml(schema, data)).join("")
    return `<data xmlns="${RESTCONF_NS}">${inner}</data>`
  }
  const all = trees.map(({ data }) => data).reduce((a, b) => ({ ...a, ...b }), {})
  return JSON.stringify({ "ietf-restconf:data": all })
}

/**
 * A data resource, with what is said beside it (RFC 7952): one member, its name with its module (RFC 7951 section 4).
 *
 * @throws RestconfFault 400 where XML would need more than one document element (section 4.3).
 */
export function resourceText(
  schema: Schema,
  path: DataPath,
  value: JsonValue,
  encoding: Encoding,
  tag?: JsonValue,
): string {
  const last = path.at(-1)
  if (last === undefined)
    return datastoreText([{ schema, data: isObject(value) ? value : {} }], encoding)
  const { node } = last
  const member = isEntry(last) ? [value] : value
  if (encoding === "json")
    return JSON.stringify({
      [qualified(node)]: member,
      ...(tag === undefined ? {} : { [tagMember(qualified(node))]: tag }),
    })
  if (isArray(member) && member.length !== 1 && (node.kind === "list" || node.kind === "leaf-list"))
    throw new RestconfFault(
      400,
      "invalid-value",
      `${member.length} entries are not one XML document: ask for one of them, or for JSON`,
    )
  const object = {
    [node.member]: member,
    ...(tag === undefined ? {} : { [tagMember(node.member)]: tag }),
  }
  return encodeXml(schema, object, path.at(-2)?.node ?? schema.root)
}

/** The output of an operation. */
export function outputText(
  schema: Schema,
  operation: SchemaNode,
  output: SchemaNode,
  value: JsonObject,
  encoding: Encoding,
): string {
  const { module, namespace } = operation
  if (encoding === "json") return JSON.stringify({ [`${module}:output`]: value })
  return `<output xmlns="${namespace}">${encodeXml(schema, value, output)}</output>`
}

function qualified(node: SchemaNode): string {
  return `${node.module}:${node.name}`
}
