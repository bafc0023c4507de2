// The ETSI GS QKD 015 model through our own server and client: edits of a node, errors by path, events.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import type { QkdError } from "../../src/errors.js"
import type { NetconfBackend } from "../../src/netconf/backend.js"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { compileSchema, type Schema } from "../../src/yang/schema.js"
import { writeXml, type XmlElement } from "../../src/yang/xml-tree.js"
import { depot, settle, type Depot } from "./fixture.js"

const NS = "urn:etsi:qkd:yang:etsi-qkd-node"
const TYPES = "urn:etsi:qkd:yang:etsi-qkd-node-types"
const HERE = "11111111-1111-4111-8111-111111111111"
const THERE = "22222222-2222-4222-8222-222222222222"
const LINK = "aaaaaaaa-0000-4000-8000-000000000001"
const shared = fileURLToPath(new URL("../../../shared/conformance/etsi-qkd-yang", import.meta.url))

let schema: Schema | undefined
const MODULES = ["etsi-qkd-sdn-node", "etsi-qkd-node-types", "ietf-yang-types", "ietf-inet-types"]

function node(): Depot {
  schema ??= compileSchema(loadYangFiles(MODULES))
  const backend: NetconfBackend = {
    schema,
    state: () => ({
      "etsi-qkd-sdn-node:qkd_node": {
        qkdn_status: "etsi-qkd-node-types:OPERATING",
        qkd_links: {
          qkd_link: [
            {
              qkdl_id: LINK,
              qkdl_status: "etsi-qkd-node-types:ACTIVE",
              qkdl_performance: { skr: 1200, eskr: 900 },
            },
          ],
        },
      },
    }),
    prepareEdit: () => Promise.resolve({ commit: () => Promise.resolve() }),
  }
  return depot({ "etsi-qkd-sdn-node:qkd_node": { qkdn_id: HERE } }, {}, backend)
}

const nodeXml = (children: string): string =>
  `<qkd_node xmlns="${NS}" xmlns:t="${TYPES}">${children}</qkd_node>`
const linkXml = (children: string): string =>
  nodeXml(`<qkd_links><qkd_link><qkdl_id>${LINK}</qkdl_id>${children}</qkd_link></qkd_links>`)
const link = linkXml(
  `<qkdl_status>t:PENDING</qkdl_status><qkdl_enable>true</qkdl_enable>` +
    `<qkdl_local><qkdn_id>${HERE}</qkdn_id></qkdl_local><qkdl_remote><qkdn_id>${THERE}</qkdn_id></qkdl_remote>` +
    `<qkdl_type>t:VIRT</qkdl_type><virt_prev_hop>${HERE}</virt_prev_hop><virt_bandwidth>500</virt_bandwidth>`,
)
const xmlOf = (elements: readonly XmlElement[]): string => elements.map(writeXml).join("")

describe("an ETSI 015 node over NETCONF", () => {
  it("takes a link of a relay path, and shows it with what is measured on it", async () => {
    const { client } = await node().connect()
    await client.editConfig("running", link)
    const config = xmlOf(await client.getConfig("running"))
    assert.match(config, /qkdl_status[^>]*>[a-z-]+:PENDING</)
    const all = xmlOf(await client.get())
    // 015 has this state as configuration: what the node reports is shown.
    assert.match(all, /qkdl_status[^>]*>[a-z-]+:ACTIVE</)
    assert.match(all, /<skr>1200</)
    assert.equal(all.split("<qkd_link>").length, 2)
  })

  it("answers what yanglint takes for data of the corrected model", async function () {
    const corrected = path.join(shared, "variants/when-corrected")
    if (!existsSync(corrected) || spawnSync("yanglint", ["--version"]).error !== undefined) {
      console.error("      ../shared or yanglint is missing: skipped")
      this.skip()
    }
    const { client } = await node().connect()
    await client.editConfig("running", link)
    const dir = mkdtempSync(path.join(tmpdir(), "keyloom-netconf-"))
    const verdict = (name: string, xml: string): { status: number | null; stderr: Buffer } => {
      const file = path.join(dir, name)
      writeFileSync(file, xml)
      const folders = ["-p", path.join(shared, "deps"), "-p", shared]
      const model = path.join(corrected, "etsi-qkd-sdn-node@2022-01-30.yang")
      const types = path.join(shared, "etsi-qkd-node-types@2022-01-30.yang")
      return spawnSync("yanglint", [...folders, "-t", "data", types, model, file])
    }
    try {
      const xml = xmlOf(await client.get())
      const good = verdict("get.xml", xml)
      assert.equal(good.status, 0, good.stderr.toString())
      const bad = verdict("bad.xml", xml.replace("<skr>1200", "<skr>minus"))
      assert.notEqual(bad.status, 0, "the oracle accepts anything")
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  it("refuses wrong values with the path to the entry", async () => {
    const { server, connect } = node()
    const { client } = await connect()
    const before = server.datastore.running
    const wrong: [string, string][] = [
      [
        linkXml("<qkdl_type>t:PHYS</qkdl_type><phys_wavelength>many</phys_wavelength>"),
        "phys_wavelength",
      ],
      [linkXml("<qkdl_type>t:NOTHING</qkdl_type>"), "qkdl_type"],
    ]
    for (const [xml, leaf] of wrong)
      await assert.rejects(client.editConfig("running", xml), (error: QkdError) => {
        const m = "etsi-qkd-sdn-node"
        assert.equal(error.tag, "invalid-value")
        assert.equal(
          error.path,
          `/${m}:qkd_node/${m}:qkd_links/${m}:qkd_link[${m}:qkdl_id='${LINK}']/${m}:${leaf}`,
        )
        return true
      })
    assert.equal(server.datastore.running, before)
  })

  it("does not let its identity be taken away", async () => {
    const { server, connect } = node()
    const { client } = await connect()
    const nc = 'xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete"'
    await assert.rejects(client.editConfig("running", nodeXml(`<qkdn_id ${nc}/>`)))
    assert.match(JSON.stringify(server.datastore.running), new RegExp(HERE))
  })

  it("tells of a cut fibre, filtered by link for those who asked so", async () => {
    const { server, connect } = node()
    const all = (await connect()).client
    const one = (await connect()).client
    await all.createSubscription()
    await one.createSubscription({
      filterXml: `<sdqkdn_link_down xmlns="${NS}"><qkd_link><qkdl_id>${LINK}</qkdl_id></qkd_link></sdqkdn_link_down>`,
    })
    const heard = { all: [] as string[], one: [] as string[] }
    for (const [name, client] of [
      ["all", all],
      ["one", one],
    ] as const)
      void (async () => {
        for await (const { event } of client.notifications) heard[name].push(writeXml(event))
      })()
    for (const qkdl_id of [LINK, LINK.replace(/1$/, "2")])
      server.notify({
        "etsi-qkd-sdn-node:sdqkdn_link_down": { qkd_link: { qkdl_id, reason: "fibre cut" } },
      })
    await settle()
    assert.equal(heard.all.length, 2)
    assert.equal(heard.one.length, 1)
    assert.match(heard.one[0] ?? "", new RegExp(`${LINK}.*fibre cut`))
  })
})
