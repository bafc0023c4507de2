// Who may do what at a node: its four groups over real sessions, ncclient as several users, and rules that are changed.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { isDeepStrictEqual } from "node:util"
import { QkdError } from "../../src/errors.js"
import { writeXml } from "../../src/yang/xml-tree.js"
import { memoryConfigStore } from "../../src/node/config-store.js"
import type { NetconfClientSession } from "../../src/netconf/client.js"
import { NACM } from "../../src/netconf/nacm-config.js"
import type { AccessGroup } from "../../src/node/agent-access.js"
import { ncclient, type Outcome } from "../support/ncclient.js"
import { SELF, TO_WEST, WEST } from "./agent-fixtures.js"
import { AgentSite } from "./agent-site.js"

const NODE_NS = "urn:etsi:qkd:yang:etsi-qkd-node"
const NACM_NS = "urn:ietf:params:xml:ns:yang:ietf-netconf-acm"

const node = (inner: string): string =>
  `<qkd_node xmlns="${NODE_NS}"><qkdn_id>${SELF}</qkdn_id>${inner}</qkd_node>`
const edit = (config: string): string =>
  `<edit-config><target><running/></target><config>${config}</config></edit-config>`
const located = edit(node("<qkdn_location_id>attic</qkdn_location_id>"))
const rules = (inner: string): string => `<nacm xmlns="${NACM_NS}">${inner}</nacm>`
const denyApplications = rules(
  `<rule-list xmlns:y="urn:ietf:params:xml:ns:yang:1" y:insert="first"><name>quiet</name><group>observer</group><rule><name>r</name><path xmlns:q="${NODE_NS}">/q:qkd_node/q:qkdn_location_id</path><action>deny</action></rule></rule-list>`,
)

/** The tag of the refusal, or "done". */
async function outcome(session: NetconfClientSession, operation: string): Promise<string> {
  try {
    await session.rpc(operation)
    return "done"
  } catch (error) {
    assert(error instanceof QkdError)
    return error.tag
  }
}

