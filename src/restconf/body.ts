// The body of a request as checked data: exactly what its target takes, in JSON or XML (RFC 8040 sections 4.4-4.6,
// 5.2, 5.3). Does not look at the datastore.

import { QkdError } from "../errors.js"
import { dataPathText, type DataPath } from "../yang/data-path.js"
import { decodeJson, parseJson } from "../yang/json.js"
import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import type { Schema, SchemaNode } from "../yang/schema.js"
import { childrenOf, parseXml, type XmlElement } from "../yang/xml-tree.js"
import { childOf, decodeXml, refuseText } from "../yang/xml.js"
import { keysOf } from "./resource-path.js"
import { RestconfFault } from "./fault.js"
import type { Encoding } from "./message.js"
import { RESTCONF_NS } from "./names.js"
import { show } from "./uri.js"

export interface BodyLimits {
  readonly maxBytes: number
  readonly maxDepth: number
  /** Elements of an XML document. */
  readonly maxNodes: number
}

export const BODY_LIMITS: BodyLimits = {
  maxBytes: 8 * 1024 * 1024,
  maxDepth: 64,
  maxNodes: 500_000,
}

/** One member of an object: a node and its value, RFC 7951 form; for a list or leaf-list an array. */
export interface Member {
  readonly node: SchemaNode
  readonly value: JsonValue
}

export function malformed(message: string): QkdError {
  return new QkdError("malformed-message", message)
}

/** @throws QkdError `malformed-message` for bytes that are no UTF-8, or none at all. */
export function bodyText(body: Uint8Array): string {
  if (body.length === 0) throw malformed("a body is wanted")
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body)
  } catch {
    throw malformed("the body is not UTF-8")
  }
}

/** A document with one top-level node, before anybody knows what it should be. */
export type Document =
  | { readonly encoding: "json"; readonly name: string; readonly value: JsonValue }
  | { readonly encoding: "xml"; readonly element: XmlElement }

/** @throws QkdError `malformed-message`, `too-big`. */
export function parseDocument(body: Uint8Array, encoding: Encoding, limits: BodyLimits): Document {
  const text = bodyText(body)
  const { maxBytes, maxDepth, maxNodes } = limits
  if (encoding === "xml")
    return {
      encoding,
      element: parseXml(text, {
        maxBytes,
        maxDepth,
        maxNodes,
        maxAttributes: 64,
        maxAttributeLength: 65_536,
      }),
    }
  const value = parseJson(text, { maxBytes, maxDepth })
  const names = isObject(value) ? Object.keys(value) : []
  const [name] = names
  if (!isObject(value) || name === undefined || names.length > 1)
    throw malformed("the body must be a JSON object with exactly one member")
  return { encoding, name, value: value[name] ?? null }
}

/** The same for a document whose one node must be `module:name`. */
export function documentNamed(
  document: Document,
  module: string,
  ns: string,
  name: string,
): boolean {
  return document.encoding === "json"
    ? document.name === `${module}:${name}`
    : document.element.name === name && document.element.ns === ns
}

/**
 * The one child of `parent` a body holds, for POST.
 *
 * @throws QkdError `unknown-element`, `unknown-namespace`, `invalid-value`, `bad-element`, with the instance path.
 */
export function childBody(schema: Schema, parent: DataPath, document: Document): Member {
  const at = parent.at(-1)?.node ?? schema.root
  return rebased(parent, () => {
    const node = namedIn(schema, at, document)
    const value = decoded(schema, at, node, document)
    const items = isArray(value) ? value.length : 1
    if ((node.kind === "list" || node.kind === "leaf-list") && items !== 1)
      throw new QkdError("bad-element", `the body must hold exactly one ${node.name}`, {
        path: `${at.path}/${node.member}`,
        info: { "bad-element": node.name },
      })
    return { node, value }
  })
}

/**
 * The new content of a data resource, for PUT and PATCH: one member, the target itself, its keys those of the path.
 *
 * @throws QkdError as `childBody`; `invalid-value` when the keys are others than the path's (sections 4.5, 4.6.1).
 */
