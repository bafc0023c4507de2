// A node with 1,000 services and 64 links holds its promises beside greed (THREATS T4), on real key managers, ten minutes of
// simulated time: test/node/promised-star.ts says who asks for what. Prints and draws (docs/images) what services got of their
// min_bandwidth, with the floors and, as the control, without.
//
//   npx tsx bench/promised-rates.ts [seconds] [--draw]

import { writeFileSync } from "node:fs"
import { minOf, PromisedStar } from "../test/node/promised-star.js"
import { linePlot } from "./line-plot.js"

const SHAPE = { services: 1000, honest: 56, captured: 8 }
const WINDOW_S = 60

/** Shares are of each service's minimum. */
interface Course {
  /** Of each window. */
  readonly least: number[]
  readonly median: number[]
  /** Of the whole time, in ascending order. */
  readonly shares: readonly number[]
  readonly greedyBps: number
  readonly transitBps: number
}

async function run(seconds: number, withFloors: boolean): Promise<Course> {
  const star = new PromisedStar({ ...SHAPE, withFloors })
  await star.start()
  try {
    return await pass(star, seconds)
  } finally {
    await star.close()
  }
}

async function pass(star: PromisedStar, seconds: number): Promise<Course> {
  let before = new Float64Array(SHAPE.services)
  const sharesIn = (spanS: number): number[] =>
    Array.from(star.got, (bits, i) => (bits - (before[i] ?? 0)) / (spanS * minOf(i))).sort(
      (a, b) => a - b,
    )
  const [least, median]: [number[], number[]] = [[], []]
  for (let second = 1; second <= seconds; second++) {
    await star.secondPasses()
    if (second % WINDOW_S !== 0) continue
    const shares = sharesIn(WINDOW_S)
    least.push(shares[0] ?? 0)
    median.push(middle(shares))
    before = star.got.slice()
    process.stderr.write(`${second} of ${seconds} s\n`)
  }
  before = new Float64Array(SHAPE.services)
  const [greedyBps, transitBps] = [star.greedyBits / seconds, star.transitBits / seconds]
  return { least, median, shares: sharesIn(seconds), greedyBps, transitBps }
}

function middle(ascending: readonly number[]): number {
  return ascending[ascending.length >> 1] ?? 0
}

function told(name: string, { shares, least, greedyBps, transitBps }: Course): string {
  const share = (value = 0): string => value.toFixed(3)
  return [
    `${name}: of its minimum the service with the least got ${share(shares[0])}, the median ${share(middle(shares))};`,
    `in the worst ${WINDOW_S} s of any service ${share(Math.min(...least))};`,
    `greedy applications ${(greedyBps / 1000).toFixed(1)} kbit/s, captured neighbours ${(transitBps / 1000).toFixed(1)} kbit/s in all`,
  ].join(" ")
}

const seconds = Number(process.argv.find((word) => /^\d+$/.test(word)) ?? 600)
if (seconds < WINDOW_S) throw new RangeError(`at least ${WINDOW_S} seconds`)
const kept = await run(seconds, true)
console.log(told("with floors", kept))
const control = await run(seconds, false)
console.log(told("without (control)", control))
if (process.argv.includes("--draw"))
  writeFileSync(
    new URL("../docs/images/promised-rates.svg", import.meta.url),
    linePlot(
      "1,000 services beside greed: key got in each minute",
      "share of min_bandwidth",
      [
        { name: "median", colour: "#2a9d5c", values: kept.median },
        { name: "least of 1,000", colour: "#1f6fb2", values: kept.least },
        { name: "median, no floors", colour: "#e08e0b", values: control.median },
        { name: "least, no floors", colour: "#c0392b", values: control.least },
      ],
      { length: seconds / 60, unit: "min" },
    ),
  )
