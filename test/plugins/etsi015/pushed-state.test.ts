// The driver at nodes that push their state (RFC 8641): a real agent over SSH, and scripted ones that tell oddly,
// refuse what they offer, or stop.

import assert from "node:assert/strict"
import etsi015 from "../../../plugins/etsi015/index.js"
import { eventsOfChanges } from "../../../plugins/etsi015/state-changes.js"
import { lendDriverHost, type NodeEvent, QkdError } from "../../../src/plugin/index.js"
import { nodeConfigToData } from "../../../src/model/etsi015.js"
import { encodeXml } from "../../../src/yang/xml.js"
import { parseXml, writeXml } from "../../../src/yang/xml-tree.js"
import {
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
} from "../../node/agent-fixtures.js"
import { AgentSite, schema } from "../../node/agent-site.js"
import { benchOf, CAP, closeBenches, EVENTS, INTERLEAVE, RUNNING, LINK } from "./bench.js"
import { NODE_NS } from "../../../plugins/etsi015/wire.js"

const SN = "urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications"
const YP = "urn:ietf:params:xml:ns:yang:ietf-yang-push"
const PUSHES = [RUNNING, EVENTS, INTERLEAVE, SN, `${YP}?module=ietf-yang-push&features=on-change`]
const TYPES = 'xmlns:t="urn:etsi:qkd:yang:etsi-qkd-node-types"'
const TARGET = `/etsi-qkd-sdn-node:qkd_node/qkd_links/qkd_link=${LINK}`

const statusXml = (status: string): string =>
  `<qkdl_status xmlns="${NODE_NS}" ${TYPES}>t:${status}</qkdl_status>`

