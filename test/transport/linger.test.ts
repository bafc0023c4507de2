import assert from "node:assert/strict"
import { linger } from "../../src/transport/linger.js"

describe("the moment in which a body nobody wants may go on arriving", () => {
  it("is not over because the process stood still", async () => {
    let isOver = false
    const over = new Promise<void>((resolve) => {
      linger(() => {
        isOver = true
        resolve()
      })
    })
    const until = Date.now() + 1500
    while (Date.now() < until);
    for (let turn = 0; turn < 3; turn += 1) await new Promise((next) => setImmediate(next))
    assert.equal(isOver, false)
    await over
  })

  it("can be called off", async () => {
    let isOver = false
    linger(() => (isOver = true))()
    await new Promise<void>((resolve) => {
      linger(resolve)
    })
    assert.equal(isOver, false)
  })
})
