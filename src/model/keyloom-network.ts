// The one mapper between the Network and the tree of keyloom-network, keyloom-connectivity and keyloom-maintenance: the whole here, its
// entries in `keyloom-*-entry.ts`. The configuration is brought up to date entry by entry, by what changes; state is
// made when it is asked for, out of entries that are remembered as long as what they tell of is unchanged.

import { isDeepStrictEqual } from "node:util"
import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import type { Alarm } from "./alarm.js"
import { compactOrNone } from "./etsi015-values.js"
import { appConfig, appFromConfig, appState, isConfigured } from "./keyloom-app-entry.js"
import { linkConfig, linkFromConfig, linkState } from "./keyloom-link-entry.js"
import { nodeConfig, nodeFromConfig, nodeState } from "./keyloom-node-entry.js"
import { rateProfileFromConfig, saySame } from "./keyloom-rate-profile.js"
import {
  windowConfig,
  windowFromConfig,
  type WindowOrder,
  windowState,
} from "./keyloom-window-entry.js"
import { alarmData } from "./keyloom-notice.js"
import { type CandidatePath, serviceLinks } from "./keyloom-path-entry.js"
import { APPS, entries, ROOT, SERVICE_LINKS, WINDOWS } from "./keyloom-values.js"
import type { Change, Network, NetworkLink, NetworkNode } from "./network.js"
import type { Service } from "./service.js"

export type ConfigList = "nodes" | "links" | "apps" | "windows"

/** One entry of the configuration that is another one now; null: gone. */
export interface EntryChange {
  readonly list: ConfigList
  readonly id: string
  readonly entry: JsonObject | null
  /** An edit made it so: only the form is the Network's own, and only where the same is ordered already. */
  readonly echo?: true
}

/** The configuration half as the Network has it, entry by entry: tells which of its changes are changes here. */
export class NetworkConfig {
  readonly #entries: Readonly<Record<ConfigList, Map<string, JsonObject>>>

  constructor(network: Network) {
    const services = [...network.services].filter(([, service]) => isConfigured(service))
    this.#entries = {
      nodes: new Map([...network.nodes].map(([id, node]) => [id, nodeConfig(node)])),
      links: new Map([...network.links].map(([id, link]) => [id, linkConfig(link)])),
      apps: new Map(services.map(([id, service]) => [id, appConfig(service)])),
      windows: new Map([...network.maintenance].map(([id, one]) => [id, windowConfig(one)])),
    }
  }

  /** The whole tree. */
  data(): JsonObject {
    const { nodes, links, apps, windows } = this.#entries
    return treeOf({
      nodes: [...nodes.values()],
      links: [...links.values()],
      apps: [...apps.values()],
      windows: [...windows.values()],
    })
  }

  /** One entry as it is; null: there is none. */
  entry(list: ConfigList, id: string): JsonObject | null {
    return this.#entries[list].get(id) ?? null
  }

  /** Takes a committed change in. @returns what it changes in the configuration, if anything */
  take(change: Change): EntryChange | undefined {
    const changed = entryOf(change)
    if (changed === undefined) return undefined
    const { list, entry } = changed
    const { id } = change
    const table = this.#entries[list]
    if (entry === null) return table.delete(id) ? { list, id, entry } : undefined
    if (isDeepStrictEqual(table.get(id), entry)) return undefined
    table.set(id, entry)
    return { list, id, entry }
  }
}

/** Bulk orders are no part of the tree. */
function entryOf(
  change: Change,
): { readonly list: ConfigList; readonly entry: JsonObject | null } | undefined {
  switch (change.kind) {
    case "node":
      return { list: "nodes", entry: change.value && nodeConfig(change.value) }
    case "link":
      return { list: "links", entry: change.value && linkConfig(change.value) }
    case "service": {
      const { value } = change
      return {
        list: "apps",
        entry: value !== null && isConfigured(value) ? appConfig(value) : null,
      }
    }
    case "maintenance":
      return { list: "windows", entry: change.value && windowConfig(change.value) }
    case "order":
      return undefined
  }
}

