// ETSI GS QKD 020 V1.1.1, clauses of the checks that `etsi020-clauses.test.ts` runs: acks, and keys that are taken back.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { CALLBACK, type Container, type ClauseDesk } from "./etsi020-desk.js"
import type { Told } from "./etsi020-sites.js"

export function ackClauses(desk: ClauseDesk): void {
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

  describe("ack", () => {
    const ackOf = (over: Readonly<Record<string, unknown>> = {}): unknown[] => [
      {
        ...{ key_id_container: [{ key_id: randomUUID() }], ack_status: "relayed" },
        ...{ initiator_sae_id: "alice", target_sae_ids: ["bob"], ...over },
      },
    ]
    const acknowledge = (body: unknown): Promise<Told> => post("/kmapi/v1/ext_keys/ack", body)

    for (const [what, body] of [
      ["of keys it does not know", ackOf()],
      ["with a message and extensions", ackOf({ message: "late", extension: { E1_x: 1 } })],
      ["of nothing", []],
    ] as const)
      it(`answers 200: ${what}`, async () => {
        assert.equal((await acknowledge(body)).status, 200)
      })

    for (const [what, body] of [
      ["not an array", {}],
      ["1025 containers", Array.from({ length: 1025 }, () => ackOf()[0])],
      ["an unknown status", ackOf({ ack_status: "done" })],
      ["no status", ackOf({ ack_status: undefined })],
      ["no keys", ackOf({ key_id_container: [] })],
      ["keys at array level", ackOf({ key_id_container: { key_id: randomUUID() } })],
      ["a message of 4097", ackOf({ message: "x".repeat(4097) })],
      ["no SAE", ackOf({ initiator_sae_id: undefined })],
      ["an unknown member", ackOf({ when: 0 })],
    ] as const)
      it(`answers 400: ${what}`, async () => {
        assertProblem(await acknowledge(body), 400)
      })

    it("R5: believes nobody but the domain that was given the keys", async () => {
      // The peer is mute; a word for other SAEs does not count as its own.
      await foreign.seen()
      await foreign.behave({ on_keys: "mute" })
      const appId = ours.appOf("alice", "bob")?.appId ?? ""
      const making = ours.first.makeKeys(appId, "alice", ["bob"], 1, 256)
      let keyId = ""
      for (const end = Date.now() + 60_000; keyId === "" && Date.now() < end; )
        for (const { path, body } of await foreign.seen())
          if (path.endsWith("/ext_keys"))
            keyId = (body as unknown as Container).keys[0]?.key_id ?? ""
      const key_id_container = [{ key_id: keyId }]
      await acknowledge(ackOf({ key_id_container, initiator_sae_id: "amy" }))
      await acknowledge(ackOf({ key_id_container, target_sae_ids: ["ben"] }))
      await acknowledge(ackOf({ key_id_container, ack_status: "failed to void" }))
      const late = Symbol("late")
      const pause = new Promise((resolve) => setTimeout(resolve, 200, late))
      assert.equal(await Promise.race([making, pause]), late)
      await acknowledge(ackOf({ key_id_container }))
      assert.equal((await making)[0]?.keyId, keyId)
    })
  })

  describe("void", () => {
    it("R5: takes back keys that were relayed to another node, and they never live again", async () => {
      const body = container({ keys: keysOf(2) })
      await give(body)
      const ids = body.keys.map(({ key_id }) => key_id)
      assert.deepEqual(idsIn(acksIn(await takeBack(voidOf(body))), "voided"), ids)
      await assertGone("alice", body)
      assert.deepEqual(idsIn(acksIn(await give(body)), "voided"), ids)
      await assertGone("alice", body)
      assert.deepEqual(idsIn(acksIn(await takeBack(voidOf(body))), "voided"), ids)
    })

    it("says so by call back where one is named", async () => {
      const body = container()
      await give(body)
      const told = await takeBack(voidOf(body, { ack_callback_url: callback() }))
      assert.equal(told.status, 202)
      assert.deepEqual((await heard())[0]?.ack_status, "voided")
    })

    it("fails to take back what an SAE has", async () => {
      const body = container()
      await give(body)
      await fetch("alice", body)
      assert.equal(acksIn(await takeBack(voidOf(body)))[0]?.ack_status, "failed to void")
    })

    it("says of keys that it never had that they are not present, and takes them no more", async () => {
      const body = container()
      assert.equal(acksIn(await takeBack(voidOf(body)))[0]?.ack_status, "key not present")
      assert.equal(acksIn(await give(body))[0]?.ack_status, "voided")
      await assertGone("alice", body)
    })

    it("R5: does not touch keys under other SAEs' names", async () => {
      const body = container()
      await give(body)
      for (const other of [{ initiator_sae_id: "ben" }, { target_sae_ids: ["amy"] }])
        assert.equal(acksIn(await takeBack(voidOf(body, other)))[0]?.ack_status, "key not present")
      assert.equal((await fetch("alice", body)).length, 1)
    })

    it("takes back all keys of a pair where that is confirmed, and no other pair's", async () => {
      const mine = container({ initiator_sae_id: "ben", target_sae_ids: ["amy"] })
      const other = container({ initiator_sae_id: "ben", target_sae_ids: ["alice"] })
      await give(mine)
      await give(other)
      const all = voidOf(mine, { key_ids: [], all_confirmation: true })
      assert.equal(idsIn(acksIn(await takeBack(all)), "voided").length, 1)
      const ids = other.keys.map(({ key_id }) => key_id)
      assert.equal((await ours.first.takeKeys("alice", "ben", ids)).length, 1)
    })

    it("takes back one of several that came together, for good, and the others stay", async () => {
      const body = container({ keys: keysOf(3) })
      await give(body)
      const [first, ...others] = body.keys
      const part = voidOf(body, { key_ids: [first?.key_id] })
      for (let again = 0; again < 2; again++)
        assert.equal(acksIn(await takeBack(part))[0]?.ack_status, "voided")
      const alone = { ...body, keys: first === undefined ? [] : [first] }
      await assertGone("alice", alone)
      assert.equal(acksIn(await give(alone))[0]?.ack_status, "voided")
      await assertGone("alice", alone)
      assert.equal((await fetch("alice", { ...body, keys: others })).length, 2)
    })

    it("takes back one by one what came together, and says of what an SAE has that it failed", async () => {
      const body = container({ keys: keysOf(3) })
      await give(body)
      const [first, second, third] = body.keys.map(({ key_id }) => key_id)
      await ours.first.takeKeys("alice", "bob", [second ?? ""])
      const acks = acksIn(await takeBack(voidOf(body, { key_ids: [first, second] })))
      assert.deepEqual(idsIn(acks, "voided"), [first])
      assert.deepEqual(idsIn(acks, "failed to void"), [second])
      const last = acksIn(await takeBack(voidOf(body, { key_ids: [third] })))
      assert.deepEqual(idsIn(last, "voided"), [third])
      for (const key_id of [first, second, third])
        await assertGone("alice", { ...body, keys: [{ key_id: key_id ?? "", value: "" }] })
    })

    it("takes back what is left after a part of it", async () => {
      const body = container({ keys: keysOf(3) })
      await give(body)
      const [first, ...left] = body.keys.map(({ key_id }) => key_id)
      await takeBack(voidOf(body, { key_ids: [first] }))
      const acks = acksIn(await takeBack(voidOf(body, { key_ids: left })))
      assert.deepEqual(idsIn(acks, "voided"), left)
      await assertGone("alice", body)
    })

    const body = container()
    for (const [what, message, at] of [
      ["no key_ids", voidOf(body, { key_ids: undefined }), "/key_ids"],
      ["all keys unconfirmed", voidOf(body, { key_ids: [] }), "/all_confirmation"],
      [
        "all keys denied",
        voidOf(body, { key_ids: [], all_confirmation: false }),
        "/all_confirmation",
      ],
      ["an id that is none", voidOf(body, { key_ids: ["x"] }), "/key_ids/0"],
      ["no initiator", voidOf(body, { initiator_sae_id: undefined }), "/initiator_sae_id"],
      ["SAEs that are not its own", voidOf(body, { initiator_sae_id: "amy" }), "/initiator_sae_id"],
      [
        "R5, a call back elsewhere",
        voidOf(body, { ack_callback_url: "https://10.0.0.1/" }),
        CALLBACK,
      ],
      ["an unknown member", voidOf(body, { reason: "" }), "/reason"],
    ] as const)
      it(`answers 400: ${what}`, async () => {
        assert.equal(assertProblem(await takeBack(message), 400)["path"], at)
      })

    it("calls an unconfirmed void of all keys no_all_confirmation in details", async () => {
      for (const over of [{}, { all_confirmation: false }]) {
        const told = await takeBack(voidOf(body, { key_ids: [], ...over }))
        assert.match(assertProblem(told, 400)["no_all_confirmation"] ?? "", /all keys/)
      }
      const other = await takeBack(voidOf(body, { key_ids: ["x"] }))
      assert.equal(assertProblem(other, 400)["no_all_confirmation"], undefined)
    })

    it("lets the domain take back what it was given and has not called relayed", async () => {
      await foreign.seen()
      await foreign.behave({ on_keys: "mute" })
      const appId = ours.appOf("alice", "bob")?.appId ?? ""
      const making = assert.rejects(ours.first.makeKeys(appId, "alice", ["bob"], 1, 256))
      let key_ids: string[] = []
      for (const end = Date.now() + 60_000; key_ids.length === 0 && Date.now() < end; )
        for (const { path, body } of await foreign.seen())
          if (path.endsWith("/ext_keys"))
            key_ids = (body as unknown as Container).keys.map(({ key_id }) => key_id)
      const parties = { initiator_sae_id: "alice", target_sae_ids: ["bob"] }
      assert.deepEqual(idsIn(acksIn(await takeBack({ key_ids, ...parties })), "voided"), key_ids)
      await making
    })
  })
}
