// The HTTP face of every error.

import assert from "node:assert/strict"
import { ERROR_TAGS, QkdError } from "../../src/errors.js"
import { HttpFault, problemOf, STATUS_OF_TAG, statusOf } from "../../src/north/problem.js"
import { hasShape } from "../../src/north/validate.js"

/** RFC 8040 section 7, written down a second time. */
const rfc8040: Readonly<Record<string, readonly number[]>> = {
  "in-use": [409],
  "lock-denied": [409],
  "resource-denied": [409],
  "data-exists": [409],
  "data-missing": [409],
  "invalid-value": [400, 404, 406],
  "too-big": [413, 400],
  "missing-attribute": [400],
  "bad-attribute": [400],
  "unknown-attribute": [400],
  "missing-element": [400],
  "bad-element": [400],
  "unknown-element": [400],
  "unknown-namespace": [400],
  "malformed-message": [400],
  "access-denied": [401, 403],
  "operation-not-supported": [405, 501],
  "operation-failed": [412, 500],
  "rollback-failed": [500],
  "partial-operation": [500],
}

describe("errors over HTTP", () => {
  for (const tag of ERROR_TAGS) {
    it(`${tag} has a status of RFC 8040 section 7 and keeps its tag, app-tag and path`, () => {
      assert.ok(rfc8040[tag]?.includes(statusOf(new QkdError(tag, "x"))), tag)
      for (const status of rfc8040[tag] ?? []) assert.ok(STATUS_OF_TAG[tag].includes(status))
      const problem = problemOf(new QkdError(tag, "why", { appTag: "policy", path: "/a" }), "t1")
      assert.equal(problem.tag, tag)
      assert.equal(problem.appTag, "policy")
      assert.equal(problem.path, "/a")
      assert.equal(problem.detail, "why")
      assert.ok(hasShape("Problem", problem))
    })
  }

  it("calls a refusal by the network a conflict, not a fault of the server", () => {
    const refused = new QkdError("operation-failed", "no path", { appTag: "no-path" })
    assert.equal(statusOf(refused), 409)
    assert.equal(problemOf(refused).type, "urn:keyloom:problem:no-path")
  })

  it("says nothing of a bug but that there was one", () => {
    const problem = problemOf(new TypeError("cannot read /etc/keyloom/secret"))
    assert.equal(problem.status, 500)
    assert.equal(problem.tag, "operation-failed")
    assert.ok(!JSON.stringify(problem).includes("secret"))
  })

  it("refuses to give a tag a status that the table does not have", () => {
    assert.throws(() => new HttpFault(200, "in-use", "x"), RangeError)
  })
})
