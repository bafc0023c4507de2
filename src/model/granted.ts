// What a service may take: its guaranteed rate and its share of the surplus of its links. Arithmetic on one service.

import type { Service } from "./service.js"

/** Whether the service asks for more than its guaranteed rate when there is room, up to a maximum. */
export function isElastic({ terms }: Pick<Service, "terms">): boolean {
  return terms.maxRateBps !== undefined && terms.maxRateBps > terms.minRateBps
}

/** Bits per second above the guaranteed rate that the service asks for at most. */
export function mostSurplusBps({ terms, surplus }: Pick<Service, "terms" | "surplus">): number {
  const wanted = Math.max(0, (terms.maxRateBps ?? 0) - terms.minRateBps)
  return Math.min(wanted, surplus?.mostBps ?? wanted)
}

/** Bits per second above the guaranteed rate that the service has. */
export function surplusOf(service: Pick<Service, "terms" | "surplus">): number {
  return Math.min(service.surplus?.bps ?? 0, mostSurplusBps(service))
}

/**
 * The most that the application may take, whole bits per second, as its ends are told. Undefined where it is not shared out:
 * without a maximum above the guaranteed rate, and before its ends are first told.
 */
export function grantedBps(service: Pick<Service, "terms" | "surplus">): number | undefined {
  if (service.surplus === undefined || !isElastic(service)) return undefined
  return service.terms.minRateBps + surplusOf(service)
}