export function targetBody(schema: Schema, target: DataPath, document: Document): Member {
  const last = target.at(-1)
  if (last === undefined) throw new QkdError("operation-failed", "no target")
  const found = childBody(schema, target.slice(0, -1), document)
  if (found.node !== last.node)
    throw new RestconfFault(400, "invalid-value", `the body must be ${last.node.name}, the target`)
  const keys = keysOf(last)
  if (keys === undefined) return found
  const [item] = isArray(found.value) ? found.value : []
  const same = (written: JsonValue | undefined, key: JsonValue | undefined): boolean =>
    JSON.stringify(written) === JSON.stringify(key)
  if (last.node.kind === "leaf-list" ? !same(item, keys[0]) : !keysFit(last.node, item, keys, same))
    throw new RestconfFault(400, "invalid-value", "the body's keys are not those of the URI", {
      path: dataPathText(target),
    })
  return found
}

function keysFit(
  list: SchemaNode,
  entry: JsonValue | undefined,
  keys: readonly JsonValue[],
  same: (written: JsonValue | undefined, key: JsonValue | undefined) => boolean,
): boolean {
  return isObject(entry) && (list.keys ?? []).every((name, i) => same(entry[name], keys[i]))
}

/** All of a datastore: `ietf-restconf:data` (section 3.4, appendix B.2.4). */
export function datastoreBody(schema: Schema, document: Document): JsonObject {
  if (!documentNamed(document, "ietf-restconf", RESTCONF_NS, "data"))
    throw new RestconfFault(400, "invalid-value", "the body must be ietf-restconf:data, the target")
  if (document.encoding === "json") return decodeJson(schema, document.value)
  refuseText({ up: undefined, node: schema.root }, document.element)
  return decodeXml(schema, childrenOf(document.element))
}

/** The input of an operation (section 3.6.1); nothing sent is no input. */
export function inputBody(
  schema: Schema,
  operation: SchemaNode,
  input: SchemaNode,
  document: Document | undefined,
): JsonObject {
  if (document === undefined) return {}
  const { module, namespace } = operation
  if (!documentNamed(document, module, namespace, "input"))
    throw new RestconfFault(400, "invalid-value", `the body must be ${module}:input`)
  if (document.encoding === "json") return decodeJson(schema, document.value, input)
  refuseText({ up: undefined, node: input }, document.element)
  return decodeXml(schema, childrenOf(document.element), input)
}

function namedIn(schema: Schema, at: SchemaNode, document: Document): SchemaNode {
  if (document.encoding === "xml")
    return childOf(schema, { up: undefined, node: at }, document.element)
  const { name } = document
  const colon = name.indexOf(":")
  const module = name.slice(0, Math.max(colon, 0))
  // RFC 7951 section 4: at the top of a document every name carries its module.
  if (colon < 0)
    throw new QkdError("unknown-element", `${show(name)} must be written with its module`, {
      info: { "bad-element": name },
    })
  if (schema.moduleByName(module) === undefined)
    throw new QkdError("unknown-namespace", `unknown module in ${show(name)}`, {
      info: { "bad-element": name, "bad-namespace": module },
    })
  const found = at.members.get(module === at.module ? name.slice(colon + 1) : name)
  if (found === undefined)
    throw new QkdError("unknown-element", `unknown member ${show(name)}`, {
      path: `${at.path}/${name}`,
      info: { "bad-element": name },
    })
  return found
}

function decoded(schema: Schema, at: SchemaNode, node: SchemaNode, document: Document): JsonValue {
  const object =
    document.encoding === "json"
      ? decodeJson(schema, { [node.member]: document.value }, at)
      : decodeXml(schema, [document.element], at)
  const value = object[node.member]
  if (value === undefined) throw new QkdError("operation-failed", "a body without value")
  return value
}

/** Faults below a path start at the schema; they are told where they are in the data. */
function rebased<T>(parent: DataPath, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const at = parent.at(-1)?.node
    if (!(error instanceof QkdError) || error instanceof RestconfFault || at === undefined)
      throw error
    if (error.path?.startsWith(at.path) !== true) throw error
    throw new QkdError(error.tag, error.message, {
      path: `${dataPathText(parent)}${error.path.slice(at.path.length)}`,
      ...(error.appTag === undefined ? {} : { appTag: error.appTag }),
      ...(error.info === undefined ? {} : { info: error.info }),
    })
  }
}
