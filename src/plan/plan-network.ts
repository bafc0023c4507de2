// A topology in numbers, as the engine walks it: what each link costs by every weight a planner may ask for, what it
// can carry, and which nodes may relay. Finds nothing.

import { PathGraph } from "../engine/path-graph.js"
import { RiskGroups } from "../engine/risk-groups.js"
import { rateModel } from "../model/key-rate.js"
import {
  DETOUR_FACTOR,
  FIBRE_LOSS_DB_PER_KM,
  greatCircleKm,
  lossDbOf,
  type Topology,
  type TopologyLink,
  type TopologyNode,
} from "../model/topology.js"

export interface PlanNetwork {
  readonly graph: PathGraph
  readonly nodeNames: readonly string[]
  readonly nodeNumbers: ReadonlyMap<string, number>
  readonly linkIds: readonly string[]
  readonly linkNumbers: ReadonlyMap<string, number>
  /** By link: the secret key rate, as given or modelled from its loss; shared by both directions. */
  readonly rateBps: Float64Array
  readonly lengthKm: Float64Array
  readonly lossDb: Float64Array
  /** As given, else as the analysis of the module's protocol has it. */
  readonly epsilon: Float64Array
  /** As given, else the time light takes in the fibre. */
  readonly latencyMs: Float64Array
  /** By link: secret bits in store, as far as given. */
  readonly stockBits: readonly (number | undefined)[]
  /** Links that fail together, by `srlg`. */
  readonly risks: RiskGroups
  /** By link: who made its modules; the first word of `module`, as far as given. */
  readonly makers: readonly (string | undefined)[]
  /** By node: 1 where it may relay keys for others. */
  readonly relays: Uint8Array
  /** By node, as far as given. */
  readonly operators: readonly (string | undefined)[]
  readonly sites: readonly (string | undefined)[]
}

/** Of light in fibre, group index 1.468 (ITU-T G.652). */
const LATENCY_MS_PER_KM = 0.0049

/** Where neither link nor module says how far its keys are from ideal. */
const ASSUMED_EPSILON = 1e-10

export function planNetwork(topology: Topology): PlanNetwork {
  const { nodes, links } = topology
  const nodeNumbers = new Map(nodes.map(({ name }, number) => [name, number]))
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const numberOf = (name: string): number => nodeNumbers.get(name) ?? -1
  const models = links.map((link) =>
    rateModel({
      ...(link.module === undefined ? {} : { module: link.module }),
      ...(link.lossDb === undefined ? {} : { lossDb: link.lossDb }),
      lengthKm: lengthKmOf(link, byName),
    }),
  )
  return {
    graph: new PathGraph(
      nodes.length,
      links.map(({ a }) => numberOf(a)),
      links.map(({ b }) => numberOf(b)),
    ),
    nodeNames: nodes.map(({ name }) => name),
    nodeNumbers,
    linkIds: links.map(({ id }) => id),
    linkNumbers: new Map(links.map(({ id }, number) => [id, number])),
    rateBps: Float64Array.from(links, (link, i) => link.skrBps ?? models[i]?.skrBps ?? 0),
    lengthKm: Float64Array.from(links, (link) => lengthKmOf(link, byName)),
    lossDb: Float64Array.from(links, (link, i) => link.lossDb ?? models[i]?.lossDb ?? 0),
    epsilon: Float64Array.from(
      links,
      (link, i) => link.epsilon ?? models[i]?.epsilon ?? ASSUMED_EPSILON,
    ),
    latencyMs: Float64Array.from(
      links,
      (link) => link.latencyMs ?? lengthKmOf(link, byName) * LATENCY_MS_PER_KM,
    ),
    stockBits: links.map(({ stockBits }) => stockBits),
    risks: riskGroups(links),
    makers: links.map(({ module }) => module?.split(/[\s/_-]/)[0]),
    relays: Uint8Array.from(nodes, ({ relay }) => (relay ? 1 : 0)),
    operators: nodes.map(({ operator }) => operator),
    sites: nodes.map(({ place }) => place),
  }
}

function riskGroups(links: readonly TopologyLink[]): RiskGroups {
  const numbers = new Map<string, number>()
  const numberOf = (name: string): number => {
    const known = numbers.get(name) ?? numbers.size
    numbers.set(name, known)
    return known
  }
  return new RiskGroups(links.map(({ srlg }) => srlg.map(numberOf)))
}

/** As given; else from the loss, else from where its ends are, else as lossDbOf assumes it. */
function lengthKmOf(link: TopologyLink, nodes: ReadonlyMap<string, TopologyNode>): number {
  if (link.lengthKm !== undefined) return link.lengthKm
  const a = nodes.get(link.a)
  const b = nodes.get(link.b)
  if (link.lossDb === undefined && a?.lat !== undefined && a.lon !== undefined) {
    if (b?.lat !== undefined && b.lon !== undefined)
      return greatCircleKm({ lat: a.lat, lon: a.lon }, { lat: b.lat, lon: b.lon }) * DETOUR_FACTOR
  }
  return lossDbOf(link) / FIBRE_LOSS_DB_PER_KM
}