/** A configuration with these entries in it; all else, other modules' data too, is as it was and shared. */
export function withEntries(config: JsonObject, changes: readonly EntryChange[]): JsonObject {
  const before = arraysOf(config)
  const after: { -readonly [L in ConfigList]?: readonly JsonValue[] } = { ...before }
  for (const list of new Set(changes.map((change) => change.list))) {
    const table = byKey(before[list], LIST_KEYS[list])
    for (const { id, entry, echo } of changes.filter((change) => change.list === list)) {
      const held = table.get(id)
      if (echo === true && !orderSame(list, held ?? null, entry)) continue
      if (entry === null) table.delete(id)
      else table.set(id, entry)
    }
    after[list] = [...table.values()]
  }
  const { [ROOT]: _before, ...others } = config
  return { ...others, ...treeOf(after) }
}

/** Whether two entries order the same, in whatever form. */
export function orderSame(
  list: ConfigList,
  one: JsonObject | null,
  other: JsonObject | null,
): boolean {
  if (one === null || other === null) return one === other
  if (list === "windows") return planSame(windowFromConfig(one), windowFromConfig(other))
  const read = { nodes: nodeFromConfig, links: linkFromConfig, apps: appFromConfig }[list]
  if (!isDeepStrictEqual(read(one), read(other))) return false
  return list !== "links" || saySame(rateProfileFromConfig(one), rateProfileFromConfig(other))
}

/** A beginning that is left open is the one that there is. */
function planSame(one: WindowOrder, other: WindowOrder): boolean {
  const { beginMs = other.beginMs } = one
  return isDeepStrictEqual({ ...one, beginMs }, { ...other, beginMs: other.beginMs ?? beginMs })
}

type Arrays = { readonly [L in ConfigList]?: readonly JsonValue[] }

function treeOf(lists: Arrays): JsonObject {
  const filled = (list: readonly JsonValue[] | undefined): readonly JsonValue[] | undefined =>
    list === undefined || list.length === 0 ? undefined : list
  const network = compactOrNone({
    qkd_nodes: compactOrNone({ qkd_node: filled(lists.nodes) }),
    qkd_links: compactOrNone({ qkd_phys_links: compactOrNone({ phys_link: filled(lists.links) }) }),
    [APPS]: compactOrNone({ qkd_app: filled(lists.apps) }),
    [WINDOWS]: compactOrNone({ window: filled(lists.windows) }),
  })
  return network === undefined ? {} : { [ROOT]: network }
}

/** Key leaf of each list. */
export const LIST_KEYS: Readonly<Record<ConfigList, string>> = {
  nodes: "qkdn_id",
  links: "phys_link_id",
  apps: "app_id",
  windows: "maintenance_id",
}

function arraysOf(config: JsonObject): Arrays {
  const network = member(config, ROOT)
  const array = (parent: JsonObject, name: string): readonly JsonValue[] => {
    const items = parent[name]
    return items !== undefined && isArray(items) ? items : []
  }
  return {
    nodes: array(member(network, "qkd_nodes"), "qkd_node"),
    links: array(member(member(network, "qkd_links"), "qkd_phys_links"), "phys_link"),
    apps: array(member(network, APPS), "qkd_app"),
    windows: array(member(network, WINDOWS), "window"),
  }
}

function member(object: JsonObject, name: string): JsonObject {
  const value = object[name]
  return value !== undefined && isObject(value) ? value : {}
}

function byKey(items: readonly JsonValue[] | undefined, key: string): Map<string, JsonObject> {
  const found = new Map<string, JsonObject>()
  for (const item of items ?? []) {
    if (!isObject(item)) continue
    const id = item[key]
    if (typeof id === "string") found.set(id, item)
  }
  return found
}

