// The agent judged by others: yanglint on what it returns, ncclient on how it behaves.

import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { existsSync, writeFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { nodeConfigToData } from "../../src/model/etsi015.js"
import { notificationFromNodeEvent } from "../../src/model/etsi015-notify.js"
import type { NodeEvent } from "../../src/model/node.js"
import { OWNER } from "../../src/netconf/datastore.js"
import { compileValidator } from "../../src/yang/validate.js"
import { encodeXml } from "../../src/yang/xml.js"
import { writeXml } from "../../src/yang/xml-tree.js"
import {
  APP,
  clientApp,
  EAST,
  nodeConfig,
  physLink,
  pool,
  relayLink,
  SELF,
  TO_EAST,
  TO_WEST,
  WEST,
} from "./agent-fixtures.js"
import { SERVER_MODULES } from "../support/server-modules.js"
import { AgentSite, schema } from "./agent-site.js"

const root = fileURLToPath(new URL("../..", import.meta.url))
const etsi = path.join(root, "../shared/conformance/etsi-qkd-yang")
const corrected = path.join(etsi, "variants/when-corrected/etsi-qkd-sdn-node@2022-01-30.yang")
const PYTHON = "/usr/bin/python3"

function run(file: string, args: readonly string[]): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: 20_000 }, (error, out, err) => {
      const status = error === null ? 0 : typeof error.code === "number" ? error.code : -1
      resolve({ status, text: out + err })
    })
  })
}

async function has(file: string, args: readonly string[]): Promise<boolean> {
  return (await run(file, args)).status === 0
}

/** Every state leaf in use: a link that generates, one that is empty, a relay, an application with statistics. */
async function busy(site: AgentSite): Promise<void> {
  const config = nodeConfig({
    links: [
      physLink(TO_WEST, 1, WEST, {
        role: "TRANSMITTER",
        wavelengthChannel: 34,
        channelAttenuationDb: 9.75,
      }),
      physLink(TO_EAST, 2, EAST, { enabled: false }),
      relayLink({ prevQkdlId: TO_WEST, nextQkdlId: TO_EAST }),
    ],
    apps: [clientApp({ expiresAt: "2036-01-01T00:00:00Z", qos: { minBps: 100, ttlS: 600 } })],
    peers: [{ qkdnId: WEST, host: "127.0.0.1", port: 7000 }],
  })
  const session = await site.client()
  await session.editConfig("running", encodeXml(schema(), nodeConfigToData(config)))
  await site.agent.interfaceUp(1, {
    model: "acme q7",
    technology: "DV-QKD-COW",
    role: "TRANSCEIVER",
    wavelengthRange: "1,12-20,40",
    maxAbsorptionDb: 24.5,
  })
  site.agent.interfaceDown(2, "laser fault")
  site.below.pools.set(TO_WEST, pool(2 ** 40, 10n, 20n))
  site.below.delivered.set(APP, 4096n)
  site.agent.measured(TO_WEST, { generating: true, skrBps: 1234.5, qber: 0.0345 })
  site.agent.tick()
}

describe("what a busy agent returns for get", () => {
  it("is accepted by yanglint as data of the corrected model with keyloom-node", async function () {
    this.timeout(180_000)
    if (!existsSync(corrected) || !(await has("yanglint", ["--version"]))) {
      process.stdout.write("      (skipped: yanglint or ../shared/conformance is not here)\n")
      this.skip()
    }
    const site = await AgentSite.open({ statisticsPeriodS: 1 })
    try {
      await busy(site)
      await new Promise((done) => setTimeout(done, 1050))
      site.below.delivered.set(APP, 8192n)
      site.agent.tick()
      const file = path.join(site.dir, "get.xml")
      const xml = (await (await site.client()).get()).map(writeXml).join("\n")
      for (const word of [
        "<statistics>",
        "stored_bits",
        "phys_perf",
        "virt_next_hop",
        "qkdi_status",
      ])
        assert.ok(xml.includes(word), `${word} is not live`)
      writeFileSync(file, xml)
      const args = [
        "-p",
        path.join(etsi, "deps"),
        "-t",
        "data",
        ...SERVER_MODULES,
        path.join(etsi, "etsi-qkd-node-types@2022-01-30.yang"),
        corrected,
        path.join(root, "yang/own/keyloom-node@2026-11-23.yang"),
        file,
      ]
      const { status, text } = await run("yanglint", args)
      assert.equal(status, 0, text)
      assert.doesNotMatch(text, /err/i)
      writeFileSync(file, xml.replace("t:ACTIVE", "t:NONE").replace(/:ACTIVE</, ":NONE<"))
      assert.notEqual((await run("yanglint", args)).status, 0, "yanglint accepts anything")
    } finally {
      await site.close()
    }
  })

  it("is valid data by our own schema too, as is every notification the agent can send", async () => {
    const site = await AgentSite.open()
    try {
      await busy(site)
      assert.deepEqual(compileValidator(schema(), "data")(site.server.datastore.data(OWNER)), [])
      const validate = compileValidator(schema(), "notification")
      const events: NodeEvent[] = [
        {
          kind: "app-new",
          serverAppId: "a",
          clientAppIds: ["b"],
          appType: "CLIENT",
          priority: 0,
          qos: { ttlS: 1 },
        },
        { kind: "app-qos-update", appId: APP, priority: 1, qos: { minBps: 1 } },
        { kind: "app-disconnected", appId: APP },
        {
          kind: "interface-new",
          qkdInterface: { qkdiId: 1, technology: "CV-QKD", maxAbsorptionDb: 1 },
        },
        { kind: "interface-down", qkdiId: 1, reason: "x" },
        { kind: "interface-out", qkdiId: 1 },
        { kind: "link-down", qkdlId: TO_WEST, reason: "x" },
        {
          kind: "link-performance",
          qkdlId: TO_WEST,
          performance: { skrBps: 1, qber: 0.01, stockBits: 2 ** 50 },
        },
        {
          kind: "link-overloaded",
          qkdlId: TO_WEST,
          performance: { expectedConsumptionBps: 2, skrBps: 1 },
        },
        {
          kind: "alarm",
          resource: { kind: "link", qkdlId: TO_WEST, status: "OFF" },
          severity: "MAJOR",
        },
        {
          kind: "event",
          resource: { kind: "interface", qkdiId: 1, status: "ENABLED" },
          message: "x",
        },
        {
          kind: "event",
          resource: { kind: "app", appId: APP, status: "OUT-OF-TIME" },
          severity: "MINOR",
        },
      ]
      for (const event of events) {
        const { name, data } = notificationFromNodeEvent(event, SELF)
        assert.deepEqual(validate({ [name]: data }), [], event.kind)
        assert.ok(schema().notifications.has(name), name)
      }
      assert.ok(
        validate({ "etsi-qkd-sdn-node:sdqkdn_link_down": { qkd_link: { qkdl_id: "l1" } } }).length >
          0,
      )
    } finally {
      await site.close()
    }
  })
})