describe("a node that pushes its state", function () {
  this.timeout(180_000)
  afterEach(closeBenches)

  it("is listened to by RFC 8639, events and statuses, and a link that comes back is told at once", async () => {
    const site = await AgentSite.open()
    const lent = lendDriverHost({ log: () => undefined, openNetconf: () => site.client() })
    try {
      const session = await site.client()
      const config = nodeConfig({ links: [physLink(TO_WEST, 1, WEST)] })
      await session.editConfig("running", encodeXml(schema(), nodeConfigToData(config)))
      site.below.pools.set(TO_WEST, pool(0, 0n, 0n))
      site.agent.measured(TO_WEST, { generating: false, skrBps: 0, qber: 0.5 })
      const connection = await etsi015.connect(
        { host: "", port: 0, username: "", privateKeyFile: "", hostKeyFingerprint: "" },
        lent.host,
      )
      assert.equal((await connection.read()).qkdnId, SELF)
      const subscriptions = (await session.get(`<subscriptions xmlns="${SN}"/>`))
        .map(writeXml)
        .join()
      assert.match(subscriptions, /<stream>NETCONF<\/stream>/)
      assert.match(subscriptions, /<datastore[^>]*>[a-z]+:operational<\/datastore>/)
      const relayed = nodeConfig({
        links: [physLink(TO_WEST, 1, WEST), physLink(TO_EAST, 2, EAST), relayLink()],
      })
      await session.editConfig("running", encodeXml(schema(), nodeConfigToData(relayed)))
      site.agent.measured(TO_WEST, { generating: true, skrBps: 1000, qber: 0.02 })
      const statuses: NodeEvent[] = []
      for await (const event of connection.events) {
        if (event.kind !== "event" || event.resource.kind !== "link") continue
        assert.notEqual(event.resource.qkdlId, RELAY, "nobody has to be told of virtual links")
        if (event.resource.qkdlId === TO_WEST) statuses.push(event)
        // One by 015's own notification, one pushed.
        if (statuses.length === 2) break
      }
      for (const told of statuses)
        assert(
          told.kind === "event" &&
            told.resource.kind === "link" &&
            told.resource.status === "ACTIVE",
        )
      await connection.close()
    } finally {
      await lent.close()
      await site.close()
    }
  })

  /** A scripted node, its subscriptions 1 (events) and 2 (state). */
  async function pushing() {
    let id = 0
    const bench = await benchOf({
      capabilities: PUSHES,
      reply: (xml) =>
        xml.includes("establish-subscription") ? `<r><id xmlns="${SN}">${(id += 1)}</id></r>` : "",
    })
    const { session, connection } = bench
    const push = (edits: string): void => {
      session.notify(
        `<push-change-update xmlns="${YP}"><id>2</id><datastore-changes><yang-patch><patch-id>0</patch-id>${edits}</yang-patch></datastore-changes></push-change-update>`,
      )
    }
    const next = async (): Promise<NodeEvent | undefined> => {
      for await (const event of connection.events) return event
      return undefined
    }
    return { ...bench, push, next }
  }
  const editXml = (target: string, value: string): string =>
    `<edit><edit-id>1</edit-id><operation>replace</operation><target>${target}</target><value>${value}</value></edit>`

  it("of another maker tells statuses by pushing alone, and is heard", async () => {
    const { push, next, session } = await pushing()
    assert.deepEqual(
      session.calls.filter((call) => call.includes("subscri")).length,
      2,
      "two subscriptions of RFC 8639, none of RFC 5277",
    )
    push(editXml(`${TARGET}/qkdl_status`, statusXml("OFF")))
    const told = { kind: "event", resource: { kind: "link", qkdlId: LINK, status: "OFF" } }
    assert.deepEqual(await next(), told)
    push(editXml("/x:qkd_node/qkdn_status", `<qkdn_status xmlns="${NODE_NS}">new</qkdn_status>`))
    assert.deepEqual(await next(), { kind: "resync" }, "what cannot be placed is read")
    session.notify(
      `<alarm xmlns="${NODE_NS}"><link><qkdl_id>${LINK}</qkdl_id><severity>MAJOR</severity></link></alarm>`,
    )
    assert.equal((await next())?.kind, "alarm", "events of the stream come as before")
  })

  it("is read again when a push was incomplete or resumes, and kept when it pushes no more", async () => {
    const { next, session, log } = await pushing()
    session.notify(`<subscription-resumed xmlns="${SN}"><id>2</id></subscription-resumed>`)
    assert.deepEqual(await next(), { kind: "resync" })
    session.notify(
      `<push-change-update xmlns="${YP}"><id>2</id><incomplete-update/></push-change-update>`,
    )
    assert.deepEqual(await next(), { kind: "resync" })
    session.notify(`<subscription-terminated xmlns="${SN}"><id>2</id></subscription-terminated>`)
    session.notify(`<alarm xmlns="${NODE_NS}"><link><qkdl_id>${LINK}</qkdl_id></link></alarm>`)
    assert.equal((await next())?.kind, "alarm")
    assert(log.some((line) => line.includes("pushes its state no more")))
  })

  it("that refuses what it offers is listened to by RFC 5277, over a new session", async () => {
    const { sessions } = await benchOf({
      capabilities: PUSHES,
      rpc: (xml) => {
        if (xml.includes("establish-subscription"))
          throw new QkdError("access-denied", "not for you")
      },
    })
    assert.equal(sessions.length, 2)
    assert.equal(sessions[0]?.calls.at(-1), "close")
    assert(sessions[1]?.calls.includes("subscribe"))
    assert.deepEqual(
      sessions.map(({ capabilities }) => capabilities.includes(`${CAP}interleave:1.0`)),
      [true, true],
    )
  })

  it("has its entries' statuses taken from whole entries, and gone interfaces told", () => {
    const entry = `<qkd_link xmlns="${NODE_NS}"><qkdl_id>${LINK}</qkdl_id>${statusXml("PASSIVE")}</qkd_link>`
    const face = "/etsi-qkd-sdn-node:qkd_node/qkd_interfaces/qkd_interface=7"
    assert.deepEqual(
      eventsOfChanges([
        { operation: "create", target: TARGET, value: parseXml(entry) },
        { operation: "delete", target: TARGET },
        { operation: "delete", target: face },
        { operation: "replace", target: `${face}/qkdi_status`, value: parseXml(statusXml("x")) },
        { operation: "replace", target: "/elsewhere", value: parseXml(statusXml("OFF")) },
      ]),
      [
        { kind: "event", resource: { kind: "link", qkdlId: LINK, status: "PASSIVE" } },
        { kind: "interface-out", qkdiId: 7 },
        { kind: "resync" },
      ],
    )
  })
})
