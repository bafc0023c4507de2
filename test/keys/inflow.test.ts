import assert from "node:assert/strict"
import { Inflow } from "../../src/keys/inflow.js"

describe("the inflow of link key", () => {
  it("hopes for anything while a link is new", () => {
    assert.equal(new Inflow(1000).expectedBytes(1500, 1000), Number.POSITIVE_INFINITY)
  })

  it("hopes for nothing once a link has long been silent", () => {
    const inflow = new Inflow(0)
    inflow.add(4096, 1000)
    assert.equal(inflow.expectedBytes(60_000, 1000), 0)
  })

  it("expects what has been coming in", () => {
    const inflow = new Inflow(0)
    for (let t = 10_000; t < 15_000; t += 500) inflow.add(100, t)
    assert.equal(inflow.expectedBytes(15_000, 2000), 400)
  })

  it("does not take the first block for a torrent", () => {
    const inflow = new Inflow(0)
    inflow.add(64, 10)
    assert(inflow.expectedBytes(11, 1000) <= 64)
  })
})
