// What a URI names, and which methods are for it (RFC 8040 sections 3 and 4). Does not look at data.

import { PROTOCOL_MODULES } from "../netconf/protocol-modules.js"
import type { DataPath } from "../yang/data-path.js"
import type { Schema, SchemaNode } from "../yang/schema.js"
import { badUri, notFound } from "./fault.js"
import type { Encoding, Method } from "./message.js"
import type { ResourceKind } from "./query.js"
import { isEntry, resolvePath } from "./resource-path.js"
import { schemaText } from "./schema-resource.js"
import type { Store, Target } from "./store.js"
import { parseSegments, show, type Segment } from "./uri.js"

export type Resource =
  | { readonly kind: "host-meta"; readonly encoding?: Encoding }
  | { readonly kind: "api" }
  | { readonly kind: "library-version" }
  | { readonly kind: "operations" }
  | { readonly kind: "operation"; readonly schema: Schema; readonly node: SchemaNode }
  | ({ readonly kind: "data" } & Target)
  | {
      readonly kind: "action"
      readonly schema: Schema
      readonly path: DataPath
      readonly node: SchemaNode
    }
  | { readonly kind: "schema"; readonly text: string }
  | { readonly kind: "stream"; readonly name: string; readonly encoding: Encoding }

export interface Places {
  /** The entry point, such as `/restconf`. */
  readonly root: string
  /** The datastore's own. */
  readonly schema: Schema
  /** The server's about itself, for modules that the datastore's has not. */
  readonly own: Schema
  /** See `storesOf`. */
  readonly stores: ReadonlyMap<string, Store>
}

/** @throws RestconfFault 404, 400. */
export function resourceOf(path: string, places: Places): Resource {
  if (path === "/.well-known/host-meta") return { kind: "host-meta" }
  if (path === "/.well-known/host-meta.json") return { kind: "host-meta", encoding: "json" }
  const { root, schema, own } = places
  if (path !== root && !path.startsWith(`${root}/`))
    throw notFound(`nothing here: ${root} begins it`)
  const [first, ...rest] = parseSegments(path.slice(root.length))
  if (first === undefined) return { kind: "api" }
  if (first.keys !== undefined) throw badUri(`${show(first.name)} takes no keys`)
  switch (first.name) {
    case "data":
      return dataResource(places, "data", rest)
    case "ds":
      return namedStore(places, rest)
    case "operations":
      return operationResource([schema, own], rest)
    case "yang-library-version":
      if (rest.length === 0) return { kind: "library-version" }
      break
    case "yang":
      return { kind: "schema", text: schemaText([schema, own], rest) }
    case "streams":
      return streamResource(rest)
  }
  throw notFound(`nothing at ${show(path)}`)
}

/** RFC 8527 section 3.1. */
function namedStore(places: Places, [name, ...rest]: readonly Segment[]): Resource {
  if (name === undefined || name.keys !== undefined || name.name === "data")
    throw notFound("ds wants the name of a datastore")
  return dataResource(places, name.name, rest)
}

/** Which of the two schemas has a path's first node; the datastore's when neither does. */
function schemaFor(first: Segment | undefined, { schema, own }: Places): Schema {
  if (first === undefined || schema.root.members.has(first.name)) return schema
  return own.root.members.has(first.name) ? own : schema
}

function dataResource(places: Places, name: string, segments: readonly Segment[]): Resource {
  const store = places.stores.get(name)
  if (store === undefined) throw notFound(`no datastore ${show(name)}`)
  const schema = schemaFor(segments[0], places)
  const { path, action } = resolvePath(schema, segments)
  if (action === undefined) return { kind: "data", schema, path, store }
  // Actions are of what is in use (RFC 8527 section 3.1).
  if (store.data === undefined) throw notFound("no actions in this datastore")
  return { kind: "action", schema, path, node: action }
}

function operationResource(schemas: readonly Schema[], segments: readonly Segment[]): Resource {
  const [first, second] = segments
  if (first === undefined) return { kind: "operations" }
  if (second !== undefined || first.keys !== undefined) throw notFound("nothing below an operation")
  for (const schema of schemas) {
    const node = schema.rpcs.get(first.name)
    if (node !== undefined && isOffered(node)) return { kind: "operation", schema, node }
  }
  throw notFound(`no operation ${show(first.name)}`)
}

/** Operations of a NETCONF session, which RESTCONF has not (RFC 8040 section 1.4): methods stand in their place. */
const OF_SESSIONS: ReadonlySet<string> = new Set([
  ...PROTOCOL_MODULES,
  "ietf-subscribed-notifications",
  "ietf-yang-push",
])

export function isOffered(operation: SchemaNode): boolean {
  return !OF_SESSIONS.has(operation.module)
}

function streamResource(segments: readonly Segment[]): Resource {
  const [name, encoding, more] = segments
  const known = encoding?.name === "xml" || encoding?.name === "json" ? encoding.name : undefined
  if (name === undefined || known === undefined || more !== undefined)
    throw notFound("no such stream")
  if (name.keys !== undefined || encoding?.keys !== undefined) throw notFound("no such stream")
  return { kind: "stream", name: name.name, encoding: known }
}

const READ: readonly Method[] = ["GET", "HEAD", "OPTIONS"]

/** Section 4, by kind of resource; in the order they are told. */
export function methodsOf(resource: Resource): readonly Method[] {
  switch (resource.kind) {
    case "operation":
    case "action":
      return ["OPTIONS", "POST"]
    case "data":
      return dataMethods(resource)
    default:
      return READ
  }
}

function dataMethods({ path, store }: Target): readonly Method[] {
  if (store.edit === undefined) return READ
  const last = path.at(-1)
  if (last === undefined) return ["GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
  const { node } = last
  // All entries of a list can be read together, never written (section 3.5).
  if (!node.config || isWhole(path)) return READ
  const isKey = path.at(-2)?.node.keys?.includes(node.member) === true
  const holds = node.kind === "container" || node.kind === "list"
  return [
    ...(isKey ? [] : (["DELETE"] as const)),
    ...READ,
    "PATCH",
    ...(holds ? (["POST"] as const) : []),
    "PUT",
  ]
}

/** A list or leaf-list of which no entry is named. */
export function isWhole(path: DataPath): boolean {
  const last = path.at(-1)
  return (last?.node.kind === "list" || last?.node.kind === "leaf-list") && !isEntry(last)
}

/** Which query parameters may go with it. */
export function queryKindOf(resource: Resource): ResourceKind {
  if (resource.kind === "api" || resource.kind === "data" || resource.kind === "stream")
    return resource.kind
  return "other"
}
