// Some 120 instances, valid and broken, as XML and as JSON: our verdict is yanglint's, on the module with its
// conditions corrected.

import assert from "node:assert/strict"
import fc from "fast-check"
import { decodeJson, parseJson } from "../../src/yang/json.js"
import type { Schema } from "../../src/yang/schema.js"
import { compileValidator } from "../../src/yang/validate.js"
import type { YangFault } from "../../src/yang/validate.js"
import { decodeXml, encodeXml } from "../../src/yang/xml.js"
import { childrenOf, parseXml } from "../../src/yang/xml-tree.js"
import { QkdError } from "../../src/errors.js"
import { needOfficial, needYanglint, officialSchema, yanglintAccepts } from "./fixture.js"
import { BASE_JSON, BASE_XML, BROKEN_JSON, BROKEN_XML, anyNode } from "./oracle-instances.js"

/** What is wrong, or nothing. Anything but a tagged error is a bug and gets through. */
function ourFault(schema: Schema, format: "xml" | "json", text: string): string | undefined {
  try {
    const data =
      format === "json"
        ? decodeJson(schema, parseJson(text))
        : decodeXml(schema, childrenOf(parseXml(`<data>${text}</data>`)))
    return compileValidator(
      schema,
      "data",
    )(data).map((f: YangFault) => `${f.path}: ${f.message}`)[0]
  } catch (error) {
    if (error instanceof QkdError) return `${error.tag} ${error.path ?? ""}: ${error.message}`
    throw error
  }
}

describe("instances of the 015 model", () => {
  for (const [format, base, broken] of [
    ["json", BASE_JSON, BROKEN_JSON],
    ["xml", BASE_XML, BROKEN_XML],
  ] as const)
    it(`broken in one way each get yanglint's verdict as ${format}`, function () {
      needOfficial(this)
      needYanglint(this)
      this.timeout(180_000)
      const schema = officialSchema("corrected", { whenProfile: "strict" })
      assert.equal(ourFault(schema, format, base), undefined)
      assert.ok(yanglintAccepts("corrected", "data", format, base))
      const differing: string[] = []
      let refused = 0
      for (const [from, to] of broken) {
        assert.equal(base.split(from).length, 2, `${from} must occur once`)
        const text = base.replace(from, () => to)
        const fault = ourFault(schema, format, text)
        const theirs = yanglintAccepts("corrected", "data", format, text)
        if (!theirs) refused += 1
        if ((fault === undefined) !== theirs)
          differing.push(
            `${from} -> ${to}: yanglint ${theirs ? "accepts" : "refuses"}, we ${fault ?? "accept"}`,
          )
      }
      assert.deepEqual(differing, [])
      assert.ok(refused > broken.length / 2, "most of these are invalid")
    })

  it("drawn at random and valid are accepted by both, in JSON and in the XML we write", function () {
    needOfficial(this)
    needYanglint(this)
    this.timeout(180_000)
    const schema = officialSchema("corrected", { whenProfile: "strict" })
    fc.assert(
      fc.property(anyNode, (node) => {
        const json = JSON.stringify(node)
        assert.equal(ourFault(schema, "json", json), undefined)
        assert.ok(yanglintAccepts("corrected", "data", "json", json), json)
        const xml = encodeXml(schema, decodeJson(schema, parseJson(json)))
        assert.equal(ourFault(schema, "xml", xml), undefined)
        assert.ok(yanglintAccepts("corrected", "data", "xml", xml), xml)
      }),
      { numRuns: 25 },
    )
  })
})
