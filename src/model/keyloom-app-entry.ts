// One application of keyloom-connectivity: the order with its terms (configuration, and input of the RPCs) and what has
// become of it (state).

import type { JsonObject } from "../yang/json-text.js"
import { compact, Reader } from "./etsi015-values.js"
import { type CandidatePath, candidateData, hopList, keyPathData } from "./keyloom-path-entry.js"
import {
  appPath,
  bps,
  CONNECTIVITY_MODULE,
  entries,
  epsilonText,
  texts,
  timeOf,
} from "./keyloom-values.js"
import { grantedBps } from "./granted.js"
import type { Protection, Service, ServiceTerms } from "./service.js"

/** What is ordered: two applications and terms. */
export interface AppOrder {
  readonly serviceId: string
  readonly aSaeId: string
  readonly bSaeId: string
  readonly terms: ServiceTerms
}

/** Whether the entry is configuration: an operator's order that stands. The rest of the list is state. */
export function isConfigured(service: Service): boolean {
  return service.origin === "order" && service.state !== "removing"
}

/** The entry as configuration. Every leaf with a default is written, so that nothing is left to guess. */
export function appConfig(service: Service): JsonObject {
  return compact({
    app_id: service.serviceId,
    server_app_id: service.a.saeId,
    client_app_id: service.b.saeId,
    ...termsData(service.terms),
  })
}

function termsData(terms: ServiceTerms): JsonObject {
  return compact({
    app_priority: bps(terms.priority),
    app_qos: compact({
      max_bandwidth: bps(terms.maxRateBps),
      min_bandwidth: bps(terms.minRateBps),
      ttl: bps(terms.ttlS),
    }),
    avoid_qkdn_id: texts(terms.avoidNodes),
    max_hops: bps(terms.maxHops),
    max_epsilon: epsilonText(terms.maxEpsilon),
    avoid_phys_link_id: texts(terms.avoidLinks),
    require_qkdn_id: texts(terms.requireNodes),
    protection: terms.protection ?? "none",
    trust_tolerance: bps(terms.trustTolerance ?? 0),
    revertive: terms.revertive,
    hold_off: bps(terms.holdOffS),
  })
}

/** What a valid entry orders. */
export function appFromConfig(entry: JsonObject): AppOrder {
  const path = appPath(typeof entry.app_id === "string" ? entry.app_id : "")
  const app = new Reader(entry, path, CONNECTIVITY_MODULE)
  return {
    serviceId: app.requiredUuid("app_id"),
    aSaeId: app.string("server_app_id") ?? "",
    bSaeId: app.string("client_app_id") ?? "",
    terms: termsFrom(app),
  }
}

/** Grouping `terms`. */
export function termsFrom(reader: Reader): ServiceTerms {
  const qos = reader.child("app_qos")
  const maxRateBps = qos.number("max_bandwidth")
  const ttlS = qos.number("ttl")
  const maxHops = reader.number("max_hops")
  const maxEpsilon = reader.number("max_epsilon")
  const avoidLinks = reader.uuids("avoid_phys_link_id")
  const requireNodes = reader.uuids("require_qkdn_id")
  const protection = PROTECTIONS.find((one) => one === reader.string("protection"))
  const trustTolerance = reader.number("trust_tolerance") ?? 0
  const revertive = reader.boolean("revertive")
  const holdOffS = reader.number("hold_off")
  return {
    minRateBps: qos.number("min_bandwidth") ?? 0,
    ...(maxRateBps === undefined ? {} : { maxRateBps }),
    priority: reader.number("app_priority") ?? 0,
    ...(ttlS === undefined ? {} : { ttlS }),
    avoidNodes: reader.uuids("avoid_qkdn_id"),
    ...(maxHops === undefined ? {} : { maxHops }),
    ...(maxEpsilon === undefined ? {} : { maxEpsilon }),
    ...(avoidLinks.length === 0 ? {} : { avoidLinks }),
    ...(requireNodes.length === 0 ? {} : { requireNodes }),
    ...(protection === undefined ? {} : { protection }),
    ...(trustTolerance === 0 ? {} : { trustTolerance }),
    ...(revertive === undefined ? {} : { revertive }),
    ...(holdOffS === undefined ? {} : { holdOffS }),
  }
}

const PROTECTIONS: readonly Protection[] = ["restore", "1+1"]

/**
 * What stands beside the configuration: the key and `state`. What is no configuration is told whole.
 *
 * @param candidates what was last computed for it
 */
export function appState(service: Service, candidates: readonly CandidatePath[] = []): JsonObject {
  const { path, next, beside = [], backup, home, avoiding } = service
  return {
    ...(isConfigured(service) ? { app_id: service.serviceId } : appConfig(service)),
    state: compact({
      origin: service.origin,
      service_state: service.state,
      reason: service.reason,
      granted_bandwidth: bps(grantedBps(service)),
      local_qkdn_id: service.a.qkdnId,
      remote_qkdn_id: service.b.qkdnId,
      creation_time: service.createdAt,
      changed: service.changedAt,
      deployed_path: path === undefined ? undefined : keyPathData(path),
      next_path: next === undefined ? undefined : keyPathData(next),
      beside: entries(
        beside.map((lane, place) =>
          compact({
            index: place + 2,
            deployed_path: lane.path === undefined ? undefined : keyPathData(lane.path),
            next_path: lane.next === undefined ? undefined : keyPathData(lane.next),
          }),
        ),
      ),
      backup_path:
        backup === undefined
          ? undefined
          : compact({
              bandwidth: bps(backup.rateBps),
              disjoint: backup.disjoint,
              hop: hopList(backup.hops),
            }),
      no_backup: service.noBackup,
      home_path: home === undefined ? undefined : compact({ hop: hopList(home.hops) }),
      leaving_path: entries(service.leaving.map(keyPathData)),
      avoiding: entries(
        (avoiding ?? []).map((node) =>
          compact({ qkdn_id: node.qkdnId, until: timeOf(node.untilMs), reason: node.reason }),
        ),
      ),
      candidate_path: entries(candidates.map(candidateData)),
    }),
  }
}

/** Where a member of an order that the core names stands in the tree: `/terms/minRateBps`, `/aSaeId`. */
const PLACES: Readonly<Record<string, string>> = {
  aSaeId: "/server_app_id",
  bSaeId: "/client_app_id",
  minRateBps: "/app_qos/min_bandwidth",
  maxRateBps: "/app_qos/max_bandwidth",
  ttlS: "/app_qos/ttl",
  priority: "/app_priority",
  avoidNodes: "/avoid_qkdn_id",
  maxHops: "/max_hops",
  maxEpsilon: "/max_epsilon",
  avoidLinks: "/avoid_phys_link_id",
  requireNodes: "/require_qkdn_id",
  protection: "/protection",
  trustTolerance: "/trust_tolerance",
  revertive: "/revertive",
  holdOffS: "/hold_off",
}

/** @param path as the core tells it, or undefined when it is about the whole */
export function placeInOrder(path: string | undefined): string {
  const [, member = "", index] = /^(?:\/terms)?\/([A-Za-z]+)(?:\/(\d+))?$/.exec(path ?? "") ?? []
  const place = PLACES[member] ?? ""
  return index === undefined || place === "" ? place : `${place}[${Number(index) + 1}]`
}
