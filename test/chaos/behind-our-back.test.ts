// Somebody edits a real node over NETCONF behind the controller's back; an order is tried on real nodes; a controller
// dies midway and never comes back.

import assert from "node:assert/strict"
import { NODE_NS } from "../../plugins/etsi015/wire.js"
import type { Notice } from "../../src/controller/ports.js"
import type { Service } from "../../src/model/service.js"
import { connectNetconfSsh } from "../../src/transport/ssh.js"
import { Dice } from "../core/dice.js"
import { Chaos } from "./chaos.js"

const TERMS = { minRateBps: 100, priority: 0, avoidNodes: [] }
const BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"

describe("a network of real agents", function () {
  this.timeout(300_000)
  let chaos: Chaos
  afterEach(() => chaos.close())

  /** A service with a relay between its ends, standing. */
  const standing = async (): Promise<Service> => {
    await chaos.submit({
      kind: "service-ordered",
      aSaeId: "sae-n1",
      bSaeId: "sae-n3",
      terms: TERMS,
    })
    const find = (): Service | undefined => [...chaos.controller.network().services.values()][0]
    await chaos.until("the service stands", () => find()?.state === "active")
    const service = find()
    assert(service?.path !== undefined && service.path.hops.length > 1)
    return service
  }

  const takeAway = async (qkdnId: string, qkdlId: string): Promise<void> => {
    const session = await connectNetconfSsh(chaos.agents.target(qkdnId))
    const entry = `<qkd_link nc:operation="delete"><qkdl_id>${qkdlId}</qkdl_id></qkd_link>`
    const xml = `<qkd_node xmlns="${NODE_NS}" xmlns:nc="${BASE}"><qkd_links>${entry}</qkd_links></qkd_node>`
    await session.editConfig("running", xml)
    await session.close()
  }

  const relayHolds = async (relay: string, qkdlId: string): Promise<boolean> => {
    const config = (await chaos.agents.configs()).get(relay)
    return config?.links.some((link) => link.qkdlId === qkdlId) ?? false
  }

  it("is put right where somebody took a relay's part of a path away, and tells it", async () => {
    const options = { nodes: 4, processes: 1, transaction: "confirmed" } as const
    chaos = await Chaos.start(new Dice(1), options)
    const { path } = await standing()
    const relay = path?.nodes[1] ?? ""
    const qkdlId = path?.qkdlId ?? ""
    const notices: Notice[] = []
    chaos.controller.onNotice((notice) => notices.push(notice))
    await takeAway(relay, qkdlId)
    const types = (): string[] => notices.map(({ type }) => type)
    await chaos.until("the healing", () => types().includes("node.healed"))
    assert(types().includes("node.drifted") && types().includes("service.degraded"))
    assert(await relayHolds(relay, qkdlId))
    await chaos.until("the service", () => types().includes("service.restored"))
  })

  it("keeps nothing of a path whose controller died midway and never came back", async () => {
    chaos = await Chaos.start(new Dice(1), {
      nodes: 4,
      processes: 1,
      transaction: "confirmed",
      confirmTimeoutS: 4,
    })
    const dead = new Promise<Service>((resolve) => {
      chaos.controller.onNotice(({ value }) => {
        const service = value as Service | null
        if (service?.next?.holding === undefined) return
        // Every relay has its part; now the ends would be told.
        void chaos.abandon()
        resolve(service)
      })
    })
    const order = { aSaeId: "sae-n1", bSaeId: "sae-n3", terms: TERMS }
    await chaos.controller.submit({ kind: "service-ordered", ...order }).catch(() => undefined)
    const { next } = await dead
    assert(next !== undefined)
    const [relay = ""] = next.holding ?? []
    assert.notEqual(relay, "", "a relay has said that it holds its part")
    await chaos.until(
      "the relay gives it back",
      async () => !(await relayHolds(relay, next.qkdlId)),
    )
    for (const config of (await chaos.agents.configs()).values()) {
      assert.deepEqual(config.apps, [])
      assert(config.links.every(({ type }) => type === "PHYS"))
    }
  })

  it("shows each node's exact edit beforehand, and leaves it so where the policy is to report", async () => {
    chaos = await Chaos.start(new Dice(1), {
      nodes: 4,
      processes: 1,
      transaction: "confirmed",
      drift: "report",
    })
    const tried = await chaos.controller.rehearse({
      kind: "service-ordered",
      aSaeId: "sae-n1",
      bSaeId: "sae-n3",
      terms: TERMS,
    })
    assert(tried.path !== undefined, JSON.stringify(tried))
    assert.deepEqual(
      tried.nodes.map(({ qkdnId }) => qkdnId),
      tried.path.nodes,
    )
    for (const { plan } of tried.nodes) {
      assert.match(plan?.way ?? "", /confirmed commit/)
      assert.match(plan?.payload ?? "", /<qkd_link nc:operation="create">/)
    }
    assert.equal(chaos.controller.network().services.size, 0)
    const { path } = await standing()
    const relay = path?.nodes[1] ?? ""
    await takeAway(relay, path?.qkdlId ?? "")
    await chaos.until("the drift", () => {
      return chaos.controller.network().nodes.get(relay)?.drift !== undefined
    })
    const [service] = chaos.controller.network().services.values()
    assert.equal(service?.state, "degraded")
    assert.match(service.reason ?? "", /no longer holds its part/)
    assert(!(await relayHolds(relay, path?.qkdlId ?? "")))
  })
})
