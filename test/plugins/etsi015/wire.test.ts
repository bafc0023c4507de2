// What the driver reads out of a node's XML, lenient, and what it writes, exact.

import assert from "node:assert/strict"
import {
  dataFromXml,
  editXml,
  eventFromXml,
  KEYLOOM_NS,
  NODE_NS,
  TYPES_NS,
} from "../../../plugins/etsi015/wire.js"
import {
  appConfigToData,
  childrenOf,
  linkConfigToData,
  nodeEventFromNotification,
  nodeStateFromData,
  QkdError,
} from "../../../src/plugin/index.js"
import { agentSchema } from "../../../src/node/agent-schema.js"
import type { SchemaNode } from "../../../src/yang/schema-types.js"
import { parseXml } from "../../../src/yang/xml-tree.js"

const ID = "a3b1c2d4-0000-4000-8000-000000000001"
const OTHER = "a3b1c2d4-0000-4000-8000-000000000002"

describe("reading a node's XML", () => {
  const read = (inside: string): ReturnType<typeof nodeStateFromData> =>
    nodeStateFromData(
      dataFromXml([
        parseXml(
          `<n:qkd_node xmlns:n="${NODE_NS}" xmlns:t="${TYPES_NS}" xmlns:k="${KEYLOOM_NS}" xmlns:v="urn:vendor">${inside}</n:qkd_node>`,
        ),
      ]),
    )

  it("takes single entries for lists, empty containers for containers, and skips other modules", () => {
    const state = read(`
      <n:qkdn_id>${ID}</n:qkdn_id><v:serial>7</v:serial>
      <n:qkd_applications/>
      <n:qkd_links><n:qkd_link><n:qkdl_id>${OTHER}</n:qkdl_id><n:qkdl_type>t:PHYS</n:qkdl_type>
        <v:laser><v:power>3</v:power></v:laser><n:phys_wavelength> 34 </n:phys_wavelength>
        <n:qkdl_performance><n:skr>1200</n:skr>
          <n:phys_perf><n:perf_type>t:QBER</n:perf_type><n:value>0.021</n:value></n:phys_perf>
        </n:qkdl_performance></n:qkd_link></n:qkd_links>`)
    assert.equal(state.apps.length, 0)
    const [link] = state.links
    assert.equal(link?.type, "PHYS")
    assert.equal(link.wavelengthChannel, 34)
    assert.deepEqual(link.performance, { skrBps: 1200, qber: 0.021 })
    assert.deepEqual(state.capabilities, {
      linkStats: true,
      applicationStats: true,
      keyRelay: true,
    })
  })

  it("accepts identities that lack their module, as nodes in the field send them", () => {
    const state = read(`<n:qkdn_id>${ID}</n:qkdn_id><n:qkdn_status>OPERATING</n:qkdn_status>`)
    assert.equal(state.status, "OPERATING")
  })

  it("finds what keyloom-node adds, under any prefix", () => {
    const state = read(`<n:qkdn_id>${ID}</n:qkdn_id>
      <k:key_manager><k:etsi014_url>https://n</k:etsi014_url><k:relay_host>h</k:relay_host>
        <k:relay_port>5</k:relay_port><k:sae_id>a</k:sae_id></k:key_manager>
      <k:peers><k:peer><k:qkdn_id>${OTHER}</k:qkdn_id><k:host>h</k:host><k:port>6</k:port></k:peer></k:peers>`)
    assert.deepEqual(state.keyManager?.saeIds, ["a"])
    assert.deepEqual(state.peers, [{ qkdnId: OTHER, host: "h", port: 6 }])
  })

  it("takes a link that has been used in more than one period", () => {
    const period = (time: string): string =>
      `<k:period><k:start_time>2026-01-01T${time}:00Z</k:start_time></k:period>`
    const state = read(`<n:qkdn_id>${ID}</n:qkdn_id>
      <n:qkd_links><n:qkd_link><n:qkdl_id>${OTHER}</n:qkdl_id><n:qkdl_type>t:PHYS</n:qkdl_type>
        <k:key_stock><k:readable_bits>7</k:readable_bits>${period("00:00")}${period("00:01")}</k:key_stock>
      </n:qkd_link></n:qkd_links>`)
    assert.equal(state.links.length, 1)
  })

  it("takes every list of 015 and of keyloom-node with more than one entry", () => {
    const root = agentSchema().root.members.get("etsi-qkd-sdn-node:qkd_node") ?? assert.fail()
    let lists = 0
    const look = (node: SchemaNode, wrap: (inside: string) => string): void => {
      const { namespace: ns } = node
      if (ns !== NODE_NS && ns !== KEYLOOM_NS) return
      const tag = (inside: string): string =>
        `<x:${node.name} xmlns:x="${ns}">${inside}</x:${node.name}>`
      if (node.kind === "list" || node.kind === "leaf-list") {
        lists += 1
        dataFromXml([parseXml(wrap(tag("1") + tag("2")))])
      }
      for (const child of node.members.values()) look(child, (inside) => wrap(tag(inside)))
    }
    look(root, (inside) => inside)
    assert(lists > 10, `${lists}`)
  })

  it("refuses what cannot be: a leaf twice, a word for a number, an entry without its key", () => {
    const invalid = (inside: string): void => {
      assert.throws(() => read(`<n:qkdn_id>${ID}</n:qkdn_id>${inside}`), QkdError)
    }
    invalid(`<n:qkdn_id>${OTHER}</n:qkdn_id>`)
    invalid(
      `<n:qkd_interfaces><n:qkd_interface><n:qkdi_id>first</n:qkdi_id></n:qkd_interface></n:qkd_interfaces>`,
    )
    invalid(`<n:qkd_links><n:qkd_link/></n:qkd_links>`)
    assert.throws(() => read(""), QkdError)
  })

  it("reads a notification, in which qkd_link is one container", () => {
    const event = parseXml(
      `<sdqkdn_link_down xmlns="${NODE_NS}"><qkd_link><qkdl_id>${ID}</qkdl_id><reason>cut</reason></qkd_link></sdqkdn_link_down>`,
    )
    assert.deepEqual(nodeEventFromNotification(event.name, eventFromXml(event)), {
      kind: "link-down",
      qkdlId: ID,
      reason: "cut",
    })
  })
})

