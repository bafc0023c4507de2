// Random changes over a network of real node agents, NETCONF over SSH, while the agents' processes are killed with
// SIGKILL, their connections cut and both come back. After every change all nodes that live are asked what they hold:
// an active path that is not whole ends the run with an error. At the end every node must equal its intended
// configuration.
//
//   npx tsx bench/chaos.ts [transactions] [nodes] [processes] [confirmed|desired-state] [seed]

import { randomInt } from "node:crypto"
import { Chaos } from "../test/chaos/chaos.js"
import { Dice } from "../test/core/dice.js"

const [transactions = "200", nodes = "20", processes = "4", mode = "confirmed", seed] =
  process.argv.slice(2)
const chosen = seed === undefined ? randomInt(2 ** 31) : Number(seed)
const transaction = mode === "desired-state" ? "desired-state" : "confirmed"
console.log(`${nodes} nodes in ${processes} processes, ${transaction}, seed ${chosen}`)
const from = Date.now()
const chaos = await Chaos.start(new Dice(chosen), {
  nodes: Number(nodes),
  processes: Number(processes),
  transaction,
})
const startedMs = Date.now() - from
try {
  await chaos.run(Number(transactions))
  const ranMs = Date.now() - from - startedMs
  await chaos.settle()
  const { report } = chaos
  console.log(`up after ${startedMs} ms, ${report.transactions} transactions in ${ranMs} ms`)
  console.log(`${report.kills} processes killed, ${report.cuts} connections cut`)
  console.log(`settled ${report.settleMs} ms after the last, every node as intended`)
  console.log(
    `nodes asked ${report.looks} times, ${report.pathsLookedAt} active paths seen, none half made`,
  )
} finally {
  await chaos.close()
}
process.exit(0)
