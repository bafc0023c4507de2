// Our own modules, held to what a careful reader of YANG expects: yanglint takes them without a word, every node says
// what it is, every figure its unit, and names stand by one style.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { readFileSync, readdirSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { networkSchema } from "../../src/north/network-schema.js"
import { parseYang } from "../../src/yang/parse.js"
import { type Statement, subsOf } from "../../src/yang/statement.js"

const yang = fileURLToPath(new URL("../../yang", import.meta.url))
const files = readdirSync(path.join(yang, "own")).filter((file) => file.endsWith(".yang"))
const DATA = new Set(["container", "list", "leaf", "leaf-list", "choice", "rpc", "notification"])
const OTHER = new Set(["grouping", "typedef", "identity", "feature", "enum", "augment", "revision"])

function everywhere(statement: Statement, visit: (one: Statement) => void): void {
  visit(statement)
  for (const sub of statement.sub) everywhere(sub, visit)
}

function moduleIn(file: string): Statement {
  return parseYang(readFileSync(path.join(yang, "own", file), "utf8"), file)
}

describe("our own YANG modules", () => {
  it("are taken by yanglint without a word", function () {
    if (spawnSync("yanglint", ["--version"]).status !== 0) {
      console.log("      skipped: yanglint is not here")
      return this.skip()
    }
    const folders = ["ietf", "etsi", "own"].flatMap((name) => ["-p", path.join(yang, name)])
    for (const file of files) {
      const { status, stdout, stderr } = spawnSync(
        "yanglint",
        ["-V", ...folders, path.join(yang, "own", file)],
        { encoding: "utf8" },
      )
      // The standard's own conditions are what they are (decision 0001); keyloom-node augments them.
      const said = stderr
        .split("\n")
        .filter((line) => !/^(libyang verb|YANGLINT\[V\])|"qkdl_type|qkdl_type = '/.test(line))
        .join("\n")
      assert.deepEqual([status, stdout, said.trim()], [0, "", ""], file)
    }
  })

  for (const file of files) {
    it(`${file} describes each of its statements`, () => {
      const module = moduleIn(file)
      everywhere(module, (one) => {
        if (!DATA.has(one.keyword) && !OTHER.has(one.keyword)) return
        const what = `${file}:${one.line} ${one.keyword} ${one.argument ?? ""}`
        assert.equal(subsOf(one, "description").length, 1, `${what} has no description`)
      })
      assert.equal(
        path.basename(file, ".yang"),
        `${module.argument}@${subsOf(module, "revision")[0]?.argument}`,
      )
    })
  }

  it("of the network give every rate and length its unit, and words of operations dashes, of data underscores", () => {
    for (const file of files.filter((name) =>
      /^keyloom-(network|connectivity|maintenance)@/.test(name),
    )) {
      everywhere(moduleIn(file), (one) => {
        const name = one.argument ?? ""
        if (one.keyword === "rpc" || one.keyword === "notification")
          assert.match(name, /^[a-z]+(-[a-z]+)*$/)
        if (one.keyword === "leaf" || one.keyword === "container" || one.keyword === "list")
          assert.match(name, /^[a-z0-9]+(_[a-z0-9]+)*$/)
        if (one.keyword !== "leaf") return
        const type = subsOf(one, "type")[0]?.argument
        if (type === "decimal64") assert.equal(subsOf(one, "units").length, 1, name)
        if (/bandwidth|skr|capacity|reserved|bits/.test(name))
          assert.equal(subsOf(one, "units").length, 1, name)
      })
    }
  })

  it("of the network compile with all that a server of theirs has beside them", () => {
    const schema = networkSchema()
    assert(schema.rpcs.has("keyloom-connectivity:deploy-path"))
    assert.equal(schema.moduleByName("etsi-qkd-sdn-node")?.implemented, false)
  })
})
