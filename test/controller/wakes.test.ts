import assert from "node:assert/strict"
import { Wakes } from "../../src/controller/wakes.js"

describe("the controller's deadlines", () => {
  let now: number
  let timers: { atMs: number; run: () => void }[]
  let rung: number[]
  let wakes: Wakes
  beforeEach(() => {
    now = 1000
    timers = []
    rung = []
    wakes = new Wakes(
      (delayMs, run) => {
        const timer = { atMs: now + delayMs, run }
        timers.push(timer)
        return () => {
          timers = timers.filter((one) => one !== timer)
        }
      },
      () => now,
      () => rung.push(now),
    )
  })
  const pass = (toMs: number): void => {
    for (;;) {
      const next = timers.filter((timer) => timer.atMs <= toMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined) break
      now = next.atMs
      timers = timers.filter((one) => one !== next)
      next.run()
    }
    now = toMs
  }

  it("are each rung, never early, in whatever order they were asked for", () => {
    for (const at of [5000, 2000, 9000]) wakes.at(at)
    pass(20_000)
    assert.deepEqual(rung, [2000, 5000, 9000])
  })

  it("share one timer, and those close together one ring", () => {
    for (let at = 3001; at <= 3050; at += 1) wakes.at(at)
    assert.equal(timers.length, 1)
    pass(20_000)
    assert.deepEqual(rung, [3050])
  })

  it("in the past are rung at once", () => {
    wakes.at(10)
    pass(1000)
    assert.deepEqual(rung, [1000])
  })

  it("farther off than a timer can be set are still kept", () => {
    const far = 1000 + 2 ** 31 + 5000
    wakes.at(far)
    assert(timers.every((timer) => timer.atMs - now < 2 ** 31))
    pass(far + 50)
    assert.equal(rung.length, 1)
  })

  it("are all called off at the end", () => {
    wakes.at(5000)
    wakes.stop()
    pass(20_000)
    assert.deepEqual(rung, [])
  })
})
