// A node's configuration as a set of list entries that can be compared and edited one by one: links,
// applications, peers. Pure; sends nothing.

import {
  appConfigToData,
  isArray,
  isObject,
  type JsonObject,
  type JsonValue,
  linkConfigToData,
  type NodeConfig,
  peerToData,
  QkdError,
} from "../../src/plugin/index.js"
import type { DeviceProfile } from "./profile.js"
import type { EntryEdit, EntryKind } from "./wire.js"

export interface Entry {
  readonly kind: EntryKind
  /** The key alone, enough to delete the entry. */
  readonly key: JsonObject
  readonly data: JsonObject
  /** The same for two entries exactly when they mean the same. */
  readonly meaning: string
}

/** By kind and id. */
export type Entries = ReadonlyMap<string, Entry>

/** Defaults of the model (015 V2.1.1): saying them and not saying them is the same. */
const DEFAULTS: Readonly<Record<string, JsonValue>> = {
  qkdl_enable: true,
  app_priority: 0,
  clients_shared_path_enable: false,
  clients_shared_keys_required: false,
}

/**
 * What is to be written for a configuration.
 *
 * @param keyloom whether the node has module `keyloom-node`; without it, its leaves and peers are left out
 * @throws QkdError `invalid-value` where 015 cannot say a value.
 */
export function entriesOf(config: NodeConfig, keyloom: boolean, profile: DeviceProfile): Entries {
  const entries = new Map<string, Entry>()
  const add = (kind: EntryKind, keyLeaf: string, whole: JsonObject): void => {
    const data = without(whole, profile.omit)
    const id = data[keyLeaf] ?? null
    entries.set(`${kind} ${JSON.stringify(id)}`, {
      kind,
      key: { [keyLeaf]: id },
      data,
      meaning: JSON.stringify(normal(data)),
    })
  }
  for (const link of config.links)
    add("qkd_link", "qkdl_id", linkConfigToData(link, { keyloom, conditionalLeaves: true }))
  for (const app of config.apps) add("qkd_app", "app_id", appConfigToData(app))
  if (keyloom) for (const peer of config.peers) add("peer", "qkdn_id", peerToData(peer))
  return entries
}

/**
 * Never half a relay path: a node whose profile leaves the hops out cannot be given one.
 *
 * @throws QkdError `operation-not-supported` with the link's path.
 */
export function assertTakes(config: NodeConfig, profile: DeviceProfile): void {
  const hops = ["virt_prev_hop", "virt_next_hop"]
  if (!profile.omit.some((leaf) => hops.includes(leaf))) return
  const relayed = config.links.find((link) => link.type === "VIRT")
  if (relayed !== undefined)
    throw new QkdError("operation-not-supported", "this node takes no part in relay paths", {
      path: `/qkd_node/qkd_links/qkd_link[qkdl_id='${relayed.qkdlId}']`,
    })
}

/** The fewest edits that turn one set into the other. */
export function editsBetween(now: Entries, desired: Entries): readonly EntryEdit[] {
  const edits: EntryEdit[] = []
  for (const [id, entry] of now)
    if (!desired.has(id)) edits.push({ kind: entry.kind, operation: "delete", entry: entry.key })
  for (const [id, entry] of desired) {
    const present = now.get(id)
    if (present?.meaning === entry.meaning) continue
    const operation = present === undefined ? "create" : "replace"
    edits.push({ kind: entry.kind, operation, entry: entry.data })
  }
  return edits
}

function without(object: JsonObject, omit: readonly string[]): JsonObject {
  if (omit.length === 0) return object
  return Object.fromEntries(Object.entries(object).filter(([name]) => !omit.includes(name)))
}

/** Members in order, defaults gone, leaf-lists (ordered by the system) sorted, empty containers gone. */
function normal(value: JsonValue): JsonValue {
  if (isArray(value)) return value.map(normal).sort(byText)
  if (!isObject(value)) return value
  const members = Object.entries(value)
    .map(([name, inner]): [string, JsonValue] => [name, normal(inner)])
    .filter(([name, inner]) => {
      if (DEFAULTS[name] === inner) return false
      return !(isObject(inner) && Object.keys(inner).length === 0)
    })
    .sort(([a], [b]) => byText(a, b))
  return Object.fromEntries(members)
}

function byText(a: JsonValue, b: JsonValue): number {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)]
  return left < right ? -1 : left > right ? 1 : 0
}
