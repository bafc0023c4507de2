// Three networks of ours in a row, joined by ETSI GS QKD 020 at two borders: keys of SAEs at both ends cross the middle
// one, which has neither of them and relays between its two border nodes.
//
//   alice ─ north ══ 020 ══ border ─ transit ─ border ══ 020 ══ south ─ bob

import assert from "node:assert/strict"
import { assertSharedBySeveral, BorderNetwork, hexOf, TransitNetwork } from "./etsi020-sites.js"

for (const mode of ["asynchronous", "synchronous"] as const)
  describe(`three networks joined by ETSI 020 at two borders, ${mode}`, function () {
    this.slow(2000)
    this.timeout(180_000)
    const north = new BorderNetwork("north", ["alice", "amy"], ["bob", "ben"], { nodes: 2 })
    const transit = new TransitNetwork("transit", ["alice", "amy"], ["bob", "ben"])
    const south = new BorderNetwork("south", ["bob", "ben"], ["alice", "amy"], { nodes: 2 })
    const all = [north, transit, south]

    before(() =>
      BorderNetwork.joined(all, { mode, blocks: 6 }, () => {
        north.setDomain(transit.asNear())
        transit.setNear(north.asDomain())
        transit.setDomain(south.asDomain())
        south.setDomain(transit.asDomain())
      }),
    )
    after(() => BorderNetwork.closeAll(all))

    /** Keys given and not over, at each border on the way from alice to bob. */
    const open = (): number[] => [
      north.manager(north.border).border.countsOf("transit").handovers,
      transit.manager(transit.border).border.countsOf("south").handovers,
    ]

    for (const [from, to, master, slave] of [
      [north, south, "alice", "bob"],
      [south, north, "bob", "alice"],
    ] as const)
      it(`gives ${master} and ${slave} the same keys, each once, and keeps none in between`, async () => {
        const made = await from.make(master, [slave], 3)
        const ids = made.map(({ keyId }) => keyId)
        for (const index of [0, transit.border])
          await assert.rejects(transit.manager(index).takeKeys(slave, master, ids), {
            name: "QkdError",
          })
        const taken = await to.first.takeKeys(slave, master, ids)
        assert.deepEqual(taken.map(hexOf), made.map(hexOf))
        await assert.rejects(to.first.takeKeys(slave, master, ids), { tag: "data-missing" })
      })

    it("gives a key to several SAEs beyond both borders, and to none else", async () => {
      await assertSharedBySeveral(north, south)
    })

    it("calls nothing relayed before the last network has it: where that has no way, no key is left anywhere", async () => {
      const before = open()
      const [source] = south.faults
      assert.ok(source)
      Object.assign(source, { allowsEnd: () => false })
      await assert.rejects(north.make("alice", ["bob"]), { tag: "operation-failed" })
      await north.until(() => JSON.stringify(open()) === JSON.stringify(before))
      Object.assign(source, { allowsEnd: () => true })
      const [key] = await north.make("alice", ["bob"])
      const [taken] = await south.first.takeKeys("bob", "alice", [key?.keyId ?? ""])
      assert.equal(taken && hexOf(taken), key && hexOf(key))
    })

    it("audits each key at both sides of both borders", () => {
      const ends = (method: "given" | "taken"): string[] =>
        [...north.auditedIds(method), ...south.auditedIds(method)].sort()
      assert.deepEqual(ends("given"), transit.auditedIds("taken").sort())
      assert.deepEqual(ends("taken"), transit.auditedIds("given").sort())
      assert.ok(transit.auditedIds("given").length > 0)
    })
  })