describe("the users of a node", () => {
  let site: AgentSite
  beforeEach(async () => {
    site = await AgentSite.open()
  })
  afterEach(() => site.close())

  /** What each group's user gets for the operation. */
  const asked = async (operation: string): Promise<Record<AccessGroup, string>> => {
    const of = async (group: AccessGroup): Promise<string> =>
      outcome(await site.client(group), operation)
    return {
      observer: await of("observer"),
      controller: await of("controller"),
      operator: await of("operator"),
      admin: await of("admin"),
    }
  }

  it("all read the node, and none but an admin the rules", async () => {
    for (const group of ["observer", "controller", "operator", "admin"] as const) {
      const seen = writeXml(await (await site.client(group)).rpc("<get/>"))
      assert(seen.includes(SELF), group)
      assert.equal(seen.includes("rule-list"), group === "admin", group)
    }
  })

  it("configure it, but for observers", async () => {
    assert.deepEqual(await asked(located), {
      observer: "access-denied",
      controller: "done",
      operator: "done",
      admin: "done",
    })
    assert.equal(
      await outcome(await site.client("observer"), "<lock><target><running/></target></lock>"),
      "access-denied",
    )
  })

  it("end others' sessions only as operators", async () => {
    const victim = async (): Promise<string> => {
      const { sessionId } = await site.client("observer")
      return `<kill-session><session-id>${sessionId}</session-id></kill-session>`
    }
    for (const group of ["observer", "controller"] as const)
      assert.equal(await outcome(await site.client(group), await victim()), "access-denied", group)
    assert.equal(await outcome(await site.client("operator"), await victim()), "done")
  })

  it("write the rules only as admins, and they bind at once", async () => {
    assert.deepEqual(await asked(edit(denyApplications)), {
      observer: "access-denied",
      controller: "access-denied",
      operator: "access-denied",
      admin: "done",
    })
    const observer = await site.client("observer")
    const seen = writeXml(await observer.rpc("<get/>"))
    assert(!seen.includes("qkdn_location_id") && seen.includes(SELF), seen)
  })

  it("are not told where the rules changed, unless they may see them", async () => {
    const admin = await site.client("admin")
    const observer = await site.client("observer")
    for (const user of [admin, observer]) await user.createSubscription()
    await admin.rpc(edit(denyApplications.replace("qkdn_location_id", "qkd_applications")))
    await admin.rpc(located)
    const changes = async (session: NetconfClientSession, last: string): Promise<string[]> => {
      const found: string[] = []
      for await (const { event } of session.notifications) {
        if (event.name !== "netconf-config-change") continue
        found.push(writeXml(event))
        if (found.at(-1)?.includes(last) === true) return found
      }
      return found
    }
    assert.equal((await changes(admin, "location")).length, 2)
    const heard = await changes(observer, "location")
    assert.equal(heard.length, 1)
    assert.doesNotMatch(heard[0] ?? "", /rule/)
  })

  it("are not controllers when they only watch: nobody waits for an observer's answer", async () => {
    const { desk } = site.agent
    const ask = (): Promise<unknown> =>
      desk.request("sae-self", ["sae-far"], {}).then(
        () => "granted",
        (error: unknown) => error,
      )
    const observer = await site.client("observer")
    await observer.createSubscription()
    const alone = await ask()
    assert.match(String(alone), /no controller is connected/)
  })

  it("see each his own through ncclient", async function () {
    this.timeout(180_000)
    if (spawnSync("/usr/bin/python3", ["-c", "import ncclient"]).status !== 0) {
      console.log("      ncclient is not here: skipped")
      this.skip()
    }
    const as = async (username: AccessGroup, config: string): Promise<Outcome[]> => {
      const { host, port, hostKeyFingerprint } = site.listener
      const target = { host, port, username, privateKeyFile: site.keyFile, hostKeyFingerprint }
      const wrapped = `<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">${config}</config>`
      return ncclient(target, [{ op: "edit", config: wrapped }, { op: "get" }])
    }
    const [, written, all] = await as("admin", denyApplications)
    assert.equal(written?.ok, true, JSON.stringify(written))
    assert.match(all?.data ?? "", /rule-list/)
    const [, refused, some] = await as(
      "observer",
      node("<qkdn_location_id>roof</qkdn_location_id>"),
    )
    assert.equal(refused?.error?.tag, "access-denied")
    assert.doesNotMatch(some?.data ?? "", /rule-list|qkdn_location_id/)
    assert.match(some?.data ?? "", new RegExp(SELF))
  })
})

describe("the rules of a node", () => {
  it("survive a restart, and are those of a new node again when it is told so", async () => {
    const store = memoryConfigStore()
    const first = await AgentSite.open({ store })
    await (await first.client("admin")).rpc(edit(denyApplications))
    const written = first.server.datastore.running[NACM]
    await first.close()
    const second = await AgentSite.open({ store })
    assert.deepEqual(second.server.datastore.running[NACM], written)
    await second.close()
    const third = await AgentSite.open({ store, resetAccess: true })
    assert(!isDeepStrictEqual(third.server.datastore.running[NACM], written))
    assert.doesNotMatch(JSON.stringify(third.server.datastore.running[NACM]), /quiet/)
    await third.close()
  })

  it("are left alone by a controller that makes the node equal to what it wants", async () => {
    const site = await AgentSite.open()
    const before = site.server.datastore.running[NACM]
    const controller = await site.client("controller")
    const link = `<qkd_links><qkd_link><qkdl_id>${TO_WEST}</qkdl_id><qkdl_enable>true</qkdl_enable><qkdl_local><qkdn_id>${SELF}</qkdn_id><qkdi_id>1</qkdi_id></qkdl_local><qkdl_remote><qkdn_id>${WEST}</qkdn_id><qkdi_id>1</qkdi_id></qkdl_remote><qkdl_type xmlns:t="urn:etsi:qkd:yang:etsi-qkd-node-types">t:PHYS</qkdl_type></qkd_link></qkd_links>`
    await controller.rpc(edit(node(link)))
    assert.equal(site.server.datastore.running[NACM], before)
    const whole = `<edit-config><target><running/></target><default-operation>replace</default-operation><config>${node("")}</config></edit-config>`
    assert.equal(await outcome(controller, whole), "access-denied")
    assert.equal(site.server.datastore.running[NACM], before)
    await site.close()
  })
})
