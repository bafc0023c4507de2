// The agent over real NETCONF: what is read, written, refused and told.

import assert from "node:assert/strict"
import { nodeConfigToData } from "../../src/model/etsi015.js"
import type { NodeConfig } from "../../src/model/node.js"
import type { NetconfClientSession } from "../../src/netconf/client.js"
import { memoryConfigStore } from "../../src/node/config-store.js"
import { encodeXml } from "../../src/yang/xml.js"
import { writeXml } from "../../src/yang/xml-tree.js"
import { refused } from "../errors-helper.js"
import {
  APP,
  clientApp,
  EAST,
  nodeConfig,
  physLink,
  pool,
  RELAY,
  relayLink,
  SELF,
  TO_EAST,
  TO_WEST,
  WEST,
} from "./agent-fixtures.js"
import { AgentSite, ALLOW_ALL, eventsUntil, nodeXml, readState, schema } from "./agent-site.js"

const DESCRIPTION = {
  model: "acme q7",
  technology: "DV-QKD",
  role: "TRANSCEIVER",
  wavelengthRange: "1-80",
  maxAbsorptionDb: 24,
} as const

const full: NodeConfig = nodeConfig({
  links: [physLink(TO_WEST, 1, WEST), physLink(TO_EAST, 2, EAST), relayLink()],
  apps: [clientApp()],
  peers: [{ qkdnId: WEST, host: "127.0.0.1", port: 7000 }],
})

function configXml(config: NodeConfig): string {
  return encodeXml(schema(), nodeConfigToData(config))
}

async function running(session: NetconfClientSession): Promise<string> {
  return (await session.getConfig("running")).map(writeXml).join("")
}

