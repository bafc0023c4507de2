// Keys that wait at their destination for an association that never comes.

import assert from "node:assert/strict"
import { KeyNetwork } from "./key-network.js"

describe("keys that wait for their association", () => {
  it("wait no longer because something else is configured meanwhile", async () => {
    const net = new KeyNetwork(2, {
      durable: false,
      limits: { parkMs: 300, transferTimeoutMs: 3000 },
    })
    await net.start()
    await net.feed(2, 1024)
    const elsewhere = { ...net.configOf(1), apps: [] }
    net.last.configure(elsewhere)
    const again = setInterval(() => {
      net.last.configure(elsewhere)
    }, 50)
    try {
      const [a, b] = net.saes
      // Refused by the destination, not given up by the source.
      await assert.rejects(net.first.makeKeys(net.appId, a, [b], 1, 256), { appTag: "no-path" })
    } finally {
      clearInterval(again)
      await net.close()
    }
  })
})
