// vici's bytes, against a message laid out by hand after strongSwan's description of the protocol; the real charon
// is asked in ipsec.test.ts.

import assert from "node:assert/strict"
import { decodeViciPacket, encodeViciPacket, VICI } from "../../src/consumer/vici-packet.js"
import { isQkdError } from "../errors-helper.js"

const text = (value: string): number[] => [...Buffer.from(value)]

describe("a vici packet", () => {
  it("has the bytes that the protocol's description gives", () => {
    const packet = encodeViciPacket(VICI.request, "ab", {
      key1: "value1",
      section1: { "sub-section": { key2: "value2" }, list1: ["item1", "item2"] },
      left: undefined,
    })
    const body = [
      ...[0, 2, ...text("ab")],
      ...[3, 4, ...text("key1"), 0, 6, ...text("value1")],
      ...[1, 8, ...text("section1")],
      ...[1, 11, ...text("sub-section")],
      ...[3, 4, ...text("key2"), 0, 6, ...text("value2")],
      2,
      ...[4, 5, ...text("list1")],
      ...[5, 0, 5, ...text("item1")],
      ...[5, 0, 5, ...text("item2")],
      6,
      2,
    ]
    assert.deepEqual([...packet], [0, 0, 0, body.length, ...body])
  })

  it("comes back as it was, bytes beyond ASCII included", () => {
    const message = { a: "ü".repeat(300), s: { l: ["x", ""], t: { u: "" } } }
    const packet = encodeViciPacket(VICI.event, "ike-updown", message)
    assert.deepEqual(decodeViciPacket(packet.subarray(4)), {
      type: VICI.event,
      name: "ike-updown",
      message,
    })
    const key = Uint8Array.of(0, 255, 128, 10)
    const secret = encodeViciPacket(VICI.request, "load-shared", { data: key })
    assert.ok(Buffer.from(secret).includes(Buffer.from([0, 4, ...key])))
  })

  it("is refused when it is cut off at any byte, or nested without end", () => {
    const packet = encodeViciPacket(VICI.response, undefined, { a: "b", s: { l: ["x"] } })
    for (let length = 2; length < packet.length - 4; length += 1)
      if (length !== 1 + 6)
        assert.throws(
          () => decodeViciPacket(packet.subarray(4, 4 + length)),
          isQkdError("malformed-message"),
          `${length} bytes`,
        )
    const nested = [1, ...Array.from({ length: 40 }, () => [1, 1, 97]).flat()]
    assert.throws(() => decodeViciPacket(Uint8Array.from(nested)), isQkdError("malformed-message"))
  })

  it("is not written beyond the protocol's lengths", () => {
    const refused = isQkdError("too-big")
    assert.throws(() => encodeViciPacket(0, "x", { ["n".repeat(256)]: "" }), refused)
    assert.throws(() => encodeViciPacket(0, "x", { n: "v".repeat(65_536) }), refused)
    const big = Object.fromEntries(
      Array.from({ length: 9 }, (_, i) => [`n${i}`, "v".repeat(65_000)]),
    )
    assert.throws(() => encodeViciPacket(0, "x", big), refused)
  })
})
