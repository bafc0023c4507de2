// A pool that is full holds its module back; it is no fault of the module, and key flows again once some is used.

import assert from "node:assert/strict"
import { randomBytes, randomUUID } from "node:crypto"
import { Secret } from "../../src/keys/secret.js"
import { isQkdError } from "../errors-helper.js"
import { KeyNetwork } from "./key-network.js"

describe("a link whose module is broken (P2)", () => {
  it("P2: takes nothing that cannot be key, and says so", async () => {
    const net = new KeyNetwork(2)
    await net.start()
    const qkdlId = net.links[0] ?? ""
    const block = Secret.take(Buffer.alloc(4096, 0x11))
    await assert.rejects(
      net.first.addLinkKey(qkdlId, randomUUID(), block),
      isQkdError("invalid-value"),
    )
    assert(block.wiped)
    assert.equal(net.first.poolFigures(qkdlId)?.generatedBits, 0n)
    assert.deepEqual(
      net.alarms.map(({ kind }) => kind),
      ["weak-key"],
    )
    await net.close()
  })

  it("P2: gives nobody a key of which the two ends were given unequal halves, and closes the link", async () => {
    const net = new KeyNetwork(2, { limits: { transferTimeoutMs: 1000 } })
    await net.start()
    const qkdlId = net.links[0] ?? ""
    for (let i = 0; i < 4; i++) {
      const id = randomUUID()
      for (const manager of net.managers)
        await manager.addLinkKey(qkdlId, id, Secret.take(randomBytes(4096)))
    }
    await net.until(() => (net.first.poolFigures(qkdlId)?.stockBits ?? 0) > 0)
    const [a, b] = net.saes
    // What the ends would hold differs; the tag is the first to know, and no key is stored.
    for (let i = 0; i < 3; i++)
      await assert.rejects(net.first.makeKeys(net.appId, a, [b], 1, 256), { appTag: "timeout" })
    await net.until(() => net.alarms.some(({ kind }) => kind === "link-closed"))
    assert.equal(net.alarms.filter(({ kind }) => kind === "tag-failure").length, 3)
    await assert.rejects(net.first.makeKeys(net.appId, a, [b], 1, 256), { appTag: "no-path" })
    await assert.rejects(net.last.makeKeys(net.appId, b, [a], 1, 256), { appTag: "no-path" })
    assert.equal(net.first.waitingKeys + net.last.waitingKeys, 0)
    await net.close()
  })
})

describe("a link whose pools are full", () => {
  let net: KeyNetwork
  afterEach(() => net.close())

  it("takes no more, refuses nothing, and takes more as soon as keys have been used", async () => {
    net = new KeyNetwork(2, { limits: { pool: { maxHeldBytes: 8192 } } })
    await net.start()
    const qkdlId = net.links[0] ?? ""
    const generated = (): number => Number(net.first.poolFigures(qkdlId)?.generatedBits ?? 0n)
    const finished: true[] = []
    const offered = net.feedBlocks(0, 16, 4096).then(() => {
      finished.push(true)
    })
    await new Promise((done) => setTimeout(done, 700))
    assert.deepEqual(finished, [], "some of it waits outside")
    assert(generated() < 16 * 4096 * 8)
    for (let i = 0; finished.length === 0 && i < 400; i += 1) {
      const [made, same] = await net.exchange(8, 512)
      assert.deepEqual(made, same)
    }
    await offered
    assert.equal(generated(), 16 * 4096 * 8)
    assert.deepEqual(net.alarms, [])
  })

  it("lets go of what waits when the key manager closes", async () => {
    net = new KeyNetwork(2, { limits: { pool: { maxHeldBytes: 8192 } } })
    await net.start()
    const waiting = net.feedBlocks(0, 16, 4096)
    await new Promise((done) => setTimeout(done, 50))
    await net.close()
    await waiting
  })
})