describe("the agent over NETCONF", () => {
  let site: AgentSite
  beforeEach(async () => {
    site = await AgentSite.open()
  })
  afterEach(() => site.close())

  it("is a new node with its own leaves before anybody has configured it", async () => {
    const state = await readState(await site.client())
    assert.equal(state.qkdnId, SELF)
    assert.equal(state.status, "NEW")
    assert.equal(state.version, "keyloom test")
    assert.equal(state.locationId, "cellar")
    assert.deepEqual(state.capabilities, {
      linkStats: true,
      applicationStats: true,
      keyRelay: true,
    })
    assert.deepEqual(
      state.interfaces.map(({ qkdiId, status }) => [qkdiId, status]),
      [
        [1, "DISABLED"],
        [2, "DISABLED"],
        [3, "DISABLED"],
      ],
    )
    assert.deepEqual(state.keyManager, {
      etsi014Url: "https://127.0.0.1:4014",
      relayHost: "127.0.0.1",
      relayPort: 4020,
      saeIds: ["sae-self"],
      policyVersion: 7,
    })
  })

  it("tells of neighbouring domains, how many keys cross and who lies behind them", async () => {
    const session = await site.client()
    const told = (await session.get()).map(writeXml).join("")
    const domain = /<domain>.*<\/domain>/s.exec(told)?.[0].replace(/\s/g, "")
    assert.equal(
      domain,
      "<domain><name>north</name><sae_id>sae-north</sae_id><handovers>3</handovers><intakes>5</intakes></domain>",
    )
  })

  it("hands a committed configuration to what is below it, and shows it live", async () => {
    const session = await site.client()
    await session.editConfig("running", configXml(full))
    assert.deepEqual(site.below.configured.at(-1), full)
    site.below.pools.set(TO_WEST, pool(4096, 10n, 20n))
    await site.agent.interfaceUp(1, DESCRIPTION)
    site.agent.measured(TO_WEST, { generating: true, skrBps: 1000, qber: 0.0213 })
    site.agent.tick()
    site.below.delivered.set(APP, 2n ** 33n)
    site.agent.requestRefused(APP)
    const state = await readState(session)
    assert.equal(state.status, "OPERATING")
    assert.deepEqual(state.interfaces[0], { qkdiId: 1, ...DESCRIPTION, status: "ENABLED" })
    const [west, east, relay] = state.links
    assert.equal(west?.status, "ACTIVE")
    assert.deepEqual(west.performance, {
      expectedConsumptionBps: 500,
      skrBps: 1000,
      eskrBps: 1000,
      qber: 0.021,
      stockBits: 4096,
    })
    assert.deepEqual(west.appIds, [APP])
    assert.equal(east?.status, "PENDING")
    assert.equal(relay?.qkdlId, RELAY)
    assert.equal(relay.status, "PENDING")
    const [app] = state.apps
    assert.equal(app?.status, "ON")
    assert.ok(Math.abs(Date.parse(app.createdAt ?? "") - Date.now()) < 60_000)
    assert.deepEqual(state.peers, full.peers)
  })

  it("shows the true status in get and what a controller wrote in get-config", async () => {
    const session = await site.client()
    await session.editConfig("running", configXml(full))
    await session.editConfig(
      "running",
      nodeXml({
        qkdn_id: SELF,
        qkd_links: {
          qkd_link: [{ qkdl_id: TO_WEST, qkdl_status: "etsi-qkd-node-types:ACTIVE" }],
        },
      }),
    )
    assert.equal((await readState(session)).links[0]?.status, "PENDING")
    assert.match(await running(session), /qkdl_status[^<]*ACTIVE/)
  })

  it("refuses what only the node can know, and lets the cabling and the relay switch be written", async () => {
    const session = await site.client()
    await site.agent.interfaceUp(1, DESCRIPTION)
    const before = await running(session)
    for (const members of [
      { qkdn_id: WEST },
      { qkdn_id: SELF, qkdn_version: "2" },
      { qkdn_id: SELF, qkdn_capabilities: { link_stats_support: false } },
      { qkdn_id: SELF, qkd_interfaces: { qkd_interface: [{ qkdi_id: 9 }] } },
      { qkdn_id: SELF, qkd_interfaces: { qkd_interface: [{ qkdi_id: 1, qkdi_model: "x" }] } },
    ]) {
      const error = await refused(session.editConfig("running", nodeXml(members)))
      assert.equal(error.tag, "operation-not-supported", JSON.stringify(members))
      assert.match(error.path ?? "", /qkd_node/)
      assert.equal(await running(session), before)
    }
    await session.editConfig(
      "running",
      nodeXml({
        qkdn_id: SELF,
        qkdn_location_id: "attic",
        qkdn_capabilities: { key_relay_mode_enable: false },
        qkd_interfaces: {
          qkd_interface: [{ qkdi_id: 1, qkdi_att_point: { device: "ODF-3", port: 12 } }],
        },
      }),
    )
    const state = await readState(session)
    assert.equal(state.locationId, "attic")
    assert.equal(state.capabilities.keyRelay, false)
    assert.deepEqual(state.interfaces[0]?.attachment, { device: "ODF-3", port: 12 })
    const relay = await refused(session.editConfig("running", configXml(full)))
    assert.equal(relay.tag, "operation-not-supported")
  })

  it("refuses dangling references with their path, and nothing changes", async () => {
    const session = await site.client()
    await session.editConfig("running", configXml(full))
    const before = await running(session)
    const count = site.below.configured.length
    const error = await refused(
      session.editConfig(
        "running",
        `<qkd_node xmlns="urn:etsi:qkd:yang:etsi-qkd-node" xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0"><qkdn_id>${SELF}</qkdn_id><qkd_links><qkd_link nc:operation="delete"><qkdl_id>${TO_WEST}</qkdl_id></qkd_link></qkd_links></qkd_node>`,
      ),
    )
    assert.equal(error.tag, "data-missing")
    assert.equal(error.appTag, "instance-required")
    assert.match(error.path ?? "", /backing_qkdl_id|virt_prev_hop/)
    assert.equal(await running(session), before)
    assert.equal(site.below.configured.length, count)
  })

  it("tells subscribers what its links do, in the model's own terms", async () => {
    const session = await site.client()
    await session.createSubscription()
    const control = await site.client()
    await control.editConfig("running", configXml(full))
    site.agent.measured(TO_WEST, { generating: true, skrBps: 1000, qber: 0.02 })
    site.below.pools.set(TO_WEST, pool(2 ** 40))
    site.agent.tick()
    const events = await eventsUntil(session, (seen) =>
      seen.some(({ kind }) => kind === "link-performance"),
    )
    assert.deepEqual(events[0], {
      kind: "event",
      resource: { kind: "link", qkdlId: TO_WEST, status: "ACTIVE" },
      message: "keys are being generated",
      severity: "MINOR",
    })
    const update = events.find(({ kind }) => kind === "link-performance")
    assert.ok(update?.kind === "link-performance")
    assert.equal(update.performance.stockBits, 2 ** 40)
    site.agent.interfaceDown(1, "laser fault")
    const down = await eventsUntil(session, (seen) => seen.some(({ kind }) => kind === "alarm"))
    assert.deepEqual(
      down.slice(0, 2).map(({ kind }) => kind),
      ["interface-down", "alarm"],
    )
  })

  it("replays what was told before a controller came back", async () => {
    await site.agent.interfaceUp(1, DESCRIPTION)
    const session = await site.client()
    await session.createSubscription({ startTime: new Date(Date.now() - 60_000).toISOString() })
    const [first] = await eventsUntil(session, (seen) => seen.length > 0)
    assert.deepEqual(first, {
      kind: "interface-new",
      qkdInterface: { qkdiId: 1, ...DESCRIPTION },
    })
  })

  it("carries an SAE's first request to the controller and its answer back", async () => {
    const error = await refused(site.agent.desk.request("sae-self", ["sae-west"], {}))
    assert.match(error.message, /no controller is connected/)
    const controller = await site.client()
    await controller.createSubscription()
    const first = site.agent.desk.request("sae-self", ["sae-west"], { minBps: 100 })
    const second = site.agent.desk.request("sae-self", ["sae-west"], { minBps: 100 })
    const asked = await eventsUntil(controller, (seen) => seen.length === 1)
    assert.deepEqual(asked, [
      {
        kind: "app-new",
        serverAppId: "sae-self",
        clientAppIds: ["sae-west"],
        appType: "CLIENT",
        priority: 0,
        qos: { minBps: 100 },
      },
    ])
    await controller.editConfig("running", configXml(full))
    assert.equal((await first).appId, APP)
    assert.equal((await second).appId, APP)
    const nobody = refused(site.agent.desk.request("sae-self", ["sae-nowhere"], {}))
    await eventsUntil(controller, (seen) => seen.length === 1)
    await controller.rpc(
      `<refuse-application xmlns="urn:keyloom:yang:keyloom-node"><server_app_id>sae-self</server_app_id><client_app_id>sae-nowhere</client_app_id><app_tag>unknown-sae</app_tag><reason>no node has sae-nowhere</reason></refuse-application>`,
    )
    const refusal = await nobody
    assert.equal(refusal.appTag, "unknown-sae")
    assert.equal(refusal.message, "no node has sae-nowhere")
  })

  it("drops an application whose time is over, and says so", async () => {
    const session = await site.client()
    await session.createSubscription()
    // Late enough that it is not over before it is configured, on a machine that stands still for a while.
    const soon = new Date(Date.now() + 2500).toISOString()
    const control = await site.client()
    await control.editConfig(
      "running",
      configXml({ ...full, apps: [clientApp({ expiresAt: soon })] }),
    )
    assert.equal(site.below.configured.at(-1)?.apps.length, 1)
    site.agent.start()
    const events = await eventsUntil(session, (seen) =>
      seen.some(({ kind }) => kind === "app-disconnected"),
    )
    assert.deepEqual(
      events.find(({ kind }) => kind === "app-disconnected"),
      { kind: "app-disconnected", appId: APP },
    )
    assert.equal(site.below.configured.at(-1)?.apps.length, 0)
    assert.equal((await readState(control)).apps[0]?.status, "OUT-OF-TIME")
    assert.equal(site.agent.desk.find("sae-self", "sae-west"), undefined)
  })
})

