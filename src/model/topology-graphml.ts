// Reads a topology from GraphML as the Internet Topology Zoo writes it: `label`, `Latitude`, `Longitude` on
// nodes; lengths come from the coordinates. Attributes beyond these are another tool's and are passed over.

import { QkdError } from "../errors.js"
import { childrenOf, parseXml, textOf, type XmlElement } from "../yang/xml-tree.js"
import { completeTopology, type Topology } from "./topology.js"

function refuse(path: string, message: string): never {
  throw new QkdError("invalid-value", `topology ${path}: ${message}`, { path })
}

function attribute(element: XmlElement, name: string): string | undefined {
  return element.attrs.find((a) => a.name === name && a.ns === "")?.value
}

/** @throws QkdError `malformed-message` with line and column, or `invalid-value` with the path of the fault. */
export function topologyFromGraphml(text: string, fallbackName: string): Topology {
  const root = parseXml(text)
  if (root.name !== "graphml") refuse("/", `the root element is "${root.name}", not graphml`)
  const keys = new Map<string, string>()
  for (const key of childrenOf(root).filter((e) => e.name === "key")) {
    const id = attribute(key, "id")
    const name = attribute(key, "attr.name")
    if (id !== undefined && name !== undefined) keys.set(id, name)
  }
  const graph = childrenOf(root).find((e) => e.name === "graph")
  if (graph === undefined) refuse("/graphml", "has no graph")
  const dataOf = (element: XmlElement): Map<string, string> => {
    const data = new Map<string, string>()
    for (const item of childrenOf(element).filter((e) => e.name === "data")) {
      const name = keys.get(attribute(item, "key") ?? "")
      if (name !== undefined) data.set(name, textOf(item).trim())
    }
    return data
  }

  const nameOf = new Map<string, string>()
  const taken = new Set<string>()
  const nodes = childrenOf(graph)
    .filter((e) => e.name === "node")
    .map((element, i) => {
      const path = `/graphml/graph/node[${i + 1}]`
      const id = attribute(element, "id")
      if (id === undefined) refuse(path, "has no id")
      if (nameOf.has(id)) refuse(path, `a second node has id ${id}`)
      const data = dataOf(element)
      const label = data.get("label") ?? id
      // The Zoo has sites of the same name ("None", "?"): the id tells them apart.
      const name = taken.has(label) || label === "" ? `${label} ${id}`.trim() : label
      taken.add(name)
      nameOf.set(id, name)
      const lat = number(data.get("Latitude"), `${path}/Latitude`, 90)
      const lon = number(data.get("Longitude"), `${path}/Longitude`, 180)
      return { name, ...(lat === undefined || lon === undefined ? {} : { lat, lon }) }
    })
  const dropped: string[] = []
  const links = childrenOf(graph)
    .filter((e) => e.name === "edge")
    .flatMap((element, i) => {
      const path = `/graphml/graph/edge[${i + 1}]`
      const a = nameOf.get(attribute(element, "source") ?? "")
      const b = nameOf.get(attribute(element, "target") ?? "")
      if (a === undefined) refuse(`${path}/@source`, "names no node")
      if (b === undefined) refuse(`${path}/@target`, "names no node")
      if (a === b) {
        dropped.push(`${path} joins ${a} to itself: left out`)
        return []
      }
      return [{ a, b }]
    })
  const name = dataOf(graph).get("Network") ?? dataOf(graph).get("label") ?? fallbackName
  const topology = completeTopology({ name: name === "" ? fallbackName : name, nodes, links })
  return { ...topology, notices: [...dropped, ...topology.notices] }
}

function number(text: string | undefined, path: string, limit: number): number | undefined {
  if (text === undefined || text === "") return undefined
  const value = Number(text)
  if (!Number.isFinite(value) || Math.abs(value) > limit)
    refuse(path, `"${text}" is not a coordinate`)
  return value
}
