// What the audit trail is told of a delivery is written by hand, for speed: it must be what JSON would have written.

import assert from "node:assert/strict"
import { deliveryText } from "../../src/node/delivery-record.js"
import type { DeliveryRecord } from "../../src/node/delivery-record.js"

const UUID = "0f0e0d0c-0b0a-4908-8706-050403020100"
const NAMES = ["alice", "", 'a"b', "c\\d", "line\nfeed", "Zoë", "\u2028", "\ud800", "null"]

describe("the text of a delivery in the audit trail", () => {
  it("is what JSON writes, whatever SAEs and keys are called", () => {
    for (const saeId of NAMES)
      for (const peerSaeId of NAMES)
        for (const keyIds of [[UUID], [saeId], [UUID, peerSaeId], [], [peerSaeId, UUID, saeId]]) {
          const record: DeliveryRecord = {
            ...{ method: "enc_keys", saeId, peerSaeId, keyIds, keySizeBits: 256 },
          }
          assert.equal(`{${deliveryText(record)}}`, JSON.stringify(record))
        }
  })

  it("tells of groups and of streams what they have more", () => {
    const common = { saeId: "alice", peerSaeId: "bob" }
    for (const record of [
      { method: "enc_keys", ...common, additionalSaeIds: ['c"d'], keyIds: [UUID], keySizeBits: 8 },
      {
        ...{ method: "get_key", ...common, keyIds: [UUID], keySizeBits: 512 },
        ...{ keyStreamId: UUID, index: 0 },
      },
    ] satisfies DeliveryRecord[])
      assert.equal(`{${deliveryText(record)}}`, JSON.stringify(record))
  })

  it("never tells one caller's delivery as another's", () => {
    const ask = (saeId: string, peerSaeId: string): string =>
      deliveryText({ method: "dec_keys", saeId, peerSaeId, keyIds: [UUID], keySizeBits: 256 })
    const texts = [ask("a", "b"), ask("b", "a"), ask("a", "b"), ask("a", "c")]
    assert.equal(texts[0], texts[2])
    assert.equal(new Set(texts).size, 3)
  })
})
