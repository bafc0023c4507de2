// ETSI GS QKD 020 V1.1.1, clauses of the checks that `etsi020-clauses.test.ts` runs: the border node gives keys.

import assert from "node:assert/strict"
import type { EndKey } from "../../src/node/ports.js"
import { base64, type Container, type ClauseDesk } from "./etsi020-desk.js"
import type { Seen } from "./etsi020-sites.js"

export function givingClauses(desk: ClauseDesk): void {
  const { ours, foreign } = desk

  describe("ext_keys, giving", () => {
    const make = (slaves: readonly string[] = ["bob"], count = 1): Promise<EndKey[]> =>
      ours.make("alice", slaves, count)
    const sent = (seen: readonly Seen[], end: string): Readonly<Record<string, unknown>>[] =>
      seen
        .filter(({ path }) => path.endsWith(end))
        .map(({ body }) => body as Readonly<Record<string, unknown>>)

    it("hands an SAE's keys over, and to nobody before they are called relayed", async () => {
      await foreign.seen()
      const made = await make(["bob"], 3)
      const [body, ...more] = sent(await foreign.seen(), "/ext_keys")
      assert.deepEqual(more, [])
      assert.deepEqual(body, {
        keys: made.map((key) => ({ key_id: key.keyId, value: base64(key) })),
        ...{ initiator_sae_id: "alice", target_sae_ids: ["bob"] },
        ack_callback_url: `${ours.url}/kmapi/v1/ext_keys/ack`,
      })
      for (const key of made) assert.equal(await foreign.fetch(key.keyId), base64(key))
    })

    it("hands over keys of an SAE that lives at the border itself", async () => {
      const [key] = await ours.last.supplyKeys({
        ...{ masterSaeId: "own-ours", slaves: [{ saeId: "bob" }], count: 1, keySizeBits: 128 },
      })
      assert.equal(await foreign.fetch(key?.keyId ?? ""), key && base64(key))
      await foreign.behave({ on_keys: "failed" })
      const order = { masterSaeId: "own-ours", slaves: [{ saeId: "bob" }] }
      await assert.rejects(ours.last.supplyKeys({ ...order, count: 1, keySizeBits: 128 }), {
        appTag: "no-path",
      })
    })

    it("names several targets in one", async () => {
      await foreign.seen()
      await make(["bob", "ben"])
      const [body] = sent(await foreign.seen(), "/ext_keys")
      assert.deepEqual(body?.["target_sae_ids"], ["bob", "ben"])
    })

    it("audits keys before they leave, and lets none leave that it cannot", async () => {
      ours.audited.length = 0
      const [key] = await make()
      assert.deepEqual(ours.audited, [{ method: "given", keyIds: [key?.keyId] }])
      ours.auditFault = new Error("disk")
      await foreign.seen()
      await assert.rejects(make())
      ours.auditFault = undefined
      assert.deepEqual(sent(await foreign.seen(), "/ext_keys"), [])
    })

    for (const status of [503, 408])
      it(`gives the same keys again after ${status}`, async () => {
        await foreign.seen()
        await foreign.behave({ on_keys: [status, status, "relayed"] })
        const [key] = await make()
        const bodies = sent(await foreign.seen(), "/ext_keys")
        assert.equal(bodies.length, 3)
        assert.deepEqual(bodies[0], bodies[2])
        assert.equal(await foreign.fetch(key?.keyId ?? ""), key && base64(key))
      })

    it("gives the same keys again when the answer is lost", async () => {
      await foreign.seen()
      await foreign.behave({ drop_acks: 1, on_keys: [503, "relayed"] })
      // The first acknowledgement is lost and nothing asks for another: they are taken back.
      const { handovers } = ours.last.border.countsOf("foreign")
      await assert.rejects(make())
      await ours.until(() => ours.last.border.countsOf("foreign").handovers === handovers)
      const seen = await foreign.seen()
      assert.equal(sent(seen, "/void").length, 1)
      assert.equal((await make()).length, 1)
    })

    for (const [what, how] of [
      ["failed", { on_keys: "failed" }],
      ["no word in time", { on_keys: "mute" }],
      ["503 and nothing else", { on_keys: 503 }],
    ] as const)
      it(`takes keys back that were not relayed: ${what}`, async () => {
        await foreign.seen()
        const { handovers } = ours.last.border.countsOf("foreign")
        await foreign.behave(how)
        await assert.rejects(make())
        await ours.until(() => ours.last.border.countsOf("foreign").handovers === handovers)
        const seen = await foreign.seen()
        const ids = sent(seen, "/ext_keys").map(({ keys }) =>
          (keys as Container["keys"]).map(({ key_id }) => key_id),
        )
        const [taken] = sent(seen, "/void")
        assert.deepEqual(taken?.["key_ids"], ids[0])
        assert.equal(await foreign.fetch(ids[0]?.[0] ?? ""), null)
      })

    for (const status of [400, 401])
      it(`believes that nothing is there after ${status}`, async () => {
        await foreign.seen()
        await foreign.behave({ on_keys: status })
        await assert.rejects(make())
        const seen = await foreign.seen()
        assert.equal(sent(seen, "/ext_keys").length, 1)
        assert.deepEqual(sent(seen, "/void"), [])
      })

    it("takes keys back until it is heard", async () => {
      await foreign.seen()
      const { handovers } = ours.last.border.countsOf("foreign")
      await foreign.behave({ on_keys: "failed", on_void: 503 })
      await assert.rejects(make())
      assert.equal(ours.last.border.countsOf("foreign").handovers, handovers + 1)
      await foreign.behave({ on_void: "honest" })
      await ours.until(() => ours.last.border.countsOf("foreign").handovers === handovers)
    })
  })
}
