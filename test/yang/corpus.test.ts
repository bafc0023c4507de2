// Every module we can lay hands on, compiled by us and by yanglint: the same verdict.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import path from "node:path"
import { checkYang, findingLine } from "../../src/cli/yang-check.js"
import { corpus } from "./corpus.js"
import { needYanglint } from "./fixture.js"
import { acceptsModule } from "./yanglint.js"

describe("the modules of Debian's packages, ETSI and our own", () => {
  it("compile, or do not, as for yanglint", async function () {
    needYanglint(this)
    this.timeout(240_000)
    const modules = corpus()
    const differing: string[] = []
    const refused: string[] = []
    let submodules = 0
    const queue = [...modules]
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const { file, folders } = next
        // yanglint takes no submodule by itself; we judge its module.
        if (/^\s*submodule\s/m.test(readFileSync(file, "utf8"))) {
          submodules += 1
          continue
        }
        const report = checkYang([file], { path: folders, type: "data" })
        const ours = report.findings.filter((f) => f.severity === "error").map(findingLine)
        const name = path.basename(file)
        const theirs = await acceptsModule(file, folders)
        if (theirs !== report.valid)
          differing.push(
            `${name}: yanglint ${theirs ? "accepts" : "refuses"}, we ${ours[0] ?? "accept"}`,
          )
        else if (!theirs) refused.push(name)
      }
    }
    await Promise.all([work(), work(), work()])
    assert.deepEqual(differing, [])
    console.error(
      `      ${modules.length - submodules} modules, ${submodules} submodules; refused by both: ${refused.join(", ")}`,
    )
    const isInstalled = modules.some(({ file }) => file.startsWith("/usr/share/yuma/"))
    if (isInstalled) assert.ok(modules.length >= 80, `${modules.length} modules`)
    else console.error("      fewer than wanted: the Debian package libyuma-base is not installed")
  })
})
