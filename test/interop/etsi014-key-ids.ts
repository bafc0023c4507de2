// ETSI GS QKD 014 V1.1.1, clauses of the checks that `etsi014-clauses.test.ts` runs: keys are fetched by their ids.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { type ClauseDesk, NOT_FOUND } from "./etsi014-desk.js"
import { keysOf } from "./etsi014-sites.js"

export function keyIdClauses(desk: ClauseDesk): void {
  const { ask, assertError, assertKeys, enc, idsOf, dec } = desk

  describe("5.4 and 6.4 Get key with key IDs", () => {
    it("gives the slave the same keys in the order asked for, by POST", async () => {
      const told = await enc({ number: 5 })
      const ids = idsOf(told).reverse()
      const taken = await dec("bob", { key_IDs: ids })
      assertKeys(taken, 5, 256)
      assert.deepEqual(keysOf(taken).keys, [...keysOf(told).keys].reverse())
    })

    it("gives one key to GET, and either way round", async () => {
      const told = await ask({ who: "bob", target: "alice/enc_keys" })
      const key_ID = idsOf(told)[0]?.key_ID ?? ""
      const taken = await ask({ who: "alice", target: `bob/dec_keys?key_ID=${key_ID}` })
      assert.deepEqual(keysOf(taken).keys, keysOf(told).keys)
    })

    it("takes extensions of ids and of the whole", async () => {
      const ids = idsOf(await enc()).map((id) => ({ ...id, key_ID_extension: { a: [1] } }))
      assertKeys(await dec("bob", { key_IDs: ids, key_IDs_extension: { b: {} } }), 1, 256)
    })

    it("delivers a key once", async () => {
      const key_IDs = idsOf(await enc())
      assertKeys(await dec("bob", { key_IDs }), 1, 256)
      assertError(await dec("bob", { key_IDs }), 400, NOT_FOUND)
    })

    it("is all or nothing: one unknown or spent id, and none is delivered or lost", async () => {
      const [spent] = idsOf(await enc())
      await dec("bob", { key_IDs: [spent] })
      const key_IDs = idsOf(await enc({ number: 3 }))
      for (const odd of [spent, { key_ID: randomUUID() }])
        assertError(await dec("bob", { key_IDs: [...key_IDs, odd] }), 400, NOT_FOUND)
      assertKeys(await dec("bob", { key_IDs }), 3, 256)
    })

    for (const [what, who, master] of [
      ["another SAE of the slave's site", "ben", "alice"],
      ["the slave, who names another master", "bob", "amy"],
      ["the slave, who names himself", "bob", "bob"],
    ] as const)
      it(`is 401 without a body for ${what}, and the key stays the slave's`, async () => {
        const key_IDs = idsOf(await enc())
        const told = await dec(who, { key_IDs }, master)
        assert.deepEqual([told.status, told.body], [401, ""])
        assertKeys(await dec("bob", { key_IDs }), 1, 256)
      })

    it("is 401 when one id of several is another's", async () => {
      const mine = idsOf(await enc())
      const theirs = idsOf(await enc({}, "ben/enc_keys"))
      assert.equal((await dec("bob", { key_IDs: [...mine, ...theirs] })).status, 401)
      assertKeys(await dec("bob", { key_IDs: mine }), 1, 256)
      assertKeys(await dec("ben", { key_IDs: theirs }), 1, 256)
    })

    it("gives the master nothing at its own KME", async () => {
      assertError(await dec("alice", { key_IDs: idsOf(await enc()) }, "alice"), 400, NOT_FOUND)
    })

    const id = randomUUID()
    for (const [what, body] of [
      ["no ids", {}],
      ["an empty list", { key_IDs: [] }],
      ["ids that are no list", { key_IDs: { key_ID: id } }],
      ["ids that are texts", { key_IDs: [id] }],
      ["an id that is missing", { key_IDs: [{}] }],
      ["an id that is a number", { key_IDs: [{ key_ID: 7 }] }],
      ["an id that is null", { key_IDs: [{ key_ID: null }] }],
      ["an id that is no UUID", { key_IDs: [{ key_ID: `${id}0` }] }],
      ["an id twice", { key_IDs: [{ key_ID: id }, { key_ID: id.toUpperCase() }] }],
      [
        "more ids than max_key_per_request",
        { key_IDs: Array.from({ length: 129 }, () => ({ key_ID: randomUUID() })) },
      ],
      ["an unknown member", { key_IDs: [{ key_ID: id }], more: 1 }],
      ["an unknown member of an id", { key_IDs: [{ key_ID: id, key: "x" }] }],
      ["an extension that is a list", { key_IDs: [{ key_ID: id, key_ID_extension: [] }] }],
      [
        "an extension of the whole that is a text",
        { key_IDs: [{ key_ID: id }], key_IDs_extension: "x" },
      ],
      ["a member twice", `{"key_IDs": [], "key_IDs": [{"key_ID": "${id}"}]}`],
      ["no JSON", "key_IDs"],
    ] as const)
      it(`is 400 for ${what}`, async () => {
        assertError(await dec("bob", body), 400)
      })

    for (const query of [
      "",
      "?",
      "?key_ID=",
      "?key_ID=7",
      `?key_ID=${id}&key_ID=${id}`,
      `?key_id=${id}`,
      `?key_ID=${id}&x=1`,
    ])
      it(`is 400 for GET dec_keys${query.slice(0, 24)}`, async () => {
        assertError(await ask({ who: "bob", target: `alice/dec_keys${query}` }), 400)
      })
  })

  describe("6.3 Key container", () => {
    it("has keys of key_ID and key, and tells in extensions of ours how many links they crossed", async () => {
      const told = await enc({ number: 2 })
      const container = keysOf(told)
      assert.deepEqual(Object.keys(container), ["keys", "key_container_extension"])
      for (const key of container.keys) assert.deepEqual(Object.keys(key), ["key_ID", "key"])
      const known = { keyloom_path_links: 1, keyloom_disjoint_paths: 1 }
      assert.deepEqual(container.key_container_extension, known)
      const taken = await dec("bob", { key_IDs: idsOf(told) })
      assert.deepEqual(keysOf(taken).key_container_extension, known)
      const [here] = [await enc({}, "amy/enc_keys")]
      assert.equal(keysOf(here).key_container_extension?.["keyloom_path_links"], 0)
    })

    it("is never kept by anybody on the way", async () => {
      assert.equal((await enc()).headers["cache-control"], "no-store")
    })
  })
}