const NCCLIENT = `
import sys
from ncclient import manager
from ncclient.operations import RPCError
port, key, self_id, west, link = int(sys.argv[1]), sys.argv[2], *sys.argv[3:6]
NS = "urn:etsi:qkd:yang:etsi-qkd-node"
TYPES = "urn:etsi:qkd:yang:etsi-qkd-node-types"
def entry(interface, remote):
    return f'''<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><qkd_node xmlns="{NS}"><qkdn_id>{self_id}</qkdn_id><qkd_links><qkd_link>
    <qkdl_id>{link}</qkdl_id><qkdl_enable>true</qkdl_enable>
    <qkdl_local><qkdn_id>{self_id}</qkdn_id><qkdi_id>{interface}</qkdi_id></qkdl_local>
    <qkdl_remote><qkdn_id>{remote}</qkdn_id><qkdi_id>1</qkdi_id></qkdl_remote>
    <qkdl_type xmlns:t="{TYPES}">t:PHYS</qkdl_type><phys_channel_att>12.5</phys_channel_att>
    </qkd_link></qkd_links></qkd_node></config>'''
with manager.connect(host="127.0.0.1", port=port, username="controller", key_filename=key,
                     hostkey_verify=False, allow_agent=False, look_for_keys=False, timeout=15) as m:
    assert any("module=keyloom-node" in c for c in m.server_capabilities), "no keyloom-node in hello"
    with m.locked("running"):
        m.edit_config(target="running", config=entry(1, west))
    got = m.get_config("running").data_xml
    assert link in got and "12.5" in got, got
    state = m.get(filter=("subtree", f'<qkd_node xmlns="{NS}"><qkd_links/></qkd_node>')).data_xml
    assert "PENDING" in state and "qkd_applications" not in state, state
    try:
        m.edit_config(target="running", config=entry(99, west))
        raise SystemExit("an interface that is not there was accepted")
    except RPCError as e:
        assert e.tag == "data-missing" and e.app_tag == "instance-required", (e.tag, e.app_tag)
        assert "qkdi_id" in e.path, e.path
    assert m.get_config("running").data_xml == got, "the refused edit changed something"
    m.create_subscription()
    print("subscribed", flush=True)
    sys.stdin.readline()
    n = m.take_notification(timeout=10)
    assert n is not None and "interface_down" in n.notification_xml, n
    print("good", flush=True)
`

describe("ncclient", () => {
  it("reads and edits the agent, is refused with tag and path, and gets its notifications", async function () {
    this.timeout(180_000)
    if (!(await has(PYTHON, ["-c", "import ncclient"]))) {
      process.stdout.write("      (skipped: no ncclient here)\n")
      this.skip()
    }
    const site = await AgentSite.open()
    try {
      const script = path.join(site.dir, "peer.py")
      writeFileSync(script, NCCLIENT)
      const args = [script, String(site.listener.port), site.keyFile, SELF, WEST, TO_WEST]
      const said = await new Promise<string>((resolve) => {
        const child = execFile(PYTHON, args, { timeout: 45_000 }, (error, out, err) => {
          resolve(error === null ? out : `${out}${err}`)
        })
        child.stdout?.on("data", (text: string) => {
          if (!text.includes("subscribed")) return
          site.agent.interfaceDown(1, "laser fault")
          child.stdin?.end("go\n")
        })
      })
      assert.match(said, /subscribed\ngood/, said)
    } finally {
      await site.close()
    }
  })
})
