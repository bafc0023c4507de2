// What get, get-config and get-data return, annotations included, held against yanglint.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import type { ClientSession } from "../../src/netconf/client-session.js"
import { writeXml, type XmlElement } from "../../src/yang/xml-tree.js"
import { SERVER_MODULES } from "../support/server-modules.js"
import { needYanglint } from "../yang/fixture.js"
import { candidateDepot } from "./candidate-fixture.js"
import { MODULE, NS } from "./fixture.js"

const ietf = path.resolve(import.meta.dirname, "../../yang/ietf")
const ANNOTATIONS = ["ietf-origin@2018-02-14.yang", "ietf-netconf-with-defaults@2011-06-01.yang"]

describe("yanglint takes for data", () => {
  let dir = ""
  before(function () {
    needYanglint(this)
    dir = mkdtempSync(path.join(tmpdir(), "keyloom-oracle-"))
    writeFileSync(path.join(dir, "depot.yang"), MODULE)
  })
  after(() => {
    if (dir !== "") rmSync(dir, { recursive: true })
  })

  /** What yanglint says of it, parsed by it and printed again; undefined when it is refused. */
  function reprinted(kind: "data" | "config" | "get", xml: string): string | undefined {
    const file = path.join(dir, "instance.xml")
    writeFileSync(file, xml)
    const modules = [...ANNOTATIONS.map((m) => path.join(ietf, m)), path.join(dir, "depot.yang")]
    const args = ["-f", "xml", "-t", kind, ...SERVER_MODULES, ...modules, file]
    const run = spawnSync("yanglint", args, { encoding: "utf8" })
    return run.status === 0 ? run.stdout : undefined
  }

  async function client(): Promise<ClientSession> {
    const { connect, backend } = candidateDepot()
    backend.weights = { b: "5", c: "18446744073709551615" }
    return (await connect()).client
  }
  const xmlOf = (elements: readonly XmlElement[]): string => elements.map(writeXml).join("\n")

  it("operational with origins, and finds every annotation", async () => {
    const said = reprinted(
      "data",
      xmlOf(await (await client()).getData("operational", { withOrigin: true })),
    )
    assert.match(said ?? "refused", /<mode [^>]*or:origin="or:default"[^>]*>quiet</)
    assert.match(said ?? "refused", /<depot [^>]*or:origin="or:intended"/)
  })

  it("running in every mode of defaults that has no tags", async () => {
    const session = await client()
    // The namespace of RFC 6243's attribute is no module's: yanglint 2.1.30 knows an annotation of its own instead.
    for (const withDefaults of ["explicit", "trim", "report-all"] as const) {
      const xml = xmlOf(await session.getConfig("running", undefined, { withDefaults }))
      assert.notEqual(reprinted("config", xml), undefined, xml)
    }
  })

  it("what filters of both kinds leave, and depth", async () => {
    const session = await client()
    const shelf = { select: "/d:depot/d:shelf[d:weight > 1]/d:weight", namespaces: { d: NS } }
    for (const xml of [
      await session.get(undefined, { xpath: shelf }),
      await session.get(`<depot xmlns="${NS}"><shelf><colour>red</colour></shelf><total/></depot>`),
      await session.getData("operational", { maxDepth: 2 }),
      await session.getData("operational", { configFilter: false }),
    ]) {
      assert.notEqual(xmlOf(xml), "")
      assert.notEqual(reprinted("get", xmlOf(xml)), undefined, xmlOf(xml))
    }
  })

  it("and nothing that is not", async () => {
    const xml = xmlOf(await (await client()).getData("operational", { withOrigin: true }))
    assert.equal(reprinted("data", xml.replace("or:default", "or:nowhere")), undefined)
    assert.equal(reprinted("data", xml.replace("<total>7", "<total>many")), undefined)
  })
})
