// A node holds its promises beside greed (THREATS T4): a small star of what bench/promised-rates.ts runs with 1,000 services.

import assert from "node:assert/strict"
import { minOf, PromisedStar } from "./promised-star.js"

const SECONDS = 60
const KEY_BITS = 256

describe("a node with many services, greedy applications and captured neighbours", function () {
  this.timeout(180_000)
  let star: PromisedStar
  afterEach(() => star.close())

  const passes = async (withFloors: boolean): Promise<void> => {
    star = new PromisedStar({ services: 120, honest: 4, captured: 2, withFloors })
    await star.start()
    for (let second = 0; second < SECONDS; second++) await star.secondPasses()
  }
  /** Whole keys that a service might have had besides. */
  const lacking = (): number[] =>
    Array.from(star.got, (bits, i) => Math.floor((minOf(i) * SECONDS - bits) / KEY_BITS))

  it("T4: gives each service its min_bandwidth, fewer than three keys late, and greed the rest", async () => {
    await passes(true)
    assert.ok(Math.max(...lacking()) < 3, `keys that are lacking: ${lacking().join(" ")}`)
    assert.ok(star.greedyBits > 0 && star.transitBits > 0, "what is nobody's is had by others")
  })

  it("T4: would let them starve if they had been promised nothing (control)", async () => {
    await passes(false)
    assert.ok(Math.max(...lacking()) > 10, `keys that are lacking: ${lacking().join(" ")}`)
  })
})
