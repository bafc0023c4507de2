// All eleven notifications of ETSI 015, both ways.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import {
  nodeEventFromNotification,
  notificationFromNodeEvent,
} from "../../src/model/etsi015-notify.js"
import type { NodeEvent } from "../../src/model/node.js"

const SELF = "11111111-1111-4111-8111-111111111111"
const LINK = "aaaaaaaa-0000-4000-8000-000000000001"
const APP = "bbbbbbbb-0000-4000-8000-000000000001"

/** One of each kind, every optional member in use. */
const events: readonly NodeEvent[] = [
  {
    kind: "app-new",
    serverAppId: "sae-a",
    clientAppIds: ["sae-b", "sae-c"],
    appType: "CLIENT",
    priority: 2,
    qos: { minBps: 512, ttlS: 60 },
  },
  { kind: "app-qos-update", appId: APP, priority: 5, qos: { minBps: 1024 } },
  { kind: "app-supply", appId: APP, supply: { suppliedBits: 2 ** 40, readyBits: 512 } },
  { kind: "app-disconnected", appId: APP },
  {
    kind: "interface-new",
    qkdInterface: {
      qkdiId: 2,
      model: "vendor/device",
      technology: "CV-QKD",
      attachment: { device: "ODF-3", port: 12 },
      role: "RECEIVER",
      wavelengthRange: "1,12-20,40",
      maxAbsorptionDb: 18.5,
    },
  },
  { kind: "interface-down", qkdiId: 2, reason: "detector fault" },
  { kind: "interface-out", qkdiId: 2 },
  { kind: "link-down", qkdlId: LINK, reason: "fibre cut" },
  {
    kind: "link-performance",
    qkdlId: LINK,
    performance: {
      expectedConsumptionBps: 100,
      skrBps: 1200,
      eskrBps: 900,
      qber: 0.034,
      snrDb: 12.5,
      stockBits: 2 ** 45,
    },
  },
  {
    kind: "link-overloaded",
    qkdlId: LINK,
    performance: { expectedConsumptionBps: 2000, skrBps: 1200, eskrBps: 0 },
  },
  {
    kind: "alarm",
    resource: { kind: "link", qkdlId: LINK, status: "OFF" },
    message: "no key left",
    severity: "MAJOR",
  },
  {
    kind: "event",
    resource: { kind: "interface", qkdiId: 1, status: "ENABLED" },
    message: "calibrated",
    severity: "MINOR",
  },
  { kind: "alarm", resource: { kind: "app", appId: APP, status: "ZOMBIE" }, severity: "MINOR" },
]

describe("notifications of ETSI 015", () => {
  for (const event of events) {
    it(`carry ${event.kind} there and back`, () => {
      const { name, data } = notificationFromNodeEvent(event, SELF)
      assert.match(name, /^(etsi-qkd-sdn-node|keyloom-node):/)
      assert.deepEqual(nodeEventFromNotification(name, data), event)
    })
  }

  it("name this node in sdqkdn_application_new, which alone carries a node id", () => {
    const [first] = events
    assert.ok(first !== undefined)
    const { data } = notificationFromNodeEvent(first, SELF)
    assert.equal((data["qkd_application"] as { local_qkdn_id: string }).local_qkdn_id, SELF)
  })

  it("are read with unprefixed identities and without module name", () => {
    assert.deepEqual(
      nodeEventFromNotification("alarm", {
        link: { qkdl_id: LINK, qkdl_status: "OFF", severity: "x:MAJOR" },
      }),
      { kind: "alarm", resource: { kind: "link", qkdlId: LINK, status: "OFF" }, severity: "MAJOR" },
    )
  })

  it("are nothing when they name no resource, or are not of the model", () => {
    assert.equal(nodeEventFromNotification("alarm", {}), undefined)
    assert.equal(nodeEventFromNotification("sdqkdn_link_down", { qkd_link: {} }), undefined)
    assert.equal(nodeEventFromNotification("acme-node:restarted", {}), undefined)
  })

  it("are refused with their path when malformed", () => {
    assert.throws(
      () => nodeEventFromNotification("sdqkdn_link_down", { qkd_link: { qkdl_id: "l1" } }),
      (error) => error instanceof QkdError && error.path === "/sdqkdn_link_down/qkd_link/qkdl_id",
    )
  })

  it("never carry a listener's own resync", () => {
    assert.throws(() => notificationFromNodeEvent({ kind: "resync" }, SELF), QkdError)
  })
})
