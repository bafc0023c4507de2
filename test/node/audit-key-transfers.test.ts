// Requests for more keys than any link could ever carry (THREATS T4).

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { createKeyManager } from "../../src/node/key-manager.js"
import { KeyNetwork, policyOf } from "./key-network.js"

describe("a request for more keys than a link's stock can be", () => {
  it("is refused before anything is made for it", async () => {
    let drawnBytes = 0
    const net = new KeyNetwork(2, { durable: false })
    const site = net.site(0)
    const manager = await createKeyManager({
      qkdnId: site.qkdnId,
      identity: site,
      listen: { host: "127.0.0.1", port: 0 },
      policy: policyOf(site, net.sites),
      limits: { pool: { maxHeldBytes: 1 << 20 } },
      random: (bytes) => {
        drawnBytes += bytes
        return randomBytes(bytes)
      },
    })
    try {
      manager.configure(net.configOf(0))
      drawnBytes = 0
      const [a, b] = net.saes
      await assert.rejects(manager.makeKeys(net.appId, a, [b], 65_536, 4096), {
        tag: "resource-denied",
        appTag: "pool-empty",
      })
      assert.ok(drawnBytes < 1 << 20, `${drawnBytes} random bytes drawn`)
    } finally {
      await manager.close()
      await net.close()
    }
  })
})
