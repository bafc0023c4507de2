// Plans where they are farthest from the bound: 500 great demands on random networks of 100 nodes, a fifth of the offer too much.
// The first three are seeds of the network that bench/allocation.ts has; each other one is a network of its own. Processor time, as
// others may use the machine; the least of the runs.
//
// Run: npx tsx bench/allocation-overload.ts [seeds] [runs]

import { loadLinearPrograms } from "../src/cli/highs.js"
import { randomNetwork } from "./allocation-cases.js"
import { atLoad, boundOf, checked, LOADS, optimised } from "./allocation-plans.js"

const [seeds = 10, runs = 2] = process.argv.slice(2).map(Number)
const make = await loadLinearPrograms()
const parts: Record<"one path" | "split", number[]> = { "one path": [], split: [] }
for (let seed = 1; seed <= seeds; seed += 1) {
  const network = randomNetwork(100, seed <= 3 ? 2 : seed)
  const demands = atLoad(make, network, 500, LOADS.over, seed)
  const bound = boundOf(make, network, demands)
  const words = [`seed ${seed}`]
  for (const how of ["one path", "split"] as const) {
    let part = 0
    let leastMs = Number.POSITIVE_INFINITY
    for (let run = 0; run < runs; run += 1) {
      const start = process.cpuUsage()
      const plan = optimised(make, network, demands, how === "split")
      const { user, system } = process.cpuUsage(start)
      leastMs = Math.min(leastMs, (user + system) / 1000)
      part = checked(network, demands, plan) / bound
    }
    parts[how].push(part)
    words.push(`${how} ${part.toFixed(4)} in ${leastMs.toFixed(0)} ms`)
  }
  console.log(words.join(", "))
}
for (const [how, list] of Object.entries(parts)) {
  const mean = list.reduce((sum, part) => sum + part, 0) / list.length
  console.log(`${how}: mean ${mean.toFixed(4)}, worst ${Math.min(...list).toFixed(4)}`)
}