/** What one list of a configuration has that another has not, by key. */
export interface ListDifference {
  readonly removed: readonly string[]
  readonly added: readonly JsonObject[]
  readonly changed: readonly { readonly before: JsonObject; readonly after: JsonObject }[]
}

/** The difference of two configurations, list by list; what both share costs nothing to compare. */
export function differences(
  previous: JsonObject,
  next: JsonObject,
): Readonly<Record<ConfigList, ListDifference>> {
  const [before, after] = [arraysOf(previous), arraysOf(next)]
  const of = (list: ConfigList): ListDifference =>
    listDifference(before[list], after[list], LIST_KEYS[list])
  return { nodes: of("nodes"), links: of("links"), apps: of("apps"), windows: of("windows") }
}

function listDifference(
  before: readonly JsonValue[] | undefined,
  after: readonly JsonValue[] | undefined,
  key: string,
): ListDifference {
  if (before === after) return { removed: [], added: [], changed: [] }
  const [old, now] = [byKey(before, key), byKey(after, key)]
  const added: JsonObject[] = []
  const changed: { before: JsonObject; after: JsonObject }[] = []
  for (const [id, entry] of now) {
    const held = old.get(id)
    if (held === undefined) added.push(entry)
    else if (held !== entry && !isDeepStrictEqual(held, entry))
      changed.push({ before: held, after: entry })
  }
  return { removed: [...old.keys()].filter((id) => !now.has(id)), added, changed }
}

/** What the tree tells beside the Network. */
export interface StateExtras {
  readonly epoch: string
  readonly seq: number
  readonly alarms: readonly Alarm[]
  reservedBps(qkdlId: string): number
  candidates(serviceId: string): readonly CandidatePath[]
}

const nodeStates = new WeakMap<NetworkNode, JsonObject>()
const appStates = new WeakMap<Service, JsonObject>()
const linkStates = new WeakMap<
  NetworkLink,
  { readonly reservedBps: number; readonly entry: JsonObject }
>()

/** The state half: list entries with their keys, to be laid over the configuration. */
export function networkState(network: Network, extras: StateExtras): JsonObject {
  const nodes = [...network.nodes.values()].map((node) => remembered(nodeStates, node, nodeState))
  const links = [...network.links.values()].map((link) =>
    rememberedLink(link, extras.reservedBps(link.qkdlId)),
  )
  const services = [...network.services.values()]
  const apps = services.map((service) => {
    const candidates = extras.candidates(service.serviceId)
    return candidates.length === 0
      ? remembered(appStates, service, (one) => appState(one))
      : appState(service, candidates)
  })
  const windows = [...network.maintenance.values()].map(windowState)
  const virtual = services.flatMap(serviceLinks)
  return {
    [ROOT]: {
      revision: String(network.revision),
      epoch: extras.epoch,
      seq: String(extras.seq),
      ...compactOrNone({
        qkd_nodes: compactOrNone({ qkd_node: entries(nodes) }),
        qkd_links: compactOrNone({
          qkd_phys_links: compactOrNone({ phys_link: entries(links) }),
          [SERVICE_LINKS]: compactOrNone({ svc_link: entries(virtual) }),
        }),
        [APPS]: compactOrNone({ qkd_app: entries(apps) }),
        [WINDOWS]: compactOrNone({ window: entries(windows) }),
        alarms: compactOrNone({ alarm: entries(extras.alarms.map(alarmData)) }),
      }),
    },
  }
}

function remembered<T extends object>(
  known: WeakMap<T, JsonObject>,
  thing: T,
  make: (thing: T) => JsonObject,
): JsonObject {
  const before = known.get(thing)
  if (before !== undefined) return before
  const made = make(thing)
  known.set(thing, made)
  return made
}

function rememberedLink(link: NetworkLink, reservedBps: number): JsonObject {
  const before = linkStates.get(link)
  if (before?.reservedBps === reservedBps) return before.entry
  const entry = linkState(link, reservedBps)
  linkStates.set(link, { reservedBps, entry })
  return entry
}
