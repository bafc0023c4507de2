// Lives a network through very many random events, and after each counts by itself what every link carries. Ends with an
// error at the first link that is over. Prints what happened.
//
// Run: npx tsx bench/allocation-events.ts [events] [seed]

import { loadLinearPrograms } from "../src/cli/highs.js"
import { carryOut, questionOf } from "../src/engine/admission-moves.js"
import { planMoves } from "../src/engine/reoptimise.js"
import { ShortestPaths } from "../src/engine/shortest.js"
import { randomNetwork, seeded, sndlib } from "./allocation-cases.js"
import { NetworkLife } from "../test/engine/network-life.js"

const events = Number(process.argv[2] ?? 1_000_000)
const seed = Number(process.argv[3] ?? 1)
const network = sndlib("germany50") ?? randomNetwork(50, 1)
const rates = network.capacity.rateBps
const mean = rates.reduce((sum, rateBps) => sum + rateBps, 0) / rates.length
const searches = new ShortestPaths(network.graph)
const make = await loadLinearPrograms()
const life = new NetworkLife(network.graph, rates, {
  random: seeded(seed),
  about: 120,
  rateBps: [Math.round(mean / 200), Math.round(mean / 5)],
  preempt: true,
  shareReserve: true,
  reoptimise: (admission) => {
    const question = questionOf(admission, network.graph, network.capacity.passableNodes)
    const plan = planMoves(question, searches, make)
    const taken = carryOut(admission, question.ids, plan)
    if (taken < plan.steps.length) throw new Error("a step of a plan does not fit")
    return taken
  },
})
const start = process.hrtime.bigint()
for (let event = 1; event <= events; event += 1) {
  const kind = life.step()
  try {
    life.ledger.check(life.admission, event % 20 === 0)
  } catch (error) {
    console.error(`event ${event}, ${kind}, seed ${seed}: ${String(error)}`)
    process.exit(1)
  }
  if (event % 100_000 === 0) console.log(`${event} events, no link over`)
}
const seconds = Number(process.hrtime.bigint() - start) / 1e9
console.log(
  `${events} events on ${network.name}, seed ${seed}: after each no link was over, minima and reserves counted anew; with surplus after every 20th. ${seconds.toFixed(0)} s`,
)
for (const [what, count] of [...life.counts].sort()) console.log(`  ${what}: ${count}`)
