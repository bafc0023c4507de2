// Throws made-up inputs at every parser that reads what strangers send. Prints what broke, the slowest input of each
// parser and what memory did; exits with 1 if anything broke. Inputs are the same for the same seed.
//
//   npx tsx bench/fuzz.ts [--inputs N] [--seed S] [--targets xml,json,...] [--limit MS]

import { parseArgs } from "node:util"
import { fuzzTarget } from "../test/fuzz/run.js"
import { TARGETS } from "../test/fuzz/targets.js"

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    targets: { type: "string", default: Object.keys(TARGETS).join(",") },
    limit: { type: "string", default: "2000" },
  },
})

const ROUND = 20_000
const targets = values.targets.split(",")
const each = Math.ceil(Number(values.inputs) / targets.length)
let broken = 0
let total = 0

for (const target of targets) {
  const start = performance.now()
  let done = 0
  let slowestMs = 0
  let slowest = ""
  const heaps: number[] = []
  for (let round = 0; done < each; round++) {
    const count = Math.min(ROUND, each - done)
    const report = fuzzTarget(target, Number(values.seed) + round, count, Number(values.limit))
    done += count
    total += report.inputs
    if (report.slowestMs > slowestMs) {
      slowestMs = report.slowestMs
      slowest = report.slowest
    }
    for (const { input, what } of report.findings) {
      broken += 1
      console.log(`BROKEN ${target}: ${JSON.stringify(input)}\n${what}`)
    }
    globalThis.gc?.()
    heaps.push(process.memoryUsage().heapUsed / 1048576)
  }
  const seconds = (performance.now() - start) / 1000
  const early = heaps[Math.floor(heaps.length / 4)] ?? 0
  const growth = (heaps.at(-1) ?? 0) - early
  console.log(
    `${target.padEnd(8)} ${done} inputs, ${Math.round(done / seconds)} a second, slowest ${slowestMs.toFixed(0)} ms, ` +
      `heap ${early.toFixed(1)} MiB after a quarter, ${growth >= 0 ? "+" : ""}${growth.toFixed(1)} MiB since`,
  )
  if (slowestMs > 200) console.log(`  slowest: ${JSON.stringify(slowest.slice(0, 300))}`)
}
console.log(`${total} inputs, ${broken} broken`)
process.exitCode = broken === 0 ? 0 : 1
