// A pool that is full holds its module back; it is no fault of the module, and key flows again once some is used.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { Secret } from "../../src/keys/secret.js"
import { isQkdError } from "../errors-helper.js"
import { KeyNetwork } from "./key-network.js"

describe("a link whose module is broken (P2)", () => {
  it("takes nothing that cannot be key, and says so", async () => {
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
