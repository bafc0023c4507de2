// QkdError across copies of the package: a plugin may have been built against its own.

import assert from "node:assert/strict"
import { asQkdError, QkdError } from "../src/errors.js"

class SpecialError extends QkdError {}

/** As another copy of the class would make it: same brand, another prototype. */
function foreign(tag: string): Error {
  const proto = Object.create(Error.prototype, {
    [Symbol.for("keyloom.QkdError")]: { value: true },
  }) as object
  const error = new Error("refused")
  Object.setPrototypeOf(error, proto)
  return Object.assign(error, { tag })
}

describe("QkdError", () => {
  it("is known when another copy of the class made it, as long as its tag is one of RFC 6241's", () => {
    const error = foreign("access-denied")
    assert.ok(error instanceof QkdError)
    assert.equal(asQkdError(error), error)
    assert.ok(!(foreign("made-up") instanceof QkdError))
  })

  it("takes nothing else for itself, and no QkdError for a special one", () => {
    for (const other of [new Error("x"), { tag: "in-use" }, "in-use", null, undefined])
      assert.ok(!((other as unknown) instanceof QkdError))
    assert.ok(!(new QkdError("in-use", "x") instanceof SpecialError))
    assert.ok(new SpecialError("in-use", "x") instanceof SpecialError)
    assert.ok(new SpecialError("in-use", "x") instanceof QkdError)
    assert.equal(asQkdError(new Error("boom")).tag, "operation-failed")
  })
})
