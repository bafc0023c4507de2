import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { markReplaced, replacedIn } from "../../src/cli/replaced-mark.js"
import { QkdError } from "../../src/errors.js"
import { isQkdError } from "../errors-helper.js"

describe("the mark of a controller that was replaced", () => {
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-replaced-"))
  after(() => {
    rmSync(dir, { recursive: true })
  })
  const refusal = (info?: Record<string, string>): QkdError =>
    new QkdError("in-use", "its term is over", info === undefined ? {} : { info })

  it("keeps the term of the other one, the latest that was heard", async () => {
    assert.equal(await replacedIn(dir), undefined)
    await markReplaced(dir, refusal({ term: "7" }))
    assert.equal(await replacedIn(dir), 7)
    await markReplaced(dir, refusal({ term: "9" }))
    assert.equal(await replacedIn(dir), 9)
  })

  it("is not changed by nodes that name no term", async () => {
    for (const info of [undefined, {}, { term: "soon" }, { term: "0" }, { term: "-3" }])
      await markReplaced(dir, refusal(info))
    assert.equal(await replacedIn(dir), 9)
  })

  it("C3: is not read as none when it is damaged", async () => {
    for (const text of ["", "{", '{"term":"9"}', '{"term":0}', "[9]"]) {
      writeFileSync(path.join(dir, "replaced.json"), text)
      await assert.rejects(replacedIn(dir), isQkdError("invalid-value"))
    }
  })
})
