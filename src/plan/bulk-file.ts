// What `keyloom plan bulk` is asked: orders of volume by deadline, how link rates change over time, and the services beside
// them. The form of the file, and its names against the network. Schedules nothing.

import { Ajv } from "ajv"
import { QkdError } from "../errors.js"
import { readServiceDemands, type ServiceDemand } from "./demand-file.js"
import type { PlanNetwork } from "./plan-network.js"
import { refuseForm } from "./refuse-form.js"

interface RawOrder {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly volumeBits?: number
  readonly keys?: number
  readonly keySizeBits?: number
  readonly deadline: string
  readonly notBefore?: string
  readonly deliveredBits?: number
  readonly promised?: boolean
  readonly priority?: number
}

interface RawLink {
  readonly link: string
  readonly profile?: readonly { readonly at: string; readonly skrBps: number }[]
  readonly repeatS?: number
  readonly stockBits?: number
  readonly maxStockBits?: number
}

interface RawFile {
  readonly startAt: string
  readonly endAt?: string
  readonly stepS?: number
  readonly orders: readonly RawOrder[]
  readonly services?: unknown
  readonly links?: readonly RawLink[]
}

/** Times are seconds since the epoch. */
export interface BulkRequest {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly volumeBits: number
  readonly deadlineS: number
  readonly notBeforeS: number
  /** Of the volume: no longer asked for. */
  readonly deliveredBits: number
  /** By an earlier plan. */
  readonly promised: boolean
  readonly priority: number
}

export interface LinkProfile {
  /** Its number. */
  readonly link: number
  /** In order of time: from then on the link has this rate. Before the first it has the topology's. */
  readonly rates: readonly { readonly atS: number; readonly skrBps: number }[]
  readonly stockBits: number
  readonly maxStockBits: number
}

export interface BulkQuestion {
  readonly startS: number
  /** How far is looked. */
  readonly endS: number
  /** Grain of the schedule. */
  readonly stepS: number
  readonly orders: readonly BulkRequest[]
  readonly services?: readonly ServiceDemand[]
  readonly links: readonly LinkProfile[]
}

const text = { type: "string" } as const
const amount = { type: "number", minimum: 0 } as const
const positive = { type: "number", exclusiveMinimum: 0 } as const
const count = { type: "integer", minimum: 1 } as const

const check = new Ajv({ allErrors: false }).compile<RawFile>({
  type: "object",
  additionalProperties: false,
  required: ["startAt", "orders"],
  properties: {
    startAt: text,
    endAt: text,
    stepS: positive,
    orders: {
      type: "array",
      maxItems: 10_000,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["id", "from", "to", "deadline"],
        properties: {
          id: text,
          from: text,
          to: text,
          volumeBits: positive,
          keys: count,
          keySizeBits: count,
          deadline: text,
          notBefore: text,
          deliveredBits: amount,
          promised: { type: "boolean" },
          priority: { type: "integer", minimum: 0 },
        },
      },
    },
    services: {},
    links: {
      type: "array",
      maxItems: 100_000,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["link"],
        properties: {
          link: text,
          profile: {
            type: "array",
            minItems: 1,
            maxItems: 10_000,
            items: {
              type: "object",
              additionalProperties: false,
              required: ["at", "skrBps"],
              properties: { at: text, skrBps: amount },
            },
          },
          repeatS: positive,
          stockBits: amount,
          maxStockBits: amount,
        },
      },
    },
  },
})

/** The schedule changes so often where the file does not say: fine enough to see, coarse enough to solve. */
const STEPS = 48
/** Repeated profiles beyond this would make too many intervals. */
const MAX_CHANGES = 2000

function refuse(path: string, message: string): never {
  throw new QkdError("invalid-value", `orders ${path}: ${message}`, { path })
}

/**
 * A question from a parsed JSON value.
 *
 * @throws QkdError `invalid-value` with the JSON pointer of the first fault: form, times, doubled ids, unknown names.
 */
