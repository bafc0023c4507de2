// Three networks of ours in a row, joined by ETSI GS QKD 020 at two borders: keys of SAEs at both ends cross the middle
// one, which has neither of them and relays between its two border nodes.
//
//   alice ─ north ══ 020 ══ border ─ transit ─ border ══ 020 ══ south ─ bob

import assert from "node:assert/strict"
import type { EndKey } from "../../src/node/ports.js"
import { BorderNetwork, TransitNetwork } from "./etsi020-sites.js"

const bytesOf = ({ key }: EndKey): string => key.use((bytes) => Buffer.from(bytes).toString("hex"))

for (const mode of ["asynchronous", "synchronous"] as const)
  describe(`three networks joined by ETSI 020 at two borders, ${mode}`, function () {
    this.slow(2000)
    this.timeout(180_000)
    const north = new BorderNetwork("north", ["alice", "amy"], ["bob", "ben"], { nodes: 2 })
    const transit = new TransitNetwork("transit", ["alice", "amy"], ["bob", "ben"])
    const south = new BorderNetwork("south", ["bob", "ben"], ["alice", "amy"], { nodes: 2 })
    const all = [north, transit, south]

    before(async () => {
      for (const network of all) {
        await network.start()
        await network.openFace(mode)
        await network.feed(6, 8192)
      }
      north.setDomain(transit.asNear())
      transit.setNear(north.asDomain())
      transit.setDomain(south.asDomain())
      south.setDomain(transit.asDomain())
      for (const network of all) network.configureAll()
    })
    after(async () => {
      for (const network of all) {
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
        const made = await make(from, master, [slave], 3)
        const ids = made.map(({ keyId }) => keyId)
        for (const index of [0, transit.border])
          await assert.rejects(transit.manager(index).takeKeys(slave, master, ids), {
            name: "QkdError",
          })
        const taken = await to.first.takeKeys(slave, master, ids)
        assert.deepEqual(taken.map(bytesOf), made.map(bytesOf))
        await assert.rejects(to.first.takeKeys(slave, master, ids), { tag: "data-missing" })
      })

    it("gives a key to several SAEs beyond both borders, and to none else", async () => {
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

    it("calls nothing relayed before the last network has it: where that has no way, no key is left anywhere", async () => {
      const before = open()
      const [source] = south.faults
      assert.ok(source)
      Object.assign(source, { allowsEnd: () => false })
      await assert.rejects(make(north, "alice", ["bob"]), { tag: "operation-failed" })
      await north.until(() => JSON.stringify(open()) === JSON.stringify(before))
      Object.assign(source, { allowsEnd: () => true })
      const [key] = await make(north, "alice", ["bob"])
      const [taken] = await south.first.takeKeys("bob", "alice", [key?.keyId ?? ""])
      assert.equal(taken && bytesOf(taken), key && bytesOf(key))
    })

    it("audits each key at both sides of both borders", () => {
      const ids = (network: BorderNetwork, method: string): string[] =>
        network.audited
          .filter((one) => one.method === method)
          .flatMap(({ keyIds }) => keyIds)
          .sort()
      const ends = (method: string): string[] =>
        [...ids(north, method), ...ids(south, method)].sort()
      assert.deepEqual(ends("given"), ids(transit, "taken"))
      assert.deepEqual(ends("taken"), ids(transit, "given"))
      assert.ok(ids(transit, "given").length > 0)
    })
  })
