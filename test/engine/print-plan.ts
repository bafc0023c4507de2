// A process of its own that plans an overloaded network and prints the plan.
// Arguments: nodes, seed, demands, the least rate of one, and "split" or "whole".

import { loadLinearPrograms } from "../../src/cli/highs.js"
import { plannedAnew } from "./planned-anew.js"

const [nodes = "", seed = "", demands = "", leastBps = "", how = ""] = process.argv.slice(2)
const question = {
  nodes: Number(nodes),
  seed: Number(seed),
  demands: Number(demands),
  leastBps: Number(leastBps),
  split: how === "split",
}
const make = await loadLinearPrograms()
process.stdout.write(JSON.stringify(plannedAnew(make, question).allocation))
