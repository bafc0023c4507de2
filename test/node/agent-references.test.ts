// References between entries, which ETSI 015 leaves to whoever writes them.

import assert from "node:assert/strict"
import { QkdError, type AppTag, type ErrorTag } from "../../src/errors.js"
import type { LinkConfig } from "../../src/model/link.js"
import type { NodeConfig } from "../../src/model/node.js"
import { checkReferences } from "../../src/node/agent-references.js"
import {
  clientApp,
  EAST,
  FAR,
  nodeConfig,
  physLink,
  RELAY,
  relayLink,
  SELF,
  TO_EAST,
  TO_EAST_2,
  TO_WEST,
  WEST,
} from "./agent-fixtures.js"

const both: readonly LinkConfig[] = [physLink(TO_WEST, 1, WEST), physLink(TO_EAST, 2, EAST)]

function check(config: NodeConfig, relayEnabled = true, settled: readonly LinkConfig[] = []): void {
  checkReferences(config, {
    qkdiIds: new Set([1, 2, 3]),
    relayEnabled,
    settled: { ...config, links: settled, apps: [] },
  })
}

function refused(config: NodeConfig, tag: ErrorTag, path: string, appTag?: AppTag): void {
  assert.throws(
    () => {
      check(config)
    },
    (error) => {
      assert.ok(error instanceof QkdError)
      assert.equal(error.tag, tag)
      assert.equal(error.appTag, appTag)
      assert.ok(error.path?.endsWith(path), error.path)
      return true
    },
  )
}