describe("writing a node's XML", () => {
  it("puts the operation on each entry, identities with their module, and keyloom's leaves in its own", () => {
    const link = linkConfigToData({
      type: "VIRT",
      qkdlId: ID,
      enabled: true,
      local: { qkdnId: ID },
      remote: { qkdnId: OTHER },
      nextHops: [OTHER],
      nextQkdlId: OTHER,
    })
    const xml = parseXml(
      editXml([
        { kind: "qkd_link", operation: "create", entry: link },
        { kind: "peer", operation: "delete", entry: { qkdn_id: OTHER } },
      ]),
    )
    const [links, peers] = childrenOf(xml)
    const [entry] = links === undefined ? [] : childrenOf(links)
    assert.equal(entry?.attrs[0]?.value, "create")
    const type = childrenOf(entry).find((leaf) => leaf.name === "qkdl_type")
    assert.deepEqual(type?.children, ["types:VIRT"])
    assert.equal(type.prefixes.get("types"), TYPES_NS)
    const next = childrenOf(entry).find((leaf) => leaf.name === "next_qkdl_id")
    assert.equal(next?.ns, KEYLOOM_NS)
    assert.equal(peers?.ns, KEYLOOM_NS)
    // The key comes first (RFC 7950 section 7.8.5).
    assert.equal(childrenOf(entry)[0]?.name, "qkdl_id")
  })

  it("escapes what applications call themselves", () => {
    const app = appConfigToData({
      appId: ID,
      type: "CLIENT",
      serverAppId: "sae:<&>types:CLIENT",
      clientAppIds: [],
      priority: 0,
      qos: {},
      backingQkdlIds: [],
    })
    const xml = editXml([{ kind: "qkd_app", operation: "replace", entry: app }])
    assert.ok(xml.includes("sae:&lt;&amp;&gt;types:CLIENT"))
    assert.ok(parseXml(xml).name === "qkd_node")
  })
})
