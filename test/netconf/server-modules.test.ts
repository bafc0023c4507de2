// The modules of what a NETCONF server says of itself that ship with Keyloom: the same schema as the standards', and
// the same tree for an independent compiler.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { parseYang } from "../../src/yang/parse.js"
import { type Statement } from "../../src/yang/statement.js"
import { compileSchema } from "../../src/yang/schema.js"
import { needYanglint } from "../yang/fixture.js"

const YUMA = "/usr/share/yuma/modules/ietf"
const LIBYANG = "/usr/share/yang/modules/libyang"
const OURS = path.resolve(import.meta.dirname, "../../yang/ietf")

/** Where Debian has the standard's own text. */
const STANDARD: readonly (readonly [folder: string, file: string])[] = [
  [YUMA, "ietf-netconf-with-defaults@2011-06-01.yang"],
  [YUMA, "ietf-netconf-monitoring@2010-10-04.yang"],
  [YUMA, "ietf-netconf-nmda@2019-01-07.yang"],
  [YUMA, "ietf-origin@2018-02-14.yang"],
  [LIBYANG, "ietf-yang-metadata@2016-08-05.yang"],
  [LIBYANG, "ietf-yang-library@2019-01-04.yang"],
]

const PROSE = new Set(["description", "reference", "contact", "organization"])

/** Every statement but prose, in order. What `presence` says is prose as well. */
function bones(statement: Statement): unknown {
  return [
    statement.keyword,
    statement.keyword === "presence" ? "" : statement.argument?.replace(/\s+/g, " "),
    ...statement.sub.filter((s) => !PROSE.has(s.keyword)).map(bones),
  ]
}

function treeOf(folder: string, file: string): string {
  const paths = ["-p", folder, "-p", YUMA, "-p", LIBYANG]
  const run = spawnSync("yanglint", ["-f", "tree", ...paths, path.join(folder, file)])
  assert.equal(run.status, 0, run.stderr.toString())
  return run.stdout.toString()
}

describe("the shipped modules of a NETCONF server", () => {
  for (const [folder, file] of STANDARD) {
    it(`state the same schema as the standard's ${file}, statement by statement`, function () {
      const standard = path.join(folder, file)
      if (!existsSync(standard)) {
        console.error(`      skipped: ${standard} is not there`)
        this.skip()
      }
      const [shipped, official] = [path.join(OURS, file), standard].map((where) =>
        parseYang(readFileSync(where, "utf8"), file),
      )
      assert.ok(shipped !== undefined && official !== undefined)
      assert.deepEqual(bones(shipped), bones(official))
    })

    // yanglint 2.1.30 dies of a tree without nodes of the module's own.
    if (/with-defaults|origin/.test(file)) continue
    it(`give yanglint the tree of the standard's ${file}`, function () {
      needYanglint(this)
      if (!existsSync(path.join(folder, file))) {
        console.log(`      skipped: the standard's ${file} is not here`)
        this.skip()
      }
      assert.equal(treeOf(OURS, file), treeOf(folder, file))
    })
  }

  it("compile together", () => {
    const names = STANDARD.map(([, file]) => file.replace(/@.*/, ""))
    const lent = ["ietf-yang-types", "ietf-inet-types", "ietf-datastores"]
    names.push("ietf-netconf")
    const schema = compileSchema(loadYangFiles([...names, ...lent]), { implement: names })
    for (const name of ["ietf-netconf-monitoring:netconf-state", "ietf-yang-library:yang-library"])
      assert.equal(schema.root.members.get(name)?.config, false)
  })
})
