// Two networks of ours back to back, joined by ETSI GS QKD 020 between their border nodes: SAEs of one share keys with
// SAEs of the other, and neither network knows more of the other than that.
//
//   alice ─ source ─ relay ─ border ══ 020 ══ border ─ relay ─ source ─ bob

import assert from "node:assert/strict"
import { assertSharedBySeveral, BorderNetwork, hexOf } from "./etsi020-sites.js"

for (const mode of ["asynchronous", "synchronous"] as const)
  describe(`two networks joined by ETSI 020, ${mode}`, function () {
    this.slow(2000)
    const north = new BorderNetwork("north", ["alice", "amy"], ["bob", "ben"], { nodes: 3 })
    const south = new BorderNetwork("south", ["bob", "ben"], ["alice", "amy"], { nodes: 3 })

    const both = [north, south]

    before(() =>
      BorderNetwork.joined(both, { mode, blocks: 4 }, () => {
        north.setDomain(south.asDomain())
        south.setDomain(north.asDomain())
      }),
    )
    after(() => BorderNetwork.closeAll(both))

    for (const [from, to, master, slave] of [
      [north, south, "alice", "bob"],
      [south, north, "bob", "alice"],
    ] as const)
      it(`gives ${master} and ${slave} the same keys, each once`, async () => {
        const made = await from.make(master, [slave], 3)
        const ids = made.map(({ keyId }) => keyId)
        const taken = await to.first.takeKeys(slave, master, ids)
        assert.deepEqual(taken.map(hexOf), made.map(hexOf))
        await assert.rejects(to.first.takeKeys(slave, master, ids), { tag: "data-missing" })
      })

    it("gives a key to several SAEs beyond, and to none else", async () => {
      await assertSharedBySeveral(north, south)
    })

    it("leaves no half key when the far network has no way", async () => {
      south.faults[0] = Object.assign(south.faults[0] ?? {}, { allowsEnd: () => false })
      const { handovers } = north.manager(2).border.countsOf("south")
      await assert.rejects(north.make("alice", ["bob"]), { tag: "operation-failed" })
      await north.until(() => north.manager(2).border.countsOf("south").handovers === handovers)
      Object.assign(south.faults[0], { allowsEnd: () => true })
      assert.equal((await north.make("alice", ["bob"])).length, 1)
    })

    it("audits keys on both sides of the border", () => {
      assert.deepEqual(north.auditedIds("given"), south.auditedIds("taken"))
      assert.ok(north.auditedIds("taken").length > 0)
    })
  })
