// A captured controller: somebody with the controller's own credentials tells a node things outside its site's
// policy (THREATS C1, C2, R3). Each is refused with access-denied / policy, and the node is byte for byte as before.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import path from "node:path"
import { type Demo, freshDir, removeDir, root, startDemo } from "../support/demo.js"
import { ncclient } from "../support/ncclient.js"

const NODE = "urn:etsi:qkd:yang:etsi-qkd-node"
const TYPES = "urn:etsi:qkd:yang:etsi-qkd-node-types"
const OWN = "urn:keyloom:yang:keyloom-node"

const wrap = (qkdnId: string, inner: string): string =>
  `<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><qkd_node xmlns="${NODE}" xmlns:t="${TYPES}"><qkdn_id>${qkdnId}</qkdn_id>${inner}</qkd_node></config>`

describe("a controller that lies to a node", function () {
  this.timeout(180_000)
  let demo: Demo
  const dir = freshDir()
  const stranger = randomUUID()

  before(async () => {
    demo = await startDemo({ dir, topology: path.join(root, "examples/luxembourg/topology.json") })
  })
  after(async () => {
    await demo.stop()
    removeDir(dir)
  })

  const node = (name: string): Demo["file"]["nodes"][number] =>
    demo.file.nodes.find((n) => n.name === name) ?? assert.fail()

  const app = (server: string, client: string, remote: string, backing: string): string =>
    `<qkd_applications><qkd_app><app_id>${randomUUID()}</app_id><app_type>t:CLIENT</app_type><server_app_id>${server}</server_app_id>
     <client_app_id>${client}</client_app_id><backing_qkdl_id>${backing}</backing_qkdl_id>
     <local_qkdn_id>${node("Windhof").qkdnId}</local_qkdn_id><remote_qkdn_id>${remote}</remote_qkdn_id></qkd_app></qkd_applications>`
  const virt = (
    prev: string | undefined,
    next: string | undefined,
    local: string,
    remote: string,
  ): string =>
    `<qkd_links><qkd_link><qkdl_id>${randomUUID()}</qkdl_id><qkdl_local><qkdn_id>${local}</qkdn_id></qkdl_local><qkdl_remote><qkdn_id>${remote}</qkdn_id></qkdl_remote>
     <qkdl_type>t:VIRT</qkdl_type>${prev === undefined ? "" : `<virt_prev_hop>${prev}</virt_prev_hop>`}${next === undefined ? "" : `<virt_next_hop>${next}</virt_next_hop>`}
     <virt_bandwidth>100</virt_bandwidth></qkd_link></qkd_links>`

  const lies: ["C1" | "C2" | "R3", string, string, () => string][] = [
    [
      "C2",
      "an SAE that is not of this site",
      "Windhof",
      () =>
        app(
          "sae-Betzdorf",
          "sae-Kirchberg",
          node("Kirchberg").qkdnId,
          demo.file.links[0]?.qkdlId ?? "",
        ),
    ],
    [
      "C2",
      "an invented SAE as one of this site's",
      "Windhof",
      () =>
        app("sae-eve", "sae-Kirchberg", node("Kirchberg").qkdnId, demo.file.links[0]?.qkdlId ?? ""),
    ],
    [
      "C2",
      "a peer SAE at a node that may not claim it",
      "Windhof",
      () =>
        app(
          "sae-Windhof",
          "sae-Betzdorf",
          node("Kirchberg").qkdnId,
          demo.file.links[0]?.qkdlId ?? "",
        ),
    ],
    [
      "C1",
      "a far end outside the policy",
      "Windhof",
      () => app("sae-Windhof", "sae-eve", stranger, demo.file.links[0]?.qkdlId ?? ""),
    ],
    [
      "C1",
      "an unknown relay neighbour",
      "Kirchberg",
      () => virt(stranger, node("Betzdorf").qkdnId, stranger, node("Betzdorf").qkdnId),
    ],
    [
      "R3",
      "a next hop outside the policy",
      "Windhof",
      () => virt(undefined, stranger, node("Windhof").qkdnId, node("Betzdorf").qkdnId),
    ],
    [
      "C1",
      "a direct link to a stranger",
      "Betzdorf",
      () =>
        `<qkd_links><qkd_link><qkdl_id>${randomUUID()}</qkdl_id><qkdl_local><qkdn_id>${node("Betzdorf").qkdnId}</qkdn_id><qkdi_id>1</qkdi_id></qkdl_local>
         <qkdl_remote><qkdn_id>${stranger}</qkdn_id><qkdi_id>1</qkdi_id></qkdl_remote><qkdl_type>t:PHYS</qkdl_type></qkd_link></qkd_links>`,
    ],
    [
      "C1",
      "the address of an unknown key manager",
      "Kirchberg",
      () =>
        `<peers xmlns="${OWN}"><peer><qkdn_id>${stranger}</qkdn_id><host>127.0.0.1</host><port>4444</port></peer></peers>`,
    ],
  ]
  for (const [row, what, where, edit] of lies) {
    it(`${row}: is refused ${what}, and nothing changes`, async () => {
      const [, before_, refused, after_] = await ncclient(node(where).netconf, [
        { op: "get-config" },
        { op: "edit", config: wrap(node(where).qkdnId, edit()) },
        { op: "get-config" },
      ])
      assert.equal(refused?.error?.tag, "access-denied", JSON.stringify(refused))
      assert.equal(refused.error.app_tag, "policy")
      assert.equal(after_?.data, before_?.data)
    })
  }

  it("cannot write the policy: it is not in the tree", async () => {
    const [, refused] = await ncclient(node("Windhof").netconf, [
      {
        op: "edit",
        config: wrap(
          node("Windhof").qkdnId,
          `<site_policy xmlns="${OWN}"><version>99</version></site_policy>`,
        ),
      },
    ])
    assert.equal(refused?.error?.tag, "unknown-element", JSON.stringify(refused))
  })

  it("cannot rename the node", async () => {
    const [, refused] = await ncclient(node("Windhof").netconf, [
      { op: "edit", config: wrap(stranger, "") },
    ])
    assert(refused?.error !== undefined, "the node kept its id")
  })
})
