// Detection of a simulated link: means are the model's, fluctuations are those of counting photons.

import assert from "node:assert/strict"
import { Detection, poisson } from "../../../plugins/simulated/detection.js"

/** A fixed sequence (mulberry32): the same test every time. */
function uniformFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

describe("detection on a simulated link", () => {
  it("counts photons with the mean and spread of a Poisson process, few or many", () => {
    for (const mean of [0.5, 8, 400]) {
      const uniform = uniformFrom(1)
      const counts = Array.from({ length: 20_000 }, () => poisson(mean, uniform))
      const average = counts.reduce((sum, n) => sum + n, 0) / counts.length
      const spread = counts.reduce((sum, n) => sum + (n - average) ** 2, 0) / counts.length
      assert.ok(Math.abs(average - mean) < 0.05 * mean, `mean ${average} of ${mean}`)
      assert.ok(Math.abs(spread - mean) < 0.08 * mean, `variance ${spread} of ${mean}`)
    }
  })

  it("makes the modelled rate and error rate in the long run", () => {
    const uniform = uniformFrom(2)
    const detection = new Detection()
    const expected = { skrBps: 1000, siftedBps: 3000, qber: 0.02 }
    let bits = 0
    let errors = 0
    const steps = 20_000
    for (let i = 0; i < steps; i += 1) {
      const made = detection.step(expected, 1, uniform)
      bits += made.bits
      errors += made.qber
      assert.ok(made.qber >= 0 && made.qber <= 0.5 && made.bits >= 0)
    }
    assert.ok(Math.abs(bits / steps / 1000 - 1) < 0.02)
    assert.ok(Math.abs(errors / steps / 0.02 - 1) < 0.05)
  })

  it("makes nothing without time or without a rate", () => {
    const detection = new Detection()
    const uniform = uniformFrom(3)
    assert.equal(detection.step({ skrBps: 0, siftedBps: 9, qber: 0.3 }, 1, uniform).bits, 0)
    assert.equal(detection.step({ skrBps: 5, siftedBps: 9, qber: 0.1 }, 0, uniform).bits, 0)
  })
})
