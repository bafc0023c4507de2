// ETSI 015 instance data between NETCONF's XML and RFC 7951 members, without a schema: lenient on what a node
// sends (elements of other modules are skipped, identities may lack their module), exact on what is written.
// Values are judged by the mapper, not here.

import {
  childrenOf,
  escapeText,
  isArray,
  isObject,
  type JsonObject,
  type JsonValue,
  KEYLOOM_MODULE,
  QkdError,
  textOf,
  TYPES_MODULE,
  type XmlElement,
} from "../../src/plugin/index.js"

/** Module name and namespace differ in 015 (V2.1.1 Annex A). */
export const NODE_NS = "urn:etsi:qkd:yang:etsi-qkd-node"
export const TYPES_NS = "urn:etsi:qkd:yang:etsi-qkd-node-types"
export const KEYLOOM_NS = "urn:keyloom:yang:keyloom-node"
const BASE_NS = "urn:ietf:params:xml:ns:netconf:base:1.0"

/** Lists and leaf-lists, which are arrays however many entries there are. */
const REPEATED_IN_DATA = new Set([
  "qkd_app",
  "client_app_id",
  "backing_qkdl_id",
  "statistics",
  "qkd_interface",
  "qkd_link",
  "qkdl_applications",
  "virt_next_hop",
  "phys_perf",
  "sae_id",
  "peer",
  "period",
  "domain",
])
/** In notifications `qkd_link` and `qkd_interface` are single containers. */
const REPEATED_IN_EVENTS = new Set(["client_app_id", "phys_perf"])

/** Containers that may arrive empty and are objects all the same. */
const CONTAINERS = new Set([
  "qkd_node",
  "qkdn_capabilities",
  "qkd_applications",
  "app_statistics",
  "app_qos",
  "qkd_interfaces",
  "qkdi_att_point",
  "qkdi_capabilities",
  "qkd_links",
  "qkdl_local",
  "qkdl_remote",
  "qkdl_performance",
  "performance",
  "qkd_application",
  "key_manager",
  "peers",
  "key_stock",
  "key_delivery",
  "ordered_keys",
  "link",
  "interface",
  "application",
])

/** Leaves whose value is an identity of the types module. */
const IDENTITIES = new Set(["qkdl_type", "app_type", "phys_qkd_role", "qkdl_status"])

/**
 * The members of a `get` or `get-config` reply.
 *
 * @throws QkdError `invalid-value` when something that exists once came twice.
 */
export function dataFromXml(elements: readonly XmlElement[]): JsonObject {
  const found = elements.filter((element) => element.ns === NODE_NS && element.name === "qkd_node")
  return membersOf(found, NODE_NS, REPEATED_IN_DATA, "")
}

/** The members of a notification's element. Throws as `dataFromXml`. */
export function eventFromXml(event: XmlElement): JsonObject {
  return membersOf(childrenOf(event), event.ns, REPEATED_IN_EVENTS, `/${event.name}`)
}

function membersOf(
  elements: readonly XmlElement[],
  parentNs: string,
  repeated: ReadonlySet<string>,
  path: string,
): JsonObject {
  const members: Record<string, JsonValue> = {}
  const lists: Record<string, JsonValue[]> = {}
  for (const element of elements) {
    // Another module's augmentation: not ours to judge.
    if (element.ns !== NODE_NS && element.ns !== KEYLOOM_NS) continue
    const member = memberName(element, parentNs)
    const here = `${path}/${element.name}`
    const value = valueOf(element, repeated, here)
    if (repeated.has(element.name)) {
      const list = (lists[member] ??= [])
      list.push(value)
      members[member] = list
    } else if (member in members) {
      throw new QkdError("invalid-value", `${element.name} came twice`, { path: here })
    } else members[member] = value
  }
  return members
}

function memberName(element: XmlElement, parentNs: string): string {
  return element.ns === KEYLOOM_NS && parentNs !== KEYLOOM_NS
    ? `${KEYLOOM_MODULE}:${element.name}`
    : element.name
}

function valueOf(element: XmlElement, repeated: ReadonlySet<string>, path: string): JsonValue {
  const children = childrenOf(element)
  if (children.length > 0) return membersOf(children, element.ns, repeated, path)
  return CONTAINERS.has(element.name) ? {} : textOf(element).trim()
}

export type EntryOperation = "create" | "replace" | "delete"
export type EntryKind = "qkd_link" | "qkd_app" | "peer"

export interface EntryEdit {
  readonly kind: EntryKind
  readonly operation: EntryOperation
  /** The whole entry; for `delete` its key alone. */
  readonly entry: JsonObject
}

/**
 * The children of `config` for these edits (RFC 6241 section 7.2: an operation on each entry).
 *
 * @param identityPrefix declared for the types module and written before identities; empty: none is written
 */
export function editXml(edits: readonly EntryEdit[], identityPrefix = "types"): string {
  const of = (kind: EntryKind): string =>
    edits
      .filter((edit) => edit.kind === kind)
      .map(
        ({ operation, entry }) =>
          `<${kind} nc:operation="${operation}">${membersXml(entry, identityPrefix)}</${kind}>`,
      )
      .join("")
  const inside = [
    wrap("qkd_applications", of("qkd_app")),
    wrap("qkd_links", of("qkd_link")),
    wrap("peers", of("peer"), ` xmlns="${KEYLOOM_NS}"`),
  ]
  const types = identityPrefix === "" ? "" : ` xmlns:${identityPrefix}="${TYPES_NS}"`
  const namespaces = `xmlns="${NODE_NS}" xmlns:nc="${BASE_NS}"${types}`
  return `<qkd_node ${namespaces}>${inside.join("")}</qkd_node>`
}

function wrap(name: string, inside: string, attributes = ""): string {
  return inside === "" ? "" : `<${name}${attributes}>${inside}</${name}>`
}

function membersXml(object: JsonObject, prefix: string): string {
  return Object.entries(object)
    .map(([member, value]) => memberXml(member, value, prefix))
    .join("")
}

function memberXml(member: string, value: JsonValue, prefix: string): string {
  if (isArray(value)) return value.map((one) => memberXml(member, one, prefix)).join("")
  const ours = member.startsWith(`${KEYLOOM_MODULE}:`)
  const name = ours ? member.slice(KEYLOOM_MODULE.length + 1) : member
  const attributes = ours ? ` xmlns="${KEYLOOM_NS}"` : ""
  const inside = isObject(value)
    ? membersXml(value, prefix)
    : escapeText(leafText(name, value, prefix))
  return `<${name}${attributes}>${inside}</${name}>`
}

function leafText(name: string, value: string | number | boolean | null, prefix: string): string {
  const text = String(value)
  if (!IDENTITIES.has(name)) return text
  return text.replace(`${TYPES_MODULE}:`, prefix === "" ? "" : `${prefix}:`)
}
