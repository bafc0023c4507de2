// A re-optimisation in words: as a whole, and what each of its steps is good for.

import type { NamedStep, Reoptimisation } from "./reoptimiser.js"

/** The plan in lines for a person: what it gains, and each step with the way it leaves and the way it takes. */
export function reoptimisationText(
  plan: Reoptimisation,
  linkName: (qkdlId: string) => string = (qkdlId) => qkdlId,
): string[] {
  const { steps, carriedBps, linkBps, boundBps, leftAlone } = plan
  const moves = steps.filter(({ from }) => from !== undefined)
  const come = steps.length - moves.length
  const head = [
    `${counted(moves.length, "move")}, ${counted(come, "service")} ${come === 1 ? "comes" : "come"} in`,
    `carried: ${carriedBps.before} bit/s now, ${carriedBps.after} then, at most ${Math.floor(boundBps)} whatever moved`,
    `key rate of links in use: ${linkBps.before} bit/s now, ${linkBps.after} then`,
  ]
  if (leftAlone > 0)
    head.push(`${counted(leftAlone, "service")} ${leftAlone === 1 ? "is" : "are"} left alone`)
  const links = (ways: NamedStep["to"]): string =>
    ways.map((path) => path.map(linkName).join(", ")).join(" and ")
  const lines = steps.map((step) => {
    const { name, rateBps, from, to, nodes, group } = step
    const way = from === undefined ? "comes in over" : `moves from ${links(from)} to`
    const worth = `${worthOf(plan, step)}; ${counted(nodes, "node")} told`
    return `${group}. ${name}, ${rateBps} bit/s, ${way} ${links(to)}: ${worth}`
  })
  return [...head, ...lines]
}

/** `1 move`, `2 moves`. */
function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`
}

/** What a step is worth: who comes in by it, or what it spares. Steps of one group are paid for together. */
export function worthOf({ steps }: Reoptimisation, step: NamedStep): string {
  const together = steps.filter(({ group }) => group === step.group)
  if (step.from === undefined) {
    const moves = together.length - 1
    return moves === 0
      ? "there is room for it"
      : `there is room for it after ${counted(moves, "move")}`
  }
  const comesIn = together.find(({ from }) => from === undefined)
  if (comesIn !== undefined) return `lets ${comesIn.name} in, ${comesIn.rateBps} bit/s`
  const spared = together.reduce(
    (sum, { from = [], to, rateBps }) => sum + rateBps * (from.flat().length - to.flat().length),
    0,
  )
  return `spares ${spared} bit/s of links' key rate`
}
