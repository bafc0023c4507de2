// The running network as the controller's REST face shows it (`GET /network`), turned into what planning tools work on: a
// topology, and the services that stand on it with their paths. Asks nobody.

import { Ajv } from "ajv"
import type { Share } from "../engine/demand.js"
import type { Topology, TopologyLink } from "../model/topology.js"
import type { ServiceDemand } from "./demand-file.js"
import { refuseForm } from "./refuse-form.js"
import type { Standing } from "./standing.js"

interface LiveNode {
  readonly qkdnId: string
  readonly name: string
  readonly place?: string
  readonly lat?: number
  readonly lon?: number
  readonly operator?: string
  readonly relay: boolean
  readonly outOfService?: boolean
  readonly saeIds: readonly string[]
}

interface LiveLink {
  readonly qkdlId: string
  readonly name?: string
  readonly a: { readonly qkdnId: string }
  readonly b: { readonly qkdnId: string }
  readonly lengthKm?: number
  readonly lossDb?: number
  readonly module?: string
  readonly epsilon?: number
  readonly latencyMs?: number
  readonly srlg: readonly string[]
  readonly enabled: boolean
  readonly status: string
  readonly expectedBps?: number
  readonly capacityBps?: number
  readonly performance?: { readonly stockBits?: number }
}

interface LivePath {
  readonly rateBps: number
  readonly hops: readonly { readonly qkdlId: string }[]
}

interface LiveService {
  readonly serviceId: string
  readonly a: { readonly qkdnId: string }
  readonly b: { readonly qkdnId: string }
  readonly terms: {
    readonly minRateBps: number
    readonly priority: number
    readonly avoidNodes: readonly string[]
    readonly maxHops?: number
    readonly maxEpsilon?: number
  }
  readonly state: string
  readonly path?: LivePath
  /** Further paths that it stands on at once. */
  readonly beside?: readonly object[]
}

interface LiveNetwork {
  readonly nodes: readonly LiveNode[]
  readonly links: readonly LiveLink[]
  readonly services: readonly LiveService[]
}

const text = { type: "string" } as const
const amount = { type: "number", minimum: 0 } as const
const texts = { type: "array", items: text } as const
const flag = { type: "boolean" } as const

/** What is read of the answer; the rest of it is nobody's fault. */
const check = new Ajv({ allErrors: false }).compile<LiveNetwork>({
  type: "object",
  required: ["nodes", "links", "services"],
  properties: {
    nodes: {
      type: "array",
      minItems: 1,
      items: {
        type: "object",
        required: ["qkdnId", "name", "relay", "saeIds"],
        properties: { qkdnId: text, name: text, relay: flag, saeIds: texts },
      },
    },
    links: {
      type: "array",
      items: {
        type: "object",
        required: ["qkdlId", "a", "b", "srlg", "enabled", "status"],
        properties: {
          qkdlId: text,
          a: { type: "object", required: ["qkdnId"], properties: { qkdnId: text } },
          b: { type: "object", required: ["qkdnId"], properties: { qkdnId: text } },
          srlg: texts,
          enabled: flag,
          status: text,
          lengthKm: amount,
          lossDb: amount,
          expectedBps: amount,
          capacityBps: amount,
          performance: { type: "object", properties: { stockBits: amount } },
        },
      },
    },
    services: {
      type: "array",
      items: {
        type: "object",
        required: ["serviceId", "a", "b", "terms", "state"],
        properties: {
          serviceId: text,
          terms: {
            type: "object",
            required: ["minRateBps", "priority", "avoidNodes"],
            properties: { minRateBps: amount, priority: { type: "number" }, avoidNodes: texts },
          },
          beside: { type: "array", items: { type: "object" } },
          path: {
            type: "object",
            required: ["rateBps", "hops"],
            properties: {
              rateBps: amount,
              hops: {
                type: "array",
                items: { type: "object", required: ["qkdlId"], properties: { qkdlId: text } },
              },
            },
          },
        },
      },
    },
  },
})

export interface LivePicture {
  readonly topology: Topology
  /** Link numbers are those of the topology. */
  readonly standing: Standing
}

/** A service that asks for no rate still needs a path. */
const LEAST_BPS = 1

/**
 * @param value the answer of `GET /api/v1/network`.
 * @param name of the network, for titles.
 * @throws QkdError `invalid-value` when it is something else.
 */
