// Other people's tools at the nodes of a running network: ncclient reads, edits and hears them; yanglint accepts what
// they return and tell, as data of the corrected 015 model with Keyloom's own module beside it.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import {
  type Demo,
  eventually,
  fibre,
  freshDir,
  removeDir,
  root,
  startDemo,
} from "../support/demo.js"
import { Bystander, exchangeKey } from "../support/hostile-bystander.js"
import { NODE_NS } from "../support/hostile-netconf.js"
import { SERVER_MODULES } from "../support/server-modules.js"
import { type Call, ncclient, type Outcome } from "../support/ncclient.js"

const OWN_NS = "urn:keyloom:yang:keyloom-node"
const NOTIFICATION_NS = "urn:ietf:params:xml:ns:netconf:notification:1.0"
const etsi = path.join(root, "../shared/conformance/etsi-qkd-yang")
const corrected = path.join(etsi, "variants/when-corrected/etsi-qkd-sdn-node@2022-01-30.yang")

/** What yanglint says of an instance; empty when it is content. */
function yanglint(kind: "data" | "nc-notif" | "get", xml: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), "keyloom-peers-"))
  try {
    const file = path.join(folder, "instance.xml")
    writeFileSync(file, xml)
    const { status, stdout, stderr } = spawnSync(
      "yanglint",
      [
        "-p",
        path.join(etsi, "deps"),
        "-t",
        kind,
        ...SERVER_MODULES,
        path.join(etsi, "etsi-qkd-node-types@2022-01-30.yang"),
        corrected,
        path.join(root, "yang/own/keyloom-node@2026-11-23.yang"),
        file,
      ],
      { encoding: "utf8" },
    )
    return status === 0 ? "" : `${stdout}${stderr}` || `yanglint ended with ${status ?? "a signal"}`
  } finally {
    removeDir(folder)
  }
}

/** What is inside `<data>`. */
function inData(xml: string): string {
  return /<data[^>]*>(.*)<\/data>/s.exec(xml)?.[1] ?? assert.fail(xml)
}

