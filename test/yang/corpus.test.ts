// Every module we can lay hands on, compiled by us and by yanglint: the same verdict.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import path from "node:path"
import { checkYang, findingLine } from "../../src/cli/yang-check.js"
import { outlineOf as readOutline } from "../../src/yang/outline.js"
import type { Outline } from "../../src/yang/outline.js"
import { corpus } from "./corpus.js"
import { needYanglint } from "./fixture.js"
import { acceptedModules } from "./yanglint.js"

/** Nothing for what is no YANG at all. */
function outlineOf(text: string, file: string): Outline | undefined {
  try {
    return readOutline(text, file)
  } catch {
    return undefined
  }
}

describe("the modules of Debian's packages, ETSI and our own", () => {
  it("compile, or do not, as for yanglint", async function () {
    needYanglint(this)
    this.timeout(240_000)
    const all = corpus()
    const modules = all
      .map(({ file, folders }) => ({
        file,
        folders,
        outline: outlineOf(readFileSync(file, "utf8"), file),
      }))
      // yanglint takes no submodule by itself; we judge its module.
      .filter(({ outline }) => outline?.keyword !== "submodule")
    const theirs = await acceptedModules(
      modules.map(({ file, folders, outline }) => ({
        name: outline?.name ?? path.basename(file, ".yang"),
        file,
        folders,
      })),
    )
    const differing: string[] = []
    const refused: string[] = []
    for (const [i, { file, folders }] of modules.entries()) {
      const report = checkYang([file], { path: folders, type: "data" })
      const ours = report.findings.filter((f) => f.severity === "error").map(findingLine)
      const name = path.basename(file)
      if (theirs[i] !== report.valid)
        differing.push(
          `${name}: yanglint ${theirs[i] === true ? "accepts" : "refuses"}, we ${ours[0] ?? "accept"}`,
        )
      else if (!report.valid) refused.push(name)
    }
    assert.deepEqual(differing, [])
    console.error(
      `      ${modules.length} modules, ${all.length - modules.length} submodules; refused by both: ${refused.join(", ")}`,
    )
    const isInstalled = modules.some(({ file }) => file.startsWith("/usr/share/yuma/"))
    if (isInstalled) assert.ok(modules.length >= 80, `${modules.length} modules`)
    else console.error("      fewer than wanted: the Debian package libyuma-base is not installed")
  })
})