export function liveNetwork(value: unknown, name: string): LivePicture {
  if (!check(value)) return refuseForm("network", check.errors?.[0])
  const names = uniqueNames(value.nodes, ({ qkdnId }) => qkdnId)
  const ids = uniqueNames(value.links, ({ qkdlId }) => qkdlId)
  const notices: string[] = []
  const topology: Topology = {
    name,
    nodes: value.nodes.map(({ qkdnId, place, lat, lon, operator, relay, outOfService }) => ({
      name: names.get(qkdnId) ?? qkdnId,
      ...(place === undefined ? {} : { place }),
      ...(lat === undefined ? {} : { lat }),
      ...(lon === undefined ? {} : { lon }),
      ...(operator === undefined ? {} : { operator }),
      relay: relay && outOfService !== true,
    })),
    links: value.links.map((link) => topologyLink(link, names, ids, notices)),
    saes: value.nodes.flatMap(({ qkdnId, saeIds }) =>
      saeIds.map((id) => ({ id, node: names.get(qkdnId) ?? qkdnId })),
    ),
    notices,
  }
  const limited = value.services.filter(
    ({ terms }) =>
      terms.avoidNodes.length > 0 || terms.maxHops !== undefined || terms.maxEpsilon !== undefined,
  )
  if (limited.length > 0)
    notices.push(
      `${limited.length} services avoid nodes or limit hops or epsilon: when they move here, these limits are not kept`,
    )
  const several = value.services.filter(({ beside = [] }) => beside.length > 0)
  if (several.length > 0)
    notices.push(
      `${several.length} services stand on several paths at once: only the first of each is counted here`,
    )
  return { topology, standing: standingOf(value, names) }
}

function topologyLink(
  link: LiveLink,
  names: ReadonlyMap<string, string>,
  ids: ReadonlyMap<string, string>,
  notices: string[],
): TopologyLink {
  const { qkdlId, a, b, lengthKm, lossDb, module, epsilon, latencyMs, srlg, enabled, status } = link
  const stockBits = link.performance?.stockBits
  const id = ids.get(qkdlId) ?? qkdlId
  const idle = !enabled || status === "OFF" || status === "PASSIVE"
  if (idle)
    notices.push(`link ${id}: ${enabled ? `is ${status}` : "is disabled"}, taken as without rate`)
  const skrBps = idle ? 0 : (link.capacityBps ?? link.expectedBps)
  return {
    id,
    a: names.get(a.qkdnId) ?? a.qkdnId,
    b: names.get(b.qkdnId) ?? b.qkdnId,
    ...(lengthKm === undefined ? {} : { lengthKm }),
    ...(lossDb === undefined ? {} : { lossDb }),
    ...(skrBps === undefined ? {} : { skrBps }),
    ...(module === undefined ? {} : { module }),
    ...(epsilon === undefined ? {} : { epsilon }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(stockBits === undefined ? {} : { stockBits }),
    srlg,
  }
}

function standingOf(
  { links, services }: LiveNetwork,
  names: ReadonlyMap<string, string>,
): Standing {
  const numbers = new Map(links.map(({ qkdlId }, number) => [qkdlId, number]))
  const staying = services.filter(({ state }) => state !== "removing")
  /** A path over a link that is no more is none. */
  const linksOf = (path: LivePath | undefined): number[] => {
    const found = (path?.hops ?? []).map(({ qkdlId }) => numbers.get(qkdlId) ?? -1)
    return found.includes(-1) ? [] : found
  }
  return {
    services: staying.map(({ serviceId, a, b, terms, path }): ServiceDemand => {
      const rateBps = Math.max(LEAST_BPS, path?.rateBps ?? terms.minRateBps)
      return {
        id: serviceId,
        from: names.get(a.qkdnId) ?? a.qkdnId,
        to: names.get(b.qkdnId) ?? b.qkdnId,
        rateBps,
        minRateBps: Math.min(rateBps, Math.max(LEAST_BPS, terms.minRateBps)),
        priority: terms.priority,
      }
    }),
    allocation: staying.map(({ path }): Share[] => {
      const links = linksOf(path)
      return links.length === 0
        ? []
        : [{ path: links, rateBps: Math.max(LEAST_BPS, path?.rateBps ?? 0) }]
    }),
  }
}

/** By id the thing's own name; the id where it has none or shares it. */
function uniqueNames<T extends { readonly name?: string }>(
  list: readonly T[],
  idOf: (one: T) => string,
): ReadonlyMap<string, string> {
  const times = new Map<string, number>()
  for (const { name = "" } of list) times.set(name, (times.get(name) ?? 0) + 1)
  return new Map(
    list.map((one) => {
      const { name } = one
      return [idOf(one), name !== undefined && times.get(name) === 1 ? name : idOf(one)]
    }),
  )
}
