// The schema resource (RFC 8040 section 3.7): the YANG text of each module and submodule, at an address of its own that
// the YANG library tells (RFC 8525 `location`, RFC 7895 `schema`). Same texts and same right as NETCONF's get-schema.

import { LIBRARY_MODULE } from "../netconf/protocol-modules.js"
import { QkdError } from "../errors.js"
import { isArray, isObject, type JsonObject } from "../yang/json-text.js"
import type { Schema } from "../yang/schema.js"
import type { Desk, KnownRequest } from "./desk.js"
import { notFound } from "./fault.js"
import { negotiate } from "./media.js"
import type { RestconfAnswer } from "./message.js"
import { YANG_MEDIA } from "./names.js"
import { show, type Segment } from "./uri.js"

const GET_SCHEMA = { module: "ietf-netconf-monitoring", name: "get-schema" } as const
const LIBRARY = `${LIBRARY_MODULE}:yang-library`
const OLD_LIBRARY = `${LIBRARY_MODULE}:modules-state`

/** As the file would be called (RFC 7950 section 5.2). Submodules share the names of modules, so it means one text. */
function textName(name: string, revision: string): string {
  return revision === "" ? name : `${name}@${revision}`
}

/** @throws RestconfFault 404. */
export function schemaText(schemas: readonly Schema[], segments: readonly Segment[]): string {
  const [wanted, more] = segments
  if (wanted === undefined || wanted.keys !== undefined || more !== undefined)
    throw notFound("yang wants one module@revision")
  for (const { modules } of schemas)
    for (const module of modules)
      for (const { name, revision, text } of [module, ...module.submodules])
        if (textName(name, revision) === wanted.name) return text
  throw notFound(`no module ${show(wanted.name)}`)
}

/** @throws QkdError `access-denied` for whom NETCONF would not give it to; RestconfFault 406. */
export function schemaAnswer(
  { access, backend }: Desk,
  { caller, headers }: KnownRequest,
  text: string,
): RestconfAnswer {
  const { module, name } = GET_SCHEMA
  const may = access.mayExec(caller, GET_SCHEMA)
  if (!may || backend.allows?.(`${module}:${name}`, caller) === false)
    throw new QkdError("access-denied", `${caller.username} may not ${name}`)
  const media = negotiate(headers["accept"], [YANG_MEDIA])
  return {
    status: 200,
    headers: { "Content-Type": media, "Cache-Control": "no-cache" },
    body: text,
  }
}

/**
 * The data with the addresses in the library, if there is one: only who came by RESTCONF has use for them, and only his
 * request tells by which name he reaches us. The library's content-id does not count them.
 *
 * @param readable the addresses are as subject to access control as what they stand beside.
 */
export function withLocations(
  data: JsonObject,
  entry: string,
  readable: (data: JsonObject) => JsonObject,
): JsonObject {
  const library = data[LIBRARY]
  const old = data[OLD_LIBRARY]
  const located: JsonObject = {
    ...(isObject(library) && { [LIBRARY]: libraryAt(library, entry) }),
    ...(isObject(old) && {
      [OLD_LIBRARY]: each(old, "module", (m) => addressed(m, (at) => ({ schema: at }), entry)),
    }),
  }
  return Object.keys(located).length === 0 ? data : { ...data, ...readable(located) }
}

function libraryAt(library: JsonObject, entry: string): JsonObject {
  const module = (m: JsonObject): JsonObject => addressed(m, (at) => ({ location: [at] }), entry)
  return each(library, "module-set", (set) =>
    each(each(set, "module", module), "import-only-module", module),
  )
}

/** A module and its submodules, each with its address. */
function addressed(
  module: JsonObject,
  told: (address: string) => JsonObject,
  entry: string,
): JsonObject {
  const one = (part: JsonObject): JsonObject => {
    const { name, revision = "" } = part
    if (typeof name !== "string" || typeof revision !== "string") return part
    return { ...part, ...told(`${entry}/yang/${textName(name, revision)}`) }
  }
  return each(one(module), "submodule", one)
}

function each(
  parent: JsonObject,
  member: string,
  change: (entry: JsonObject) => JsonObject,
): JsonObject {
  const entries = parent[member]
  if (!isArray(entries)) return parent
  return { ...parent, [member]: entries.map((entry) => (isObject(entry) ? change(entry) : entry)) }
}
