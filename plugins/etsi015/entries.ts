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
import { LEARNABLE } from "./profile.js"
import type { EntryEdit, EntryKind } from "./wire.js"

export class Entry {
  /** Kind and id: what it is found by. */
  readonly name: string
  /** The key alone, enough to delete the entry. */
  readonly key: JsonObject
  #meaning: string | undefined

  constructor(
    readonly kind: EntryKind,
    keyLeaf: string,
    readonly data: JsonObject,
  ) {
    const key = data[keyLeaf] ?? null
    this.key = { [keyLeaf]: key }
    this.name = `${kind} ${JSON.stringify(key)}`
  }

  /** The same for two entries exactly when they mean the same. Most are never asked: they come and go. */
  get meaning(): string {
    return (this.#meaning ??= JSON.stringify(normal(this.data)))
  }
}

/** Entries made before, by what they were made of. Only for one node, and for the same leaves left out. */
export type KnownEntries = WeakMap<object, Entry>

/** By kind and id. */
export type Entries = ReadonlyMap<string, Entry>

/** Defaults of the model (015 V2.1.1): saying them and not saying them is the same. */
const DEFAULTS: Readonly<Record<string, JsonValue>> = {
  qkdl_enable: true,
  app_priority: 0,
  clients_shared_path_enable: false,
  clients_shared_keys_required: false,
  "keyloom-node:key_combination": "any",
  "keyloom-node:relay_scheme": "hop-by-hop",
}

/**
 * What is to be written for a configuration.
 *
 * @param keyloom whether the node has module `keyloom-node`; without it, its leaves and peers are left out
 * @param leftOut leaves that this node does not take, at whatever depth
 * @param known what is in it is not made again
 * @throws QkdError `invalid-value` where 015 cannot say a value.
 */
export function entriesOf(
  config: NodeConfig,
  keyloom: boolean,
  leftOut: ReadonlySet<string>,
  known: KnownEntries = new WeakMap(),
): Entries {
  const entries = new Map<string, Entry>()
  const add = <T extends object>(
    kind: EntryKind,
    keyLeaf: string,
    source: T,
    toData: (source: T) => JsonObject,
  ): void => {
    let entry = known.get(source)
    if (entry === undefined) {
      entry = new Entry(kind, keyLeaf, without(toData(source), leftOut))
      known.set(source, entry)
    }
    entries.set(entry.name, entry)
  }
  for (const link of config.links)
    add("qkd_link", "qkdl_id", link, (one) =>
      linkConfigToData(one, { keyloom, conditionalLeaves: true }),
    )
  for (const app of config.apps)
    add("qkd_app", "app_id", app, (one) => appConfigToData(one, keyloom))
  if (keyloom) for (const peer of config.peers) add("peer", "qkdn_id", peer, peerToData)
  return entries
}

/**
 * Never half a relay path: a node that does not take the hops cannot be given one.
 *
 * @throws QkdError `operation-not-supported` with the link's path.
 */
export function assertTakes(config: NodeConfig, leftOut: ReadonlySet<string>): void {
  if (!leftOut.has("virt_prev_hop") && !leftOut.has("virt_next_hop")) return
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
    if (present === entry || present?.meaning === entry.meaning) continue
    const operation = present === undefined ? "create" : "replace"
    edits.push({ kind: entry.kind, operation, entry: entry.data })
  }
  return edits
}

/** Whether two sets mean the same. */
export function isSame(one: Entries, other: Entries): boolean {
  return one.size === other.size && editsBetween(one, other).length === 0
}

/**
 * The leaves that only describe and by whose absence alone a node's entries differ from what was written; undefined
 * when they differ in anything else.
 */
export function droppedLeaves(actual: Entries, wanted: Entries): ReadonlySet<string> | undefined {
  const dropped = new Set<string>()
  const compare = (is: JsonObject, was: JsonObject): void => {
    for (const [name, value] of Object.entries(was)) {
      const inner = is[name]
      if (inner === undefined && LEARNABLE.has(name)) dropped.add(name)
      else if (isObject(value)) compare(inner !== undefined && isObject(inner) ? inner : {}, value)
    }
  }
  for (const [id, { data }] of wanted) compare(actual.get(id)?.data ?? {}, data)
  const rest = (entries: Entries): string[] =>
    [...entries].map(([id, { data }]) => id + JSON.stringify(normal(without(data, dropped)))).sort()
  const same = JSON.stringify(rest(actual)) === JSON.stringify(rest(wanted))
  return same && dropped.size > 0 ? dropped : undefined
}

/** Where an entry stands in the node's tree, for people and error messages. */
export function pathOf({ kind, entry }: EntryEdit): string {
  const [list, key] =
    kind === "qkd_link"
      ? ["qkd_links/qkd_link", "qkdl_id"]
      : kind === "qkd_app"
        ? ["qkd_applications/qkd_app", "app_id"]
        : ["keyloom-node:peers/peer", "qkdn_id"]
  return `/qkd_node/${list}[${key}='${textOf(entry[key])}']`
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null)
}

/**
 * The edits in an order in which each leaves the node's references whole: applications go before their links and come
 * after them, neighbours' addresses come first.
 */
export function inOrder(edits: readonly EntryEdit[]): readonly EntryEdit[] {
  const goes: readonly EntryKind[] = ["qkd_app", "qkd_link", "peer"]
  const rank = ({ kind, operation }: EntryEdit): number =>
    operation === "delete" ? goes.indexOf(kind) : goes.length * 2 - goes.indexOf(kind)
  return [...edits].sort((x, y) => rank(x) - rank(y))
}

function without(object: JsonObject, leftOut: ReadonlySet<string>): JsonObject {
  if (leftOut.size === 0) return object
  return Object.fromEntries(
    Object.entries(object).flatMap(([name, value]): [string, JsonValue][] => {
      if (leftOut.has(name)) return []
      return [[name, isObject(value) ? without(value, leftOut) : value]]
    }),
  )
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
