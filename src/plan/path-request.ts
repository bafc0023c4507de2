// What `keyloom plan paths` is asked: the form of the file, and the names in it against the network. Answers nothing.

import { Ajv } from "ajv"
import { QkdError } from "../errors.js"
import { type LinkName, linksNamed, type NodeSet, nodesOf } from "./path-names.js"
import type { PlanNetwork } from "./plan-network.js"
import { refuseForm } from "./refuse-form.js"

export type Weight = "hops" | "lengthKm" | "lossDb" | "inverseRate"

export interface PathRequest {
  readonly id: string
  readonly from: string
  readonly to: string
  /** How many paths; 1, or 2 where they are to be disjoint. */
  readonly k?: number
  /** What the cheapest path is the cheapest in; hops. */
  readonly weight?: Weight
  readonly avoidNodes?: readonly string[]
  /** All of them; an end of the path counts as passed. */
  readonly requireNodes?: readonly string[]
  /** Of each of these sets one node at least: by names, or all of an operator or a site. */
  readonly requireOneOf?: readonly NodeSet[]
  /** Each of them; of links that run in parallel one will do. */
  readonly requireLinks?: readonly LinkName[]
  readonly avoidLinks?: readonly LinkName[]
  /** What paths of the set must not share; `risk`: no link, and no group of links that fail together (`srlg`). */
  readonly disjoint?: "none" | "link" | "node" | "risk"
  /** Operators (sites, makers) whose nodes (nodes, links) are not to be used; and such that no others are. Ends are free. */
  readonly avoidOperators?: readonly string[]
  readonly onlyOperators?: readonly string[]
  readonly avoidSites?: readonly string[]
  readonly avoidMakers?: readonly string[]
  readonly onlyMakers?: readonly string[]
  readonly maxHops?: number
  readonly maxLengthKm?: number
  readonly maxLatencyMs?: number
  /** That every link of the path must have. */
  readonly minRateBps?: number
  /** The same, in store; a link of which no stock is known has none. */
  readonly minStockBits?: number
  readonly maxEpsilon?: number
}

const names = { type: "array", maxItems: 10_000, items: { type: "string" } } as const

const links = {
  type: "array",
  maxItems: 10_000,
  items: {
    type: ["array", "string"],
    minItems: 2,
    maxItems: 2,
    items: { type: "string" },
  },
} as const

const nodeSet = {
  type: ["array", "object"],
  minItems: 1,
  maxItems: 10_000,
  items: { type: "string" },
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
  properties: { operator: { type: "string" }, site: { type: "string" } },
} as const

const check = new Ajv({ allErrors: false, allowUnionTypes: true }).compile<PathRequest[]>({
  type: "array",
  maxItems: 1_000_000,
  items: {
    type: "object",
    additionalProperties: false,
    required: ["id", "from", "to"],
    properties: {
      id: { type: "string" },
      from: { type: "string" },
      to: { type: "string" },
      k: { type: "integer", minimum: 1, maximum: 10_000 },
      weight: { enum: ["hops", "lengthKm", "lossDb", "inverseRate"] },
      avoidNodes: names,
      requireNodes: names,
      requireOneOf: { type: "array", maxItems: 10_000, items: nodeSet },
      requireLinks: links,
      avoidLinks: links,
      disjoint: { enum: ["none", "link", "node", "risk"] },
      avoidOperators: names,
      onlyOperators: names,
      avoidSites: names,
      avoidMakers: names,
      onlyMakers: names,
      maxHops: { type: "integer", minimum: 0 },
      maxLengthKm: { type: "number", minimum: 0 },
      maxLatencyMs: { type: "number", minimum: 0 },
      minRateBps: { type: "number", minimum: 0 },
      minStockBits: { type: "number", minimum: 0 },
      maxEpsilon: { type: "number", minimum: 0 },
    },
  },
})

type GroupField = "avoidOperators" | "onlyOperators" | "avoidSites" | "avoidMakers" | "onlyMakers"

/** The names that each of these fields may hold. */
function groupsIn(network: PlanNetwork): Record<GroupField, ReadonlySet<string | undefined>> {
  const operators = new Set(network.operators)
  const makers = new Set(network.makers)
  return {
    avoidOperators: operators,
    onlyOperators: operators,
    avoidSites: new Set(network.sites),
    avoidMakers: makers,
    onlyMakers: makers,
  }
}

/**
 * Requests from a parsed JSON value.
 *
 * @throws QkdError `invalid-value` with the JSON pointer of the first fault: form, doubled ids, unknown names.
 */
export function readPathRequests(value: unknown, network: PlanNetwork): readonly PathRequest[] {
  if (!check(value)) return refuseForm("requests", check.errors?.[0])
  const ids = new Set<string>()
  const groups = groupsIn(network)
  for (const [i, request] of value.entries()) {
    const refuse = (path: string, message: string): never => {
      throw new QkdError("invalid-value", `requests /${i}${path}: ${message}`, {
        path: `/${i}${path}`,
      })
    }
    const known = (name: string, path: string): void => {
      if (!network.nodeNumbers.has(name)) refuse(path, `no node is called "${name}"`)
    }
    if (ids.has(request.id)) refuse("/id", `a second request is called "${request.id}"`)
    ids.add(request.id)
    known(request.from, "/from")
    known(request.to, "/to")
    if (request.from === request.to) refuse("/to", "is the node it begins at")
    for (const [n, name] of (request.avoidNodes ?? []).entries()) known(name, `/avoidNodes/${n}`)
    for (const [n, name] of (request.requireNodes ?? []).entries())
      known(name, `/requireNodes/${n}`)
    for (const field of ["avoidLinks", "requireLinks"] as const)
      for (const [n, name] of (request[field] ?? []).entries()) {
        const path = `/${field}/${n}`
        if (typeof name === "string") {
          if (!network.linkNumbers.has(name)) refuse(path, `no link is called "${name}"`)
          continue
        }
        known(name[0], `${path}/0`)
        known(name[1], `${path}/1`)
        if (field === "requireLinks" && linksNamed(network, name).length === 0)
          refuse(path, `no link joins ${name[0]} and ${name[1]}`)
      }
    for (const [n, set] of (request.requireOneOf ?? []).entries()) {
      const path = `/requireOneOf/${n}`
      if (!("operator" in set) && !("site" in set))
        for (const [m, name] of set.entries()) known(name, `${path}/${m}`)
      else if (nodesOf(network, set).length === 0)
        refuse(path, `nothing in the topology has "${"site" in set ? set.site : set.operator}"`)
    }
    for (const [field, names] of Object.entries(groups))
      for (const [n, name] of (request[field as GroupField] ?? []).entries())
        if (!names.has(name)) refuse(`/${field}/${n}`, `nothing in the topology has "${name}"`)
  }
  return value
}
