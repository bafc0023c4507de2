// Relay messages and their tag: known answers, and no bit may be changed anywhere.

import assert from "node:assert/strict"
import { randomBytes, randomUUID } from "node:crypto"
import fc from "fast-check"
import { oneTimeTag, oneTimeTagIsRight } from "../../src/keys/one-time-mac.js"
import {
  decodeRelayHeader,
  encodeRelayHeader,
  encodeShipment,
} from "../../src/keys/relay-header.js"
import type { RelayHeader } from "../../src/keys/relay-header.js"
import { cargoOf, load, parseRelay, unwrapRelay, wrapRelay } from "../../src/keys/relay-message.js"
import type { Cargo, UnprovenRelay } from "../../src/keys/relay-message.js"
import { Secret } from "../../src/keys/secret.js"

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/[\s:]/g, ""), "hex")
const secret = (bytes: Uint8Array): Secret => Secret.take(Uint8Array.from(bytes))

function headerFor(keys: number, keySizeBits: number): RelayHeader {
  const block = randomUUID()
  const size = (keys * keySizeBits) / 8
  return {
    transferId: randomUUID(),
    appId: randomUUID(),
    pathQkdlId: randomUUID(),
    source: "a",
    destination: "d",
    masterSaeId: "sae a",
    slaveSaeIds: ["sae d", "sæ e"],
    keyIds: Array.from({ length: keys }, () => randomUUID()),
    keySizeBits,
    ttlS: 60,
    sessionId: randomBytes(16),
    number: 7n,
    sender: "b",
    receiver: "c",
    qkdlId: randomUUID(),
    direction: 0,
    nodes: ["a", "b"],
    tagKey: [{ blockId: block, half: 0, offset: 0, length: 32 }],
    pad: [
      { blockId: block, half: 0, offset: 32, length: 8 },
      { blockId: randomUUID(), half: 1, offset: 0, length: size - 8 },
    ],
  }
}

/** A message of one shipment. */
function wrapOne(header: RelayHeader, cargo: Cargo, pad: Secret, tagKey: Secret): Buffer {
  return wrapRelay(header, [load(header, cargo)], pad, tagKey)
}

function unwrapOne(
  relay: UnprovenRelay,
  pad: Secret,
  tagKey: Secret,
  arrives = true,
): Cargo | undefined {
  return unwrapRelay(relay, pad, tagKey, () => arrives)?.[0]
}

const encodeOne = (header: RelayHeader): Buffer =>
  encodeRelayHeader(header, [encodeShipment(header)])

function decodeOne(bytes: Uint8Array): RelayHeader {
  return decodeRelayHeader(bytes).headers[0] ?? assert.fail()
}

describe("the one-time tag", () => {
  it("gives the answers of RFC 8439, 2.5.2 and A.3", () => {
    const cases: [string, Uint8Array, string][] = [
      [
        "85:d6:be:78:57:55:6d:33:7f:44:52:fe:42:d5:06:a8:01:03:80:8a:fb:0d:b2:fd:4a:bf:f6:af:41:49:f5:1b",
        Buffer.from("Cryptographic Forum Research Group"),
        "a8:06:1d:c1:30:51:36:c6:c2:2b:8b:af:0c:01:27:a9",
      ],
      // A.3 vector 1: all zero. Vectors 7 and 10: the sum overflows the modulus.
      ["00".repeat(32), Buffer.alloc(64), "00".repeat(16)],
      [
        `01${"00".repeat(31)}`,
        hex("FF".repeat(16) + "F0" + "FF".repeat(15) + "11" + "00".repeat(15)),
        `05${"00".repeat(15)}`,
      ],
      [
        `01${"00".repeat(7)}04${"00".repeat(23)}`,
        hex(
          "E33594D7505E43B9 0000000000000000 3394D7505E4379CD 01000000000000000000000000000000000000000000000001000000000000000000000000000000",
        ),
        "14000000000000005500000000000000",
      ],
    ]
    for (const [key, message, tag] of cases) {
      assert.equal(
        Buffer.from(oneTimeTag(hex(key), [message])).toString("hex"),
        hex(tag).toString("hex"),
      )
      const parts = [message.subarray(0, 5), message.subarray(5, 5), message.subarray(5)]
      assert.equal(oneTimeTagIsRight(hex(key), parts, hex(tag)), true)
      assert.equal(oneTimeTagIsRight(hex(key), parts, hex(tag).subarray(1)), false)
    }
  })
})

/** As it was decoded. */
const encodeAll = ({ hop, headers }: ReturnType<typeof decodeRelayHeader>): Buffer =>
  encodeRelayHeader(hop, headers.map(encodeShipment))

