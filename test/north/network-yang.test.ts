// Everything the tree can say, said once and judged: by our own validator against the whole schema, and by yanglint.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import type { NodeState } from "../../src/model/node.js"
import { compileValidator } from "../../src/yang/validate.js"
import { encodeXml } from "../../src/yang/xml.js"
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
  rpcXml,
  schema,
  Site,
} from "./network-site.js"
import { profileXml, windowsXml, windowXml } from "./network-windows.js"

const yang = fileURLToPath(new URL("../../yang", import.meta.url))
const OPERATOR = { sessionId: 9, username: "olga", address: "", groups: ["operator"] }

/** What yanglint says; empty when it is content. */
function yanglint(xml: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), "keyloom-yang-"))
  try {
    const file = path.join(folder, "data.xml")
    writeFileSync(file, xml)
    const { status, stdout, stderr } = spawnSync(
      "yanglint",
      [
        ...["ietf", "etsi", "own"].flatMap((name) => ["-p", path.join(yang, name)]),
        ...["-t", "data", path.join(yang, "etsi/etsi-qkd-node-types@2022-01-30.yang")],
        path.join(yang, "own/keyloom-network@2026-11-27.yang"),
        path.join(yang, "own/keyloom-connectivity@2026-11-27.yang"),
        path.join(yang, "own/keyloom-maintenance@2026-11-28.yang"),
        path.join(yang, "ietf/ietf-netconf-acm@2018-02-14.yang"),
        file,
      ],
      { encoding: "utf8" },
    )
    return status === 0 ? "" : `${stdout}${stderr}`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A network in which everything has happened that the tree has a word for. */
async function lived(): Promise<Site> {
  const site = await Site.open()
  const client = await site.login()
  const read: NodeState = {
    qkdnId: nodeId("a"),
    status: "OPERATING",
    version: "keyloom 0",
    locationId: "rack 7",
    capabilities: { linkStats: true, applicationStats: false, keyRelay: true },
    interfaces: [
      {
        qkdiId: 98,
        model: "Maker M1",
        technology: "DV-QKD-COW",
        role: "TRANSMITTER",
        attachment: { device: "switch", port: 4 },
        wavelengthRange: "1,12-20",
        maxAbsorptionDb: 18.5,
        status: "FAILED",
      },
      { qkdiId: 100, status: "ENABLED" },
    ],
    links: [],
    apps: [],
    peers: [],
    keyManager: {
      etsi014Url: "https://127.0.0.1:4014",
      relayHost: "::1",
      relayPort: 4020,
      saeIds: ["sae-a"],
      policyVersion: 3,
    },
  }
  await site.bench.submit({ kind: "node-read", qkdnId: nodeId("a"), state: read })
  const performance = {
    expectedConsumptionBps: 2000,
    skrBps: 1500.7,
    eskrBps: 1400,
    qber: 0.0312,
    snrDb: 11,
    stockBits: 123_456_789_012,
  }
  for (const name of "dc") {
    await site.bench.submit({
      kind: "node-event",
      qkdnId: nodeId(name),
      atMs: site.bench.now,
      event: { kind: "link-performance", qkdlId: linkId("dc"), performance },
    })
  }
  const tls = {
    certFile: "/etc/keyloom/tls.crt",
    keyFile: "/etc/keyloom/tls.key",
    caFile: "/etc/keyloom/ca.crt",
    serverKeySha256: "0a".repeat(32),
  }
  const target = { ...node("e").target, host: "", callHome: true as const, tls }
  await site.bench.submit({
    kind: "node-added",
    node: node("e", { operator: "Upper Net", target, driftPolicy: "adopt", enabled: false }),
  })
  await site.bench.submit({
    kind: "link-changed",
    link: link("ad", { module: "Maker M1", latencyMs: 0.061 }),
  })
  const bound = `<app_priority>4</app_priority><app_qos><max_bandwidth>900</max_bandwidth><min_bandwidth>50</min_bandwidth><ttl>60</ttl></app_qos><avoid_qkdn_id>${nodeId("d")}</avoid_qkdn_id><max_hops>3</max_hops><max_epsilon>1e-8</max_epsilon>`
  await client.editConfig("running", appsXml(appXml(1, "a", "c", bound), appXml(2, "b", "c")))
  await site.bench.settle()
  await client.rpc(rpcXml("compute-candidate-paths", `<app_id>${appId(1)}</app_id>`))
  await client.rpc(rpcXml("compute-candidate-paths", `<app_id>${appId(2)}</app_id>`))
  await site.bench.request("a", "b")
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
  await site.bench.submit({
    kind: "node-sync-failed",
    qkdnId: nodeId("d"),
    revision: site.bench.controller.network().revision,
    error: { tag: "access-denied", appTag: "policy", message: "not here" },
  })
  // A path half way, one leaving, a node that refused, a link that came back, a service without a way.
  site.bench.south.submit = undefined
  await site.status("bc", "OFF")
  await site.status("bc", "ACTIVE")
  await client.rpc(rpcXml("move-service", `<app_id>${appId(2)}</app_id>`))
  await client.editConfig(
    "running",
    appsXml(appXml(3, "c", "d", "<app_qos><min_bandwidth>99999</min_bandwidth></app_qos>")),
  )
  await site.bench.submit({ kind: "node-lost", qkdnId: nodeId("b"), reason: "reset" })
  await client.rpc(rpcXml("remove-application", `<app_id>${appId(1)}</app_id>`))
  await site.bench.settle()
  return site
}

/** A network with one window far away, one near that a service cannot leave, one begun; and a satellite. */
async function planned(): Promise<Site> {
  const site = await Site.open()
  const client = await site.login()
  const at = (minutes: number): string => new Date(site.bench.now + minutes * 60_000).toISOString()
  await client.editConfig("running", appsXml(appXml(1, "a", "b")))
  await site.bench.settle()
  await client.editConfig(
    "running",
    windowsXml(
      windowXml(3, { node: "d", end: at(90), reason: "power" }),
      windowXml(1, { link: "bc", begin: at(60), end: at(90) }),
      windowXml(2, { link: "ab", begin: at(2), end: at(90) }),
    ),
  )
  const rates = `<rate><at>2026-01-01T00:00:00+01:00</at><skr>0</skr></rate><rate><at>2026-01-01T22:30:00.5Z</at><skr>9</skr></rate><repeat>86400</repeat>`
  await client.editConfig("running", linksXml(profileXml("dc", rates)))
  await site.bench.settle()
  return site
}

describe("all that the tree can say", () => {
  it("is valid data of the whole schema", async () => {
    for (const site of [await lived(), await planned()]) {
      const data = site.netconf.server.datastore.data(OPERATOR)
      assert.deepEqual(compileValidator(schema(), "data")(data), [])
    }
  })

  it("is there: each state of services and paths, alarms, candidates, what both ends report", async () => {
    const site = await lived()
    const client = await site.login()
    const data = await client.get()
    for (const part of [
      "operator",
      "cert_file",
      "drift_policy",
      "module",
      "latency",
      "reach_reason",
      "sync_fault",
      "qkd_interface",
      "key_manager",
      "known_sae_id",
      "phys_perf",
      "stored_bits",
      "capacity",
      "reserved",
      "hold",
      "local_report",
      "remote_report",
      "deployed_path",
      "next_path",
      "leaving_path",
      "candidate_path",
      "svc_link",
      "alarm",
      "awaiting_qkdn_id",
    ])
      assert.notEqual(all(part, data).length, 0, part)
    const types = all("alarm_type", data).map((one) => JSON.stringify(one))
    for (const type of [
      "node-unreachable",
      "node-out-of-sync",
      "interface-failed",
      "service-failed",
    ])
      assert(
        types.some((one) => one.includes(type)),
        type,
      )
  })

  it("is there: windows, those near and those begun, who stays, and rates that are known beforehand", async () => {
    const data = await (await (await planned()).login()).get()
    for (const [part, count] of [
      ["window", 3],
      ["staying_app_id", 1],
      ["planned_by", 3],
      ["stage", 3],
      ["maintenance", 4],
      ["rate", 2],
      ["rests", 1],
    ] as const)
      assert.equal(all(part, data).length, count, part)
  })

  it("is data of our modules for yanglint", async function () {
    if (spawnSync("yanglint", ["--version"]).status !== 0) {
      console.log("      skipped: yanglint is not here")
      return this.skip()
    }
    for (const [site, word] of [
      [await lived(), "<reach>"],
      [await planned(), "<window_state>"],
    ] as const) {
      const data = site.netconf.server.datastore.data(OPERATOR)
      const wanted = Object.fromEntries(
        Object.entries(data).filter(([name]) => /^(keyloom-network|ietf-netconf-acm):/.test(name)),
      )
      assert.equal(Object.keys(wanted).length, 2)
      const xml = encodeXml(schema(), wanted)
      assert.equal(yanglint(xml), "")
      assert.notEqual(yanglint(xml.replace(word, `${word}x`)), "", "it accepts anything")
    }
  })
})
