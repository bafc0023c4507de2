// POST, PUT, PATCH and DELETE of data resources (RFC 8040 sections 4.4-4.7): each one edit of running, its
// preconditions judged in the same turn. YANG Patch is `yang-patch.ts`.

import { dataPathText, valueAt, type DataPath } from "../yang/data-path.js"
import { editAt } from "../yang/edit-at.js"
import { isArray, type JsonObject, type JsonValue } from "../yang/json-text.js"
import { keyOf } from "../yang/list-index.js"
import type { Place } from "../yang/list-draft.js"
import type { Schema } from "../yang/schema.js"
import { QkdError } from "../errors.js"
import { childBody, datastoreBody, parseDocument, targetBody, type Member } from "./body.js"
import type { Desk, KnownRequest } from "./desk.js"
import { RestconfFault, badUri, notFound } from "./fault.js"
import { answerEncoding, bodyMedia } from "./media.js"
import type { RestconfAnswer } from "./message.js"
import type { Query } from "./query.js"
import { isEntry, resolvePath, resourceAt, stepTo, uriOf } from "./resource-path.js"
import { validatorsAt, type Store, type Target } from "./store.js"
import { parseSegments } from "./uri.js"
import { checkPreconditions, validatorHeaders } from "./validators.js"

/** What an edit makes of running; told what is there as its caller may read it. */
export type Change = (running: JsonObject, readable: JsonObject) => JsonObject

/**
 * One edit of a datastore, all or nothing. The preconditions are judged against the configuration the edit starts from,
 * while nobody else can change it (section 3.4.1).
 */
export async function editStore(
  desk: Desk,
  request: KnownRequest,
  { store, path }: Target,
  change: Change,
): Promise<void> {
  const { edit } = store
  if (edit === undefined) throw new QkdError("operation-not-supported", "it is only read")
  const next = (): JsonObject => {
    const readable = store.config(request.caller)
    checkPreconditions(request.headers, validatorsAt(store, readable, path), undefined)
    return change(edit.current(), readable)
  }
  await edit.replace(next, request.caller)
  // Section 1.4: where startup is a datastore of its own, the server keeps it in step.
  if (store.uri === "/data") await desk.backend.startup?.write(desk.datastore.running)
}

/** The tags of what an edit has left at a path. */
function stateHeaders(
  request: KnownRequest,
  store: Store,
  path: DataPath,
): Readonly<Record<string, string>> {
  const { accept, "content-type": sent } = request.headers
  const encoding = answerEncoding(accept, sent)
  return validatorHeaders(validatorsAt(store, store.config(request.caller), path), encoding)
}

function locationOf(desk: Desk, request: KnownRequest, store: Store, path: DataPath): string {
  return `${request.origin}${desk.root}${store.uri}${uriOf(path)}`
}

/** Section 4.4.1: a child of the target that was not there. */
export async function createData(
  desk: Desk,
  request: KnownRequest,
  target: Target,
  query: Query,
): Promise<RestconfAnswer> {
  const { schema, path: parent, store } = target
  answerEncoding(request.headers["accept"], request.headers["content-type"])
  const { node, value } = childBody(schema, parent, documentOf(desk, request))
  const one = only({ node, value })
  const path = [...parent, stepTo(node, one)]
  const place = placeOf(schema, path, query)
  await editStore(desk, request, target, (running, readable) => {
    if (resourceAt(readable, parent) === undefined) throw noTarget(parent)
    return editAt(schema, running, path, {
      operation: "create",
      value: one,
      ...(place === undefined ? {} : { place }),
    })
  })
  const location = locationOf(desk, request, store, path)
  return {
    status: 201,
    headers: { Location: location, ...stateHeaders(request, store, path) },
  }
}

