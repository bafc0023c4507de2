// What each planning answer looks like: paths, loads, changes, failures, growth. Chooses colours, words and legends; how
// they are drawn is map-picture.ts.

import type { Allocation } from "../engine/demand.js"
import type { Topology } from "../model/topology.js"
import type { LegendPart, LegendRow } from "./map-legend.js"
import { drawMap, type MapLink, type MapNode, type MapRoute } from "./map-picture.js"
import {
  type Band,
  LOSS_BANDS,
  rateWords,
  toneOf,
  USE_BANDS,
  widthPx,
  widthSamples,
} from "./map-scales.js"
import type { PathAnswer } from "./plan-paths.js"
import type { PlanNetwork } from "./plan-network.js"
import { loadOf } from "./standing.js"
import type { FailureEffects, Survival } from "./survive.js"

/** A picture of a network on which services run: before or after a change, or as it stands. */
export interface LoadPicture {
  readonly title: string
  readonly subtitle: string
  readonly topology: Topology
  /** Numbers as in the topology. */
  readonly network: PlanNetwork
  readonly allocation: Allocation
  /** By link number: crossed out. */
  readonly gone?: ReadonlySet<number>
  /** Names of nodes crossed out. */
  readonly goneNodes?: ReadonlySet<string>
  /** By link number: stands out, with this word. */
  readonly badges?: ReadonlyMap<number, string>
  readonly badgeRows?: readonly LegendRow[]
}

export function drawLoads(picture: LoadPicture): string {
  const { network, topology, allocation, gone, goneNodes, badges } = picture
  const load = loadOf(network, allocation)
  const links = topology.links.map((_, link): MapLink => {
    const rateBps = network.rateBps[link] ?? 0
    const used = load[link] ?? 0
    const share = rateBps > 0 ? used / rateBps : 0
    const isGone = gone?.has(link) === true || rateBps === 0
    const badge = badges?.get(link)
    return {
      widthPx: isGone ? 2 : widthPx(rateBps),
      tone: isGone ? "down" : toneOf(USE_BANDS, share),
      ...(isGone ? { gone: true } : {}),
      ...(badge === undefined ? {} : { badge }),
      note: `${nameOf(network, link)}: ${rateWords(used)} of ${rateWords(rateBps)} (${Math.round(share * 100)} %)`,
    }
  })
  const crossed: LegendRow[] = links.some((link) => link.gone === true)
    ? [
        {
          sample: { kind: "line", tone: "down", widthPx: 2, gone: true },
          words: "out, or without rate",
        },
      ]
    : []
  return drawMap({
    title: picture.title,
    subtitle: picture.subtitle,
    graph: network.graph,
    nodes: plainNodes(topology).map((node) =>
      goneNodes?.has(node.name) === true ? { ...node, gone: true } : node,
    ),
    links,
    routes: [],
    legend: [
      bandPart("Key rate taken by services", USE_BANDS, crossed),
      widthPart(network),
      { head: "Changes", rows: picture.badgeRows ?? [] },
      relayPart(topology),
    ],
  })
}

export function drawPaths(
  topology: Topology,
  network: PlanNetwork,
  answers: readonly PathAnswer[],
): string {
  const routes: MapRoute[] = []
  const rows: LegendRow[] = []
  const ends = new Set<string>()
  for (const [number, { id, paths, reason }] of answers.entries()) {
    for (const [rank, path] of paths.entries()) {
      // One request: a colour a path. Several: a colour a request, dashed behind the first path.
      const series = answers.length === 1 ? rank : number
      const dashed = answers.length > 1 && rank > 0
      const words = `${id}${paths.length > 1 ? ` ${rank + 1}` : ""}: ${path.hops} hops, ${Number(path.lengthKm.toPrecision(4))} km`
      routes.push({
        series,
        from: network.nodeNumbers.get(path.nodes[0] ?? "") ?? 0,
        links: linksAlong(network, path.nodes, path.links),
        dashed,
        note: `${words}, ${rateWords(path.rateBps)}, ${path.nodes.join(" - ")}`,
      })
      rows.push({ sample: { kind: "route", series, dashed }, words })
      for (const end of [path.nodes[0], path.nodes.at(-1)]) if (end !== undefined) ends.add(end)
    }
    if (paths.length === 0)
      rows.push({ sample: { kind: "none" }, words: `${id}: ${reason ?? "no path"}` })
  }
  const links = topology.links.map((_, link): MapLink => {
    const rateBps = network.rateBps[link] ?? 0
    return {
      widthPx: widthPx(rateBps),
      tone: "faint",
      note: `${nameOf(network, link)}: ${rateWords(rateBps)}`,
    }
  })
  return drawMap({
    title: `Key paths in ${topology.name}`,
    subtitle: `${answers.length} ${answers.length === 1 ? "request" : "requests"}, ${routes.length} paths`,
    graph: network.graph,
    nodes: plainNodes(topology).map((node) =>
      ends.has(node.name) ? { ...node, marked: true } : node,
    ),
    links,
    routes,
    legend: [{ head: "Paths", rows }, widthPart(network), relayPart(topology)],
  })
}

