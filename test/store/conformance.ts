// What every store has to keep, whoever wrote it. `reopen` gives the same store again, as after a restart.

import assert from "node:assert/strict"
import { randomInt } from "node:crypto"
import type { Store } from "../../src/controller/ports.js"
import { QkdError } from "../../src/errors.js"
import type { Change } from "../../src/model/network.js"
import { MemoryStore } from "../../src/store/memory.js"
import { serviceNamed } from "./fixture.js"

export interface StoreUnderTest {
  open(): Promise<Store>
  reopen(store: Store): Promise<Store>
  dispose(): void
}

const put = (id: string, reason: string): Change => ({
  kind: "service",
  id,
  value: serviceNamed(id, reason),
})
const drop = (id: string): Change => ({ kind: "service", id, value: null })

const sorted = (changes: readonly Change[]): readonly Change[] =>
  [...changes].sort((a, b) => (a.id < b.id ? -1 : 1))

/** @param forgets a store that lives in memory only is not asked to survive a restart */
export function storeConformance(
  name: string,
  make: () => StoreUnderTest,
  { forgets = false } = {},
): void {
  describe(`the ${name} store`, () => {
    let under: StoreUnderTest
    let store: Store
    beforeEach(async () => {
      under = make()
      store = await under.open()
    })
    afterEach(async () => {
      await store.close()
      under.dispose()
    })

    it("starts empty at revision 0", async () => {
      assert.deepEqual(await store.load(), { revision: 0, changes: [] })
    })

    it("gives back what was committed, each entry as last written", async () => {
      assert.equal(await store.commit(0, [put("a", "1"), put("b", "1")]), 1)
      assert.equal(await store.commit(1, [put("a", "2"), drop("b"), put("c", "1")]), 2)
      const { revision, changes } = await store.load()
      assert.equal(revision, 2)
      assert.deepEqual(sorted(changes), [put("a", "2"), put("c", "1")])
    })

    it("counts a commit without changes", async () => {
      assert.equal(await store.commit(0, []), 1)
      assert.equal((await store.load()).revision, 1)
    })

    it("refuses a commit on any revision but the last, and changes nothing", async () => {
      await store.commit(0, [put("a", "1")])
      for (const stale of [0, 2, 7]) {
        await assert.rejects(
          store.commit(stale, [put("a", "stale"), put("x", "stale")]),
          (e: unknown) => e instanceof QkdError && e.tag === "in-use",
        )
      }
      assert.deepEqual(await store.load(), { revision: 1, changes: [put("a", "1")] })
    })

    it("C3: begins terms that only grow, from any number on", async () => {
      assert.equal(await store.lead(), 1)
      assert.equal(await store.lead(), 2)
      assert.equal(await store.lead(40), 40)
      assert.equal(await store.lead(7), 41)
      assert.equal(await store.commit(0, [put("a", "1")]), 1)
      assert.equal(await store.lead(4_294_967_295), 4_294_967_295)
      await assert.rejects(
        store.lead(),
        (e: unknown) => e instanceof QkdError && e.tag === "resource-denied",
      )
    })

    it("C3: begins no term that is not above the one in which another controller leads, and counts none then", async () => {
      assert.equal(await store.lead(), 1)
      for (const _ of [1, 2, 3])
        await assert.rejects(
          store.lead(3, 7),
          (e: unknown) =>
            e instanceof QkdError && e.appTag === "stale-leader" && e.message.includes("above 7"),
        )
      assert.equal(await store.commit(0, [put("a", "1")]), 1, "the term is still that of before")
      assert.equal(await store.lead(8, 7), 8)
      assert.equal(await store.lead(1, 7), 9)
    })

    it("lets one of two racing commits win", async () => {
      const outcomes = await Promise.allSettled([
        store.commit(0, [put("a", "first")]),
        store.commit(0, [put("a", "second")]),
      ])
      assert.deepEqual(outcomes.map((o) => o.status).sort(), ["fulfilled", "rejected"])
      assert.equal((await store.load()).revision, 1)
    })

    it("is not changed through what it was given or what it gave", async () => {
      const terms = { minRateBps: 1, priority: 0, avoidNodes: [] as string[] }
      const value = { ...serviceNamed("a", "1"), terms }
      await store.commit(0, [{ kind: "service", id: "a", value }])
      terms.avoidNodes.push("later")
      const [entry] = (await store.load()).changes
      assert(entry?.kind === "service")
      assert.deepEqual(entry.value?.terms.avoidNodes, [])
    })

    it("refuses commits once closed", async () => {
      await store.close()
      await assert.rejects(store.commit(0, [put("a", "1")]))
    })

    it("agrees with the plain store after hundreds of random commits", async () => {
      const model = new MemoryStore()
      let revision = 0
      for (let i = 0; i < 200; i += 1) {
        const changes = Array.from({ length: randomInt(4) }, () => {
          const id = `s${randomInt(12)}`
          return randomInt(3) === 0 ? drop(id) : put(id, String(i))
        })
        revision = await store.commit(revision, changes)
        await model.commit(revision - 1, changes)
      }
      const [mine, theirs] = [await store.load(), await model.load()]
      assert.equal(mine.revision, theirs.revision)
      assert.deepEqual(sorted(mine.changes), sorted(theirs.changes))
    })

    if (forgets) return
    it("C3: refuses commits of an earlier term, though nobody has written since, and forgets no term", async () => {
      await store.lead()
      assert.equal(await store.commit(0, [put("a", "1")]), 1)
      const other = await under.open()
      assert.equal(await other.lead(), 2)
      await assert.rejects(
        store.commit(1, [put("a", "late")]),
        (e: unknown) =>
          e instanceof QkdError && e.tag === "in-use" && /term 1 is over/.test(e.message),
      )
      assert.equal(await other.commit(1, [put("a", "2")]), 2)
      await other.close()
      store = await under.reopen(store)
      assert.equal(await store.lead(), 3)
      assert.deepEqual(await store.load(), { revision: 2, changes: [put("a", "2")] })
    })

    it("has everything committed after a restart", async () => {
      await store.commit(0, [put("a", "1"), put("b", "1")])
      await store.commit(1, [drop("a")])
      store = await under.reopen(store)
      assert.deepEqual(await store.load(), { revision: 2, changes: [put("b", "1")] })
      assert.equal(await store.commit(2, [put("c", "1")]), 3)
    })
  })
}
