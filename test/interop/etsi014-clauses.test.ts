// ETSI GS QKD 014 V1.1.1 in the order of its clauses, asked by a client on Python's standard library, of two sites
// with real key managers. Each line of a table is a check of its own.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { clauseDesk } from "./etsi014-desk.js"
import { getKeyClauses } from "./etsi014-get-key.js"
import { keyIdClauses } from "./etsi014-key-ids.js"
import { TwoSites } from "./etsi014-sites.js"

for (const [where, outlets] of [
  ["", 0],
  [" at a node with two outlets", 2],
] as const)
  describe(`ETSI GS QKD 014 by its clauses${where}`, function () {
    this.slow(1000)
    clauses(new TwoSites({ durable: false }, outlets))
  })

function clauses(sites: TwoSites): void {
  before(async () => {
    await sites.start()
    await sites.feed(24)
  })
  after(() => sites.close())

  const desk = clauseDesk(sites)
  const { ask, assertError, assertKeys, enc } = desk

  describe("5.1 General", () => {
    it("is HTTPS of TLS 1.3", async () => {
      assert.equal((await ask({ who: "alice", target: "bob/status" })).tls, "TLSv1.3")
    })

    for (const [what, request] of [
      ["no certificate", { who: null, target: "bob/status" }],
      [
        "TLS 1.2 where the site does not allow it",
        { who: "alice", target: "bob/status", tls12: true },
      ],
    ] as const)
      it(`ends the connection: ${what}`, async () => {
        assert.equal((await ask(request)).status, 0)
      })

    for (const target of [
      "alice/status",
      "alice/enc_keys",
      `alice/dec_keys?key_ID=${randomUUID()}`,
    ])
      it(`is 401 without a body for an SAE of another site: ${target.split("?")[0] ?? ""}`, async () => {
        const told = await ask({ who: "bob", site: "A", target })
        assert.deepEqual([told.status, told.body], [401, ""])
      })

    for (const target of [
      "/",
      "/api/v1/keys",
      "/api/v1/keys/bob",
      "/api/v1/keys/bob/",
      "/api/v1/keys/bob/status/",
      "/api/v1/keys/bob/enc_keys/x",
      "/api/v1/keys/bob/Status",
      "/api/v2/keys/bob/status",
      "/API/v1/keys/bob/status",
      "/api/v1/keys/a/b/status",
    ])
      it(`knows no other resource: ${target}`, async () => {
        assert.equal((await ask({ who: "alice", target })).status, 404)
      })

    for (const method of ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"])
      for (const call of ["status", "enc_keys", "dec_keys"])
        it(`takes no ${method} for ${call}, which spends no key`, async () => {
          const told = await ask({ who: "alice", target: `bob/${call}`, method })
          assert.equal(told.status, 405)
          assert.match(told.headers["allow"] ?? "", /GET/)
        })

    for (const [what, target] of [
      ["percent-encoded", "carol%2F%C3%A9/enc_keys"],
      ["letters encoded too", "%62ob/enc_keys"],
    ] as const)
      it(`takes the SAE id of a path: ${what}`, async () => {
        assertKeys(await ask({ who: "alice", target }), 1, 256)
      })

    for (const target of [
      "%/enc_keys",
      "%zz/enc_keys",
      "%C3/enc_keys",
      "%00/enc_keys",
      "/api/v1/keys//enc_keys",
      `${"x".repeat(300)}/enc_keys`,
    ])
      it(`is 400 for what is no SAE id: ${target.slice(0, 24)}`, async () => {
        assertError(await ask({ who: "alice", target }), 400)
      })
  })

  describe("5.2 and 6.1 Get status", () => {
    const MEMBERS = {
      source_KME_ID: "string",
      target_KME_ID: "string",
      master_SAE_ID: "string",
      slave_SAE_ID: "string",
      key_size: "number",
      stored_key_count: "number",
      max_key_count: "number",
      max_key_per_request: "number",
      max_key_size: "number",
      min_key_size: "number",
      max_SAE_ID_count: "number",
    }

    it("has every member of table 9, of its type, and none beside", async () => {
      const told = await ask({ who: "alice", target: "bob/status" })
      const status = JSON.parse(told.body) as Record<string, unknown>
      const types = Object.fromEntries(Object.entries(status).map(([k, v]) => [k, typeof v]))
      assert.deepEqual(types, MEMBERS)
      for (const [name, value] of Object.entries(status))
        if (MEMBERS[name as keyof typeof MEMBERS] === "number")
          assert.ok(Number.isInteger(value) && Number(value) >= 0, name)
    })

    it("names both KMEs, the caller as master and the SAE of the path as slave", async () => {
      for (const [who, other, mine, theirs] of [
        ["alice", "bob", "A", "B"],
        ["ben", "amy", "B", "A"],
      ] as const) {
        const told = await ask({ who, target: `${other}/status` })
        const status = JSON.parse(told.body) as Record<string, unknown>
        assert.deepEqual(
          [
            status["source_KME_ID"],
            status["target_KME_ID"],
            status["master_SAE_ID"],
            status["slave_SAE_ID"],
          ],
          [sites.kmeId(mine), sites.kmeId(theirs), who, other],
        )
      }
    })

    it("promises no more than it keeps: limits hold, and so many keys can be had", async () => {
      const told = await ask({ who: "alice", target: "bob/status" })
      const status = JSON.parse(told.body) as Record<string, number>
      const { key_size = 0, min_key_size = 0, max_key_size = 0, max_key_per_request = 0 } = status
      assert.ok(min_key_size <= key_size && key_size <= max_key_size)
      assert.ok((status["stored_key_count"] ?? 0) <= (status["max_key_count"] ?? 0))
      assertKeys(await enc({ number: max_key_per_request }), max_key_per_request, key_size)
      assertKeys(await enc({ size: max_key_size }), 1, max_key_size)
      assertKeys(await enc({ size: min_key_size }), 1, min_key_size)
    })

    for (const [what, request] of [
      ["a query", { target: "bob/status?number=1" }],
      ["a body", { target: "bob/status", method: "GET", body: "{}" }],
    ] as const)
      it(`is 400 with ${what}`, async () => {
        assertError(await ask({ who: "alice", ...request }), 400)
      })
  })

  getKeyClauses(desk)
  keyIdClauses(desk)

  describe("503", () => {
    it("is what an empty link gives, with an Error body; and keys come again with link keys", async () => {
      let told = await enc({ number: 128, size: 4096 })
      for (let asked = 0; told.status === 200 && asked < 100; asked++)
        told = await enc({ number: 128, size: 4096 })
      assertError(told, 503)
      await sites.feed(4)
      assertKeys(await enc(), 1, 256)
    })
  })
}
