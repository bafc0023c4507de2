// How a client finds its way: host-meta (RFC 8040 section 3.1, RFC 6415), the API resource (3.3) and the list of
// operations (3.3.2). Texts only.

import { escapeAttr } from "../yang/xml-tree.js"
import type { SchemaNode } from "../yang/schema.js"
import { badUri } from "./fault.js"
import type { Encoding } from "./message.js"
import { RESTCONF_NS } from "./names.js"
import type { Query } from "./query.js"
import { show } from "./uri.js"

export const XRD_MEDIA = "application/xrd+xml"
export const JRD_MEDIA = "application/json"

/** Where the API begins, for whoever knows the host only. */
export function hostMeta(root: string, encoding: Encoding): string {
  return encoding === "json"
    ? JSON.stringify({ links: [{ rel: "restconf", href: root }] })
    : `<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Link rel="restconf" href="${escapeAttr(root)}"/></XRD>`
}

/** The API resource: what is below it, empty, and the revision of the YANG library. */
export function apiResource(libraryVersion: string, encoding: Encoding, query: Query): string {
  const all = { data: {}, operations: {}, "yang-library-version": libraryVersion }
  const named = query.fields?.split(";").map((name) => name.replace(/^ietf-restconf:/, ""))
  const strange = named?.find((name) => !Object.hasOwn(all, name))
  if (strange !== undefined) throw badUri(`fields: no ${show(strange)} here`)
  // The fields themselves are the first level (section 4.8.3); without them the API resource is.
  const deep = query.depth === undefined || query.depth > 1 || named !== undefined
  const shown = Object.entries(all).filter(
    ([name]) => deep && (named === undefined || named.includes(name)),
  )
  if (encoding === "json")
    return JSON.stringify({ "ietf-restconf:restconf": Object.fromEntries(shown) })
  const inner = shown.map(([name, value]) =>
    typeof value === "string" ? `<${name}>${value}</${name}>` : `<${name}/>`,
  )
  return `<restconf xmlns="${RESTCONF_NS}">${inner.join("")}</restconf>`
}

export function libraryVersionResource(libraryVersion: string, encoding: Encoding): string {
  return encoding === "json"
    ? JSON.stringify({ "ietf-restconf:yang-library-version": libraryVersion })
    : `<yang-library-version xmlns="${RESTCONF_NS}">${libraryVersion}</yang-library-version>`
}

/** Every operation as an empty leaf. */
export function operationsResource(operations: Iterable<SchemaNode>, encoding: Encoding): string {
  const all = [...operations]
  if (encoding === "json")
    return JSON.stringify({
      "ietf-restconf:operations": Object.fromEntries(
        all.map((node) => [`${node.module}:${node.name}`, [null]]),
      ),
    })
  const inner = all.map((node) => `<${node.name} xmlns="${escapeAttr(node.namespace)}"/>`)
  return `<operations xmlns="${RESTCONF_NS}">${inner.join("")}</operations>`
}