describe("the agent and the site policy", () => {
  it("refuses whatever is outside it, changes nothing, and raises an alarm", async () => {
    const store = memoryConfigStore()
    const site = await AgentSite.open({
      store,
      guard: {
        ...ALLOW_ALL,
        mayConfigureLink: (link) =>
          link.remote.qkdnId === EAST ? "no allowed neighbour" : undefined,
        mayConfigureApp: (app) =>
          app.clientAppIds.includes("sae-spy") ? "not this site's" : undefined,
        mayConfigurePeer: (peer) => (peer.host === "spy.example" ? "unknown relay" : undefined),
      },
    })
    try {
      const session = await site.client()
      const events = await site.client()
      await events.createSubscription()
      const good = nodeConfig({ links: [physLink(TO_WEST, 1, WEST)] })
      await session.editConfig("running", configXml(good))
      const before = await running(session)
      const stored = JSON.stringify(await store.load())
      const count = site.below.configured.length
      for (const [wanted, path] of [
        [{ ...good, links: [...good.links, physLink(TO_EAST, 2, EAST)] }, TO_EAST],
        [{ ...good, apps: [clientApp({ clientAppIds: ["sae-west", "sae-spy"] })] }, APP],
        [{ ...good, peers: [{ qkdnId: WEST, host: "spy.example", port: 1 }] }, WEST],
      ] as const) {
        const error = await refused(session.editConfig("running", configXml(wanted)))
        assert.equal(error.tag, "access-denied")
        assert.equal(error.appTag, "policy")
        assert.match(error.path ?? "", new RegExp(path))
        assert.equal(await running(session), before)
        assert.equal(JSON.stringify(await store.load()), stored)
        assert.equal(site.below.configured.length, count)
      }
      const alarms = await eventsUntil(events, (seen) => seen.length === 2)
      assert.deepEqual(
        alarms.map((event) => event.kind === "alarm" && event.resource),
        [
          { kind: "link", qkdlId: TO_EAST },
          { kind: "app", appId: APP },
        ],
      )
    } finally {
      await site.close()
    }
  })

  it("keeps entries of an earlier policy from the key manager, and lets them be removed", async () => {
    const store = memoryConfigStore()
    const first = await AgentSite.open({ store })
    try {
      await (await first.client()).editConfig("running", configXml(full))
    } finally {
      await first.close()
    }
    const second = await AgentSite.open({
      store,
      guard: { ...ALLOW_ALL, mayConfigureApp: () => "no application any more" },
    })
    try {
      assert.equal(second.below.configured.at(-1)?.links.length, 3)
      assert.equal(second.below.configured.at(-1)?.apps.length, 0)
      assert.equal(second.agent.desk.find("sae-self", "sae-west"), undefined)
      const session = await second.client()
      assert.equal((await readState(session)).apps.length, 1)
      await session.editConfig("running", nodeXml({ qkdn_id: SELF, qkdn_location_id: "elsewhere" }))
    } finally {
      await second.close()
    }
  })

  it("is not in the tree a controller can read or write", async () => {
    const site = await AgentSite.open()
    try {
      const session = await site.client()
      const names = (await session.get()).map(writeXml).join("")
      assert.doesNotMatch(names, /spki|signer|maxHops|threshold/)
    } finally {
      await site.close()
    }
  })
})
