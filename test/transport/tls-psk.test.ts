// A file of pre-shared keys: what it may say, and that its faults are named without telling a key.

import assert from "node:assert/strict"
import { readPreSharedKeys } from "../../src/transport/tls-psk.js"
import { isQkdError } from "../errors-helper.js"

const hex = "00112233445566778899aabbccddeeff"

describe("a file of pre-shared keys", () => {
  it("has an identity and a key in hex on each line", () => {
    const keys = readPreSharedKeys(
      `# ours\nalice:${hex}\r\n\nurn:x:bob:${hex.toUpperCase()}${hex}\n`,
    )
    assert.deepEqual(
      [...keys].map(([identity, key]) => [identity, key.length]),
      [
        ["alice", 16],
        ["urn:x:bob", 32],
      ],
    )
  })

  for (const [what, text] of [
    ["no colon", hex],
    ["no identity", `:${hex}`],
    ["too long an identity", `${"a".repeat(128)}:${hex}`],
    ["no hex", "alice:secret-secret-secret-secret-"],
    ["half a byte", `alice:${hex}0`],
    ["too short a key", "alice:0011"],
    ["an identity twice", `alice:${hex}\nalice:${hex}`],
  ] as const)
    it(`is refused by line, without its text: ${what}`, () => {
      assert.throws(
        () => readPreSharedKeys(`bob:${hex}\n${text}`),
        (error: Error) => {
          assert.ok(isQkdError("invalid-value")(error))
          assert.match(error.message, /line [23]/)
          return !error.message.includes(hex) && !error.message.includes("secret-")
        },
      )
    })
})