describe("an edit of links and applications", () => {
  it("passes when everything it names is there", () => {
    check(
      nodeConfig({
        links: [...both, relayLink()],
        apps: [clientApp()],
        peers: [{ qkdnId: WEST, host: "west.example", port: 7000 }],
      }),
    )
  })

  it("is refused when an interface is not there, missing, or in use", () => {
    const at = `qkd_link[qkdl_id='${TO_EAST}']/qkdl_local/qkdi_id`
    const with2 = (link: LinkConfig): NodeConfig =>
      nodeConfig({ links: [physLink(TO_WEST, 1, WEST), link] })
    refused(with2(physLink(TO_EAST, 9, EAST)), "data-missing", at, "instance-required")
    refused(with2(physLink(TO_EAST, 1, EAST)), "in-use", at)
    refused(
      with2({ ...physLink(TO_EAST, 2, EAST), local: { qkdnId: SELF } }),
      "missing-element",
      at,
    )
  })

  it("is not refused for a link that stays while its module is gone", () => {
    const old = physLink(TO_EAST, 9, EAST)
    check(nodeConfig({ links: [old] }), true, [old])
    assert.throws(() => {
      check(nodeConfig({ links: [{ ...old, enabled: false }] }), true, [old])
    }, QkdError)
  })

  it("is refused when a physical link starts elsewhere or ends here", () => {
    refused(
      nodeConfig({ links: [physLink(TO_WEST, 1, WEST, { local: { qkdnId: FAR, qkdiId: 1 } })] }),
      "invalid-value",
      "qkdl_local/qkdn_id",
    )
    refused(
      nodeConfig({ links: [physLink(TO_WEST, 1, SELF)] }),
      "invalid-value",
      "qkdl_remote/qkdn_id",
    )
    refused(
      nodeConfig({ links: [physLink(TO_WEST, 1, "")] }),
      "missing-element",
      "qkdl_remote/qkdn_id",
    )
  })

  it("is refused when a virtual link has not the shape of an end or of a relay", () => {
    const virt = (more: Parameters<typeof relayLink>[0]): NodeConfig =>
      nodeConfig({ links: [...both, relayLink(more)] })
    const { prevHop: _, ...noPrev } = relayLink()
    refused(virt({ nextHops: [] }), "missing-element", "virt_next_hop")
    refused(nodeConfig({ links: [...both, noPrev] }), "missing-element", "virt_prev_hop")
    refused(virt({ nextHops: [WEST] }), "invalid-value", "virt_next_hop")
    refused(virt({ nextHops: [EAST, FAR] }), "operation-not-supported", "virt_next_hop")
    refused(virt({ local: { qkdnId: SELF } }), "invalid-value", `qkd_link[qkdl_id='${RELAY}']`)
    refused(virt({ nextHops: [FAR] }), "data-missing", "virt_next_hop", "instance-required")
    refused(
      nodeConfig({
        links: [...both, { ...noPrev, local: { qkdnId: SELF }, remote: { qkdnId: SELF } }],
      }),
      "invalid-value",
      "qkdl_remote/qkdn_id",
    )
    check(nodeConfig({ links: [...both, { ...noPrev, local: { qkdnId: SELF } }] }))
  })

  it("is refused where several physical links lead to the hop and none is named, or a wrong one", () => {
    const three = [...both, physLink(TO_EAST_2, 3, EAST)]
    refused(
      nodeConfig({ links: [...three, relayLink()] }),
      "missing-element",
      "keyloom-node:next_qkdl_id",
    )
    refused(
      nodeConfig({ links: [...three, relayLink({ nextQkdlId: TO_WEST })] }),
      "data-missing",
      "keyloom-node:next_qkdl_id",
      "instance-required",
    )
    check(nodeConfig({ links: [...three, relayLink({ nextQkdlId: TO_EAST_2 })] }))
  })

  it("is refused when it would relay at a node whose relay mode is off", () => {
    assert.throws(
      () => {
        check(nodeConfig({ links: [...both, relayLink()] }), false)
      },
      (error) => error instanceof QkdError && error.tag === "operation-not-supported",
    )
  })

  it("is refused when an application's link is not there, leads elsewhere, or passes by", () => {
    const app = (more: Parameters<typeof clientApp>[0]): NodeConfig =>
      nodeConfig({ links: [...both, relayLink()], apps: [clientApp(more)] })
    const backing = (id: string): string => `backing_qkdl_id[.='${id}']`
    refused(app({ backingQkdlIds: [FAR] }), "data-missing", backing(FAR), "instance-required")
    refused(app({ backingQkdlIds: [TO_EAST] }), "invalid-value", backing(TO_EAST))
    refused(app({ backingQkdlIds: [RELAY] }), "invalid-value", backing(RELAY))
    refused(app({ localQkdnId: FAR }), "invalid-value", "local_qkdn_id")
    refused(app({ remoteQkdnId: SELF }), "invalid-value", "remote_qkdn_id")
    refused(app({ qos: { minBps: 2, maxBps: 1 } }), "invalid-value", "app_qos/min_bandwidth")
  })

  it("is refused when the shares of a key would pass the same neighbour, or there is one share only", () => {
    const end = (qkdlId: string, hop: string): NodeConfig["links"][number] => {
      const { prevHop: _, ...noPrev } = relayLink()
      const ends = { local: { qkdnId: SELF }, remote: { qkdnId: FAR } }
      return { ...noPrev, ...ends, qkdlId, nextHops: [hop] }
    }
    const second = "aaaaaaaa-0000-4000-8000-000000000011"
    const combined = (hop: string, backingQkdlIds: readonly string[]): NodeConfig =>
      nodeConfig({
        links: [...both, end(RELAY, WEST), end(second, hop)],
        apps: [clientApp({ backingQkdlIds, remoteQkdnId: FAR, keyCombination: "all" })],
      })
    check(combined(EAST, [RELAY, second]))
    refused(combined(WEST, [RELAY, second]), "invalid-value", `backing_qkdl_id[.='${second}']`)
    refused(combined(EAST, [RELAY]), "invalid-value", "keyloom-node:key_combination")
    // Where there is no relay there is nobody to share against.
    check(nodeConfig({ apps: [clientApp({ keyCombination: "all" })] }))
  })

  it("that takes a link away from under an application or a virtual link is refused", () => {
    refused(
      nodeConfig({ links: [physLink(TO_EAST, 2, EAST)], apps: [clientApp()] }),
      "data-missing",
      `backing_qkdl_id[.='${TO_WEST}']`,
      "instance-required",
    )
    refused(
      nodeConfig({ links: [physLink(TO_EAST, 2, EAST), relayLink()] }),
      "data-missing",
      "virt_prev_hop",
      "instance-required",
    )
  })
})
