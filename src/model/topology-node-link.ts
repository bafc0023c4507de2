// Reads a topology from NetworkX node-link JSON, as the sndlib collections are published: `nodes` with `id`
// (and `name`, `pos` as [longitude, latitude]), `edges` or `links` with `source`, `target`, `dist` in km.
// Attributes beyond these are another tool's and are passed over.

import { QkdError } from "../errors.js"
import { completeTopology, type Topology } from "./topology.js"

type Json = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

function refuse(path: string, message: string): never {
  throw new QkdError("invalid-value", `topology ${path}: ${message}`, { path })
}

/** Whether a parsed JSON value has the shape of NetworkX's node-link form. */
export function looksLikeNodeLink(value: unknown): boolean {
  if (!isObject(value) || !Array.isArray(value["nodes"])) return false
  const edges = value["edges"] ?? value["links"]
  const firstEdge: unknown = Array.isArray(edges) ? edges[0] : undefined
  return (
    "directed" in value || "multigraph" in value || (isObject(firstEdge) && "source" in firstEdge)
  )
}

/** @throws QkdError `invalid-value` with the JSON pointer of the first fault. */
export function topologyFromNodeLink(value: unknown, fallbackName: string): Topology {
  if (!isObject(value)) refuse("/", "not an object")
  const graph = isObject(value["graph"]) ? value["graph"] : {}
  const rawNodes = value["nodes"]
  if (!Array.isArray(rawNodes)) refuse("/nodes", "not a list")
  const edgesKey = "edges" in value ? "edges" : "links"
  const rawEdges = value[edgesKey]
  if (!Array.isArray(rawEdges)) refuse(`/${edgesKey}`, "not a list")

  const nameOf = new Map<unknown, string>()
  const nodes = rawNodes.map((raw: unknown, i) => {
    if (!isObject(raw)) refuse(`/nodes/${i}`, "not an object")
    const id = raw["id"]
    if (typeof id !== "string" && typeof id !== "number")
      refuse(`/nodes/${i}/id`, "neither number nor text")
    if (nameOf.has(id)) refuse(`/nodes/${i}/id`, `a second node has id ${id}`)
    const label = raw["name"] ?? raw["label"]
    const name = typeof label === "string" && label !== "" ? label : String(id)
    nameOf.set(id, name)
    const place = position(raw, i)
    return { name, ...place }
  })
  const seen = new Set<string>()
  const directed = value["directed"] === true
  const links = rawEdges.flatMap((raw: unknown, i) => {
    if (!isObject(raw)) refuse(`/${edgesKey}/${i}`, "not an object")
    const a = nameOf.get(raw["source"])
    const b = nameOf.get(raw["target"])
    if (a === undefined)
      refuse(`/${edgesKey}/${i}/source`, `no node has id ${String(raw["source"])}`)
    if (b === undefined)
      refuse(`/${edgesKey}/${i}/target`, `no node has id ${String(raw["target"])}`)
    // A directed file names both ways of one fibre; a QKD link serves both.
    if (directed && value["multigraph"] !== true) {
      const pair = [a, b].sort().join("\u0000")
      if (seen.has(pair)) return []
      seen.add(pair)
    }
    const dist = raw["dist"] ?? raw["length"]
    if (dist !== undefined && (typeof dist !== "number" || !(dist >= 0))) {
      refuse(`/${edgesKey}/${i}/dist`, "not a length in km")
    }
    return [{ a, b, ...(typeof dist === "number" ? { lengthKm: dist } : {}) }]
  })
  const name = graph["name"]
  return completeTopology({
    name: typeof name === "string" && name !== "" ? name : fallbackName,
    nodes,
    links,
  })
}

function position(raw: Json, i: number): { lat?: number; lon?: number } {
  const pos = raw["pos"]
  if (pos === undefined) return {}
  if (!Array.isArray(pos) || pos.length !== 2)
    refuse(`/nodes/${i}/pos`, "not [longitude, latitude]")
  const [lon, lat] = pos as unknown[]
  if (
    typeof lon !== "number" ||
    typeof lat !== "number" ||
    Math.abs(lat) > 90 ||
    Math.abs(lon) > 180
  ) {
    refuse(`/nodes/${i}/pos`, "not [longitude, latitude]")
  }
  return { lat, lon }
}
