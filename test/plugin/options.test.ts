// What a plugin's options may be, and how a fault in them is told.

import assert from "node:assert/strict"
import { OptionReader, readOptionFile } from "../../src/plugin/index.js"

describe("the options of a plugin", () => {
  const read = (options: object): OptionReader =>
    new OptionReader({ host: "qkd.example", port: 443, ...options }, ["host", "port"], ["x"])

  it("are read by name and kind", () => {
    const options = read({ x: 2.5 })
    assert.equal(options.text("host"), "qkd.example")
    assert.equal(options.port("port"), 443)
    assert.equal(options.number("x", 0, 3), 2.5)
  })

  it("may be absent where they need not be there", () => {
    const options = read({})
    assert.equal(options.text("x", "by default"), "by default")
    assert.equal(options.whole("x", 0, 3), undefined)
    assert.equal(options.technology("x"), "DV-QKD")
  })

  it("are refused where they are unknown or missing", () => {
    assert.throws(() => read({ colour: "red" }), {
      tag: "unknown-element",
      path: "/options/colour",
    })
    assert.throws(() => read({ host: undefined }), {
      tag: "missing-element",
      path: "/options/host",
    })
  })

  for (const [what, value, get] of [
    ["an empty text", "", (o: OptionReader) => o.text("x")],
    ["a number as text", "7", (o: OptionReader) => o.whole("x", 0, 9)],
    ["a part where wholes are wanted", 1.5, (o: OptionReader) => o.whole("x", 0, 9)],
    ["too much", 10, (o: OptionReader) => o.number("x", 0, 9)],
    ["no number at all", NaN, (o: OptionReader) => o.number("x", 0, 9)],
    ["port 0", 0, (o: OptionReader) => o.port("x")],
    ["another than the known ones", "c", (o: OptionReader) => o.oneOf("x", ["a", "b"])],
    ["a null for what has a default", null, (o: OptionReader) => o.technology("x")],
  ] as const)
    it(`are refused with their path: ${what}`, () => {
      assert.throws(() => get(read({ x: value })), { tag: "invalid-value", path: "/options/x" })
    })

  it("name a file that cannot be read", async () => {
    await assert.rejects(readOptionFile("x", "/nowhere"), {
      tag: "data-missing",
      path: "/options/x",
    })
  })
})
