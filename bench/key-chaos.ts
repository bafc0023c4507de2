// The key plane under chaos: four node programs in a square with a man in the middle of every link, SAEs that fetch
// keys at both ends, and those of groups at three, over HTTPS all the while, and one disturbance after the other: SIGKILL of nodes and of outlets, cut connections, cut fibres,
// wall clocks moved by an hour or a year, a full disk, an old copy of a key store put back. An outside ledger of hashes
// ends the run with an error as soon as a key is given twice, differs, is lost, or a pad bit is used twice.
//
//   npm run build && npx tsx bench/key-chaos.ts [keys, default 20000] [ms between disturbances] [seed] [link bit/s]

import { randomInt } from "node:crypto"
import { KeyChaos } from "../test/chaos/key-chaos.js"
import type { Disturbance } from "../test/chaos/key-chaos.js"
import { Dice } from "../test/core/dice.js"

const [keys = "20000", restMs = "1500", seed, rateBps = "2000000"] = process.argv.slice(2)
const chosen = seed === undefined ? randomInt(2 ** 31) : Number(seed)
const order: Disturbance[] = [
  ...(["kill", "connection", "kill", "clock", "fibre", "kill", "connection", "clock"] as const),
  ...(["outlet", "restore", "kill", "connection", "outlet", "kill", "disk", "kill"] as const),
  ...(["clock", "outlet", "connection"] as const),
]
console.log(`${keys} keys, seed ${chosen}`)
const from = Date.now()
const chaos = await KeyChaos.start(new Dice(chosen), Number(rateBps))
const progress = setInterval(() => {
  console.log(
    `  ${Math.round((Date.now() - from) / 1000)} s: ${JSON.stringify({ ...chaos.ledger.report, ...chaos.report })}`,
  )
}, 30_000)
let failed = false
try {
  await chaos.run(Number(keys), order, Number(restMs))
  const ranS = Math.round((Date.now() - from) / 1000)
  await chaos.settle()
  console.log(`ran ${ranS} s; every key that was promised was given once, alike at both ends`)
} catch (fault) {
  failed = true
  console.log("BROKEN:", fault)
} finally {
  clearInterval(progress)
  const { ledger, report, meddled, reasons } = chaos
  console.log(JSON.stringify({ ...ledger.report, ...report, ...meddled, reasons }))
  await chaos.close()
}
process.exit(failed ? 1 : 0)
