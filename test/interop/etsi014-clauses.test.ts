// ETSI GS QKD 014 V1.1.1 in the order of its clauses, asked by a client on Python's standard library, of two sites
// with real key managers. Each line of a table is a check of its own.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { keysOf, TwoSites } from "./etsi014-sites.js"
import type { Ask, Told } from "./etsi014-sites.js"

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const NOT_FOUND = "one or more keys specified are not found on KME"
const EIGHT = "size shall be a multiple of 8"
const UNSUPPORTED = "not all extension_mandatory parameters are supported"
const UNMET = "not all extension_mandatory request options could be met"

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

  const ask = (what: Ask): Promise<Told> => sites.ask(what)

  function assertError(told: Told, status: 400 | 503, message?: string): void {
    assert.equal(told.status, status, told.body)
    assert.equal(told.headers["content-type"], "application/json")
    const error = JSON.parse(told.body) as Record<string, unknown>
    assert.equal(typeof error["message"], "string")
    if (message !== undefined) assert.equal(error["message"], message)
    const { message: _, details, ...more } = error
    assert.deepEqual(more, {}, "clause 6.5 knows message and details only")
    if (details !== undefined)
      assert.ok(Array.isArray(details) && details.every((one) => typeof one === "object"))
  }

  function assertKeys(told: Told, count: number, bits: number): void {
    assert.equal(told.status, 200, told.body)
    assert.equal(told.headers["content-type"], "application/json")
    const { keys } = keysOf(told)
    assert.equal(keys.length, count)
    for (const { key_ID, key } of keys) {
      assert.match(key_ID, UUID)
      assert.equal(Buffer.from(key, "base64").length * 8, bits)
      assert.equal(Buffer.from(key, "base64").toString("base64"), key)
    }
    assert.equal(new Set(keys.map(({ key_ID }) => key_ID)).size, count)
    assert.equal(new Set(keys.map(({ key }) => key)).size, count)
  }

  const enc = async (body: unknown = {}, target = "bob/enc_keys"): Promise<Told> =>
    ask({ who: "alice", target, body })
  const idsOf = (told: Told): { key_ID: string }[] =>
    keysOf(told).keys.map(({ key_ID }) => ({ key_ID }))
  const dec = (who: string, body: unknown, master = "alice"): Promise<Told> =>
    ask({ who, target: `${master}/dec_keys`, body })

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

  describe("5.3 and 6.2 Get key", () => {
    const good: readonly [string, Partial<Ask>, number, number][] = [
      ["GET", {}, 1, 256],
      ["GET with an empty query", { target: "bob/enc_keys?" }, 1, 256],
      ["GET number", { target: "bob/enc_keys?number=3" }, 3, 256],
      ["GET size", { target: "bob/enc_keys?size=1024" }, 1, 1024],
      ["GET both", { target: "bob/enc_keys?size=72&number=2" }, 2, 72],
      ["GET with an encoded value", { target: "bob/enc_keys?number=%32" }, 2, 256],
      ["POST {}", { body: {} }, 1, 256],
      ["POST number and size", { body: { number: 2, size: 512 } }, 2, 512],
      ["POST with white space around", { body: ' \n{"number": 2}\t ' }, 2, 256],
      [
        "POST with charset",
        { body: {}, headers: { "content-type": 'application/json; charset="UTF-8"' } },
        1,
        256,
      ],
      [
        "POST with empty lists",
        { body: { additional_slave_SAE_IDs: [], extension_mandatory: [], extension_optional: [] } },
        1,
        256,
      ],
      [
        "POST with unknown optional extensions",
        { body: { extension_optional: [{ acme_route: "direct" }, {}, { b_c: null }] } },
        1,
        256,
      ],
    ]
    for (const [what, request, count, bits] of good)
      it(`gives ${count} of ${bits} bits to ${what}`, async () => {
        assertKeys(await ask({ who: "alice", target: "bob/enc_keys", ...request }), count, bits)
      })

    for (let bits = 64; bits <= 4096; bits = bits < 128 ? bits + 8 : bits * 2 + 8)
      it(`gives keys of any multiple of 8: ${bits} bits`, async () => {
        const told = await enc({ size: bits, number: 2 })
        assertKeys(told, 2, bits)
        const taken = await dec("bob", { key_IDs: idsOf(told) })
        assert.deepEqual(keysOf(taken).keys, keysOf(told).keys)
      })

    for (const size of [65, 257, 1, 4097, 255])
      it(`says "${EIGHT}" of ${size}, to GET and POST`, async () => {
        assertError(await enc({ size }), 400, EIGHT)
        assertError(await ask({ who: "alice", target: `bob/enc_keys?size=${size}` }), 400, EIGHT)
      })

    const badBodies: readonly [string, unknown][] = [
      ["number 0", { number: 0 }],
      ["a negative number", { number: -1 }],
      ["more than max_key_per_request", { number: 129 }],
      ["a number beyond all measure", { number: 1e300 }],
      ["a number that is not whole", { number: 1.5 }],
      ["a number as text", { number: "1" }],
      ["a number that is null", { number: null }],
      ["a number that is true", { number: true }],
      ["a number in a list", { number: [1] }],
      ["size 0", { size: 0 }],
      ["a negative size", { size: -256 }],
      ["a size below min_key_size", { size: 56 }],
      ["a size above max_key_size", { size: 4104 }],
      ["a size as text", { size: "256" }],
      ["a size that is not whole", { size: 256.5 }],
      ["a size that is null", { size: null }],
      ["an unknown member", { numbers: 1 }],
      ["a member in another case", { Number: 1 }],
      ["a member twice", '{"number": 1, "number": 1}'],
      ["no JSON", "{"],
      ["nothing", ""],
      ["a list", []],
      ["a text", '"number"'],
      ["null", "null"],
      ["text after the object", "{} {}"],
      ["NaN", '{"number": NaN}'],
      ["a leading zero", '{"number": 01}'],
      ["a plus sign", '{"number": +1}'],
      ["bytes that are not UTF-8", '{"number": 1, "\udcff": 2}'],
      ["lists without end", "[".repeat(5000)],
      ["additional slaves that are no list", { additional_slave_SAE_IDs: "ben" }],
      ["an additional slave that is a number", { additional_slave_SAE_IDs: [1] }],
      ["an additional slave that is null", { additional_slave_SAE_IDs: [null] }],
      ["an additional slave without a name", { additional_slave_SAE_IDs: [""] }],
      ["additional slaves that are null", { additional_slave_SAE_IDs: null }],
      ["the same additional slave twice", { additional_slave_SAE_IDs: ["ben", "ben"] }],
      ["the slave of the path once more", { additional_slave_SAE_IDs: ["bob"] }],
      ["the caller as an additional slave", { additional_slave_SAE_IDs: ["alice"] }],
      ["an additional slave that nobody knows", { additional_slave_SAE_IDs: ["mallory"] }],
      [
        "more than max_SAE_ID_count",
        { additional_slave_SAE_IDs: Array.from({ length: 17 }, (_, i) => `sae${i}`) },
      ],
      ["extension_mandatory that is an object", { extension_mandatory: {} }],
      ["extension_mandatory of texts", { extension_mandatory: ["a"] }],
      ["extension_mandatory that is null", { extension_mandatory: null }],
      ["extension_optional that is an object", { extension_optional: {} }],
      ["extension_optional of numbers", { extension_optional: [1] }],
    ]
    for (const [what, body] of badBodies)
      it(`is 400 for ${what}`, async () => {
        assertError(await enc(body), 400)
      })

    for (const query of [
      "number=",
      "number",
      "number=x",
      "number=1.0",
      "number=-1",
      "number=+1",
      "number=%20" + "1",
      "number=0x1",
      "number=1&number=1",
      "size=",
      "size=256&size=256",
      "sizes=256",
      "Number=1",
      "number=1&&size=256",
      "additional_slave_SAE_IDs=ben",
      "extension_mandatory=x",
      "number=%",
      "number=99999999999999999999",
    ])
      it(`is 400 for the query ${query}`, async () => {
        assertError(await ask({ who: "alice", target: `bob/enc_keys?${query}` }), 400)
      })

    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "application/jsonx",
      "application/json; charset=latin1",
      "",
    ])
      it(`is 400 for a body of type "${type}"`, async () => {
        assertError(
          await ask({
            who: "alice",
            target: "bob/enc_keys",
            body: {},
            headers: { "content-type": type },
          }),
          400,
        )
      })

    it("is 400 for POST with a query, and for GET with a body", async () => {
      assertError(await enc({}, "bob/enc_keys?number=1"), 400)
      assertError(
        await ask({ who: "alice", target: "bob/enc_keys", method: "GET", body: "{}" }),
        400,
      )
    })

    it("is 413 for a body without measure", async () => {
      const told = await enc(`{"number": 1${" ".repeat(70_000)}}`)
      assert.equal(told.status, 413)
    })

    it("is 400 for a peer that nobody knows, and for the caller itself", async () => {
      assertError(await enc({}, "mallory/enc_keys"), 400)
      assertError(await enc({}, "alice/enc_keys"), 400)
    })

    for (const [what, extensions, message] of [
      ["one unknown", [{ acme_route: "direct" }], UNSUPPORTED],
      ["one unknown beside a known one", [{ keyloom_route: "direct" }, { acme_x: 1 }], UNSUPPORTED],
      ["one that looks like ours", [{ keyloom_unheard_of: 1 }], UNSUPPORTED],
      ["a node to avoid that the path needs", [{ keyloom_avoid_nodes: [sites.kmeId("B")] }], UNMET],
      ["more paths than there are", [{ keyloom_disjoint_paths: 2 }], UNMET],
      ["an epsilon where none is known", [{ keyloom_max_epsilon: 1e-9 }], UNMET],
      ["a value that is none", [{ keyloom_route: "scenic" }], UNMET],
      ["a value of another type", [{ keyloom_max_age_s: "60" }], UNMET],
      ["the same one twice", [{ keyloom_route: "any" }, { keyloom_route: "direct" }], UNMET],
    ] as const)
      it(`refuses extension_mandatory: ${what}`, async () => {
        assertError(await enc({ extension_mandatory: extensions }), 400, message)
        const wished = await enc({ extension_optional: extensions })
        assertKeys(wished, 1, 256)
      })

    for (const extension of [
      { keyloom_route: "direct" },
      { keyloom_route: "any" },
      { keyloom_avoid_nodes: [randomUUID()] },
      { keyloom_disjoint_paths: 1 },
      { keyloom_max_age_s: 60 },
    ])
      it(`meets extension_mandatory: ${JSON.stringify(extension).slice(0, 40)}`, async () => {
        assertKeys(await enc({ extension_mandatory: [extension] }), 1, 256)
      })

    it("gives several slaves the same keys, each once; one beside the master too", async () => {
      const told = await enc({ number: 3, additional_slave_SAE_IDs: ["ben", "amy", "carol/é"] })
      assertKeys(told, 3, 256)
      for (const who of ["bob", "ben", "amy", "carol/é"]) {
        const taken = await dec(who, { key_IDs: idsOf(told) })
        assert.deepEqual(keysOf(taken).keys, keysOf(told).keys, who)
        assertError(await dec(who, { key_IDs: idsOf(told) }), 400, NOT_FOUND)
      }
    })
  })

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
