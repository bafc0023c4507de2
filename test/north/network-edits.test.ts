// The network ordered through NETCONF: edits become decisions, all or none, with exact errors; what is decided
// elsewhere shows at once; a lock holds for everybody.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import {
  all,
  appId,
  appsXml,
  appXml,
  linkId,
  linksXml,
  nodeId,
  nodesXml,
  Site,
  text,
} from "./network-site.js"

const qos = (min: number): string => `<app_qos><min_bandwidth>${min}</min_bandwidth></app_qos>`

/** The error of a call that must fail. */
async function refused(work: Promise<unknown>): Promise<QkdError> {
  try {
    await work
  } catch (error) {
    if (error instanceof QkdError) return error
    throw error
  }
  return assert.fail("it was not refused")
}

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
    const again = await Site.open({ store: store as never })
    const after = await (await again.login()).getConfig("running")
    assert.deepEqual(
      after.map((one) => JSON.stringify(one)),
      before,
    )
  })
})

describe("one datastore behind all faces", () => {
  it("shows at once what was ordered by REST, and REST what was edited", async () => {
    const site = await Site.open()
    const client = await site.login()
    const reply = await site.gate.submit({
      kind: "service-ordered",
      serviceId: appId(7),
      aSaeId: "sae-a",
      bSaeId: "sae-b",
      terms: { minRateBps: 5, priority: 2, avoidNodes: [] },
    })
    assert(reply.ok)
    assert.equal(text("app_id", await client.getConfig("running")), appId(7))
    await site.gate.submit({ kind: "service-cancelled", serviceId: appId(7) })
    assert.equal(all("qkd_app", await client.getConfig("running")).length, 0)
  })

  it("shows what a node changed while an edit of the very same entry was being decided", async () => {
    const site = await Site.open()
    const client = await site.login()
    await client.editConfig("running", appsXml(appXml(1, "a", "c")))
    await site.bench.settle()
    const { controller } = site.bench
    const submit = controller.submit.bind(controller)
    controller.submit = (event) => {
      const reply = submit(event)
      if (event.kind === "transaction") {
        const qos = { kind: "app-qos-update", appId: appId(1), priority: 9, qos: {} } as const
        void submit({ kind: "node-event", qkdnId: nodeId("a"), atMs: site.bench.now, event: qos })
      }
      return reply
    }
    const edit = appXml(1, "a", "c", "<app_priority>5</app_priority>")
    await client.editConfig("running", appsXml(edit))
    await site.bench.settle()
    assert.equal(controller.network().services.get(appId(1))?.terms.priority, 9)
    assert.equal(text("app_priority", await client.getConfig("running")), "9")
  })

  it("refuses an id that is not in its canonical form: one thing has one entry", async () => {
    const site = await Site.open()
    const client = await site.login()
    const shouted = appsXml(appXml(1, "a", "c").replace(appId(1), appId(1).toUpperCase()))
    const error = await refused(client.editConfig("running", shouted))
    assert.equal(error.tag, "invalid-value")
    assert.match(error.path ?? "", /app_id$/)
  })

  it("shows what SAEs asked for as state, until it is ordered under its own name", async () => {
    const site = await Site.open()
    const client = await site.login()
    await site.bench.submit({
      kind: "node-event",
      qkdnId: nodeId("a"),
      atMs: site.bench.now,
      event: {
        kind: "app-new",
        serverAppId: "sae-a",
        clientAppIds: ["sae-b"],
        appType: "CLIENT",
        priority: 0,
        qos: {},
      },
    })
    await site.bench.settle()
    assert.equal(all("qkd_app", await client.getConfig("running")).length, 0)
    const data = await client.get()
    assert.equal(text("origin", data), "request")
    const id = text("app_id", all("qkd_app", data)) ?? assert.fail()
    const other = await refused(client.editConfig("running", appsXml(appXml(1, "a", "b"))))
    assert.equal(other.tag, "data-exists")
    await client.editConfig("running", appsXml(appXml(1, "a", "b").replace(appId(1), id)))
    assert.equal(text("app_id", await client.getConfig("running")), id)
    assert.equal(text("origin", await client.get()), "order")
  })

  it("is locked for everybody but the holder, nodes aside", async () => {
    const site = await Site.open()
    const [holder, other] = [await site.login("olga"), await site.login("otto")]
    await holder.lock("running")
    const order = {
      kind: "service-ordered",
      aSaeId: "sae-a",
      bSaeId: "sae-b",
      terms: { minRateBps: 0, priority: 0, avoidNodes: [] },
    } as const
    for (const work of [
      site.gate.submit(order),
      other.editConfig("running", appsXml(appXml(1, "a", "b"))),
      other.rpc(
        `<register-application xmlns="urn:keyloom:yang:keyloom-connectivity"><server_app_id>sae-a</server_app_id><client_app_id>sae-b</client_app_id></register-application>`,
      ),
    ]) {
      const error = await refused(work)
      assert.equal(error.tag, "in-use", error.message)
    }
    await site.status("ab", "OFF")
    assert.equal(site.bench.controller.network().links.get(linkId("ab"))?.status, "OFF")
    await holder.editConfig("running", appsXml(appXml(1, "a", "b")))
    await holder.unlock("running")
    assert((await site.gate.submit({ ...order, aSaeId: "sae-c" })).ok)
    assert.equal(all("qkd_app", await other.getConfig("running")).length, 2)
  })

  it("keeps observers from changing, locking and reading credentials", async () => {
    const site = await Site.open()
    const client = await site.login("vera")
    const config = await client.getConfig("running")
    assert.equal(all("qkd_node", config).length, 4)
    assert.equal(all("host", config).length, 4)
    assert.deepEqual([...all("private_key_file", config), ...all("username", config)], [])
    for (const work of [
      client.editConfig("running", appsXml(appXml(1, "a", "b"))),
      client.lock("running"),
      client.rpc(
        `<remove-application xmlns="urn:keyloom:yang:keyloom-connectivity"><app_id>${appId(1)}</app_id></remove-application>`,
      ),
    ]) {
      const error = await refused(work)
      assert.equal(error.tag, "access-denied", error.message)
    }
    assert.equal(site.bench.controller.network().services.size, 0)
  })

  it("takes a candidate whole, and goes back when nobody confirms", async () => {
    const kept: unknown[] = []
    const site = await Site.open({
      unconfirmed: {
        keep: (before) => Promise.resolve(void kept.push(before)),
        forget: () => Promise.resolve(void kept.push("forgotten")),
      },
    })
    const client = await site.login()
    await client.editConfig("candidate", appsXml(appXml(1, "a", "c")))
    assert.equal(site.bench.controller.network().services.size, 0)
    await client.commit({ confirmed: { timeoutS: 60 } })
    await site.bench.settle()
    assert.equal(site.bench.controller.network().services.get(appId(1))?.state, "active")
    site.netconf.clock.pass(61_000)
    await site.bench.settle()
    assert.equal(site.bench.controller.network().services.size, 0)
    assert.equal(all("qkd_app", await client.getConfig("running")).length, 0)
    assert.deepEqual(kept.at(-1), "forgotten")
  })

  it("does not let anybody edit the access rules", async () => {
    const site = await Site.open()
    const client = await site.login()
    const error = await refused(
      client.editConfig(
        "running",
        `<nacm xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-acm"><enable-nacm>false</enable-nacm></nacm>`,
      ),
    )
    assert.equal(error.tag, "operation-not-supported")
  })
})
