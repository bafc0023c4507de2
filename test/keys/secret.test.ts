// The one type that carries key bytes: it shows them to nobody by accident, and forgets them when told.

import assert from "node:assert/strict"
import { format, inspect } from "node:util"
import { serialize } from "node:v8"
import { Secret, SecretRoom } from "../../src/keys/secret.js"
import type { Log } from "../../src/node/log.js"

const canary = "canary-canary-ca"

describe("a secret", () => {
  it("takes the bytes over and wipes where they came from", () => {
    const source = Buffer.from(canary)
    const secret = Secret.take(source)
    assert.equal(
      source.every((byte) => byte === 0),
      true,
    )
    assert.equal(
      secret.use((bytes) => Buffer.from(bytes).toString()),
      canary,
    )
    assert.equal(secret.lengthBits, 128)
  })

  it("is wiped alone: its neighbours in memory keep theirs", () => {
    const secrets = [16, 5, 32].map((lengthBytes) => {
      const secret = Secret.zero(lengthBytes)
      secret.use((bytes) => bytes.fill(lengthBytes))
      return secret
    })
    const lent = secrets.map((secret) => secret.use((bytes) => bytes))
    secrets[1]?.wipe()
    assert.deepEqual(
      lent.map((bytes) => new Set(bytes)),
      [new Set([16]), new Set([0]), new Set([32])],
    )
  })

  it("is cut into several, and keeps nothing of them", () => {
    const secret = Secret.take(Buffer.from(canary))
    const parts = secret.cut(4, 3, 2)
    const text = (one: Secret): string => one.use((bytes) => Buffer.from(bytes).toString())
    assert.deepEqual(parts.map(text), ["ry-", "can"])
    assert.equal(text(secret), "cana\0\0\0\0\0\0ary-ca")
    const [first, second] = parts
    const lent = first?.use((bytes) => bytes)
    first?.wipe()
    assert.deepEqual(lent, new Uint8Array(3))
    assert.equal(second && text(second), "can")
    assert.deepEqual(secret.cut(0, 4, 0), [])
    assert.throws(() => secret.cut(8, 3, 3), RangeError)
    assert.equal(text(secret), "cana\0\0\0\0\0\0ary-ca")
  })

  it("is divided where it lies: nothing else of it is left, and each part is wiped alone", () => {
    const secret = Secret.take(Buffer.from(canary))
    const whole = secret.use((bytes) => bytes)
    const text = (one: Secret): string => one.use((bytes) => Buffer.from(bytes).toString())
    assert.throws(() => secret.divide(8, 3, 3), RangeError)
    const parts = secret.divide(4, 3, 2)
    assert.equal(Buffer.from(whole).toString(), "\0\0\0\0ry-can\0\0\0\0\0\0")
    assert.deepEqual(parts.map(text), ["ry-", "can"])
    assert.equal(secret.wiped, true)
    assert.throws(() => secret.divide(0, 1, 1), /wiped/)
    secret.wipe()
    parts[0]?.wipe()
    assert.equal(Buffer.from(whole).toString(), "\0\0\0\0\0\0\0can\0\0\0\0\0\0")
  })

  it("has another's room only once that is wiped", () => {
    const room = new SecretRoom()
    const seen: Uint8Array[] = []
    const place = (one: Secret): Uint8Array => one.use((bytes) => bytes)
    const first = room.zero(2000)
    place(first).fill(1)
    const second = room.zero(2000)
    place(second).fill(2)
    assert.equal(place(first).includes(2), false)
    const [firstPlace, secondPlace] = [place(first), place(second)]
    first.wipe()
    second.wipe()
    for (const [length, reused] of [
      [1500, true],
      [3000, false],
      [3000, true],
    ] as const) {
      const next = room.zero(length)
      assert.equal(next.lengthBytes, length)
      assert.equal(
        place(next).every((byte) => byte === 0),
        true,
      )
      const places = [firstPlace, secondPlace, ...seen]
      assert.equal(
        places.some(({ buffer }) => buffer === place(next).buffer),
        reused,
      )
      seen.push(place(next))
      place(next).fill(3)
      next.wipe()
    }
  })

  it("gives copies of its parts, each of which is wiped alone", () => {
    const secret = Secret.take(Buffer.from(canary))
    const parts = secret.parts(4, 3, 2)
    const text = (one: Secret): string => one.use((bytes) => Buffer.from(bytes).toString())
    assert.deepEqual(parts.map(text), ["ry-", "can"])
    const [first, second] = parts
    assert.ok(first !== undefined && second !== undefined)
    assert.deepEqual([second.lengthBytes, text(second.slice(1, 2))], [3, "an"])
    assert.throws(() => first.slice(0, 4), RangeError)
    const all = second.useAt((bytes, from, length) => {
      assert.equal(Buffer.from(bytes.subarray(from, from + length)).toString(), "can")
      return bytes
    })
    first.wipe()
    assert.equal(Buffer.from(all).toString(), "\0\0\0can")
    assert.throws(() => first.lengthBytes, /wiped/)
    assert.equal(text(second), "can")
    second.wipe()
    assert.deepEqual(all, new Uint8Array(6))
    assert.equal(text(secret), canary)
    assert.throws(() => secret.parts(8, 3, 3), RangeError)
  })

  it("prints as <secret>, and cannot be serialised", () => {
    const secret = Secret.take(Buffer.from(canary))
    const texts = [
      String(secret),
      inspect({ secret }, { depth: 9, showHidden: true }),
      secret.toString(),
    ]
    for (const text of texts) {
      assert.equal(text.includes("<secret>"), true)
      assert.equal(text.includes("canary"), false)
      assert.equal(text.includes("99, 97, 110"), false)
    }
    assert.throws(() => JSON.stringify({ secret }), { tag: "operation-failed" })
  })

  it("I2: shows nothing whatever is done with it by mistake", () => {
    const secret = Secret.take(Buffer.from(canary))
    const error = new Error("x", { cause: secret })
    const shown = [
      format("%s %o %O %j", secret, secret, secret, "y"),
      inspect(secret, { showHidden: true, depth: 9, getters: true }),
      inspect(error),
      inspect(new Map([[secret, [secret]]])),
      [1, secret].toString(),
      [secret].join(),
      Buffer.from(secret as unknown as string).toString("latin1"),
      Object.entries(secret).join(),
      Reflect.ownKeys(secret).join(),
      serialize(structuredClone(secret)).toString("latin1"),
      serialize(secret).toString("latin1"),
      serialize(Object.assign({}, secret)).toString("latin1"),
    ].join("\n")
    for (const piece of [canary, Buffer.from(canary).toString("hex"), "Y2FuYXJ5", "99,97,110"])
      assert.equal(shown.includes(piece), false, piece)
    assert.throws(() => JSON.stringify([secret]), { tag: "operation-failed" })
    assert.equal(
      JSON.stringify(0, () => secret),
      "{}",
    )
    // The control: bytes that are no secret show in each of these ways.
    assert.equal(serialize(Buffer.from(canary)).toString("latin1").includes(canary), true)
  })

  it("does not pass the compiler as bytes, text or a fact for a log", () => {
    // Each line below is an error of the compiler; if one were not, that would be (TS2578).
    const misuse = (secret: Secret, log: Log): void => {
      // @ts-expect-error it is not text
      const text: string = secret
      // @ts-expect-error it is not bytes
      const bytes: Uint8Array = secret
      // @ts-expect-error cannot be made but by taking bytes over
      assert.ok(new Secret(new Uint8Array(1)))
      // @ts-expect-error shown to nobody
      log.info({ secret }, "")
      // @ts-expect-error nor in passing
      log.error({ facts: { secret } }, "")
      // @ts-expect-error its bytes have no name outside
      const named: unknown = secret.bytes
      assert.ok([text, bytes, named])
    }
    assert.equal(typeof misuse, "function")
  })

  it("is of no use after it was wiped, twice or once", () => {
    const secret = Secret.take(Buffer.from(canary))
    const piece = secret.slice(7, 6)
    let view: Uint8Array = Buffer.alloc(0)
    secret.use((bytes) => {
      view = bytes
    })
    secret.wipe()
    secret.wipe()
    assert.equal(secret.wiped, true)
    assert.equal(
      view.every((byte) => byte === 0),
      true,
    )
    assert.throws(() => secret.use(() => 0), { tag: "operation-failed" })
    assert.throws(() => secret.lengthBytes, { tag: "operation-failed" })
    assert.equal(
      piece.use((bytes) => Buffer.from(bytes).toString()),
      "canary",
    )
    assert.throws(() => piece.slice(3, 4), RangeError)
  })
})
