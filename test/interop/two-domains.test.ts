// Two networks of ours back to back, joined by ETSI GS QKD 020 between their border nodes: SAEs of one share keys with
// SAEs of the other, and neither network knows more of the other than that.
//
//   alice ─ source ─ relay ─ border ══ 020 ══ border ─ relay ─ source ─ bob

import assert from "node:assert/strict"
import type { EndKey } from "../../src/node/ports.js"
import { BorderNetwork } from "./etsi020-sites.js"

const bytesOf = ({ key }: EndKey): string => key.use((bytes) => Buffer.from(bytes).toString("hex"))

for (const mode of ["asynchronous", "synchronous"] as const)
  describe(`two networks joined by ETSI 020, ${mode}`, function () {
    this.slow(2000)
    const north = new BorderNetwork("north", ["alice", "amy"], ["bob", "ben"], { nodes: 3 })
    const south = new BorderNetwork("south", ["bob", "ben"], ["alice", "amy"], { nodes: 3 })

    before(async () => {
      for (const network of [north, south]) {
        await network.start()
        await network.openFace(mode)
        await network.feed(4, 8192)
      }
      north.setDomain(south.asDomain())
      south.setDomain(north.asDomain())
      for (const network of [north, south]) network.configureAll()
    })
    after(async () => {
      for (const network of [north, south]) {
        await network.closeFace()
        await network.close()
      }
    })

    const make = (network: BorderNetwork, master: string, slaves: string[], count = 1) =>
      network.first.supplyKeys({
        ...{ masterSaeId: master, count, keySizeBits: 256 },
        slaves: slaves.map((saeId) => {
          return { saeId, appId: network.appOf(master, saeId)?.appId ?? "" }
        }),
      })

    for (const [from, to, master, slave] of [
      [north, south, "alice", "bob"],
      [south, north, "bob", "alice"],
    ] as const)
      it(`gives ${master} and ${slave} the same keys, each once`, async () => {
        const made = await make(from, master, [slave], 3)
        const ids = made.map(({ keyId }) => keyId)
        const taken = await to.first.takeKeys(slave, master, ids)
        assert.deepEqual(taken.map(bytesOf), made.map(bytesOf))
        await assert.rejects(to.first.takeKeys(slave, master, ids), { tag: "data-missing" })
      })

    it("gives a key to several SAEs beyond, and to none else", async () => {
      const [key] = await make(north, "amy", ["bob", "ben"])
      assert.ok(key)
      for (const slave of ["bob", "ben"]) {
        const [taken] = await south.first.takeKeys(slave, "amy", [key.keyId])
        assert.ok(taken)
        assert.equal(bytesOf(taken), bytesOf(key))
      }
      const [other] = await make(north, "amy", ["bob"])
      await assert.rejects(south.first.takeKeys("ben", "amy", [other?.keyId ?? ""]), {
        tag: "access-denied",
      })
    })

    it("leaves no half key when the far network has no way", async () => {
      south.faults[0] = Object.assign(south.faults[0] ?? {}, { allowsEnd: () => false })
      const { handovers } = north.manager(2).border.countsOf("south")
      await assert.rejects(make(north, "alice", ["bob"]), { tag: "operation-failed" })
      await north.until(() => north.manager(2).border.countsOf("south").handovers === handovers)
      Object.assign(south.faults[0], { allowsEnd: () => true })
      assert.equal((await make(north, "alice", ["bob"])).length, 1)
    })

    it("audits keys on both sides of the border", () => {
      const ids = (network: BorderNetwork, method: string): string[] =>
        network.audited.filter((one) => one.method === method).flatMap(({ keyIds }) => keyIds)
      assert.deepEqual(ids(north, "given"), ids(south, "taken"))
      assert.ok(ids(north, "taken").length > 0)
    })
  })
