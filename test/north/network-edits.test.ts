// The network ordered through NETCONF: edits become decisions, all or none, with exact errors.

import assert from "node:assert/strict"
import type { LinkInventory, NodeInventory } from "../../src/model/inventory.js"
import { refused } from "../errors-helper.js"
import {
  all,
  appId,
  appsXml,
  appXml,
  link,
  linkId,
  linksXml,
  node,
  nodeId,
  nodesXml,
  Site,
  text,
} from "./network-site.js"

const qos = (min: number): string => `<app_qos><min_bandwidth>${min}</min_bandwidth></app_qos>`

const APP = (n: number): string =>
  `/keyloom-network:qkd_network/keyloom-connectivity:qkd_apps/keyloom-connectivity:qkd_app[keyloom-connectivity:app_id='${appId(n)}']`

describe("an edit of the network", () => {
  it("orders a service, which stands when its nodes have confirmed", async () => {
    const site = await Site.open()
    const client = await site.login()
    await client.editConfig("running", appsXml(appXml(1, "a", "c", qos(100))))
    await site.bench.settle()
    const service = site.bench.controller.network().services.get(appId(1)) ?? assert.fail()
    assert.equal(service.origin, "order")
    assert.equal(service.state, "active")
    assert.equal(service.terms.minRateBps, 100)
    const data = await client.get()
    assert.equal(text("service_state", data), "active")
    const [path] = all("deployed_path", data)
    assert.equal(all("hop", [path ?? assert.fail()]).length, 2)
    assert.equal(all("svc_link", data).length, 1)
  })

  it("is one decision: a part that is refused leaves nothing of the others", async () => {
    const site = await Site.open()
    const client = await site.login()
    const before = site.bench.controller.network()
    const error = await refused(
      client.editConfig(
        "running",
        appsXml(appXml(1, "a", "c", qos(100)), appXml(2, "a", "z", qos(100))),
      ),
    )
    assert.equal(error.tag, "data-missing")
    assert.equal(error.appTag, "unknown-sae")
    assert.equal(error.path, `${APP(2)}/keyloom-connectivity:client_app_id`)
    assert.equal(site.bench.controller.network().services, before.services)
    assert.equal(all("qkd_app", await client.getConfig("running")).length, 0)
  })

  it("orders a service with a backup, which its state shows", async () => {
    const site = await Site.open()
    const client = await site.login()
    await client.editConfig(
      "running",
      appsXml(
        appXml(
          1,
          "a",
          "c",
          `${qos(100)}<protection>restore</protection><revertive>true</revertive><hold_off>5</hold_off>`,
        ),
      ),
    )
    const { terms } = site.bench.controller.network().services.get(appId(1)) ?? assert.fail()
    assert.deepEqual([terms.protection, terms.revertive, terms.holdOffS], ["restore", true, 5])
    const data = await client.get()
    assert.equal(all("backup_path", data).length + all("no_backup", data).length, 1)
  })

  const wrong: [string, string, string, string | undefined, string][] = [
    [
      "an SAE with itself",
      appsXml(appXml(1, "a", "a")),
      "invalid-value",
      undefined,
      `${APP(1)}/keyloom-connectivity:client_app_id`,
    ],
    [
      "a ceiling below the guarantee",
      appsXml(
        appXml(
          1,
          "a",
          "b",
          "<app_qos><max_bandwidth>1</max_bandwidth><min_bandwidth>2</min_bandwidth></app_qos>",
        ),
      ),
      "invalid-value",
      undefined,
      `${APP(1)}/keyloom-connectivity:app_qos/keyloom-connectivity:max_bandwidth`,
    ],
    [
      "an end to be avoided",
      appsXml(appXml(1, "a", "b", `<avoid_qkdn_id>${nodeId("b")}</avoid_qkdn_id>`)),
      "invalid-value",
      undefined,
      `${APP(1)}/keyloom-connectivity:avoid_qkdn_id[1]`,
    ],
    [
      "keys in shares over 1+1",
      appsXml(
        appXml(1, "a", "b", "<protection>1+1</protection><trust_tolerance>1</trust_tolerance>"),
      ),
      "invalid-value",
      undefined,
      `${APP(1)}/keyloom-connectivity:protection`,
    ],
    [
      "a node to pass that there is not",
      appsXml(appXml(1, "a", "b", `<require_qkdn_id>${nodeId("zz")}</require_qkdn_id>`)),
      "invalid-value",
      undefined,
      `${APP(1)}/keyloom-connectivity:require_qkdn_id[1]`,
    ],
    [
      "a node that is in use gone",
      nodesXml(
        `<qkd_node xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete"><qkdn_id>${nodeId("a")}</qkdn_id></qkd_node>`,
      ),
      "data-missing",
      "instance-required",
      `/keyloom-network:qkd_network`,
    ],
    [
      "another end for a link",
      linksXml(
        `<phys_link><phys_link_id>${linkId("ab")}</phys_link_id><phys_link_remote><qkdi_id>5</qkdi_id></phys_link_remote></phys_link>`,
      ),
      "invalid-value",
      undefined,
      `/keyloom-network:qkd_network/keyloom-network:qkd_links/keyloom-network:qkd_phys_links/keyloom-network:phys_link[keyloom-network:phys_link_id='${linkId("ab")}']`,
    ],
    [
      "a link of one node",
      linksXml(
        `<phys_link><phys_link_id>${linkId("aa")}</phys_link_id><phys_link_local><qkdn_id>${nodeId("a")}</qkdn_id><qkdi_id>9</qkdi_id></phys_link_local><phys_link_remote><qkdn_id>${nodeId("a")}</qkdn_id><qkdi_id>8</qkdi_id></phys_link_remote></phys_link>`,
      ),
      "operation-failed",
      "must-violation",
      "/keyloom-network:qkd_network",
    ],
    [
      "an interface that has a link",
      linksXml(
        `<phys_link><phys_link_id>${linkId("ac")}</phys_link_id><phys_link_local><qkdn_id>${nodeId("a")}</qkdn_id><qkdi_id>98</qkdi_id></phys_link_local><phys_link_remote><qkdn_id>${nodeId("c")}</qkdn_id><qkdi_id>8</qkdi_id></phys_link_remote></phys_link>`,
      ),
      "in-use",
      undefined,
      `/keyloom-network:qkd_network/keyloom-network:qkd_links/keyloom-network:qkd_phys_links/keyloom-network:phys_link[keyloom-network:phys_link_id='${linkId("ac")}']`,
    ],
    [
      "a bound on jitter, which is not offered",
      appsXml(appXml(1, "a", "b", "<app_qos><jitter>5</jitter></app_qos>")),
      "operation-failed",
      "must-violation",
      `${APP(1)}/keyloom-connectivity:app_qos`,
    ],
  ]
  for (const [what, config, tag, appTag, path] of wrong) {
    it(`refuses ${what}, with its place, and changes nothing`, async () => {
      const site = await Site.open()
      const client = await site.login()
      const before = site.bench.controller.network()
      const error = await refused(client.editConfig("running", config))
      assert.equal(error.tag, tag, error.message)
      assert.equal(error.appTag, appTag)
      assert(error.path?.startsWith(path) === true, `${error.path} is not ${path}`)
      const after = site.bench.controller.network()
      assert.deepEqual(
        [after.nodes, after.links, after.services],
        [before.nodes, before.links, before.services],
      )
    })
  }

  it("refuses other SAEs for a service that stands, and terms that no path keeps", async () => {
    const site = await Site.open()
    const client = await site.login()
    await client.editConfig("running", appsXml(appXml(1, "a", "c", qos(100))))
    await site.bench.settle()
    const other = await refused(client.editConfig("running", appsXml(appXml(1, "a", "d"))))
    assert.equal(other.tag, "invalid-value")
    assert.equal(other.path, `${APP(1)}/keyloom-connectivity:client_app_id`)
    const much = await refused(
      client.editConfig("running", appsXml(appXml(1, "a", "c", qos(5000)))),
    )
    assert.equal(much.tag, "resource-denied")
    assert.equal(much.appTag, "no-capacity")
    assert.equal(much.path, APP(1))
    assert.equal(text("min_bandwidth", await client.getConfig("running")), "100")
  })

  it("adds a node and its link, changes and removes them, in one edit each", async () => {
    const site = await Site.open()
    const client = await site.login()
    const config = `${nodesXml(
      `<qkd_node><qkdn_id>${nodeId("e")}</qkdn_id><name>e</name><lat>49.123456</lat><management><host>127.0.0.1</host><username>u</username><private_key_file>k</private_key_file><host_key_fingerprint>SHA256:${"B".repeat(43)}</host_key_fingerprint></management><sae_id>sae-e</sae_id></qkd_node>`,
    ).replace(
      "</qkd_network>",
      "",
    )}<qkd_links><qkd_phys_links><phys_link><phys_link_id>${linkId("ce")}</phys_link_id><phys_link_local><qkdn_id>${nodeId("c")}</qkdn_id><qkdi_id>7</qkdi_id></phys_link_local><phys_link_remote><qkdn_id>${nodeId("e")}</qkdn_id><qkdi_id>1</qkdi_id></phys_link_remote><epsilon>1e-9</epsilon><expected_skr>500</expected_skr></phys_link></qkd_phys_links></qkd_links></qkd_network>`
    await client.editConfig("running", config)
    const network = site.bench.controller.network()
    assert.equal(network.nodes.get(nodeId("e"))?.lat, 49.123456)
    assert.deepEqual(network.nodes.get(nodeId("e"))?.saeIds, ["sae-e"])
    assert.equal(network.links.get(linkId("ce"))?.capacityBps, 500)
    assert.equal(network.links.get(linkId("ce"))?.epsilon, 1e-9)
    assert(site.bench.south.managed.has(nodeId("e")))
    const out = `xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete"`
    await client.editConfig(
      "running",
      `${nodesXml(`<qkd_node ${out}><qkdn_id>${nodeId("e")}</qkdn_id></qkd_node>`).replace("</qkd_network>", "")}<qkd_links><qkd_phys_links><phys_link ${out}><phys_link_id>${linkId("ce")}</phys_link_id></phys_link></qkd_phys_links></qkd_links></qkd_network>`,
    )
    assert.equal(site.bench.controller.network().nodes.has(nodeId("e")), false)
    assert(site.bench.south.forgotten.includes(nodeId("e")))
  })

  it("of one leaf leaves all else of a node and a link as it was", async () => {
    const site = await Site.open()
    const client = await site.login()
    // Whole by type: a field that is not tried here does not compile.
    const entered: Required<NodeInventory> = {
      ...node("a"),
      place: "rack 7",
      lat: 49.611621,
      lon: 6.131935,
      operator: "Upper Net",
      relay: false,
      saeIds: ["sae-a", "sae-x"],
      driftPolicy: "report",
      enabled: false,
    }
    const joined: Required<LinkInventory> = {
      ...link("ab"),
      name: "ab",
      lengthKm: 12.345,
      lossDb: 3.007,
      module: "Maker M1",
      epsilon: 3e-11,
      latencyMs: 0.061,
      srlg: ["duct", "bridge"],
      enabled: false,
      skrBps: 777,
    }
    await site.bench.submit({ kind: "node-changed", node: entered })
    await site.bench.submit({ kind: "link-changed", link: joined })
    await site.bench.settle()
    const held = (): object[] => {
      const { nodes, links } = site.bench.controller.network()
      return [nodes.get(nodeId("a")) ?? {}, links.get(linkId("ab")) ?? {}]
    }
    const [nodeBefore, linkBefore] = held()
    await client.editConfig(
      "running",
      nodesXml(`<qkd_node><qkdn_id>${nodeId("a")}</qkdn_id><name>A</name></qkd_node>`),
    )
    await client.editConfig(
      "running",
      linksXml(
        `<phys_link><phys_link_id>${linkId("ab")}</phys_link_id><name>A-B</name></phys_link>`,
      ),
    )
    await site.bench.settle()
    assert.deepEqual(held(), [
      { ...nodeBefore, name: "A" },
      { ...linkBefore, name: "A-B" },
    ])
  })

  it("with test-only is judged by the core too, and changes nothing", async () => {
    const site = await Site.open()
    const client = await site.login()
    await client.editConfig("running", appsXml(appXml(1, "a", "c")), { testOption: "test-only" })
    assert.equal(site.bench.controller.network().services.size, 0)
    const error = await refused(
      client.editConfig("running", appsXml(appXml(1, "a", "z")), { testOption: "test-only" }),
    )
    assert.equal(error.appTag, "unknown-sae")
  })

  it("survives a restart, and so does what it removed", async () => {
    const site = await Site.open()
    const client = await site.login()
    await client.editConfig("running", appsXml(appXml(1, "a", "c", qos(100)), appXml(2, "b", "d")))
    await site.bench.settle()
    const before = (await client.getConfig("running")).map((one) => JSON.stringify(one))
    assert.equal(all("qkd_app", await client.getConfig("running")).length, 2)
    const { store } = site.bench
    const again = await Site.open({ store: store })
    const after = await (await again.login()).getConfig("running")
    assert.deepEqual(
      after.map((one) => JSON.stringify(one)),
      before,
    )
  })
})
