// GET and HEAD of a data resource: what is there, what of it is asked for, whether the client has it already (RFC 8040
// sections 3.4, 3.5, 4.2, 4.3 and 4.8).

import type { Caller } from "../netconf/backend.js"
import type { DataPath } from "../yang/data-path.js"
import { reportDefaults, reportDefaultsAt } from "../yang/defaults.js"
import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import type { Schema } from "../yang/schema.js"
import { limitDepth, parseFields, selectContent, selectFields } from "../yang/select.js"
import { tagMember } from "../yang/tags.js"
import { LIBRARY_MODULE } from "../netconf/protocol-modules.js"
import type { Desk, KnownRequest } from "./desk.js"
import { badUri, notFound } from "./fault.js"
import { answerEncoding } from "./media.js"
import type { RestconfAnswer } from "./message.js"
import { DATA_MEDIA } from "./names.js"
import type { Query } from "./query.js"
import { datastoreText, resourceText, type Shown } from "./representation.js"
import { originsOf, type Origins } from "./read-origins.js"
import { isEntry, resourceAt } from "./resource-path.js"
import { withLocations } from "./schema-resource.js"
import { validatorsAt, type Store, type Target } from "./store.js"
import { checkPreconditions, validatorHeaders } from "./validators.js"

/** @throws QkdError 304 is an answer, 404, 406 and 412 are faults. */
export function readData(
  desk: Desk,
  request: KnownRequest,
  target: Target,
  asked: Query,
): RestconfAnswer {
  const encoding = answerEncoding(request.headers["accept"], undefined)
  const { schema, path, store } = target
  const { caller } = request
  if (asked.withOrigin === true && store.inUse !== true)
    throw badUri("with-origin is for the operational datastore")
  const query = store.inUse === true ? { withDefaults: "report-all" as const, ...asked } : asked
  const config = schema === desk.own ? {} : store.config(caller)
  const validators = validatorsAt(store, config, path)
  // State has no validators (section 3.5.2): asked for alone it is always told anew.
  const tells = query.content !== "nonconfig" && validators.config !== undefined
  const headers: Record<string, string> = {
    "Cache-Control": "no-cache",
    ...(tells ? validatorHeaders(validators, encoding) : {}),
  }
  const unchanged = (exists: boolean): boolean => {
    const told = { ...validators, exists, config: tells ? validators.config : undefined }
    return checkPreconditions(request.headers, told, encoding) === "not-modified"
  }
  // Configuration that the client has already is not put together again.
  if (tells && unchanged(true)) return { status: 304, headers }
  const whole = source(desk, request, target, config, query)
  const readable = (data: JsonObject): JsonObject =>
    schema === desk.own ? data : desk.access.readable(caller, data)
  const { value: found, tag } = foundAt(schema, whole, path, query, readable)
  if (found === undefined) throw nothingAt(path)
  if (!tells && unchanged(true)) return { status: 304, headers }
  const answer = (body: string): RestconfAnswer => ({
    status: 200,
    headers: { ...headers, "Content-Type": DATA_MEDIA[encoding] },
    body,
  })
  const origins =
    query.withOrigin === true && schema !== desk.own
      ? { backend: desk.backend, used: whole, running: config }
      : undefined
  if (path.length === 0)
    return answer(
      datastoreText(wholeDatastore(desk, request, store, found, query, origins), encoding),
    )
  const part = selected(schema, path, found, query)
  if (part === undefined) throw nothingAt(path)
  const shown = origins === undefined ? { value: part, tag } : originsOf(origins, path, part, tag)
  return answer(resourceText(schema, path, shown.value, encoding, shown.tag))
}

function nothingAt(path: DataPath): Error {
  return notFound(path.length === 0 ? "no data" : `no such ${path.at(-1)?.node.name ?? ""}`)
}

/** Where the data come from: configuration alone is had without asking anybody for state. */
function source(
  desk: Desk,
  request: KnownRequest,
  { schema, path, store }: Target,
  config: JsonObject,
  query: Query,
): JsonObject {
  if (schema === desk.own) return ownReadable(desk, request.caller, request.origin)
  if (query.content === "config" || store.data === undefined) return config
  const data = store.data(request.caller)
  const first = path[0]?.node.module
  if (first !== undefined && first !== LIBRARY_MODULE) return data
  return withLocations(data, `${request.origin}${desk.root}`, (part) =>
    desk.access.readable(request.caller, part),
  )
}

function ownReadable(desk: Desk, caller: Caller, origin: string): JsonObject {
  const all = Object.entries(desk.ownData(origin)).filter(([member]) => {
    const [module = "", name = ""] = member.split(":")
    return desk.access.mayReadTop(caller, module, name)
  })
  return Object.fromEntries(all)
}

