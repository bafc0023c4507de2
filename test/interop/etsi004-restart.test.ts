// Key streams of ETSI GS QKD 004 over restarts of the sites that keep them, and over the loss of a store.

import assert from "node:assert/strict"
import { rmSync } from "node:fs"
import { StreamSites } from "./etsi004-sites.js"
import type { Answer } from "./etsi004-sites.js"

describe("key streams over restarts", function () {
  this.slow(2000)
  const all = new StreamSites({ durable: true })
  const { network } = all.sites
  const QOS = { timeout: 10_000 }

  before(async () => {
    await all.start()
    await all.sites.feed(24)
  })
  after(() => all.close())

  for (const site of ["A", "B"] as const)
    it(`goes on where it was when the node of site ${site} ends and begins again`, async () => {
      const ksid = await all.both("alice", "bob", QOS)
      const alices = [await all.get("alice", ksid, 0), await all.get("alice", ksid, 1)]
      const bobs = [await all.get("bob", ksid, 1), await all.get("bob", ksid, 2)]
      assert.deepEqual(bobs[0], alices[1])
      await all.restart(site)
      assert.deepEqual(await all.get("alice", ksid, 2), bobs[1])
      assert.deepEqual(await all.get("bob", ksid, 0), alices[0])
      // What either had read before is not given again.
      const next = await all.get("alice", ksid, 0)
      assert.deepEqual([next.status, next.index], [0, 3])
      assert.deepEqual(await all.get("bob", ksid, 1), next)
      for (let index = 4; index < 30; index++) {
        const [one, other] = [
          await all.get("alice", ksid, index),
          await all.get("bob", ksid, index),
        ]
        assert.equal(one.status, 0)
        assert.deepEqual(one, other)
      }
      await all.shutBoth(ksid)
    })

  it("gives nobody two chunks of one index, nor two sets of bits, while both sites restart under load", async () => {
    const ksid = await all.both("alice", "bob", { ...QOS, timeout: 300 })
    const seen = { alice: new Map<number, string>(), bob: new Map<number, string>() }
    let isOver = false
    const read = async (who: "alice" | "bob"): Promise<void> => {
      while (!isOver) {
        const [answer] = (await all.ask(who, { command: "GET_KEY", data: { key_stream_id: ksid } }))
          .answers
        if (answer?.status !== 0 || answer.index === undefined) continue
        assert.ok(!seen[who].has(answer.index), `${who} got ${answer.index} twice`)
        seen[who].set(answer.index, answer.key_buffer ?? "")
      }
    }
    const readers = [read("alice"), read("bob")]
    for (const site of ["A", "B", "A"] as const) {
      const { size } = seen.alice
      await network.until(() => seen.alice.size > size + 20)
      await all.restart(site)
    }
    const { size } = seen.bob
    await network.until(() => seen.bob.size > size + 20)
    isOver = true
    await Promise.all(readers)
    let both = 0
    for (const [index, bits] of seen.alice) {
      const other = seen.bob.get(index)
      if (other === undefined) continue
      both += 1
      assert.equal(other, bits, `index ${index}`)
    }
    assert.ok(both > 60, String(both))
    await all.shutBoth(ksid)
  })

  it("ends with a clear status where a site has lost its store, and begins no second stream beside the old end", async () => {
    const ksid = await all.both("alice", "bob", QOS)
    await all.get("alice", ksid, 0)
    await network.first.close()
    rmSync(network.dir(0), { recursive: true })
    await all.restart("A")
    const lost = await all.get("alice", ksid, 1)
    assert.equal(lost.error?.message, "no such key stream")
    assert.equal((await all.open("alice", "bob", ksid)).status, 5)
    let last: Answer = { status: 0 }
    for (let read = 0; last.status === 0 && read < 50; read++) last = await all.get("bob", ksid)
    assert.deepEqual(last, { status: 3 })
    await all.shut("bob", ksid)
    const again = await all.open("alice", "bob", ksid)
    assert.ok(again.status === 1 || again.status === 5, String(again.status))
  })
})
