// THREATS T1: does the time of a refusal tell whether a key id exists? dec_keys for ids that are unknown, another SAE's
// and spent, in random order, at a site that answers all three alike. Prints medians, and how often an answer of one
// kind is slower than one of another: one half is what chance gives; the error is what chance allows.
//
//   node --import tsx bench/delivery-timing.ts [requests of each kind]

import { randomUUID } from "node:crypto"
import { keysOf, TwoSites } from "../test/interop/etsi014-sites.js"

const count = Number(process.argv[2] ?? 1000)
const kinds = ["unknown", "foreign", "spent"] as const

const sites = new TwoSites()
await sites.start({ hideForeignKeys: true })
await sites.feed(24)
/** As many as are asked for later: an id that was looked for before is found sooner. */
async function made(slave: string): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < count) {
    const told = await sites.ask({ who: "alice", target: `${slave}/enc_keys?number=100` })
    ids.push(...keysOf(told).keys.map(({ key_ID }) => key_ID))
  }
  return ids
}
const foreign = await made("ben")
const spent = await made("bob")
for (let at = 0; at < spent.length; at += 100) {
  const key_IDs = spent.slice(at, at + 100).map((key_ID) => ({ key_ID }))
  await sites.ask({ who: "bob", target: "alice/dec_keys", body: { key_IDs } })
}
// In the same form in memory as ids that came in an answer.
const unknown = JSON.parse(JSON.stringify(foreign.map(() => randomUUID()))) as string[]

const idOf = { unknown, foreign, spent }
const times = { unknown: [] as number[], foreign: [] as number[], spent: [] as number[] }
const order = kinds.flatMap((kind) => new Array<(typeof kinds)[number]>(count).fill(kind))
for (const kind of order.sort(() => Math.random() - 0.5)) {
  const target = `alice/dec_keys?key_ID=${idOf[kind].pop() ?? ""}`
  const began = performance.now()
  const told = await sites.ask({ who: "bob", target })
  times[kind].push(performance.now() - began)
  if (told.status !== 400) throw new Error(`status ${told.status}`)
}
await sites.close()

for (const kind of kinds) {
  const sorted = [...times[kind]].sort((a, b) => a - b)
  console.log(`${kind.padEnd(8)} median ${(sorted[count >> 1] ?? 0).toFixed(3)} ms of ${count}`)
}
const error = Math.sqrt((2 * count + 1) / (12 * count * count))
for (const [a, b] of [
  ["foreign", "unknown"],
  ["spent", "unknown"],
  ["foreign", "spent"],
] as const)
  console.log(
    `${a} slower than ${b}: ${slower(times[a], times[b]).toFixed(3)} of pairs, 0.5 +- ${(2 * error).toFixed(3)} by chance`,
  )

function slower(a: readonly number[], b: readonly number[]): number {
  let wins = 0
  for (const x of a) for (const y of b) wins += x > y ? 1 : x === y ? 0.5 : 0
  return wins / (a.length * b.length)
}