describe("a relay message", () => {
  it("comes back as it was sent", () => {
    const header = headerFor(3, 256)
    const keys = randomBytes(96)
    const pad = randomBytes(96)
    const tagKey = randomBytes(32)
    const message = wrapOne(header, cargoOf(secret(keys)), secret(pad), secret(tagKey))
    assert.equal(message.includes(keys.subarray(0, 16)), false)
    const relay = parseRelay(message)
    const { sessionId, ...rest } = relay.headers[0] ?? assert.fail()
    assert.deepEqual(
      { ...rest, sessionId: Uint8Array.from(sessionId) },
      {
        ...header,
        sessionId: Uint8Array.from(header.sessionId),
      },
    )
    const back = unwrapOne(relay, secret(pad), secret(tagKey), true)?.secret
    assert.equal(
      back?.use((b) => Buffer.from(b).equals(keys)),
      true,
    )
  })

  it("is refused with any single bit changed, at every position", () => {
    const header = headerFor(1, 128)
    const [keys, pad, tagKey] = [randomBytes(16), randomBytes(16), randomBytes(32)]
    const message = wrapOne(header, cargoOf(secret(keys)), secret(pad), secret(tagKey))
    for (let bit = 0; bit < message.length * 8; bit++) {
      const changed = Buffer.from(message)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      let opened: Secret | undefined
      try {
        opened = unwrapOne(parseRelay(changed), secret(pad), secret(tagKey), true)?.secret
      } catch (error) {
        assert.equal((error as { tag?: string }).tag, "malformed-message", `bit ${bit}`)
      }
      assert.equal(opened, undefined, `bit ${bit} of ${message.length * 8}`)
    }
  })

  it("is refused when the two ends' pads differ in any bit, though what was sent is untouched", () => {
    const header = headerFor(1, 128)
    const [keys, pad, tagKey] = [randomBytes(16), randomBytes(16), randomBytes(32)]
    const message = wrapOne(header, cargoOf(secret(keys)), secret(pad), secret(tagKey))
    for (let bit = 0; bit < 128; bit++) {
      const other = Buffer.from(pad)
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.equal(unwrapOne(parseRelay(message), secret(other), secret(tagKey), true), undefined)
    }
  })

  it("is refused when cut short or lengthened", () => {
    const header = headerFor(2, 256)
    const message = wrapOne(
      header,
      cargoOf(secret(randomBytes(64))),
      secret(randomBytes(64)),
      secret(randomBytes(32)),
    )
    for (let length = 0; length < message.length; length++)
      assert.throws(() => parseRelay(message.subarray(0, length)), { tag: "malformed-message" })
    assert.throws(() => parseRelay(Buffer.concat([message, Buffer.of(0)])), {
      tag: "malformed-message",
    })
  })

  it("has one encoding only, and garbage is refused with a tag", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(300), (noise, at) => {
        const good = encodeOne(headerFor(1, 256))
        const mixed = Buffer.concat([good.subarray(0, at % good.length), noise])
        try {
          assert.equal(encodeAll(decodeRelayHeader(mixed)).equals(mixed), true)
        } catch (error) {
          if ((error as { tag?: string }).tag !== "malformed-message") throw error
        }
      }),
      { numRuns: 500 },
    )
  })

  it("whose destination combines carries each hop's xor, and only there the keys come out", () => {
    const [keys, first, second, tagKey] = [64, 64, 64, 32].map((size) => randomBytes(size))
    assert.ok(keys && first && second && tagKey)
    const combines = { ...headerFor(2, 256), scheme: "destination-combines" as const }
    const atSource = wrapOne(
      { ...combines, nodes: ["a"] },
      cargoOf(secret(keys)),
      secret(first),
      secret(tagKey),
    )
    const passing = unwrapOne(parseRelay(atSource), secret(first), secret(tagKey), false)
    assert.ok(passing)
    // What the relay holds is the pad of the hop before and what it got: not the keys.
    passing.secret.use((bytes) => {
      assert.deepEqual(Buffer.from(bytes), first)
    })
    assert.equal(Buffer.from(passing.parts).includes(keys.subarray(0, 8)), false)
    const atRelay = wrapOne(combines, passing, secret(second), secret(tagKey))
    const arrived = unwrapOne(parseRelay(atRelay), secret(second), secret(tagKey), true)
    arrived?.secret.use((bytes) => {
      assert.deepEqual(Buffer.from(bytes), keys)
    })
    assert.ok(arrived)
    for (let bit = 0; bit < atRelay.length * 8; bit += 7) {
      const changed = Buffer.from(atRelay)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      try {
        const opened = unwrapOne(parseRelay(changed), secret(second), secret(tagKey), true)
        assert.equal(opened, undefined, `bit ${bit}`)
      } catch (error) {
        assert.equal((error as { tag?: string }).tag, "malformed-message", `bit ${bit}`)
      }
    }
    // Unequal pads show here too.
    assert.equal(unwrapOne(parseRelay(atRelay), secret(first), secret(tagKey), true), undefined)
  })

  it("says which share it is, and how far from ideal the keys are so far", () => {
    const header: RelayHeader = {
      ...headerFor(1, 256),
      share: { groupId: randomUUID(), index: 1, count: 3 },
      signed: true,
      epsilon: 3e-10,
    }
    const back = decodeOne(encodeOne(header))
    assert.deepEqual([back.share, back.signed, back.epsilon], [header.share, true, 3e-10])
    const { epsilon: _, ...unknown } = header
    assert.equal(decodeOne(encodeOne(unknown)).epsilon, undefined)
    for (const share of [
      { groupId: randomUUID(), index: 2, count: 2 },
      { groupId: randomUUID(), index: 0, count: 1 },
      { groupId: randomUUID(), index: 0, count: 17 },
    ])
      assert.throws(() => decodeOne(encodeOne({ ...header, share })), {
        tag: "malformed-message",
      })
    for (const epsilon of [2, Number.NaN, -0.5])
      assert.throws(() => decodeOne(encodeOne({ ...header, epsilon })), {
        tag: "malformed-message",
      })
  })

  it("carries shipments of several services, of either scheme, under one tag", () => {
    const first = headerFor(1, 256)
    const second = { ...headerFor(3, 128), scheme: "destination-combines" as const, nodes: ["b"] }
    const third = { ...headerFor(2, 64), signed: true, epsilon: 1e-9 }
    const sizes = [32, 48, 80]
    const payloads = sizes.map((size) => randomBytes(size))
    const [pad, tagKey] = [randomBytes(160), randomBytes(32)]
    const hop = {
      ...first,
      pad: [
        { blockId: randomUUID(), half: 0 as const, offset: 64, length: 100 },
        { blockId: randomUUID(), half: 1 as const, offset: 0, length: 60 },
      ],
    }
    const all = [first, second, third]
    const loaded = all.map((one, at) => load(one, cargoOf(secret(payloads[at] ?? pad))))
    const message = wrapRelay(hop, loaded, secret(pad), secret(tagKey))
    const relay = parseRelay(message)
    assert.deepEqual(
      relay.headers.map(({ transferId }) => transferId),
      all.map(({ transferId }) => transferId),
    )
    const parts = relay.headers.map((header) => header.pad.map(({ length }) => length))
    assert.deepEqual(parts, [[32], [48], [20, 60]], "each has its part of the pad")
    const cargoes = unwrapRelay(relay, secret(pad), secret(tagKey), () => true)
    const back = cargoes?.map((one) => one.secret.use((bytes) => Buffer.from(bytes)))
    assert.deepEqual(back, payloads)
    // At a relay the one that its destination combines stays under the pad of its hop.
    const passing = unwrapRelay(relay, secret(pad), secret(tagKey), () => false)
    assert.deepEqual(
      passing?.map((one) => one.secret.use((bytes) => Buffer.from(bytes))),
      [payloads[0], pad.subarray(32, 80), payloads[2]],
    )
    for (let bit = 0; bit < message.length * 8; bit += 5) {
      const changed = Buffer.from(message)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      try {
        const opened = unwrapRelay(parseRelay(changed), secret(pad), secret(tagKey), () => true)
        assert.equal(opened, undefined, `bit ${bit}`)
      } catch (error) {
        assert.equal((error as { tag?: string }).tag, "malformed-message", `bit ${bit}`)
      }
    }
    for (let bit = 0; bit < 160 * 8; bit += 3) {
      const other = Buffer.from(pad)
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const opened = unwrapRelay(relay, secret(other), secret(tagKey), () => true)
      assert.equal(opened, undefined, `bit ${bit} of the pad`)
    }
  })

  it("carries a shipment at least, and no more key bytes than one alone may have", () => {
    const header = headerFor(1, 256)
    assert.throws(() => decodeRelayHeader(encodeRelayHeader(header, [])), {
      tag: "malformed-message",
    })
    const large = encodeShipment(headerFor(1024, 512))
    assert.equal(decodeRelayHeader(encodeRelayHeader(header, [large])).headers.length, 1)
    const two = [large, encodeShipment(headerFor(1, 8))]
    assert.throws(() => decodeRelayHeader(encodeRelayHeader(header, two)), {
      tag: "malformed-message",
    })
  })

  it("names no key twice, and keys of whole bytes only", () => {
    const header = headerFor(2, 256)
    const [id = ""] = header.keyIds
    const odd = [
      { ...header, keyIds: [id, id] },
      { ...header, keyIds: [] },
      { ...header, keySizeBits: 12 },
      { ...header, keySizeBits: 0 },
      { ...header, slaveSaeIds: [] },
    ]
    for (const one of odd)
      assert.throws(() => decodeOne(encodeOne(one)), { tag: "malformed-message" })
  })
})
