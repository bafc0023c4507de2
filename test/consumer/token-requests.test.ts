// What passes between a consumer and the process that holds its token is checked at both ends.

import assert from "node:assert/strict"
import {
  readKeys,
  readModulusBytes,
  readProofs,
  readRequest,
  readSwept,
} from "../../src/consumer/token-requests.js"
import { readFault } from "../../src/pkcs11/token-child.js"
import { QkdError } from "../../src/errors.js"

describe("a request to the token process", () => {
  const key = { keyId: "k", peer: "p", way: "out" }
  const good: readonly (readonly [object, number])[] = [
    [{ op: "open", library: "/l.so", label: "t" }, 0],
    [{ op: "open", library: "/l.so", label: "t", lockDir: "/d" }, 0],
    [{ op: "keys" }, 0],
    [{ op: "sweep" }, 0],
    [{ op: "import-plain", key }, 32],
    [{ op: "import-wrapped", key, by: "aes-key-wrap" }, 40],
    [{ op: "prove", keyId: "k", parts: [4, 5] }, 9],
    [{ op: "decrypt", keyId: "k", parts: [12, 0, 17] }, 29],
    [{ op: "destroy", keyId: "k" }, 0],
  ]
  const bad: readonly (readonly [string, object])[] = [
    ["/op", { op: "format" }],
    ["/op", {}],
    ["/library", { op: "open", label: "t" }],
    ["/label", { op: "open", library: "/l.so", label: "" }],
    ["/lockDir", { op: "open", library: "/l.so", label: "t", lockDir: 1 }],
    ["/key", { op: "import-plain" }],
    ["/key/way", { op: "import-plain", key: { ...key, way: "both" } }],
    ["/by", { op: "import-wrapped", key, by: "plain" }],
    ["/keyId", { op: "prove", keyId: 7, parts: [29] }],
    ["/parts", { op: "prove", keyId: "k" }],
    ["/parts", { op: "prove", keyId: "k", parts: [28] }],
    ["/parts", { op: "encrypt", keyId: "k", parts: [12, 0] }],
    ["/parts/1", { op: "encrypt", keyId: "k", parts: [12, -1, 18] }],
    ["/parts", { op: "encrypt", keyId: "k", parts: [12, 0, 18] }],
    ["/parts", { op: "encrypt", keyId: "k", parts: "12" }],
  ]

  it("is taken as it is meant", () => {
    for (const [header, bytes] of good) {
      assert.deepEqual(readRequest({ id: 1, ...header }, bytes), { id: 1, ...header })
    }
  })

  it("of another shape is refused, with the path to the fault", () => {
    for (const [path, header] of bad) {
      assert.throws(
        () => readRequest({ id: 1, ...header }, 29),
        (error: unknown) =>
          error instanceof QkdError && error.tag === "malformed-message" && error.path === path,
        JSON.stringify(header),
      )
    }
    assert.throws(() => readRequest({ op: "keys" }, 0), /\/id is not/)
  })

  it("has an answer that is checked, too", () => {
    assert.deepEqual(readKeys([key]), [key])
    assert.throws(() => readKeys([{ ...key, peer: 1 }]), /\/result\/0\/peer is not/)
    assert.throws(() => readKeys({}), /\/result is not/)
    assert.equal(readSwept(2), 2)
    assert.throws(() => readSwept(-1), /\/result is not/)
    assert.equal(readModulusBytes([384, 3], 387), 384)
    assert.throws(() => readModulusBytes([384, 3], 10), /\/result is not/)
    const two = Buffer.concat([Buffer.alloc(32, 1), Buffer.alloc(32, 2)])
    assert.deepEqual(readProofs(two, 2), [Buffer.alloc(32, 1), Buffer.alloc(32, 2)])
    assert.throws(() => readProofs(two, 3), /\/bytes is not/)
    const known = readFault({ tag: "resource-denied", appTag: "no-capacity", message: "full" })
    assert.deepEqual([known.tag, known.appTag], ["resource-denied", "no-capacity"])
    const odd = readFault({ tag: "nonsense", appTag: "nonsense", message: 3 })
    assert.deepEqual([odd.tag, odd.appTag], ["operation-failed", undefined])
  })
})
