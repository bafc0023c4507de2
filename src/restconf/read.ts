// GET and HEAD of a data resource: what is there, what of it is asked for, whether the client has it already (RFC 8040
// sections 3.4, 3.5, 4.2, 4.3 and 4.8).

import type { Caller } from "../netconf/backend.js"
import type { DataPath } from "../yang/data-path.js"
import { withDefaults, withoutDefaults } from "../yang/defaults.js"
import { isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import type { Schema } from "../yang/schema.js"
import { limitDepth, parseFields, selectContent, selectFields } from "../yang/select.js"
import { readableConfig, validatorsAt, type Desk, type KnownRequest } from "./desk.js"
import { notFound } from "./fault.js"
import { answerEncoding } from "./media.js"
import type { RestconfAnswer } from "./message.js"
import { DATA_MEDIA } from "./names.js"
import type { Query } from "./query.js"
import { datastoreText, resourceText, type Shown } from "./representation.js"
import { resourceAt } from "./resource-path.js"
import { checkPreconditions, validatorHeaders } from "./validators.js"

/** @throws QkdError 304 is an answer, 404, 406 and 412 are faults. */
export function readData(
  desk: Desk,
  request: KnownRequest,
  schema: Schema,
  path: DataPath,
  query: Query,
): RestconfAnswer {
  const encoding = answerEncoding(request.headers["accept"], undefined)
  const { caller } = request
  const isOwn = schema === desk.own
  const config = isOwn ? {} : readableConfig(desk, caller)
  const validators = validatorsAt(desk, config, path)
  // State has no validators (section 3.5.2): asked for alone it is always told anew.
  const tells = query.content !== "nonconfig" && validators.config !== undefined
  const headers: Record<string, string> = {
    "Cache-Control": "no-cache",
    ...(tells ? validatorHeaders(validators, encoding) : {}),
  }
  const whole = source(desk, request, schema, config, query)
  const found = resourceAt(defaulted(schema, whole, query), path)
  if (found === undefined) throw nothingAt(path)
  const exists = { ...validators, exists: true, config: tells ? validators.config : undefined }
  if (checkPreconditions(request.headers, exists, encoding) === "not-modified")
    return { status: 304, headers }
  const shown = selected(schema, path, found, query)
  if (shown === undefined) throw nothingAt(path)
  const body =
    path.length === 0
      ? datastoreText(
          [{ schema, data: isObject(shown) ? shown : {} }, ...own(desk, request, query)],
          encoding,
        )
      : resourceText(schema, path, shown, encoding)
  return { status: 200, headers: { ...headers, "Content-Type": DATA_MEDIA[encoding] }, body }
}

function nothingAt(path: DataPath): Error {
  return notFound(path.length === 0 ? "no data" : `no such ${path.at(-1)?.node.name ?? ""}`)
}

/** Where the data come from: configuration alone is had without asking anybody for state. */
function source(
  desk: Desk,
  request: KnownRequest,
  schema: Schema,
  config: JsonObject,
  query: Query,
): JsonObject {
  if (schema === desk.own) return ownReadable(desk, request.caller, request.origin)
  return query.content === "config" ? config : desk.datastore.data(request.caller)
}

function ownReadable(desk: Desk, caller: Caller, origin: string): JsonObject {
  const all = Object.entries(desk.ownData(origin)).filter(([member]) => {
    const [module = "", name = ""] = member.split(":")
    return desk.access.mayReadTop(caller, module, name)
  })
  return Object.fromEntries(all)
}

/** The server's own part of the datastore resource. */
function own(desk: Desk, request: KnownRequest, query: Query): Shown[] {
  if (query.content === "config" || query.fields !== undefined) return []
  const schema = desk.own
  const data = ownReadable(desk, request.caller, request.origin)
  const shown = selected(schema, [], data, query)
  return isObject(shown) ? [{ schema, data: shown }] : []
}

function defaulted(schema: Schema, data: JsonObject, query: Query): JsonObject {
  switch (query.withDefaults) {
    case "report-all":
    case "report-all-tagged":
      return withDefaults(schema, data)
    case "trim":
      return withoutDefaults(schema, data)
    default:
      return data
  }
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
