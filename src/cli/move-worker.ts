// What the thread of the planner of moves runs: loads the solver once, answers questions one by one.

import { parentPort } from "node:worker_threads"
import type { Answered, Asked } from "../controller/worker-planner.js"
import { PathGraph } from "../engine/path-graph.js"
import { planMoves } from "../engine/reoptimise.js"
import { ShortestPaths } from "../engine/shortest.js"
import { loadLinearPrograms } from "./highs.js"

const solver = loadLinearPrograms()

async function answer({ number, question }: Asked): Promise<Answered> {
  try {
    const { nodeCount, linkA, linkB, rateBps, passableNodes, fixedBps, services, terms } = question
    const graph = new PathGraph(nodeCount, linkA, linkB)
    const capacity = { rateBps, passableNodes }
    const asked = { graph, capacity, fixedBps, services }
    return { number, plan: planMoves(asked, new ShortestPaths(graph), await solver, terms) }
  } catch (error) {
    return { number, fault: error instanceof Error ? error.message : String(error) }
  }
}

parentPort?.on("message", (asked: Asked) => {
  void answer(asked).then((answered) => parentPort?.postMessage(answered))
})