/** The datastore resource: what it holds, and the server's own part, each with its share of the fields. */
function wholeDatastore(
  desk: Desk,
  request: KnownRequest,
  store: Store,
  data: JsonValue,
  query: Query,
  origins: Origins | undefined,
): Shown[] {
  const { own, datastore } = desk
  const { schema } = datastore
  const parts = query.fields === undefined ? undefined : sharedFields(query.fields, schema, own)
  const part = (of: Schema, value: JsonValue, fields: string | undefined): Shown[] => {
    if (fields === "") return []
    const shown = selected(of, [], value, fields === undefined ? query : { ...query, fields })
    if (!isObject(shown)) return []
    const told =
      of === own || origins === undefined ? { value: shown } : originsOf(origins, [], shown)
    return isObject(told.value) ? [{ schema: of, data: told.value }] : []
  }
  const main = part(schema, data, parts?.main)
  // The server tells state of itself only.
  if (query.content === "config" || store.data === undefined) return main
  const ownData = ownReadable(desk, request.caller, request.origin)
  return [...main, ...part(own, ownData, parts?.own)]
}

/** The alternatives of a `fields` expression, by the schema that has what they begin with. */
function sharedFields(
  text: string,
  schema: Schema,
  own: Schema,
): { readonly main: string; readonly own: string } {
  const alternatives: string[] = [""]
  let depth = 0
  for (const c of text) {
    if (c === "(") depth += 1
    if (c === ")") depth -= 1
    if (c === ";" && depth === 0) alternatives.push("")
    else alternatives.push(`${alternatives.pop() ?? ""}${c}`)
  }
  const isOwn = (alternative: string): boolean => {
    const name = /^[^/(]*/.exec(alternative)?.[0] ?? ""
    return own.root.members.has(name) && !schema.root.members.has(name)
  }
  return {
    main: alternatives.filter((a) => !isOwn(a)).join(";"),
    own: alternatives.filter(isOwn).join(";"),
  }
}

interface Found {
  readonly value: JsonValue | undefined
  /** What is said beside a leaf's value (RFC 7952). */
  readonly tag?: JsonValue
}

/** What is at the path, its defaults reported as asked (section 4.8.9). */
function foundAt(
  schema: Schema,
  data: JsonObject,
  path: DataPath,
  query: Query,
  readable: (data: JsonObject) => JsonObject,
): Found {
  const mode = query.withDefaults
  const there = resourceAt(data, path)
  if (mode === undefined) return { value: there }
  const options = { configOnly: query.content === "config" }
  const last = path.at(-1)
  if (last === undefined) return { value: readable(reportDefaults(schema, data, mode, options)) }
  const part = seenPart(reportDefaultsAt(schema, data, path, mode, options), path, readable)
  const { member } = last.node
  const reported = part[member]
  const value = isEntry(last) && isArray(reported) ? reported[0] : reported
  const tag = part[tagMember(member)]
  // A container without presence is there, though nothing of it is reported.
  const empty = last.node.kind === "container" && there !== undefined ? {} : undefined
  return { value: value ?? empty, ...(tag !== undefined && { tag }) }
}

/** What may be seen of members below the path's last node but one: a default must not be told in place of what is hidden. */
function seenPart(
  part: JsonObject,
  path: DataPath,
  readable: (data: JsonObject) => JsonObject,
): JsonObject {
  const above = path.slice(0, -1)
  const inPlace = above.reduceRight<JsonObject>(
    (inner, { node, keys }) => ({
      [node.member]: keys === undefined ? inner : [{ ...keys, ...inner }],
    }),
    part,
  )
  return above.reduce<JsonObject>((outer, { node }) => {
    const value = outer[node.member]
    const inner = isArray(value) ? value[0] : value
    return isObject(inner) ? inner : {}
  }, readable(inPlace))
}

/** content, then fields, then depth. Undefined where nothing is left of what was not asked for whole. */
function selected(
  schema: Schema,
  path: DataPath,
  value: JsonValue,
  query: Query,
): JsonValue | undefined {
  const node = path.at(-1)?.node ?? schema.root
  const kept = query.content === undefined ? value : selectContent(node, value, query.content)
  // A container or a datastore is there, empty, when all of it is of the other kind.
  const left = kept ?? (node.kind === "container" || node.kind === "root" ? {} : undefined)
  if (left === undefined) return undefined
  if (query.fields === undefined) return limitDepth(node, left, query.depth ?? Infinity)
  const fields = parseFields(node, query.fields)
  return selectFields(node, left, fields, query.depth) ?? emptyOf(left)
}

/** Nothing of the fields is there, but the resource is. */
function emptyOf(value: JsonValue): JsonValue {
  return isObject(value) ? {} : []
}
