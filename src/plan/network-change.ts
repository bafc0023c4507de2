// A change that a planner asks about: links, nodes or groups taken out, links put in. Reads the words, and gives the
// network before and after in numbers that mean the same in both.

import { QkdError } from "../errors.js"
import { completeTopology, type Topology, type TopologyLink } from "../model/topology.js"
import { type Failure, nodeFailure, singleFailures, withFailed } from "./failure.js"
import { type PlanNetwork, planNetwork } from "./plan-network.js"

export interface ChangedNetwork {
  /** All that is in either, numbered once. */
  readonly topology: Topology
  /** Added links have no rate. */
  readonly before: PlanNetwork
  /** Removed links have no rate. */
  readonly after: PlanNetwork
  readonly removed: readonly Failure[]
  /** By number. */
  readonly added: readonly number[]
}

/**
 * @param without links by id or as `FROM,TO`, nodes by name, shared-risk groups by name.
 * @param add `FROM,TO` and after commas `lengthKm=`, `lossDb=`, `skrBps=`, `module=`, `id=`.
 * @throws QkdError `invalid-value`, naming the word at fault.
 */
export function changeNetwork(
  topology: Topology,
  without: readonly string[],
  add: readonly string[],
): ChangedNetwork {
  const plain = planNetwork(topology)
  const removed = without.map((word, i) => removedBy(topology, plain, word, i))
  const links = add.map((word, i) => readLink(topology, word, i))
  return changeLinks(topology, removed, links)
}

/** @throws QkdError `invalid-value` when an added link's id is taken. */
export function changeLinks(
  topology: Topology,
  removed: readonly Failure[],
  added: readonly NewLink[],
): ChangedNetwork {
  const whole = completeTopology({
    ...topology,
    nodes: [...topology.nodes],
    links: [...topology.links.map((link) => ({ ...link, srlg: [...link.srlg] })), ...added],
    saes: [...topology.saes],
  })
  const numbers = added.map((_, i) => topology.links.length + i)
  const both = planNetwork(whole)
  return {
    topology: whole,
    before: withFailed(both, numbers),
    after: withFailed(
      both,
      removed.flatMap(({ links }) => links),
    ),
    removed,
    added: numbers,
  }
}

/** A link that does not exist yet. */
export type NewLink = Omit<TopologyLink, "id" | "srlg"> & { readonly id?: string }

function removedBy(topology: Topology, network: PlanNetwork, word: string, i: number): Failure {
  const refuse = (message: string): never => {
    throw new QkdError("invalid-value", `--without "${word}": ${message}`, {
      path: `/without/${i}`,
    })
  }
  const named = singleFailures(topology, network).filter(({ id }) => id === word)
  const [only, other] = named
  if (only !== undefined && other !== undefined)
    return refuse(`is the name of a ${only.kind} and of a ${other.kind}`)
  if (only !== undefined) return only
  const [a, b, ...more] = word.split(",").map((name) => name.trim())
  if (a === undefined || b === undefined || more.length > 0)
    return refuse("no link, node or shared-risk group is called so")
  for (const name of [a, b])
    if (!network.nodeNumbers.has(name)) return refuse(`no node is called "${name}"`)
  const joining = nodeFailure(network, a).links.filter((link) =>
    [topology.links[link]?.a, topology.links[link]?.b].includes(b),
  )
  if (joining.length === 0) return refuse(`no link joins ${a} and ${b}`)
  const id = joining.map((link) => network.linkIds[link] ?? "").join(" + ")
  return { kind: "link", id, links: joining }
}

const FIGURES = ["lengthKm", "lossDb", "skrBps"] as const

function readLink(topology: Topology, word: string, i: number): NewLink {
  const refuse = (message: string): never => {
    throw new QkdError("invalid-value", `--add "${word}": ${message}`, { path: `/add/${i}` })
  }
  const [a, b, ...rest] = word.split(",").map((part) => part.trim())
  if (a === undefined || b === undefined) return refuse("reads FROM,TO[,lengthKm=..|skrBps=..]")
  for (const name of [a, b])
    if (!topology.nodes.some((node) => node.name === name))
      return refuse(`no node is called "${name}"`)
  if (a === b) return refuse("joins a node to itself")
  const link: { -readonly [K in keyof NewLink]: NewLink[K] } = { a, b }
  for (const part of rest) {
    const [name = "", value = ""] = part.split("=", 2)
    const figure = FIGURES.find((one) => one === name)
    if (name === "id" || name === "module") {
      if (value === "") return refuse(`${name} is empty`)
      if (name === "id" && topology.links.some(({ id }) => id === value))
        return refuse(`a link is called "${value}" already`)
      link[name] = value
    } else if (figure !== undefined) {
      const amount = value === "" ? Number.NaN : Number(value)
      if (!Number.isFinite(amount) || amount < 0)
        return refuse(`${name} is "${value}", not a number of zero or more`)
      link[figure] = amount
    } else return refuse(`unknown field "${name}"; there are ${FIGURES.join(", ")}, module, id`)
  }
  return link
}
