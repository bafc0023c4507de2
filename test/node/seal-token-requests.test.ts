// What a node's token process takes for a request, and what not.

import assert from "node:assert/strict"
import { readKekIds, readSealRequest } from "../../src/node/seal-token-requests.js"
import { isQkdError } from "../errors-helper.js"

const KEK = "00112233445566778899aabbccddeeff"

describe("a request to a node's token process", () => {
  it("is taken when it is whole", () => {
    for (const [request, bytes] of [
      [{ id: 1, op: "open-token", library: "/l.so", label: "vault", qkdnId: "a" }, 0],
      [{ id: 2, op: "keys" }, 0],
      [{ id: 3, op: "make", kekId: KEK }, 0],
      [{ id: 4, op: "destroy", kekId: KEK }, 0],
      [{ id: 5, op: "seal", kekId: KEK, parts: [12, 3, 32] }, 47],
      [{ id: 6, op: "open", kekId: KEK, parts: [12, 3, 48] }, 63],
    ] as const)
      assert.deepEqual(readSealRequest(request, bytes), request)
  })

  it("is refused with the place of the fault", () => {
    for (const [request, path] of [
      [{ op: "keys" }, "/id"],
      [{ id: 1, op: "export", kekId: KEK }, "/op"],
      [{ id: 1, op: "open-token", library: "", label: "vault", qkdnId: "a" }, "/library"],
      [{ id: 1, op: "open-token", library: "/l.so", qkdnId: "a" }, "/label"],
      [{ id: 1, op: "make", kekId: "00" }, "/kekId"],
      [{ id: 1, op: "seal", kekId: KEK, parts: [12, 32] }, "/parts"],
      [{ id: 1, op: "seal", kekId: KEK, parts: [12, -1, 32] }, "/parts/1"],
      [{ id: 1, op: "open", kekId: KEK, parts: [12, 3, 32] }, "/parts"],
    ] as const)
      assert.throws(
        () => readSealRequest(request, 46),
        isQkdError("malformed-message", undefined, path),
      )
    assert.throws(() => readKekIds("none"), isQkdError("malformed-message"))
    assert.throws(() => readKekIds([KEK.toUpperCase()]), isQkdError("malformed-message"))
  })
})
