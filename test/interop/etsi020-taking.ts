// ETSI GS QKD 020 V1.1.1, clauses of the checks that `etsi020-clauses.test.ts` runs: the border node takes keys.

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { QkdError } from "../../src/errors.js"
import type { AppTag } from "../../src/errors.js"
import { base64, CALLBACK, type ClauseDesk } from "./etsi020-desk.js"

export function takingClauses(desk: ClauseDesk): void {
  const {
    post,
    give,
    takeBack,
    keysOf,
    container,
    voidOf,
    callback,
    idsIn,
    acksIn,
    heard,
    fetch,
    assertGone,
    assertProblem,
    ours,
    foreign,
  } = desk

  describe("ext_keys, taking", () => {
    it("takes keys at once and tells later that they are relayed", async () => {
      const body = container({ keys: keysOf(3), ack_callback_url: callback() })
      const told = await give(body)
      assert.deepEqual([told.status, told.body], [202, ""])
      const [ack, ...more] = await heard()
      const ids = body.keys.map(({ key_id }) => ({ key_id }))
      assert.deepEqual(
        [ack, more],
        [
          {
            ...{ key_id_container: ids, ack_status: "relayed" },
            ...{ initiator_sae_id: "bob", target_sae_ids: ["alice"] },
          },
          [],
        ],
      )
      const fetched = await fetch("alice", body)
      assert.deepEqual(
        fetched.map(base64),
        body.keys.map(({ value }) => value),
      )
      await assertGone("alice", body)
    })

    it("answers with the acks where no call back is named", async () => {
      const body = container({ keys: keysOf(2) })
      const acks = acksIn(await give(body))
      assert.deepEqual(
        idsIn(acks, "relayed"),
        body.keys.map(({ key_id }) => key_id),
      )
      assert.equal((await fetch("alice", body)).length, 2)
    })

    it("takes keys of several sizes, ids in capitals, and JSON as others write it", async () => {
      const keys = [...keysOf(1, 16), ...keysOf(1, 32), ...keysOf(1, 9)].map((one) => one)
      const text = JSON.stringify({ ...container({ keys }), extension_optional: { E1_x: {} } })
      const odd = text.replaceAll("/", "\\/").replaceAll(",", " ,\n\t")
      const shouted = odd.replace(keys[0]?.key_id ?? "", keys[0]?.key_id.toUpperCase() ?? "")
      const acks = acksIn(await give(shouted))
      assert.equal(idsIn(acks, "relayed").length, 3)
      const fetched = await fetch("alice", container({ keys }))
      assert.deepEqual(
        fetched.map(base64),
        keys.map(({ value }) => value),
      )
    })

    it("gives several targets the same key, each once", async () => {
      const body = container({ target_sae_ids: ["alice", "amy"] })
      assert.equal(idsIn(acksIn(await give(body)), "relayed").length, 1)
      const [one] = await fetch("alice", body)
      const [two] = await fetch("amy", body)
      assert.ok(one !== undefined && two !== undefined)
      assert.equal(base64(one), base64(two))
      await assertGone("alice", body)
    })

    it("takes keys for an SAE of its own", async () => {
      const body = container({ target_sae_ids: ["own-ours"] })
      assert.equal(idsIn(acksIn(await give(body)), "relayed").length, 1)
      const ids = body.keys.map(({ key_id }) => key_id)
      assert.equal((await ours.last.takeKeys("own-ours", "bob", ids)).length, 1)
    })

    it("repeats the answer to the same keys, however they are grouped, and delivers them once", async () => {
      const body = container({ keys: keysOf(2) })
      assert.equal(idsIn(acksIn(await give(body)), "relayed").length, 2)
      const again = container({ keys: [...body.keys.slice(1), ...keysOf(1)] })
      assert.equal(idsIn(acksIn(await give(again)), "relayed").length, 2)
      await fetch("alice", body)
      assert.equal(idsIn(acksIn(await give(body)), "relayed").length, 2)
      await assertGone("alice", body)
    })

    it("tells again by call back what was asked again", async () => {
      const body = container({ ack_callback_url: callback() })
      await give(body)
      assert.equal((await heard())[0]?.ack_status, "relayed")
      await give(body)
      assert.equal((await heard())[0]?.ack_status, "relayed")
    })

    it("tells again when the one who waits did not hear", async () => {
      await foreign.behave({ refuse_acks: 2 })
      const body = container({ ack_callback_url: callback() })
      await give(body)
      assert.equal(idsIn(await heard(3), "relayed").length, 3)
    })

    it("takes no other key under an id that was used", async () => {
      const body = container()
      await give(body)
      for (const other of [
        container({ keys: [{ ...body.keys[0], value: randomBytes(32).toString("base64") }] }),
        container({ keys: body.keys, target_sae_ids: ["amy"] }),
        container({ keys: body.keys, initiator_sae_id: "ben" }),
      ])
        assert.equal(idsIn(acksIn(await give(other)), "failed").length, 1)
      const [fetched] = await fetch("alice", body)
      assert.equal(fetched && base64(fetched), body.keys[0]?.value)
    })

    const [key] = keysOf()
    for (const [what, body, at] of [
      ["no JSON", "{", "/"],
      ["not an object", [], "/"],
      ["a member twice", '{"keys":[],"keys":[]}', "/"],
      ["no keys", container({ keys: undefined }), "/keys"],
      ["keys of nobody", container({ initiator_sae_id: undefined }), "/initiator_sae_id"],
      ["keys for nobody", container({ target_sae_ids: undefined }), "/target_sae_ids"],
      ["an empty list of keys", container({ keys: [] }), "/keys"],
      ["an empty list of targets", container({ target_sae_ids: [] }), "/target_sae_ids"],
      ["more keys than the site allows", container({ keys: keysOf(129, 8) }), "/keys"],
      ["a key without id", container({ keys: [{ value: key?.value }] }), "/keys/0/key_id"],
      ["a key without value", container({ keys: [{ key_id: key?.key_id }] }), "/keys/0/value"],
      ["an id that is no UUID", container({ keys: [{ ...key, key_id: "7" }] }), "/keys/0/key_id"],
      ["an id twice", container({ keys: [key, { ...key, value: "AAAAAAAAAAA=" }] }), "/keys"],
      ["a value that is no text", container({ keys: [{ ...key, value: 7 }] }), "/keys/0/value"],
      ["a value that is no base64", container({ keys: [{ ...key, value: "????" }] }), undefined],
      [
        "stray bits of padding",
        container({ keys: [{ ...key, value: "AAAAAAAAAAB=" }] }),
        undefined,
      ],
      ["an empty value", container({ keys: [{ ...key, value: "" }] }), undefined],
      ["a key below the site's sizes", container({ keys: keysOf(1, 7) }), "/keys/0/value"],
      ["a key above the site's sizes", container({ keys: keysOf(1, 513) }), "/keys/0/value"],
      ["an unknown member", container({ priority: 1 }), "/priority"],
      ["an unknown member of a key", container({ keys: [{ ...key, ttl: 1 }] }), "/keys/0/ttl"],
      ["an SAE id with a space", container({ target_sae_ids: ["a b"] }), "/target_sae_ids/0"],
      ["an SAE id of 65", container({ initiator_sae_id: "a".repeat(65) }), "/initiator_sae_id"],
      ["a target twice", container({ target_sae_ids: ["alice", "alice"] }), "/target_sae_ids"],
      ["an initiator of ours", container({ initiator_sae_id: "amy" }), "/initiator_sae_id"],
      ["an initiator of nobody", container({ initiator_sae_id: "eve" }), "/initiator_sae_id"],
      [
        "a target that lies back there",
        container({ target_sae_ids: ["ben"] }),
        "/target_sae_ids/0",
      ],
      ["a target that nobody has", container({ target_sae_ids: ["zoe"] }), undefined],
      ["extensions in an array", container({ extension_mandatory: [] }), "/extension_mandatory"],
      [
        "an extension of nobody",
        container({ extension_optional: { x: 1 } }),
        "/extension_optional",
      ],
      ["a call back in clear", container({ ack_callback_url: "http://127.0.0.1/" }), CALLBACK],
      [
        "R5, a call back elsewhere",
        container({ ack_callback_url: "https://127.0.0.1:1/" }),
        CALLBACK,
      ],
      [
        "a call back of 1025",
        container({ ack_callback_url: `https://${"a".repeat(1017)}` }),
        CALLBACK,
      ],
    ] as const)
      it(`answers 400 and keeps nothing: ${what}`, async () => {
        const { intakes } = ours.last.border.countsOf("foreign")
        const details = assertProblem(await give(body), 400)
        if (at !== undefined) assert.equal(details["path"], at)
        assert.equal(ours.last.border.countsOf("foreign").intakes, intakes)
      })

    it("answers 400 to a call back that is not ASCII: it would not fit where it is kept", async () => {
      const { intakes } = ours.last.border.countsOf("foreign")
      const body = container({ ack_callback_url: `${callback()}?${"ä".repeat(600)}` })
      assertProblem(await give(body), 400)
      assert.equal(ours.last.border.countsOf("foreign").intakes, intakes)
    })

    it("answers 400 to a name written so that a key could hide behind it", async () => {
      const text = JSON.stringify(container()).replace('"value"', '"val\\u0075e"')
      assertProblem(await give(text), 400)
    })

    it("answers 400 to another content type", async () => {
      const headers = { "content-type": "text/plain" }
      assertProblem(await post("/kmapi/v1/ext_keys", container(), { headers }), 400)
    })

    it("answers 503 and names the mandatory extension that it does not know", async () => {
      const body = container({ extension_mandatory: { E99999_route: { via: "sea" } } })
      assert.deepEqual(assertProblem(await give(body), 503), {
        unsupported_mandatory_extension: "E99999_route",
      })
      assert.deepEqual(acksIn(await takeBack(voidOf(body)))[0]?.ack_status, "key not present")
    })

    it("answers 503 to more targets than it can", async () => {
      const many = Array.from({ length: 49 }, (_, i) => `sae-${i}`)
      const details = assertProblem(await give(container({ target_sae_ids: many })), 503)
      assert.deepEqual(Object.keys(details), ["no_multi_target_route"])
    })

    for (const [appTag, detail] of [
      ["no-path", "no_route"],
      ["node-unreachable", "no_route"],
      ["timeout", "no_route"],
      ["pool-empty", "insufficient_key_material"],
    ] satisfies [AppTag, string][])
      it(`answers 503 ${detail}: ${appTag}`, async () => {
        ours.deskFault = new QkdError("operation-failed", "secret words", { appTag })
        const told = await give(container())
        ours.deskFault = undefined
        assert.deepEqual(Object.keys(assertProblem(told, 503)), [detail])
        assert.ok(!told.body.includes("secret words"))
      })

    it("takes no key that it cannot audit", async () => {
      ours.auditFault = new Error("disk")
      const body = container()
      const told = await give(body)
      ours.auditFault = undefined
      assertProblem(told, 503)
      await assertGone("alice", body)
    })

    it("says failed where the keys find no way, and keeps none of them", async () => {
      const source = ours.faults[0] ?? {}
      source.allowsEnd = () => false
      const body = container({ ack_callback_url: callback() })
      assert.equal((await give(body)).status, 202)
      const [ack] = await heard()
      delete source.allowsEnd
      assert.equal(ack?.ack_status, "failed")
      assert.equal(typeof ack.message, "string")
      await assertGone("alice", body)
      const { ack_callback_url: _, ...again } = body
      assert.equal(idsIn(acksIn(await give(again)), "failed").length, 1, "an id lives once")
    })
  })
}
