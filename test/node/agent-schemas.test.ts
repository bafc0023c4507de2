// A client that knows nothing but NETCONF learns a node's modules from the node: all that the library and
// netconf-state list can be had, is what it says it is, and compiles in an independent compiler.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { parseYang } from "../../src/yang/parse.js"
import { childrenOf, textOf, writeXml, type XmlElement } from "../../src/yang/xml-tree.js"
import { needYanglint } from "../yang/fixture.js"
import { AgentSite } from "./agent-site.js"

const MONITORING = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
const LIBRARY = "urn:ietf:params:xml:ns:yang:ietf-yang-library"

interface Learned {
  readonly name: string
  readonly revision: string
  readonly namespace: string
  readonly text: string
}

describe("what a node says of its modules", function () {
  this.timeout(180_000)
  let site: AgentSite
  let schemas: Learned[]
  let library: XmlElement

  const named = (element: XmlElement, name: string): string =>
    textOf(childrenOf(element).find((c) => c.name === name) ?? assert.fail(name))
  const all = (element: XmlElement, name: string): XmlElement[] =>
    childrenOf(element).flatMap((c) => [...(c.name === name ? [c] : []), ...all(c, name)])

  before(async () => {
    site = await AgentSite.open()
    const session = await site.client()
    const [state] = await session.get(
      `<netconf-state xmlns="${MONITORING}"><schemas/></netconf-state>`,
    )
    schemas = []
    for (const schema of all(state ?? assert.fail(), "schema")) {
      const [name, revision] = [named(schema, "identifier"), named(schema, "version")]
      const reply = await session.rpc(
        `<get-schema xmlns="${MONITORING}"><identifier>${name}</identifier><version>${revision}</version></get-schema>`,
      )
      const text = childrenOf(reply).map(textOf).join("")
      schemas.push({ name, revision, namespace: named(schema, "namespace"), text })
    }
    library =
      (await session.get(`<yang-library xmlns="${LIBRARY}"/>`))[0] ?? assert.fail("no library")
  })
  after(() => site.close())

  it("is the text of each module: its name, revision and namespace are those that are listed", () => {
    assert.ok(schemas.length > 15)
    for (const { name, revision, namespace, text } of schemas) {
      const { argument, sub } = parseYang(text, name)
      const revisions = sub.filter((s) => s.keyword === "revision").map((s) => s.argument)
      assert.deepEqual(
        [argument, sub.find((s) => s.keyword === "namespace")?.argument],
        [name, namespace],
      )
      assert.ok(revision === "" ? revisions.length === 0 : revisions.includes(revision), name)
    }
  })

  it("lists the same modules in the library, each once, and every import among them", () => {
    const listed = ["module", "import-only-module"].flatMap((kind) => all(library, kind))
    const names = listed.map((m) => named(m, "name"))
    assert.deepEqual(names.sort(), schemas.map((s) => s.name).sort())
    for (const { name, text } of schemas)
      for (const imported of parseYang(text, name).sub.filter((s) => s.keyword === "import"))
        assert.ok(
          names.includes(imported.argument ?? ""),
          `${name} imports ${imported.argument ?? ""}`,
        )
  })

  it("compiles in yanglint, with the features that are in force", function () {
    needYanglint(this)
    const dir = mkdtempSync(path.join(tmpdir(), "keyloom-schemas-"))
    try {
      for (const { name, revision, text } of schemas)
        writeFileSync(path.join(dir, `${name}${revision === "" ? "" : `@${revision}`}.yang`), text)
      const implemented = all(library, "module")
      const features = implemented.flatMap((m) => {
        const on = childrenOf(m)
          .filter((c) => c.name === "feature")
          .map(textOf)
        return ["-F", `${named(m, "name")}:${on.join(",")}`]
      })
      const files = implemented.map((m) => {
        const revision = childrenOf(m).find((c) => c.name === "revision")
        return path.join(
          dir,
          `${named(m, "name")}${revision === undefined ? "" : `@${textOf(revision)}`}.yang`,
        )
      })
      const data = path.join(dir, "library.xml")
      writeFileSync(data, writeXml(library))
      const run = spawnSync("yanglint", ["-p", dir, ...features, "-t", "get", ...files, data])
      assert.equal(run.status, 0, run.stderr.toString())
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
})
