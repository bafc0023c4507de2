// Errors as RESTCONF writes them: the `ietf-restconf:errors` template in JSON and XML (RFC 8040 sections 7.1 and 8).
// Which status goes with them is `fault.ts`.

import type { QkdError } from "../errors.js"
import { xpathOf } from "../netconf/error-path.js"
import { BASE_NS, OWN_INFO_NS, YANG_NS } from "../netconf/names.js"
import { errorsOf } from "../netconf/rpc-error.js"
import type { JsonObject, JsonValue } from "../yang/json-text.js"
import type { Schema } from "../yang/schema.js"
import { escapeAttr, escapeText } from "../yang/xml-tree.js"
import { RestconfFault } from "./fault.js"
import { RESTCONF_NS } from "./names.js"

/** More faults than this in one answer help nobody. */
const MAX_ERRORS = 64
const BASE_INFO = new Set(["bad-attribute", "bad-element", "bad-namespace", "session-id"])
const YANG_INFO = new Set(["non-unique", "missing-choice"])
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9._-]*$/
/** `error-path` is an instance-identifier: a path of the data, not of the request. */
const INSTANCE = /^\/[A-Za-z_][\w.-]*:/

/** What a request's own faults (URI, headers, body as such) are told apart by from those of the data. */
function typeOf(error: QkdError): "protocol" | "application" {
  return error instanceof RestconfFault || error.tag === "malformed-message"
    ? "protocol"
    : "application"
}

function infoOf(error: QkdError): [string, string][] {
  return Object.entries(error.info ?? {}).filter(([name]) => PLAIN_NAME.test(name))
}

/** The module and the namespace a member of error-info is written in. */
function homeOf(name: string): { readonly module: string; readonly ns: string } {
  if (BASE_INFO.has(name)) return { module: "ietf-netconf", ns: BASE_NS }
  if (YANG_INFO.has(name)) return { module: "yang", ns: YANG_NS }
  return { module: "keyloom-error-info", ns: OWN_INFO_NS }
}

/** The `errors` container's content as data. */
export function errorsValue(error: QkdError): JsonObject {
  return { error: errorsOf(error).slice(0, MAX_ERRORS).map(errorValue) }
}

function errorValue(error: QkdError): JsonValue {
  const info = infoOf(error).map(([name, value]) => [`${homeOf(name).module}:${name}`, value])
  return {
    "error-type": typeOf(error),
    "error-tag": error.tag,
    ...(error.appTag === undefined ? {} : { "error-app-tag": error.appTag }),
    ...(error.path !== undefined && INSTANCE.test(error.path) ? { "error-path": error.path } : {}),
    ...(error.message === "" ? {} : { "error-message": error.message }),
    ...(info.length === 0 ? {} : { "error-info": Object.fromEntries(info) as JsonObject }),
  }
}

/** The `errors` element; it declares its namespace, which is another where a module uses the grouping. */
export function errorsXml(schema: Schema, error: QkdError, ns = RESTCONF_NS): string {
  const errors = errorsOf(error).slice(0, MAX_ERRORS)
  return `<errors xmlns="${ns}">${errors.map((e) => errorXml(schema, e)).join("")}</errors>`
}

function errorXml(schema: Schema, error: QkdError): string {
  const out = [
    `<error><error-type>${typeOf(error)}</error-type>`,
    `<error-tag>${error.tag}</error-tag>`,
  ]
  if (error.appTag !== undefined)
    out.push(`<error-app-tag>${escapeText(error.appTag)}</error-app-tag>`)
  if (error.path !== undefined && INSTANCE.test(error.path)) {
    const { text, prefixes } = xpathOf(schema, error.path)
    const declared = [...prefixes].map(([p, ns]) => ` xmlns:${p}="${escapeAttr(ns)}"`).join("")
    out.push(`<error-path${declared}>${escapeText(text)}</error-path>`)
  }
  if (error.message !== "") out.push(`<error-message>${escapeText(error.message)}</error-message>`)
  const info = infoOf(error)
  if (info.length > 0) {
    const inner = info.map(
      ([name, value]) => `<${name} xmlns="${homeOf(name).ns}">${escapeText(value)}</${name}>`,
    )
    out.push(`<error-info>${inner.join("")}</error-info>`)
  }
  out.push("</error>")
  return out.join("")
}
