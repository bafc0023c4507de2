// Every single failure, and what it does to services: whom it interrupts, who finds another path, who is broken. Worst
// first.

import { type Failure, type FailureKind, withFailed } from "./failure.js"
import type { PlanNetwork } from "./plan-network.js"
import type { Progress } from "./progress.js"
import {
  afterChange,
  carriedBy,
  type LostService,
  rateOf,
  type ReducedService,
  type Standing,
} from "./standing.js"

export interface Survival {
  readonly carriedBps: number
  readonly services: number
  readonly failures: readonly FailureEffects[]
  /** Services that some single failure breaks although both their ends live, with all that do. */
  readonly fragile: readonly { readonly id: string; readonly by: readonly string[] }[]
}

export interface FailureEffects {
  readonly kind: FailureKind
  readonly id: string
  /** Services that lose a path by it, and what they have together. */
  readonly interrupted: number
  readonly interruptedBps: number
  /** Of these: on other paths, at the same rate. Others that make room are counted too. */
  readonly moved: number
  readonly reduced: readonly ReducedService[]
  readonly broken: readonly LostService[]
  /** Of those broken and reduced. */
  readonly lostBps: number
  /** Of that: services that end at the node that failed; no network could save them. */
  readonly endingThereBps: number
}

export function survive(
  network: PlanNetwork,
  standing: Standing,
  failures: readonly Failure[],
  options: { readonly split: boolean },
  progress: Progress,
): Survival {
  const byWhom = new Map<string, string[]>()
  const effects = failures.map((failure, done): FailureEffects => {
    const told = effectsOf(network, standing, failure, options.split)
    const ends = new Set(endingAt(standing, failure))
    for (const { id } of told.broken)
      if (!ends.has(id)) byWhom.set(id, [...(byWhom.get(id) ?? []), `${told.kind} ${told.id}`])
    progress(done + 1, failures.length)
    return told
  })
  return {
    carriedBps: carriedBy(standing.allocation),
    services: standing.allocation.filter((shares) => shares.length > 0).length,
    failures: effects.sort(
      (a, b) => b.lostBps - a.lostBps || b.interruptedBps - a.interruptedBps || compare(a.id, b.id),
    ),
    fragile: [...byWhom]
      .map(([id, by]) => ({ id, by }))
      .sort((a, b) => b.by.length - a.by.length || compare(a.id, b.id)),
  }
}

function effectsOf(
  network: PlanNetwork,
  standing: Standing,
  failure: Failure,
  split: boolean,
): FailureEffects {
  const failed = new Set(failure.links)
  const { allocation, services } = standing
  const interrupted = [...services.keys()].filter((number) =>
    (allocation[number] ?? []).some(({ path }) => path.some((link) => failed.has(link))),
  )
  const { kind, id } = failure
  const interruptedBps = interrupted.reduce((sum, number) => sum + rateOf(allocation, number), 0)
  if (interrupted.length === 0)
    return {
      kind,
      id,
      interrupted: 0,
      interruptedBps: 0,
      moved: 0,
      reduced: [],
      broken: [],
      lostBps: 0,
      endingThereBps: 0,
    }
  const after = afterChange(withFailed(network, failed), standing, { split, admitNew: false })
  const ends = new Set(endingAt(standing, failure))
  const broken = after.lost.map((lost) =>
    ends.has(lost.id) ? { ...lost, reason: `ends at ${id}` } : lost,
  )
  const sum = (list: readonly LostService[]): number =>
    list.reduce((total, { rateBps }) => total + rateBps, 0)
  const less = after.reduced.reduce((total, one) => total + one.beforeBps - one.afterBps, 0)
  return {
    kind,
    id,
    interrupted: interrupted.length,
    interruptedBps,
    moved: after.moved.length,
    reduced: after.reduced,
    broken,
    lostBps: sum(broken) + less,
    endingThereBps: sum(broken.filter((lost) => ends.has(lost.id))),
  }
}

function endingAt({ services }: Standing, { kind, id }: Failure): string[] {
  if (kind !== "node") return []
  return services.filter(({ from, to }) => from === id || to === id).map((service) => service.id)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
