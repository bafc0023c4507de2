// Keys in JSON messages: out of the bytes, and back, never as text.

import assert from "node:assert/strict"
import fc from "fast-check"
import { Secret } from "../../src/keys/secret.js"
import { placeOf, takeSecrets, writeWithSecrets } from "../../src/keys/secret-json.js"

const hex = (secret: Secret): string => secret.use((bytes) => Buffer.from(bytes).toString("hex"))
interface Read {
  readonly keys: readonly { readonly value: string }[]
}

describe("keys in a JSON message", () => {
  it("are taken out of any message that says the same, and leave their number behind", () => {
    const key = fc.uint8Array({ minLength: 1, maxLength: 40 })
    const message = fc.record({ keys: fc.array(key, { maxLength: 20 }), other: fc.json() })
    fc.assert(
      fc.property(message, fc.boolean(), ({ keys, other }, pretty) => {
        const list = keys.map((bytes) => ({
          id: other,
          value: Buffer.from(bytes).toString("base64"),
        }))
        const text = JSON.stringify({ other, value: "stays", keys: list }, null, pretty ? 2 : 0)
        const body = Buffer.from(pretty ? text.replaceAll("/", "\\/") : text)
        const secrets = takeSecrets(body, "keys", "value")
        assert.deepEqual(
          secrets.map(hex),
          keys.map((bytes) => Buffer.from(bytes).toString("hex")),
        )
        const left = JSON.parse(body.toString("utf8")) as Read & { value: string }
        assert.deepEqual(
          left.keys.map(({ value }) => placeOf(value)),
          [...keys.keys()],
        )
        assert.equal(left.value, "stays")
      }),
    )
  })

  it("are written as any JSON writer would write them", () => {
    const keys = [Buffer.from("one"), Buffer.from("é/+2")].map((bytes) => Secret.take(bytes))
    const [a, b] = keys
    assert.ok(a !== undefined && b !== undefined)
    const body = writeWithSecrets(['{"é":"', a, '","b":"', b, '"}'])
    assert.deepEqual(JSON.parse(Buffer.from(body).toString("utf8")), {
      é: Buffer.from("one").toString("base64"),
      b: Buffer.from("é/+2").toString("base64"),
    })
  })

  for (const [what, text] of [
    ["an escaped name", '{"keys":[{"val\\u0075e":"AAAA"}]}'],
    ["no base64", '{"keys":[{"value":"A"}]}'],
    ["an escape in a key", '{"keys":[{"value":"\\u0041AAA"}]}'],
    ["a string without end", '{"keys":[{"value":"AAAA'],
    ["nesting without measure", "[".repeat(40)],
  ] as const)
    it(`are refused with all others: ${what}`, () => {
      assert.throws(() => takeSecrets(Buffer.from(text), "keys", "value"), {
        tag: "malformed-message",
      })
    })

  it("are taken from their place only", () => {
    const text =
      '{"value":"AAAA","keys":[["value","AAAA"],{"x":{"value":"AAAA"}}],"k":[{"value":"AAAA"}]}'
    const body = Buffer.from(text)
    assert.deepEqual(takeSecrets(body, "keys", "value"), [])
    assert.equal(body.toString("utf8"), text)
  })
})