export function drawSurvival(topology: Topology, network: PlanNetwork, survival: Survival): string {
  const { failures, carriedBps } = survival
  const of = (kind: string): Map<string, FailureEffects> =>
    new Map(failures.filter((one) => one.kind === kind).map((one) => [one.id, one]))
  const byLink = of("link")
  const byNode = of("node")
  const share = (one: FailureEffects | undefined): number =>
    one === undefined || carriedBps === 0 ? 0 : (one.lostBps - one.endingThereBps) / carriedBps
  const words = (one: FailureEffects | undefined): string =>
    one === undefined
      ? ""
      : `: interrupts ${one.interrupted}, breaks ${one.broken.length}, ${rateWords(one.lostBps)} lost`
  const [worst] = failures
  return drawMap({
    title: `What single failures break in ${topology.name}`,
    subtitle: `${survival.services} services, ${rateWords(carriedBps)}; ${survival.fragile.length} are broken by some single failure although both ends live${worst === undefined || worst.lostBps === 0 ? "" : `; worst: ${worst.kind} ${worst.id}`}`,
    graph: network.graph,
    nodes: plainNodes(topology).map((node) => {
      const effects = byNode.get(node.name)
      const tone = toneOf(LOSS_BANDS, share(effects))
      return {
        ...node,
        ...(tone === "faint" ? {} : { tone }),
        note: `${node.name}${words(effects)}`,
      }
    }),
    links: topology.links.map(({ id }, link): MapLink => {
      const effects = byLink.get(id)
      return {
        widthPx: widthPx(network.rateBps[link] ?? 0),
        tone: toneOf(LOSS_BANDS, share(effects)),
        note: `${nameOf(network, link)}${words(effects)}`,
      }
    }),
    routes: [],
    legend: [
      bandPart("Carried rate lost when it fails", LOSS_BANDS, [
        { sample: { kind: "node" }, words: "nodes: without what ends there" },
      ]),
      widthPart(network),
    ],
  })
}

function bandPart(head: string, bands: readonly Band[], more: readonly LegendRow[]): LegendPart {
  const rows = bands.map(
    ({ tone, words }): LegendRow => ({ sample: { kind: "line", tone, widthPx: 5 }, words }),
  )
  return { head, rows: [...rows, ...more] }
}

function widthPart({ rateBps }: PlanNetwork): LegendPart {
  return {
    head: "Secret key rate of the link",
    rows: widthSamples([...rateBps]).map((rate) => ({
      sample: { kind: "line", tone: "faint", widthPx: widthPx(rate) },
      words: rateWords(rate),
    })),
  }
}

function relayPart({ nodes }: Topology): LegendPart {
  const rows: LegendRow[] = nodes.some(({ relay }) => !relay)
    ? [
        { sample: { kind: "node" }, words: "trusted node that relays" },
        { sample: { kind: "node", tone: "down" }, words: "an end only" },
      ]
    : []
  return { head: "Nodes", rows }
}

function plainNodes({ nodes }: Topology): MapNode[] {
  return nodes.map(({ name, place, lat, lon, relay }) => ({
    name,
    ...(lat === undefined ? {} : { lat }),
    ...(lon === undefined ? {} : { lon }),
    ...(relay ? {} : { tone: "down" as const }),
    note: place === undefined ? name : `${name}, ${place}`,
  }))
}

function nameOf({ graph, nodeNames, linkIds }: PlanNetwork, link: number): string {
  const end = (node: number | undefined): string => nodeNames[node ?? -1] ?? ""
  return `${linkIds[link] ?? ""} (${end(graph.linkA[link])} - ${end(graph.linkB[link])})`
}

/** By link ids where they are told, else the one link that joins each two nodes. */
function linksAlong(
  { graph, nodeNumbers, linkIds }: PlanNetwork,
  nodes: readonly string[],
  ids: readonly string[] | undefined,
): number[] {
  if (ids !== undefined) return ids.map((id) => linkIds.indexOf(id))
  return nodes.slice(1).map((name, hop) => {
    const node = nodeNumbers.get(nodes[hop] ?? "") ?? -1
    const next = nodeNumbers.get(name) ?? -1
    for (let arc = graph.first[node] ?? 0; arc < (graph.first[node + 1] ?? 0); arc += 1)
      if (graph.arcTo[arc] === next) return graph.arcLink[arc] ?? -1
    return -1
  })
}