export function readBulkQuestion(value: unknown, network: PlanNetwork): BulkQuestion {
  if (!check(value)) return refuseForm("orders", check.errors?.[0])
  const startS = timeOf(value.startAt, "/startAt")
  const ids = new Set<string>()
  const orders = value.orders.map((order, i) => {
    if (ids.has(order.id)) refuse(`/orders/${i}/id`, `a second order is called "${order.id}"`)
    ids.add(order.id)
    return readOrder(order, `/orders/${i}`, startS, network)
  })
  const latest = Math.max(startS, ...orders.map(({ deadlineS }) => deadlineS))
  const endS =
    value.endAt === undefined ? latest + (latest - startS) : timeOf(value.endAt, "/endAt")
  if (endS < latest) refuse("/endAt", "is before a deadline")
  if (endS <= startS) refuse("/endAt", "is not after startAt")
  const links = (value.links ?? []).map((link, i) =>
    readLink(link, `/links/${i}`, network, startS, endS),
  )
  for (const [i, { link }] of links.entries())
    if (links.findIndex((one) => one.link === link) !== i)
      refuse(`/links/${i}/link`, "a second entry of this link")
  const services =
    value.services === undefined ? {} : { services: readServiceDemands(value.services, network) }
  return { startS, endS, stepS: value.stepS ?? (endS - startS) / STEPS, orders, links, ...services }
}

function readOrder(
  order: RawOrder,
  path: string,
  startS: number,
  { nodeNumbers }: PlanNetwork,
): BulkRequest {
  const { id, from, to, volumeBits, keys, keySizeBits, deadline, notBefore } = order
  for (const end of ["from", "to"] as const)
    if (!nodeNumbers.has(order[end])) refuse(`${path}/${end}`, `no node is called "${order[end]}"`)
  if (from === to) refuse(`${path}/to`, "is the node it begins at")
  if ((volumeBits === undefined) === (keys === undefined))
    refuse(path, "gives either volumeBits, or keys and keySizeBits")
  if ((keys === undefined) !== (keySizeBits === undefined))
    refuse(path, "keys and keySizeBits go together")
  const deadlineS = timeOf(deadline, `${path}/deadline`)
  const notBeforeS =
    notBefore === undefined ? startS : Math.max(startS, timeOf(notBefore, `${path}/notBefore`))
  if (deadlineS <= startS) refuse(`${path}/deadline`, "is not after startAt")
  if (notBeforeS >= deadlineS) refuse(`${path}/notBefore`, "is not before the deadline")
  const whole = volumeBits ?? (keys ?? 0) * (keySizeBits ?? 0)
  const { deliveredBits = 0, promised = false, priority = 0 } = order
  if (deliveredBits > whole) refuse(`${path}/deliveredBits`, "is more than the volume")
  return {
    ...{ id, from, to, volumeBits: whole, deadlineS, notBeforeS },
    ...{ deliveredBits, promised, priority },
  }
}

function readLink(
  { link, profile = [], repeatS, stockBits = 0, maxStockBits = 0 }: RawLink,
  path: string,
  { linkIds }: PlanNetwork,
  startS: number,
  endS: number,
): LinkProfile {
  const number = linkIds.indexOf(link)
  if (number < 0) refuse(`${path}/link`, `no link is called "${link}"`)
  const once = profile.map(({ at, skrBps }, i) => {
    const atS = timeOf(at, `${path}/profile/${i}/at`)
    return { atS, skrBps }
  })
  for (const [i, { atS }] of once.entries())
    if (i > 0 && atS <= (once[i - 1]?.atS ?? 0))
      refuse(`${path}/profile/${i}/at`, "is not after the entry before")
  const rates = repeatS === undefined ? once : repeated(once, repeatS, path, startS, endS)
  return { link: number, rates, stockBits, maxStockBits }
}

function repeated(
  once: LinkProfile["rates"],
  repeatS: number,
  path: string,
  startS: number,
  endS: number,
): LinkProfile["rates"] {
  const [first] = once
  const last = once.at(-1)
  if (first === undefined || last === undefined) return refuse(path, "repeatS without a profile")
  if (last.atS - first.atS >= repeatS)
    return refuse(`${path}/repeatS`, "is not longer than the profile")
  const from = Math.min(0, Math.floor((startS - first.atS) / repeatS))
  const rounds = Math.ceil((endS - first.atS) / repeatS)
  if ((rounds - from) * once.length > MAX_CHANGES)
    return refuse(`${path}/repeatS`, `makes more than ${MAX_CHANGES} changes of rate`)
  return Array.from({ length: Math.max(0, rounds - from) }, (_, i) => from + i).flatMap((round) =>
    once.map(({ atS, skrBps }) => ({ atS: atS + round * repeatS, skrBps })),
  )
}

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i

function timeOf(value: string, path: string): number {
  const ms = RFC3339.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(ms) ? refuse(path, `"${value}" is no time of RFC 3339`) : ms / 1000
}
