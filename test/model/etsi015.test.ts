// The mapper between native types and ETSI 015 data: both ways, lenient when reading, exact when writing.

import assert from "node:assert/strict"
import fc from "fast-check"
import { QkdError } from "../../src/errors.js"
import type { AppConfig } from "../../src/model/app.js"
import { appDeliveryFromData, appStateMembers } from "../../src/model/etsi015-app.js"
import {
  linkConfigToData,
  linkStateFromData,
  linkStateMembers,
  linkStockFromData,
} from "../../src/model/etsi015-link.js"
import { decimal3, Reader } from "../../src/model/etsi015-values.js"
import {
  hasKeyloomModule,
  nodeConfigFromData,
  nodeConfigToData,
  nodeStateFromData,
} from "../../src/model/etsi015.js"
import type { LinkConfig } from "../../src/model/link.js"
import type { NodeConfig } from "../../src/model/node.js"

const SELF = "11111111-1111-4111-8111-111111111111"
const PEER = "22222222-2222-4222-8222-222222222222"
const FAR = "33333333-3333-4333-8333-333333333333"
const PHYS = "aaaaaaaa-0000-4000-8000-000000000001"
const VIRT = "aaaaaaaa-0000-4000-8000-000000000002"
const APP = "bbbbbbbb-0000-4000-8000-000000000001"

const phys: LinkConfig = {
  type: "PHYS",
  qkdlId: PHYS,
  enabled: true,
  local: { qkdnId: SELF, qkdiId: 1 },
  remote: { qkdnId: PEER, qkdiId: 7 },
  channelAttenuationDb: 10.25,
  wavelengthChannel: 34,
  role: "TRANSMITTER",
}
const virt: LinkConfig = {
  type: "VIRT",
  qkdlId: VIRT,
  enabled: true,
  local: { qkdnId: SELF },
  remote: { qkdnId: FAR },
  nextHops: [PEER],
  bandwidthBps: 1024,
  nextQkdlId: PHYS,
}
const app: AppConfig = {
  appId: APP,
  type: "CLIENT",
  serverAppId: "sae-a",
  clientAppIds: ["sae-b"],
  priority: 3,
  expiresAt: "2030-01-01T00:00:00Z",
  qos: { maxBps: 4096, minBps: 512, jitterMs: 10, ttlS: 600, sharedPath: true, sharedKeys: false },
  backingQkdlIds: [VIRT],
  localQkdnId: SELF,
  remoteQkdnId: FAR,
}
const config: NodeConfig = {
  qkdnId: SELF,
  links: [phys, virt],
  apps: [app],
  peers: [{ qkdnId: PEER, host: "127.0.0.1", port: 7000 }],
}

function refusal(work: () => unknown): QkdError {
  try {
    work()
  } catch (error) {
    if (error instanceof QkdError) return error
    throw error
  }
  return assert.fail("nothing was refused")
}

