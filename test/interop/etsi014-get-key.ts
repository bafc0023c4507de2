// ETSI GS QKD 014 V1.1.1, clauses of the checks that `etsi014-clauses.test.ts` runs: keys are asked for.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { type ClauseDesk, NOT_FOUND, EIGHT, UNSUPPORTED, UNMET } from "./etsi014-desk.js"
import { keysOf, type Ask } from "./etsi014-sites.js"

export function getKeyClauses(desk: ClauseDesk): void {
  const { ask, assertError, assertKeys, enc, idsOf, dec, sites } = desk

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
}
