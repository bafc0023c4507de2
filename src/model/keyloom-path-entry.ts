// Paths of keyloom-connectivity: deployed ones, candidates, the virtual links they make. State only: no order is read
// from here.

import { createHash } from "node:crypto"
import type { JsonObject } from "../yang/json-text.js"
import { compact, identity } from "./etsi015-values.js"
import { bps, decimal, entries, epsilonText, texts } from "./keyloom-values.js"
import type { Hop, KeyPath, Service } from "./service.js"

/** A path as candidates are told. */
export interface CandidatePath {
  readonly hops: readonly Hop[]
  readonly freeBps: number
  readonly stockBits?: number
  readonly lengthKm?: number
  readonly latencyMs?: number
  readonly epsilon?: number
  readonly deployed: boolean
}

export function hopList(hops: readonly Hop[]): JsonObject[] | undefined {
  return entries(
    hops.map((hop, place) => ({
      index: place + 1,
      phys_link_id: hop.qkdlId,
      from_qkdn_id: hop.from,
      to_qkdn_id: hop.to,
    })),
  )
}

/** Grouping `key-path`. */
export function keyPathData(path: KeyPath): JsonObject {
  return compact({
    qkdl_id: path.qkdlId,
    phase: path.phase,
    awaiting_qkdn_id: texts(path.awaiting),
    bandwidth: bps(path.rateBps),
    hop: hopList(path.hops),
  })
}

/** The virtual links of a service: a path of one hop is no virtual link. */
export function serviceLinks(service: Service): JsonObject[] {
  const { beside = [] } = service
  const lanes = [service, ...beside].flatMap(({ path, next }) => [path, next])
  return [...lanes, ...service.leaving].flatMap((path) => {
    if (path === undefined || path.hops.length < 2) return []
    return [
      compact({
        svc_link_id: path.qkdlId,
        app_id: service.serviceId,
        local_qkdn_id: path.nodes[0],
        remote_qkdn_id: path.nodes.at(-1),
        qkdl_type: identity("VIRT"),
        phase: path.phase,
        virt_bandwidth: bps(path.rateBps),
        hop: hopList(path.hops),
      }),
    ]
  })
}

/** A UUID (RFC 9562 version 8) out of the links in order: the same path has the same name, also after a restart. */
export function pathIdOf(hops: readonly Pick<Hop, "qkdlId">[]): string {
  const hash = createHash("sha256").update(hops.map((hop) => hop.qkdlId).join(" "))
  const hex = hash.digest("hex")
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-")
}

/** Grouping `candidate`. */
export function candidateData(candidate: CandidatePath): JsonObject {
  return compact({
    path_id: pathIdOf(candidate.hops),
    deployed: candidate.deployed,
    hop_count: candidate.hops.length,
    free_bandwidth: bps(candidate.freeBps),
    stock: candidate.stockBits === undefined ? undefined : String(candidate.stockBits),
    length: decimal(candidate.lengthKm, 3),
    latency: decimal(candidate.latencyMs, 3),
    epsilon: epsilonText(candidate.epsilon),
    hop: hopList(candidate.hops),
  })
}
