// Running has each entry in one form, the Network's own, however a client wrote it: no edit leaves another behind, not
// even one that orders nothing new.

import assert from "node:assert/strict"
import { NetworkConfig } from "../../src/model/keyloom-network.js"
import { appsXml, appXml, linkId, linksXml, nodeId, nodesXml, Site } from "./network-site.js"

const REPLACE = `xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="replace"`
const TERMS = "<app_priority>1</app_priority><app_qos><min_bandwidth>50</min_bandwidth></app_qos>"

/** Not settled before: what is written stands when the edit is answered. */
function assertOwnForm(site: Site): void {
  const { ["ietf-netconf-acm:nacm"]: _rules, ...running } = site.netconf.server.datastore.running
  assert.deepEqual(running, new NetworkConfig(site.bench.controller.network()).data())
}

describe("the form in which running has an entry", () => {
  it("is the Network's as soon as an order is answered, defaults written out", async () => {
    const site = await Site.open()
    const client = await site.login()
    await client.editConfig("running", appsXml(appXml(1, "a", "c", TERMS)))
    assertOwnForm(site)
  })

  it("stays when a candidate is committed that came in another form to what has been ordered since", async () => {
    const site = await Site.open()
    const [olga, otto] = [await site.login("olga"), await site.login("otto")]
    await olga.editConfig("candidate", appsXml(appXml(1, "a", "c")))
    // Another order than the candidate's, so that the candidate keeps its own, in its own form.
    await otto.editConfig("running", appsXml(appXml(1, "a", "c", TERMS)))
    await site.bench.settle()
    await olga.editConfig("candidate", appsXml(appXml(1, "a", "c", TERMS)))
    await olga.commit()
    assertOwnForm(site)
    await site.bench.settle()
    assertOwnForm(site)
  })

  it("stays when a commit orders nothing but another form, and no service is touched", async () => {
    const site = await Site.open()
    const client = await site.login()
    await client.editConfig("running", appsXml(appXml(1, "a", "c", TERMS)))
    await site.bench.settle()
    const { services } = site.bench.controller.network()
    await client.editConfig("candidate", appsXml(appXml(1, "a", "c", TERMS, REPLACE)))
    await client.commit()
    assertOwnForm(site)
    await site.bench.settle()
    assertOwnForm(site)
    assert.deepEqual(site.bench.controller.network().services, services, "nothing was ordered anew")
  })

  it("stays when an entry is replaced by one that leaves its defaults unsaid", async () => {
    const site = await Site.open()
    const client = await site.login()
    await client.editConfig("running", appsXml(appXml(1, "a", "c", TERMS)))
    await client.editConfig("running", appsXml(appXml(1, "a", "c", TERMS, REPLACE)))
    assertOwnForm(site)
    await site.bench.settle()
    assertOwnForm(site)
  })

  it("is told once, not first as the client wrote it", async () => {
    const site = await Site.open()
    const client = await site.login()
    let changes = 0
    site.netconf.server.datastore.onChange(() => {
      changes += 1
    })
    await client.editConfig("running", appsXml(appXml(1, "a", "c", TERMS)))
    await site.bench.settle()
    assert.equal(changes, 1)
  })

  it("is that of nodes and links too", async () => {
    const site = await Site.open()
    const client = await site.login()
    await client.editConfig(
      "running",
      nodesXml(`<qkd_node><qkdn_id>${nodeId("a")}</qkdn_id><lat>49.50</lat></qkd_node>`),
    )
    assertOwnForm(site)
    await client.editConfig(
      "running",
      linksXml(
        `<phys_link><phys_link_id>${linkId("ab")}</phys_link_id><epsilon>0.10e-9</epsilon></phys_link>`,
      ),
    )
    assertOwnForm(site)
    await site.bench.settle()
    assertOwnForm(site)
  })
})
