// A re-optimisation in words: as a whole, and what each of its steps is good for.

import type { NamedStep, Reoptimisation } from "./reoptimiser.js"

/** The plan in lines for a person: what it gains, and each step with the way it leaves and the way it takes. */
export function reoptimisationText(
  plan: Reoptimisation,
  linkName: (qkdlId: string) => string = (qkdlId) => qkdlId,
): string[] {
  const { steps, carriedBps, linkBps, boundBps, leftAlone } = plan
  const moves = steps.filter(({ from }) => from !== undefined)
  const head = [
    `${moves.length} moves, ${steps.length - moves.length} services come in`,
    `carried: ${carriedBps.before} bit/s now, ${carriedBps.after} then, at most ${Math.floor(boundBps)} whatever moved`,
    `key rate of links in use: ${linkBps.before} bit/s now, ${linkBps.after} then`,
  ]
  if (leftAlone > 0) head.push(`${leftAlone} services are left alone`)
  const links = (path: readonly string[]): string => path.map(linkName).join(", ")
  const lines = steps.map(({ name, rateBps, from, to, group }) => {
    const way = from === undefined ? "comes in over" : `moves from ${links(from)} to`
    return `${group}. ${name}, ${rateBps} bit/s, ${way} ${links(to)}`
  })
  return [...head, ...lines]
}

/** What a step is worth: who comes in by it, or what it spares. Steps of one group are paid for together. */
export function worthOf({ steps }: Reoptimisation, step: NamedStep): string {
  const together = steps.filter(({ group }) => group === step.group)
  if (step.from === undefined) {
    const moves = together.length - 1
    return moves === 0 ? "there is room for it" : `there is room for it after ${moves} moves`
  }
  const comesIn = together.find(({ from }) => from === undefined)
  if (comesIn !== undefined) return `lets ${comesIn.name} in, ${comesIn.rateBps} bit/s`
  const spared = together.reduce(
    (sum, { from = [], to, rateBps }) => sum + rateBps * (from.length - to.length),
    0,
  )
  return `spares ${spared} bit/s of links' key rate`
}
