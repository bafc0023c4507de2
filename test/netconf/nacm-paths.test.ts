// Paths of access rules that cannot be understood, and errors that speak of hidden data.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import type { JsonObject } from "../../src/yang/json-text.js"
import { caller, nacmOf, nacmWith } from "./nacm-fixture.js"

describe("a path that cannot be understood", () => {
  const broken = [
    "interfaces/interface",
    "/acme:interfaces/interface[1]",
    "//acme:mtu",
    "/interfaces",
  ]
  for (const path of broken)
    it(`permits nothing and denies all: ${path}`, () => {
      const data = { "acme:interfaces": { tag: ["a"] } }
      const read = (action: "permit" | "deny", more: JsonObject): JsonObject =>
        nacmWith({ all: ["eve"] }, [["all", { path, action }]], more).readable(caller("eve"), data)
      assert.deepEqual(read("permit", { "read-default": "deny" }), {})
      assert.deepEqual(read("deny", {}), {})
    })

  for (const path of broken)
    it(`is not taken into the rules: ${path}`, () => {
      const nacm = nacmWith({ all: ["eve"] }, [["all", { action: "permit" }]])
      const next = nacmOf({}, [["all", { path, action: "deny" }]])
      assert.throws(
        () => {
          nacm.checkWrite(caller("eve"), {}, next)
        },
        (error: QkdError) =>
          error.tag === "invalid-value" &&
          error.path === "/ietf-netconf-acm:nacm/rule-list[name='list 0']/rule[name='rule 0']/path",
      )
    })
})

describe("an error that speaks of hidden data", () => {
  const nacm = nacmWith({ all: ["eve"] }, [
    ["all", { path: "/acme:secrets", ops: "create update delete", action: "permit" }],
  ])
  const said = (tag: "data-exists" | "invalid-value", path: string): QkdError =>
    nacm.concealed(caller("eve"), new QkdError(tag, "the word is hush", { path }))

  it("tells neither that it is there nor what it holds", () => {
    const exists = said("data-exists", "/acme:secrets/box[id='1']")
    assert.deepEqual([exists.tag, exists.path, exists.message], ["access-denied", "/", "refused"])
    const wrong = said("invalid-value", "/acme:secrets/word")
    assert.deepEqual([wrong.tag, wrong.path, wrong.message], ["invalid-value", "/", "refused"])
  })

  it("stays as it is where the caller may look", () => {
    const error = said("data-exists", "/acme:interfaces/interface[name='a']/other:colour")
    assert.equal(error.message, "the word is hush")
    assert.equal(error.path, "/acme:interfaces/interface[name='a']/other:colour")
  })
})
