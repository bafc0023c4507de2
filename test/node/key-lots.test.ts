// Lots at the node: who has which, what counts, and where the rest belongs when it comes back.

import assert from "node:assert/strict"
import { Secret } from "../../src/keys/secret.js"
import type { Lot } from "../../src/node/lot-ports.js"
import { KeyNetwork } from "./key-network.js"

const BITS = 256

describe("lots of end keys", function () {
  this.timeout(120_000)
  const [holder, other] = [{ who: "one outlet" }, { who: "another" }]
  let net: KeyNetwork

  beforeEach(async () => {
    net = new KeyNetwork(2, { durable: false, limits: { stock: { maxKeys: 1024 } } })
    await net.start()
    await net.feedBlocks(0, 8, 16_384)
    // A pair's third request and the next make the stock grow.
    for (let nth = 0; nth < 4; nth++) await net.first.makeKeys(net.appId, ...pair(), 64, BITS)
    await net.until(() => net.first.stockedKeys >= 100)
  })
  afterEach(() => net.close())

  const pair = (): [string, string[]] => [net.saes[0], [net.saes[1]]]
  const order = (count: number): Parameters<typeof net.first.lots.lend>[1] => ({
    ...{ appId: net.appId, masterSaeId: net.saes[0], slaveSaeId: net.saes[1] },
    ...{ keySizeBits: BITS, count },
  })
  const lend = (count: number): Lot => net.first.lots.lend(holder, order(count)) ?? assert.fail()
  const ids = ({ keyIds }: Lot): string[] => {
    const all = Buffer.concat(keyIds).toString("hex")
    return all.match(/.{32}/g) ?? []
  }
  /** The keys of a lot from one on, as they come back. */
  const restOf = ({ keys }: Lot, used: number): Secret => {
    const all = Buffer.concat(keys.map((key) => key.use((bytes) => Buffer.from(bytes))))
    return Secret.copy(all.subarray((used * BITS) / 8))
  }

  it("leave the stock for good: no other lot and no request gets these keys", () => {
    const lots = [lend(20), lend(20), lend(20)]
    const all = lots.flatMap(ids)
    assert.equal(new Set(all).size, 60)
    const ready = net.first.stockedKeys
    const slaves = [{ saeId: net.saes[1], appId: net.appId }]
    const given = net.first.readyKeys({
      ...{ masterSaeId: net.saes[0], slaves, count: ready, keySizeBits: BITS },
    })
    assert.equal(given?.length, ready)
    const others = new Set(given.map(({ keyId }) => keyId.replaceAll("-", "")))
    assert.ok(all.every((id) => !others.has(id)))
  })

  it("are at most half of what is ready, and none where that is little", () => {
    const ready = net.first.stockedKeys
    assert.equal(lend(1024).count, Math.floor(ready / 2))
    assert.equal(net.first.lots.lend(holder, order(7)), undefined)
    assert.equal(net.first.lots.lend(holder, { ...order(100), slaveSaeId: "nobody" }), undefined)
  })

  it("count as delivered when they were given out; the rest does not", () => {
    const before = net.first.deliveredBits(net.appId)
    const { readyBits } = net.first.supply(net.appId)
    const lot = lend(20)
    assert.equal(net.first.deliveredBits(net.appId), before)
    assert.equal(net.first.supply(net.appId).readyBits, readyBits, "they are ready still")
    net.first.lots.used(holder, lot.id, 5)
    net.first.lots.used(holder, lot.id, 5)
    assert.equal(net.first.deliveredBits(net.appId), before + BigInt(5 * BITS))
    net.first.lots.takeBack(holder, lot.id, 7, restOf(lot, 7))
    assert.equal(net.first.deliveredBits(net.appId), before + BigInt(7 * BITS))
    assert.equal(net.first.supply(net.appId).readyBits, readyBits - 7 * BITS)
    assert.equal(net.first.stockedKeys * BITS, readyBits - 7 * BITS)
  })

  it("come back once, from who has them, and whole", () => {
    const lot = lend(20)
    const stocked = net.first.stockedKeys
    net.first.lots.takeBack(other, lot.id, 0, restOf(lot, 0))
    net.first.lots.takeBack(holder, lot.id, 3, restOf(lot, 2))
    net.first.lots.takeBack(holder, lot.id, 21, restOf(lot, 20))
    net.first.lots.takeBack(holder, lot.id + 1, 0, restOf(lot, 0))
    assert.equal(net.first.stockedKeys, stocked)
    const rest = restOf(lot, 3)
    net.first.lots.takeBack(holder, lot.id, 3, rest)
    assert.equal(net.first.stockedKeys, stocked + 17)
    assert.ok(rest.wiped, "the copy is wiped")
    net.first.lots.takeBack(holder, lot.id, 3, restOf(lot, 3))
    assert.equal(net.first.stockedKeys, stocked + 17)
  })

  it("are fetched at the far end when they were given out after they had come back", async () => {
    const lot = lend(20)
    const texts = new Map(
      ids(lot).map((id, nth) => {
        const rest = restOf(lot, nth)
        return [id, rest.use((bytes) => Buffer.from(bytes.subarray(0, 32)).toString("hex"))]
      }),
    )
    net.first.lots.takeBack(holder, lot.id, 4, restOf(lot, 4))
    const slaves = [{ saeId: net.saes[1], appId: net.appId }]
    const given =
      net.first.readyKeys({
        ...{ masterSaeId: net.saes[0], slaves, count: 16, keySizeBits: BITS },
      }) ?? []
    const back = given.filter(({ keyId }) => texts.has(keyId.replaceAll("-", "")))
    assert.equal(back.length, 16)
    for (const { keyId, key } of back)
      assert.equal(
        key.use((bytes) => Buffer.from(bytes).toString("hex")),
        texts.get(keyId.replaceAll("-", "")),
      )
    const far = net.manager(1)
    const fetched = await far.takeKeys(
      net.saes[1],
      net.saes[0],
      back.map(({ keyId }) => keyId),
    )
    for (const [nth, { key }] of fetched.entries())
      assert.deepEqual(
        key.use((bytes) => Buffer.from(bytes)),
        back[nth]?.key.use((bytes) => Buffer.from(bytes)),
      )
  })

  it("are not shelved again when site policy does not allow them any more", () => {
    const lot = lend(20)
    const faults = net.faults[0] ?? assert.fail()
    faults.allowsEnd = () => false
    net.first.lots.takeBack(holder, lot.id, 0, restOf(lot, 0))
    assert.equal(net.first.stockedKeys, 0)
  })

  it("leave the far end what was given out of them when the rest is dropped", async () => {
    const lot = lend(20)
    const used = ids(lot).slice(0, 4)
    const faults = net.faults[0] ?? assert.fail()
    const { allowsEnd } = faults
    faults.allowsEnd = () => false
    net.first.lots.takeBack(holder, lot.id, 4, restOf(lot, 4))
    assert.equal(net.first.stockedKeys, 0)
    faults.allowsEnd = allowsEnd ?? (() => true)
    // What was said to the far end before is there when this is.
    await net.first.makeKeys(net.appId, ...pair(), 1, BITS)
    const texts = used.map((id) => id.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"))
    const fetched = await net.manager(1).takeKeys(net.saes[1], net.saes[0], texts)
    assert.equal(fetched.length, 4)
  })

  it("are told to come back when the configuration changes, and wiped when their association is gone", () => {
    const lot = lend(20)
    let recalled = 0
    net.first.lots.onRecall = () => (recalled += 1)
    net.first.configure({ ...net.configOf(0), apps: [] })
    assert.equal(recalled, 1)
    net.first.lots.takeBack(holder, lot.id, 0, restOf(lot, 0))
    assert.equal(net.first.stockedKeys, 0)
    assert.equal(net.first.lots.lend(holder, order(20)), undefined)
  })

  it("are forgotten with who had them", () => {
    const lot = lend(20)
    net.first.lots.used(holder, lot.id, 6)
    const stocked = net.first.stockedKeys
    assert.equal(net.first.lots.lostWith(other), 0)
    assert.equal(net.first.lots.lostWith(holder), 14)
    net.first.lots.takeBack(holder, lot.id, 6, restOf(lot, 6))
    assert.equal(net.first.stockedKeys, stocked)
    assert.equal(net.first.supply(net.appId).readyBits, stocked * BITS)
  })
})