/** Section 4.5: exactly this at the target, whatever was there. */
export async function replaceData(
  desk: Desk,
  request: KnownRequest,
  target: Target,
  query: Query,
): Promise<RestconfAnswer> {
  const { schema, path, store } = target
  answerEncoding(request.headers["accept"], request.headers["content-type"])
  const place = placeOf(schema, path, query)
  const document = documentOf(desk, request)
  const value =
    path.length === 0 ? datastoreBody(schema, document) : only(targetBody(schema, path, document))
  const outcome = { created: false }
  await editStore(desk, request, target, (running) => {
    outcome.created = path.length > 0 && valueAt(running, path) === undefined
    return editAt(schema, running, path, {
      operation: "replace",
      value,
      ...(place === undefined ? {} : { place }),
    })
  })
  const headers = stateHeaders(request, store, path)
  if (!outcome.created) return { status: 204, headers }
  const location = locationOf(desk, request, store, path)
  return { status: 201, headers: { Location: location, ...headers } }
}

/** Section 4.6.1: merged into a target that is there. */
export async function mergeData(
  desk: Desk,
  request: KnownRequest,
  target: Target,
): Promise<RestconfAnswer> {
  const { schema, path, store } = target
  answerEncoding(request.headers["accept"], request.headers["content-type"])
  const document = documentOf(desk, request)
  const value =
    path.length === 0 ? datastoreBody(schema, document) : only(targetBody(schema, path, document))
  await editStore(desk, request, target, (running, readable) => {
    if (resourceAt(readable, path) === undefined) throw noTarget(path)
    return editAt(schema, running, path, { operation: "merge", value })
  })
  return { status: 204, headers: stateHeaders(request, store, path) }
}

/** Section 4.7. */
export async function deleteData(
  desk: Desk,
  request: KnownRequest,
  target: Target,
): Promise<RestconfAnswer> {
  const { schema, path } = target
  await editStore(desk, request, target, (running, readable) => {
    if (valueAt(readable, path) === undefined) throw noTarget(path)
    return editAt(schema, running, path, { operation: "delete" })
  })
  return { status: 204, headers: {} }
}

function documentOf(desk: Desk, request: KnownRequest): ReturnType<typeof parseDocument> {
  const { encoding } = bodyMedia(request.headers["content-type"], request.method === "PATCH")
  return parseDocument(request.body, encoding, desk.bodyLimits)
}

function noTarget(path: DataPath): RestconfFault {
  return notFound("the target is not there", dataPathText(path))
}

/** The one entry of a list or leaf-list, other values as they are. */
function only({ node, value }: Member): JsonValue {
  if (node.kind !== "list" && node.kind !== "leaf-list") return value
  const [item] = isArray(value) ? value : []
  if (item === undefined) throw new QkdError("missing-element", `${node.name} is empty`)
  return item
}

/**
 * Where `insert` and `point` want the entry (sections 4.8.5 and 4.8.6).
 *
 * @throws RestconfFault 400 unless the target is an entry of a list ordered by its user, and the point a sibling.
 */
function placeOf(schema: Schema, path: DataPath, { insert, point }: Query): Place | undefined {
  if (insert === undefined) return undefined
  const last = path.at(-1)
  if (last === undefined || !isEntry(last) || !last.node.orderedByUser)
    throw badUri("insert is for entries of a list ordered by its user")
  if (insert === "first" || insert === "last") return { where: insert }
  if (point?.startsWith("/") !== true) throw badUri("point must begin with /")
  const resolved = resolvePath(schema, parseSegments(point)).path
  return { where: insert, key: siblingKey(path, resolved, "point") }
}

/** The key of an entry beside the one a path ends at. @throws RestconfFault 400 when it is none. */
export function siblingKey(path: DataPath, point: DataPath, what: string): string {
  const last = path.at(-1)
  const anchor = point.at(-1)
  const key = anchor?.keys ?? anchor?.value
  const beside =
    last !== undefined &&
    anchor?.node === last.node &&
    dataPathText(point.slice(0, -1)) === dataPathText(path.slice(0, -1))
  if (!beside || key === undefined) throw badUri(`${what} must be an entry of the same list`)
  return keyOf(last.node, key)
}
