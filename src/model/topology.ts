// A network drawn on paper: sites, fibres between them, SAEs at the sites. Reads Keyloom's own JSON here;
// `topology-node-link` and `topology-graphml` read what others write. Knows nothing of a running network.

import { Ajv, type ErrorObject } from "ajv"
import { QkdError } from "../errors.js"

export interface TopologyNode {
  readonly name: string
  readonly place?: string
  readonly lat?: number
  readonly lon?: number
  readonly operator?: string
  /** May relay keys for others; true unless said otherwise. */
  readonly relay: boolean
}

export interface TopologyLink {
  /** Unique in the topology; tells parallel links apart. */
  readonly id: string
  readonly a: string
  readonly b: string
  readonly lengthKm?: number
  readonly lossDb?: number
  /** Secret key rate, where it is known better than a model could tell. */
  readonly skrBps?: number
  /** Maker and model of the QKD modules. */
  readonly module?: string
  readonly epsilon?: number
  readonly latencyMs?: number
  /** Secret bits in store for it, unused. */
  readonly stockBits?: number
  readonly srlg: readonly string[]
}

export interface TopologySae {
  readonly id: string
  readonly node: string
}

export interface Topology {
  readonly name: string
  readonly description?: string
  readonly nodes: readonly TopologyNode[]
  readonly links: readonly TopologyLink[]
  readonly saes: readonly TopologySae[]
  /** What was filled in because the file did not say, in words. */
  readonly notices: readonly string[]
}

/** Loss of installed single-mode fibre (ITU-T G.652, with splices), dB per km, where a file gives length only. */
export const FIBRE_LOSS_DB_PER_KM = 0.2
/** Fibre does not follow great circles: the factor the mission's data use. */
export const DETOUR_FACTOR = 1.4
/** Taken, and said so, where a file gives neither length, loss, rate nor coordinates. */
const ASSUMED_LENGTH_KM = 10

const schema = {
  type: "object",
  additionalProperties: false,
  required: ["name", "nodes", "links"],
  properties: {
    name: { type: "string", minLength: 1 },
    description: { type: "string" },
    nodes: {
      type: "array",
      minItems: 1,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["name"],
        properties: {
          name: { type: "string", minLength: 1, maxLength: 128 },
          place: { type: "string" },
          lat: { type: "number", minimum: -90, maximum: 90 },
          lon: { type: "number", minimum: -180, maximum: 180 },
          operator: { type: "string" },
          relay: { type: "boolean" },
        },
      },
    },
    links: {
      type: "array",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["a", "b"],
        properties: {
          id: { type: "string", minLength: 1 },
          a: { type: "string" },
          b: { type: "string" },
          lengthKm: { type: "number", minimum: 0 },
          lossDb: { type: "number", minimum: 0 },
          skrBps: { type: "number", minimum: 0 },
          module: { type: "string", minLength: 1 },
          epsilon: { type: "number", minimum: 0, maximum: 1 },
          latencyMs: { type: "number", minimum: 0 },
          stockBits: { type: "number", minimum: 0 },
          srlg: { type: "array", items: { type: "string" } },
        },
      },
    },
    saes: {
      type: "array",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["id", "node"],
        properties: {
          id: { type: "string", minLength: 1, maxLength: 128 },
          node: { type: "string" },
        },
      },
    },
  },
} as const

interface RawTopology {
  name: string
  description?: string
  nodes: (Omit<TopologyNode, "relay"> & { relay?: boolean })[]
  links: (Omit<TopologyLink, "id" | "srlg"> & { id?: string; srlg?: string[] })[]
  saes?: TopologySae[]
}

const check = new Ajv({ allErrors: false }).compile<RawTopology>(schema)

function refuse(path: string, message: string): never {
  throw new QkdError("invalid-value", `topology ${path}: ${message}`, { path })
}

function explain(error: ErrorObject): string {
  if (error.keyword === "additionalProperties") {
    return `unknown field "${String(error.params["additionalProperty"])}"`
  }
  return error.message ?? "invalid"
}

/**
 * Reads Keyloom's own topology form from a parsed JSON value.
 *
 * @throws QkdError `invalid-value` with the JSON pointer of the first fault.
 */
