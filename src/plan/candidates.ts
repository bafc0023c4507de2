// Links that could be built and links that could be made stronger: by rule from the map, or from a file.

import { Ajv } from "ajv"
import { QkdError } from "../errors.js"
import { rateModel } from "../model/key-rate.js"
import { DETOUR_FACTOR, greatCircleKm, type Topology } from "../model/topology.js"
import type { NewLink } from "./network-change.js"
import type { PlanNetwork } from "./plan-network.js"
import { refuseForm } from "./refuse-form.js"

/** A link to build, or, `upgrades`, a second pair of modules beside one that is there, by its number. */
export interface Candidate {
  readonly link: NewLink
  readonly upgrades?: number
  readonly lengthKm: number
  readonly rateBps: number
}

/** Links that yield less are not worth looking at. */
const LEAST_BPS = 1

/**
 * Every pair of places not joined yet, as far apart as the key rate model still yields a key; and every link once more.
 *
 * @param module of the new links; by loss where absent.
 */
export function candidatesByRule(
  topology: Topology,
  network: PlanNetwork,
  module: string | undefined,
): Candidate[] {
  const joined = new Set(topology.links.flatMap(({ a, b }) => [`${a}\n${b}`, `${b}\n${a}`]))
  const placed = topology.nodes.flatMap(({ name, lat, lon }) =>
    lat === undefined || lon === undefined ? [] : [{ name, lat, lon }],
  )
  const built = placed.flatMap((one, i) =>
    placed.slice(i + 1).flatMap((other): Candidate[] => {
      if (joined.has(`${one.name}\n${other.name}`)) return []
      const lengthKm = Math.round(greatCircleKm(one, other) * DETOUR_FACTOR * 100) / 100
      const own = module === undefined ? {} : { module }
      const { skrBps } = rateModel({ ...own, lengthKm })
      if (skrBps < LEAST_BPS) return []
      const link = { a: one.name, b: other.name, lengthKm, ...own }
      return [{ link, lengthKm, rateBps: skrBps }]
    }),
  )
  return [...built, ...topology.links.flatMap((_, link) => upgradeOf(topology, network, link))]
}

function upgradeOf(
  { links }: Topology,
  network: PlanNetwork,
  number: number,
  moreBps?: number,
): Candidate[] {
  const link = links[number]
  const rateBps = moreBps ?? network.rateBps[number] ?? 0
  const lengthKm = network.lengthKm[number] ?? 0
  if (link === undefined || rateBps < LEAST_BPS) return []
  const { a, b } = link
  return [{ link: { a, b, lengthKm, skrBps: rateBps }, upgrades: number, lengthKm, rateBps }]
}

type RawCandidate =
  | {
      readonly from: string
      readonly to: string
      readonly lengthKm?: number
      readonly lossDb?: number
      readonly skrBps?: number
      readonly module?: string
    }
  | { readonly upgrade: string; readonly moreBps?: number }

const amount = { type: "number", minimum: 0 } as const

const check = new Ajv({ allErrors: false }).compile<RawCandidate[]>({
  type: "array",
  maxItems: 100_000,
  items: {
    type: "object",
    if: { required: ["upgrade"] },
    then: {
      additionalProperties: false,
      properties: { upgrade: { type: "string" }, moreBps: { type: "number", exclusiveMinimum: 0 } },
    },
    else: {
      additionalProperties: false,
      required: ["from", "to"],
      properties: {
        from: { type: "string" },
        to: { type: "string" },
        lengthKm: amount,
        lossDb: amount,
        skrBps: amount,
        module: { type: "string", minLength: 1 },
      },
    },
  },
})

/**
 * From a parsed JSON value: links to build as `{"from","to",...}`, links to strengthen as `{"upgrade","moreBps"?}`.
 *
 * @throws QkdError `invalid-value` with the JSON pointer of the first fault.
 */
export function readCandidates(
  value: unknown,
  topology: Topology,
  network: PlanNetwork,
): readonly Candidate[] {
  if (!check(value)) return refuseForm("candidates", check.errors?.[0])
  return value.flatMap((raw, i): Candidate[] => {
    const refuse = (path: string, message: string): never => {
      throw new QkdError("invalid-value", `candidates /${i}${path}: ${message}`, {
        path: `/${i}${path}`,
      })
    }
    if ("upgrade" in raw) {
      const number = network.linkIds.indexOf(raw.upgrade)
      if (number < 0) return refuse("/upgrade", `no link is called "${raw.upgrade}"`)
      return upgradeOf(topology, network, number, raw.moreBps)
    }
    for (const end of ["from", "to"] as const)
      if (!network.nodeNumbers.has(raw[end]))
        return refuse(`/${end}`, `no node is called "${raw[end]}"`)
    if (raw.from === raw.to) return refuse("/to", "is the node it begins at")
    const { from: a, to: b, ...rest } = raw
    const link: NewLink = { a, b, ...rest }
    const lengthKm = lengthOf(topology, link)
    if (lengthKm === undefined && link.lossDb === undefined && link.skrBps === undefined)
      return refuse("", "gives neither length, loss, rate, nor do both places have coordinates")
    const { module, lossDb } = link
    const model = (): number =>
      rateModel({
        ...(module === undefined ? {} : { module }),
        ...(lossDb === undefined ? {} : { lossDb }),
        ...(lengthKm === undefined ? {} : { lengthKm }),
      }).skrBps
    return [{ link, lengthKm: lengthKm ?? 0, rateBps: link.skrBps ?? model() }]
  })
}

function lengthOf({ nodes }: Topology, { a, b, lengthKm }: NewLink): number | undefined {
  if (lengthKm !== undefined) return lengthKm
  const [one, other] = [a, b].map((name) => nodes.find((node) => node.name === name))
  if (one?.lat === undefined || one.lon === undefined) return undefined
  if (other?.lat === undefined || other.lon === undefined) return undefined
  const from = { lat: one.lat, lon: one.lon }
  return greatCircleKm(from, { lat: other.lat, lon: other.lon }) * DETOUR_FACTOR
}