describe("others' tools at a running network", function () {
  this.timeout(180_000)
  let demo: Demo
  let oracle = false
  const heard: string[] = []
  const dir = freshDir()

  before(async () => {
    oracle = existsSync(corrected) && spawnSync("yanglint", ["--version"]).status === 0
    if (!oracle) console.log("      yanglint or ../shared is not here: what it judges is skipped")
    demo = await startDemo({ dir, topology: path.join(root, "examples/luxembourg/topology.json") })
    // Applications, a relay path and statistics at every node.
    await exchangeKey(demo, "sae-Windhof", "sae-Betzdorf")
    await exchangeKey(demo, "sae-Kirchberg", "sae-Windhof")
  })
  after(async () => {
    await demo.stop()
    removeDir(dir)
  })

  const node = (name: string): Demo["file"]["nodes"][number] =>
    demo.file.nodes.find((n) => n.name === name) ?? assert.fail(name)

  const ask = async (name: string, ...calls: Call[]): Promise<Outcome[]> =>
    (await ncclient(node(name).netconf, calls)).slice(1)

  const configOf = (name: string, inner: string): string =>
    `<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><qkd_node xmlns="${NODE_NS}"><qkdn_id>${node(name).qkdnId}</qkdn_id>${inner}</qkd_node></config>`

  describe("ncclient", () => {
    it("is told base 1.0 and 1.1, the 015 modules and our own", async () => {
      const [hello] = await ncclient(node("Windhof").netconf, [])
      for (const part of [
        "base:1.0",
        "base:1.1",
        "etsi-qkd-sdn-node",
        "etsi-qkd-node-types",
        "keyloom-node",
      ])
        assert(
          hello?.capabilities?.some((c) => c.includes(part)),
          part,
        )
    })

    it("reads all of a node: interfaces, links with rate and error rate, applications, key stock", async () => {
      const [whole] = await ask("Kirchberg", { op: "get" })
      const xml = whole?.data ?? assert.fail(JSON.stringify(whole))
      assert(xml.includes(node("Kirchberg").qkdnId))
      for (const { qkdlId } of demo.file.links) assert(xml.includes(qkdlId), qkdlId)
      assert.equal([...xml.matchAll(/<qkd_interface><qkdi_id>/g)].length, 2)
      for (const leaf of ["skr", "eskr", "expected_consumption", "stored_bits", "qkdn_status"])
        assert.match(xml, new RegExp(`<${leaf}[ >]`), leaf)
      assert.match(xml, /<server_app_id>sae-Kirchberg<|<client_app_id>sae-Kirchberg</)
      assert.match(xml, /:VIRT</, "the relay path of the far pair")
    })

    it("reads a part with a subtree filter, and configuration without state", async () => {
      const [status, config] = await ask(
        "Kirchberg",
        {
          op: "get",
          filter: `<qkd_node xmlns="${NODE_NS}"><qkd_links><qkd_link><qkdl_id>${demo.file.links[1]?.qkdlId ?? ""}</qkdl_id><qkdl_status/></qkd_link></qkd_links></qkd_node>`,
        },
        { op: "get-config" },
      )
      assert.match(
        inData(status?.data ?? ""),
        new RegExp(
          `^<qkd_node[^>]*><qkd_links><qkd_link><qkdl_id>${demo.file.links[1]?.qkdlId ?? ""}</qkdl_id><qkdl_status[^>]*>[a-z-]+:ACTIVE</qkdl_status></qkd_link></qkd_links></qkd_node>$`,
        ),
      )
      assert.match(config?.data ?? "", /<qkdl_id>/)
      assert.doesNotMatch(config?.data ?? "", /<skr>|<stored_bits>|<key_manager/)
    })

    it("edits what the policy leaves to a controller, and another session reads it", async () => {
      const place = "JFK campus, cellar"
      const [edited, state] = await ask(
        "Kirchberg",
        {
          op: "edit",
          config: configOf("Kirchberg", `<qkdn_location_id>${place}</qkdn_location_id>`),
        },
        { op: "get" },
      )
      assert.equal(edited?.ok, true, JSON.stringify(edited))
      assert.match(state?.data ?? "", new RegExp(`<qkdn_location_id>${place}<`))
      const [config] = await ask("Kirchberg", { op: "get-config" })
      assert.match(config?.data ?? "", new RegExp(`<qkdn_location_id>${place}<`))
      await exchangeKey(demo, "sae-Windhof", "sae-Betzdorf")
    })

    it("hears within seconds that a fibre was cut and that it works again", async () => {
      const cut = demo.file.links[0] ?? assert.fail()
      const listener = await Bystander.open(node("Kirchberg").netconf)
      try {
        await listener.subscribe()
        const hear = (what: string, pattern: RegExp): Promise<string> => {
          const from = heard.length
          return eventually(async () => {
            heard.push(...(await listener.heard()))
            return heard.slice(from).find((n) => pattern.test(n) && n.includes(cut.qkdlId))
          }, what)
        }
        await fibre(demo, "cut", cut.a, cut.b)
        const down = await hear("the cut is told", /<sdqkdn_link_down /)
        assert.match(down, /<eventTime>\d{4}-\d\d-\d\dT[^<]*(Z|[+-]\d\d:\d\d)</)
        await fibre(demo, "mend", cut.a, cut.b)
        await hear("the mended link is told", /:ACTIVE</)
      } finally {
        await listener.close()
      }
    })
  })

  describe("yanglint", () => {
    it("accepts what every node returns for get", async function () {
      if (!oracle) this.skip()
      for (const { name } of demo.file.nodes) {
        const [whole] = await ask(name, { op: "get" })
        const xml = inData(whole?.data ?? "")
        assert(xml.includes("<qkd_app>"), `${name} has no application to judge`)
        assert.equal(yanglint("data", xml), "", name)
        assert.notEqual(
          yanglint("data", xml.replace(/:ACTIVE</, ":NONE<")),
          "",
          "yanglint accepts anything",
        )
      }
    })

    it("accepts every notification heard", function () {
      if (!oracle) this.skip()
      assert(heard.length >= 2, "nothing was heard")
      const kinds = new Set<string>()
      for (const note of heard) {
        assert(note.includes(`<notification xmlns="${NOTIFICATION_NS}"`), note)
        kinds.add(/<\/eventTime><([a-z_]+)/.exec(note)?.[1] ?? assert.fail(note))
        const xml = note.replace(/^<\?xml[^>]*\?>/, "")
        assert.equal(yanglint("nc-notif", xml), "", xml)
      }
      console.log(`      heard ${heard.length}: ${[...kinds].join(", ")}`)
      assert(kinds.has("sdqkdn_link_down"))
      const note = heard.find((n) => n.includes("sdqkdn_link_down")) ?? assert.fail()
      assert.notEqual(
        yanglint("nc-notif", note.replace(/<qkdl_id>[^<]*</, "<qkdl_id>l1<")),
        "",
        "yanglint accepts anything",
      )
    })

    it("finds our own leaves only in our own module's namespace", async () => {
      const [whole] = await ask("Windhof", { op: "get" })
      assert.match(whole?.data ?? "", new RegExp(`<key_stock xmlns="${OWN_NS}"><stored_bits>\\d+<`))
    })
  })
})