export function topologyFromJson(value: unknown): Topology {
  if (!check(value)) {
    const first = check.errors?.[0]
    const path = first === undefined || first.instancePath === "" ? "/" : first.instancePath
    refuse(path, first === undefined ? "invalid" : explain(first))
  }
  return completeTopology(value)
}

/** Fills in what may be left out, and refuses what does not hang together. Used by all three readers. */
export function completeTopology(raw: RawTopology): Topology {
  const notices: string[] = []
  const nodes = new Map<string, TopologyNode>()
  for (const [i, node] of raw.nodes.entries()) {
    if (nodes.has(node.name)) refuse(`/nodes/${i}/name`, `a second node is called "${node.name}"`)
    nodes.set(node.name, { ...node, relay: node.relay ?? true })
  }
  const ids = new Set<string>()
  for (const [i, link] of raw.links.entries()) {
    if (link.id === undefined) continue
    if (ids.has(link.id)) refuse(`/links/${i}/id`, `a second link is called "${link.id}"`)
    ids.add(link.id)
  }
  const links = raw.links.map((link, i): TopologyLink => {
    for (const end of ["a", "b"] as const) {
      if (!nodes.has(link[end])) refuse(`/links/${i}/${end}`, `no node is called "${link[end]}"`)
    }
    if (link.a === link.b) refuse(`/links/${i}`, `joins "${link.a}" to itself`)
    const id = link.id ?? freshId(link.a, link.b, ids)
    ids.add(id)
    const lengthKm =
      link.lengthKm ?? (needsLength(link) ? estimateLengthKm(nodes, link, notices, id) : undefined)
    return { ...link, id, srlg: link.srlg ?? [], ...(lengthKm === undefined ? {} : { lengthKm }) }
  })
  const saes = raw.saes ?? [...nodes.keys()].map((name) => ({ id: `sae-${name}`, node: name }))
  const saeIds = new Set<string>()
  for (const [i, sae] of saes.entries()) {
    if (!nodes.has(sae.node)) refuse(`/saes/${i}/node`, `no node is called "${sae.node}"`)
    if (saeIds.has(sae.id)) refuse(`/saes/${i}/id`, `a second SAE is called "${sae.id}"`)
    saeIds.add(sae.id)
  }
  return {
    name: raw.name,
    ...(raw.description === undefined ? {} : { description: raw.description }),
    nodes: [...nodes.values()],
    links,
    saes,
    notices,
  }
}

/** Loss of the quantum channel in dB: as given, else from the length. */
export function lossDbOf(link: TopologyLink): number {
  return link.lossDb ?? (link.lengthKm ?? ASSUMED_LENGTH_KM) * FIBRE_LOSS_DB_PER_KM
}

/** Great circle distance in km (haversine, mean Earth radius). */
export function greatCircleKm(
  a: { lat: number; lon: number },
  b: { lat: number; lon: number },
): number {
  const rad = Math.PI / 180
  const dLat = (b.lat - a.lat) * rad
  const dLon = (b.lon - a.lon) * rad
  const h =
    Math.sin(dLat / 2) ** 2 +
    Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * Math.sin(dLon / 2) ** 2
  return 2 * 6371.0088 * Math.asin(Math.min(1, Math.sqrt(h)))
}

function needsLength(link: { lossDb?: number; skrBps?: number }): boolean {
  return link.lossDb === undefined && link.skrBps === undefined
}

function estimateLengthKm(
  nodes: ReadonlyMap<string, TopologyNode>,
  link: { a: string; b: string },
  notices: string[],
  id: string,
): number {
  const a = nodes.get(link.a)
  const b = nodes.get(link.b)
  if (a?.lat !== undefined && a.lon !== undefined && b?.lat !== undefined && b.lon !== undefined) {
    const km = greatCircleKm({ lat: a.lat, lon: a.lon }, { lat: b.lat, lon: b.lon }) * DETOUR_FACTOR
    return Math.round(km * 100) / 100
  }
  notices.push(
    `link ${id}: no length, loss, rate or coordinates given; taken as ${ASSUMED_LENGTH_KM} km`,
  )
  return ASSUMED_LENGTH_KM
}

function freshId(a: string, b: string, taken: ReadonlySet<string>): string {
  const base = `${a}-${b}`.toLowerCase().replace(/\s+/g, "-")
  if (!taken.has(base)) return base
  for (let n = 2; ; n += 1) if (!taken.has(`${base}-${n}`)) return `${base}-${n}`
}
