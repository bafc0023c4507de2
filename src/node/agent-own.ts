// Leaves that are configuration in ETSI GS QKD 015 though only the node can know them: its id, version,
// statistics abilities and interfaces. The agent writes them; a controller may repeat but not change them.
// `qkdi_att_point` (the cabling), `qkdn_location_id` and `key_relay_mode_enable` are the controller's.

import { isDeepStrictEqual } from "node:util"
import { QkdError, type AppTag } from "../errors.js"
import { compact, NODE_MODULE, Reader } from "../model/etsi015-values.js"
import type { Origin } from "../netconf/backend.js"
import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import type { AgentOptions } from "./agent-options.js"
import type { Leader } from "./leader-terms.js"

const NODE = `${NODE_MODULE}:qkd_node`
const PATH = `/${NODE}`

/** `qkd_node` of a datastore. */
export function nodeOf(running: JsonObject): JsonObject {
  const node = running[NODE]
  return isObject(node) ? node : {}
}

/** The datastore with another `qkd_node`. */
export function withNode(running: JsonObject, node: JsonObject): JsonObject {
  return { ...running, [NODE]: node }
}

/** Entries of `qkd_interface`. */
export function interfaceEntries(running: JsonObject): readonly JsonObject[] {
  const list = memberOf(nodeOf(running), "qkd_interfaces", "qkd_interface")
  return isArray(list) ? list.filter(isObject) : []
}

/** What a node starts with: `qkdn_id` is mandatory from the start. */
export function firstRunning(options: AgentOptions): JsonObject {
  return {
    [NODE]: compact({ qkdn_id: options.qkdnId, qkdn_location_id: options.location }),
  }
}

/** The running configuration with this node's own leaves as they are now; the same object when they agree. */
export function withOwnLeaves(running: JsonObject, options: AgentOptions): JsonObject {
  const node = nodeOf(running)
  const entries = interfaceEntries(running)
  const byId = new Map(entries.map((entry) => [entry["qkdi_id"], entry]))
  const interfaces = options.qkdiIds.map((qkdiId) => byId.get(qkdiId) ?? { qkdi_id: qkdiId })
  const capabilities = node["qkdn_capabilities"]
  const { qkd_interfaces: _, ...rest } = node
  const next = withNode(running, {
    ...rest,
    qkdn_version: options.version,
    qkdn_capabilities: {
      key_relay_mode_enable: true,
      ...(isObject(capabilities) ? capabilities : {}),
      link_stats_support: true,
      application_stats_support: true,
    },
    ...(interfaces.length > 0 && { qkd_interfaces: { qkd_interface: interfaces } }),
  })
  return isDeepStrictEqual(next, running) ? running : next
}

/**
 * Refuses a change of what only the node can know.
 *
 * @throws QkdError `operation-not-supported` with path
 */
export function checkOwnLeaves(next: JsonObject, previous: JsonObject): void {
  const after = nodeOf(next)
  const before = nodeOf(previous)
  for (const [container, leaf] of [
    [undefined, "qkdn_id"],
    [undefined, "qkdn_version"],
    ["qkdn_capabilities", "link_stats_support"],
    ["qkdn_capabilities", "application_stats_support"],
  ] as const) {
    const path = container === undefined ? `${PATH}/${leaf}` : `${PATH}/${container}/${leaf}`
    const names = container === undefined ? [leaf] : [container, leaf]
    if (memberOf(after, ...names) !== memberOf(before, ...names)) throw notYours(path)
  }
  const nextEntries = new Map(interfaceEntries(next).map((entry) => [entry["qkdi_id"], entry]))
  for (const entry of interfaceEntries(previous)) {
    const id = entry["qkdi_id"]
    const now = nextEntries.get(id)
    nextEntries.delete(id)
    if (now === undefined || !isDeepStrictEqual(uncabled(now), uncabled(entry)))
      throw notYours(`${PATH}/qkd_interfaces/qkd_interface[qkdi_id='${idText(id)}']`)
  }
  for (const id of nextEntries.keys())
    throw notYours(`${PATH}/qkd_interfaces/qkd_interface[qkdi_id='${idText(id)}']`)
}

const OWN_PATHS = [
  `${PATH}/qkdn_id`,
  `${PATH}/qkdn_version`,
  `${PATH}/qkdn_capabilities/link_stats_support`,
  `${PATH}/qkdn_capabilities/application_stats_support`,
]
const INTERFACE_PATH = `${PATH}/qkd_interfaces/qkd_interface`

/** What only the node can know comes from it, also where running has taken it in (RFC 8342 section 5.3.4). */
export function originOf(path: string, guess: Origin): Origin {
  if (guess === "default") return guess
  if (path.startsWith(`${INTERFACE_PATH}/qkdi_att_point`)) return guess
  const own = OWN_PATHS.includes(path) || `${path}/`.startsWith(`${INTERFACE_PATH}/`)
  return own ? "system" : guess
}

/** `key_relay_mode_enable`, true where it is not said. */
export function relayEnabled(running: JsonObject): boolean {
  return memberOf(nodeOf(running), "qkdn_capabilities", "key_relay_mode_enable") !== false
}

/** The input of `keyloom-node:refuse-application`, already valid. */
export function refusalOf(input: JsonObject): {
  readonly serverAppId: string
  readonly clientAppIds: readonly string[]
  readonly appTag: AppTag
  readonly reason: string
} {
  const reader = new Reader(input, "/keyloom-node:refuse-application", "keyloom-node")
  const appTag = REASONS.find((reason) => reason === reader.string("app_tag")) ?? "closed"
  return {
    serverAppId: reader.string("server_app_id") ?? "",
    clientAppIds: reader.strings("client_app_id"),
    appTag,
    reason: reader.string("reason") ?? `the controller refused: ${appTag}`,
  }
}

/** The input of `keyloom-node:lead`, already valid. */
export function leaderOf(input: JsonObject): Leader {
  const reader = new Reader(input, "/keyloom-node:lead", "keyloom-node")
  return { term: reader.number("term") ?? 0, leaderId: reader.string("leader_id") ?? "" }
}

/** The enumeration of `app_tag` in keyloom-node. */
const REASONS: readonly AppTag[] = [
  "unknown-sae",
  "no-path",
  "no-capacity",
  "node-unreachable",
  "pool-empty",
  "policy",
  "unsupported",
  "timeout",
  "closed",
]

function idText(id: JsonValue | undefined): string {
  return typeof id === "number" ? id.toString() : ""
}

function notYours(path: string): QkdError {
  return new QkdError("operation-not-supported", "only the node itself sets this", { path })
}

function uncabled(entry: JsonObject): JsonObject {
  const { qkdi_att_point: _, ...rest } = entry
  return rest
}

function memberOf(object: JsonObject, ...names: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = object
  for (const name of names) value = isObject(value) ? value[name] : undefined
  return value
}