describe("the ETSI 015 mapper", () => {
  it("writes a node's configuration and reads the same back", () => {
    assert.deepEqual(nodeConfigFromData(nodeConfigToData(config)), config)
  })

  it("spells names, identities and decimals as RFC 7951 wants them", () => {
    assert.deepEqual(nodeConfigToData({ ...config, apps: [], links: [phys] }), {
      "etsi-qkd-sdn-node:qkd_node": {
        qkdn_id: SELF,
        qkd_links: {
          qkd_link: [
            {
              qkdl_id: PHYS,
              qkdl_enable: true,
              qkdl_local: { qkdn_id: SELF, qkdi_id: 1 },
              qkdl_remote: { qkdn_id: PEER, qkdi_id: 7 },
              qkdl_type: "etsi-qkd-node-types:PHYS",
              phys_channel_att: "10.25",
              phys_wavelength: "34",
              phys_qkd_role: "etsi-qkd-node-types:TRANSMITTER",
            },
          ],
        },
        "keyloom-node:peers": { peer: [{ qkdn_id: PEER, host: "127.0.0.1", port: 7000 }] },
      },
    })
  })

  it("says how keys of several paths are combined and carried, and how good a link's key is", () => {
    const special = {
      ...config,
      links: [{ ...phys, epsilon: 1e-10 }, virt],
      apps: [
        { ...app, keyCombination: "all", relayScheme: "destination-combines" },
      ] satisfies AppConfig[],
    }
    const data = nodeConfigToData(special)
    assert.match(JSON.stringify(data), /"keyloom-node:epsilon":"1e-10"/)
    assert.deepEqual(nodeConfigFromData(data), special)
    // A node that would send whole keys over one of the paths is not told to serve the application at all.
    assert.throws(() => nodeConfigToData(special, { keyloom: false, conditionalLeaves: true }), {
      tag: "operation-not-supported",
    })
  })

  it("orders keys ahead at nodes that make them, and only the rate at a plain 015 node", () => {
    const ordered = { keySizeBits: 256, untilBits: 2 ** 40 }
    const special = { ...config, apps: [{ ...app, ordered }] satisfies AppConfig[] }
    const data = nodeConfigToData(special)
    assert.match(
      JSON.stringify(data),
      /ordered_keys":\{"key_size":256,"until_bits":"1099511627776"\}/,
    )
    assert.deepEqual(nodeConfigFromData(data), special)
    const plain = nodeConfigToData(special, { keyloom: false, conditionalLeaves: true })
    assert.doesNotMatch(JSON.stringify(plain), /ordered_keys/)
  })

  it("writes nothing of keyloom-node to a plain 015 node, nor what its when conditions refuse", () => {
    const plain = nodeConfigToData(config, { keyloom: false, conditionalLeaves: false })
    const text = JSON.stringify(plain)
    assert.doesNotMatch(text, /keyloom|phys_|virt_/)
    assert.match(text, /qkdl_remote/)
    assert.match(
      JSON.stringify(linkConfigToData(virt, { keyloom: false, conditionalLeaves: true })),
      /virt_next_hop/,
    )
  })

  it("reads identities without module name or with a strange prefix, and unknown ones as absent", () => {
    const read = (status: string): unknown =>
      linkStateFromData(new Reader({ qkdl_id: PHYS, qkdl_type: "PHYS", qkdl_status: status }, ""))
        .status
    assert.equal(read("ACTIVE"), "ACTIVE")
    assert.equal(read("t:PASSIVE"), "PASSIVE")
    assert.equal(read("etsi-qkd-node-types:OFF"), "OFF")
    assert.equal(read("acme:WARMING-UP"), undefined)
  })

  it("reads a plain node's state: no stock, no key manager, numbers as strings, defaults of the model", () => {
    const data = {
      "etsi-qkd-sdn-node:qkd_node": {
        "etsi-qkd-sdn-node:qkdn_id": SELF.toUpperCase(),
        qkd_links: {
          qkd_link: [
            {
              qkdl_id: PHYS,
              qkdl_type: "PHYS",
              qkdl_performance: {
                skr: "1200",
                eskr: 900,
                phys_perf: [{ perf_type: "etsi-qkd-node-types:QBER", value: 0.034 }],
              },
            },
          ],
        },
      },
    }
    const state = nodeStateFromData(data)
    assert.equal(hasKeyloomModule(data), false)
    assert.equal(state.qkdnId, SELF)
    assert.equal(state.keyManager, undefined)
    assert.deepEqual(state.capabilities, {
      linkStats: true,
      applicationStats: true,
      keyRelay: true,
    })
    assert.deepEqual(state.links[0]?.performance, { skrBps: 1200, eskrBps: 900, qber: 0.034 })
    assert.equal(state.links[0].enabled, true)
  })

  it("takes a link without a type for what its leaves say", () => {
    const typed = (entry: Record<string, unknown>): string =>
      linkStateFromData(new Reader({ qkdl_id: VIRT, ...entry }, "")).type
    assert.equal(typed({ virt_next_hop: [PEER] }), "VIRT")
    assert.equal(typed({}), "PHYS")
  })

  it("refuses malformed data with its path, and a list entry without key", () => {
    const node = (members: object): QkdError =>
      refusal(() =>
        nodeStateFromData({ "etsi-qkd-sdn-node:qkd_node": { qkdn_id: SELF, ...members } }),
      )
    assert.equal(refusal(() => nodeStateFromData({})).tag, "missing-element")
    assert.equal(
      node({ qkd_links: { qkd_link: [{ qkdl_id: "seven" }] } }).path,
      "/qkd_node/qkd_links/qkd_link[qkdl_id='seven']/qkdl_id",
    )
    assert.equal(node({ qkd_links: { qkd_link: [{}] } }).tag, "missing-element")
    assert.equal(node({ qkd_links: { qkd_link: {} } }).path, "/qkd_node/qkd_links/qkd_link")
    assert.equal(
      node({ qkd_links: { qkd_link: [{ qkdl_id: PHYS, qkdl_performance: { skr: "much" } }] } })
        .path,
      `/qkd_node/qkd_links/qkd_link[qkdl_id='${PHYS}']/qkdl_performance/skr`,
    )
  })

  it("refuses to write what 015 cannot say, with the path", () => {
    const fault = refusal(() =>
      nodeConfigToData({ ...config, links: [{ ...virt, bandwidthBps: 5e9 }] }),
    )
    assert.equal(fault.tag, "invalid-value")
    assert.equal(fault.path, `/qkd_node/qkd_links/qkd_link[qkdl_id='${VIRT}']/virt_bandwidth`)
    assert.equal(
      refusal(() => linkConfigToData({ ...phys, wavelengthChannel: 0 })).tag,
      "invalid-value",
    )
    assert.equal(refusal(() => linkConfigToData({ ...phys, qkdlId: "l1" })).tag, "invalid-value")
    assert.equal(
      refusal(() => nodeConfigToData({ ...config, apps: [{ ...app, priority: 0.5 }] })).tag,
      "invalid-value",
    )
  })

  it("holds measured rates at the ceiling of uint32 and carries 64 bits of stock exactly", () => {
    const [startTime, endTime] = ["2026-11-27T10:00:00.000Z", "2026-11-27T10:01:00.000Z"]
    const bits = { generatedBits: 4, consumedBits: 3, authenticationBits: 2, relayedBits: 1 }
    const period = { startTime, endTime, ...bits, expiredBits: 6 }
    const members = linkStateMembers(
      {
        type: "PHYS",
        status: "ACTIVE",
        appIds: [APP],
        performance: { skrBps: 1e12, eskrBps: 0.4, qber: 0.03449, expectedConsumptionBps: 512 },
      },
      {
        storedBits: 2 ** 40,
        generatedBits: 18_446_744_073_709_551_615n,
        consumedBits: 3n,
        authenticationBits: 0n,
        relayedBits: 2n,
        expiredBits: 7n,
        timeToEmptyS: 90,
        periods: [period],
      },
    )
    assert.deepEqual(members["qkdl_performance"], {
      expected_consumption: 512,
      skr: 4_294_967_295,
      eskr: 0,
      phys_perf: [{ perf_type: "etsi-qkd-node-types:QBER", value: "0.034" }],
    })
    const reader = new Reader({ qkdl_id: PHYS, ...members }, "")
    assert.equal(linkStockFromData(reader)?.generatedBits, 18_446_744_073_709_551_615n)
    assert.equal(linkStockFromData(reader)?.timeToEmptyS, 90)
    assert.equal(linkStockFromData(reader)?.relayedBits, 2n)
    assert.equal(linkStockFromData(reader)?.expiredBits, 7n)
    assert.deepEqual(linkStockFromData(reader)?.periods, [period])
    assert.equal(linkStateFromData(reader).performance.stockBits, 2 ** 40)
  })

  it("leaves phys_perf away on virtual links, where the model has none", () => {
    const members = linkStateMembers({
      type: "VIRT",
      status: "ACTIVE",
      appIds: [],
      performance: { skrBps: 1, qber: 0.1 },
    })
    assert.deepEqual(members["qkdl_performance"], { skr: 1 })
  })

  it("tells an application's statistics and what keyloom-node counts beyond 32 bits", () => {
    const members = appStateMembers(
      {
        status: "ON",
        createdAt: "2026-01-01T00:00:00Z",
        statistics: [
          { startTime: "2026-01-01T00:00:00Z", endTime: "2026-01-01T00:01:00Z", consumedBits: 512 },
        ],
      },
      { deliveredBits: 2n ** 40n, refusedRequests: 2 },
    )
    const data = nodeConfigToData({ ...config, links: [] })
    const node = data["etsi-qkd-sdn-node:qkd_node"] as { qkd_applications: { qkd_app: object[] } }
    Object.assign(node.qkd_applications.qkd_app[0] ?? {}, members)
    const [read] = nodeStateFromData(data).apps
    assert.equal(read?.status, "ON")
    assert.deepEqual(read.statistics, [
      { startTime: "2026-01-01T00:00:00Z", endTime: "2026-01-01T00:01:00Z", consumedBits: 512 },
    ])
    assert.deepEqual(appDeliveryFromData(new Reader(members, "")), {
      deliveredBits: 2n ** 40n,
      refusedRequests: 2,
    })
  })

  it("keeps every value within half a thousandth when it writes three decimals", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (value) => {
        const text = decimal3(value) ?? ""
        assert.match(text, /^-?(0|[1-9][0-9]*)\.([0-9]|[0-9]{0,2}[1-9])$/)
        assert.ok(Math.abs(Number(text) - value) <= 0.000_500_1)
      }),
    )
  })
})
