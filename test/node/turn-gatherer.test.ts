// What comes in one turn of the event loop goes together; what comes alone does not wait.

import assert from "node:assert/strict"
import { TurnGatherer } from "../../src/node/turn-gatherer.js"

describe("what is sent over a link", () => {
  let gone: (readonly number[])[] = []
  const gatherer = new TurnGatherer<number>((all) => gone.push(all))
  const turn = (): Promise<void> => new Promise((done) => setImmediate(done))

  beforeEach(async () => {
    gone = []
    // Long enough that nothing is taken to be of the turn before.
    const from = performance.now()
    while (performance.now() - from < 1) await turn()
  })

  it("leaves with all that the same event brought, whatever promises it came through, before the next event", async () => {
    gatherer.add(1)
    void Promise.resolve().then(() => {
      gatherer.add(2)
      void Promise.resolve().then(() => {
        gatherer.add(3)
      })
    })
    await turn()
    assert.deepEqual(gone.flat(), [1, 2, 3])
    assert.ok(gone.length <= 2)
  })

  it("is never lost or put out of order, by whatever events it comes", async () => {
    for (let i = 0; i < 300; i++) {
      gatherer.add(i)
      if (i % 7 === 0) await Promise.resolve()
      if (i % 31 === 0) await turn()
    }
    await turn()
    assert.deepEqual(
      gone.flat(),
      Array.from({ length: 300 }, (_, i) => i),
    )
    assert.ok(gone.length < 150, `${gone.length} messages`)
  })
})
