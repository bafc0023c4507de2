// Keys that wait for their SAE while the wall clock of their node is wrong for a time (THREATS I5).

import assert from "node:assert/strict"
import { hexOf, KeyNetwork } from "./key-network.js"

const YEAR_MS = 365 * 86_400_000

describe("keys that wait while the wall clock is wrong", () => {
  let net: KeyNetwork
  afterEach(async () => {
    await net.close()
  })

  for (const wrongByMs of [3_600_000 * 2, YEAR_MS, -3_600_000, -YEAR_MS]) {
    it(`I5: by ${wrongByMs / 3_600_000} h are there after the restart, and once`, async () => {
      let offMs = 0
      net = new KeyNetwork(2, {
        // Certificates are not the matter here: connections are looked at less often than the clock is wrong.
        limits: { pingMs: 60_000, sweepMs: 50 },
        clock: { now: () => Date.now() + offMs, monotonicMs: () => performance.now() },
      })
      await net.start()
      await net.feed(4, 4096)
      const [a, b] = net.saes
      const made = await net.first.makeKeys(net.appId, a, [b], 2, 256)
      const [first, second] = made.map(({ keyId }) => keyId)
      assert.ok(first !== undefined && second !== undefined)
      offMs = wrongByMs
      await net.until(() => net.alarms.some(({ kind }) => kind === "clock-jumped"))
      const early = await net.last.takeKeys(b, a, [first])
      assert.deepEqual(hexOf(early), hexOf(made.slice(0, 1)))
      offMs = 0
      await net.restart(1)
      const late = await net.last.takeKeys(b, a, [second])
      assert.deepEqual(hexOf(late), hexOf(made.slice(1)))
      await assert.rejects(net.last.takeKeys(b, a, [first]), { tag: "data-missing" })
    })
  }
})
