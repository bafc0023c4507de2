// Maintenance through the YANG tree: planned, changed, called off and read over NETCONF, with the checks and
// effects that they have over REST; what REST does shows in the tree.

import assert from "node:assert/strict"
import { NetworkConfig } from "../../src/model/keyloom-network.js"
import { refused } from "../errors-helper.js"
import {
  all,
  appId,
  appsXml,
  appXml,
  linkId,
  linksXml,
  nodeId,
  Site,
  text,
} from "./network-site.js"
import { windowId, windowsXml, windowXml } from "./network-windows.js"

const MINUTE = 60_000
const HERE = "/keyloom-network:qkd_network/keyloom-maintenance:maintenance_windows"
const WINDOW = `${HERE}/keyloom-maintenance:window[keyloom-maintenance:maintenance_id='${windowId(1)}']`
const REMOVE = `xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete"`
const REPLACE = REMOVE.replace("delete", "replace")

describe("maintenance in the YANG tree", () => {
  let site: Site
  let client: Awaited<ReturnType<Site["login"]>>

  beforeEach(async () => {
    site = await Site.open()
    client = await site.login()
  })

  /** Minutes from now. */
  const at = (minutes: number): string => new Date(site.bench.now + minutes * MINUTE).toISOString()
  const network = (): ReturnType<typeof site.bench.controller.network> =>
    site.bench.controller.network()
  const pass = async (minutes: number): Promise<void> => {
    site.bench.now += minutes * MINUTE
    await site.bench.submit({ kind: "wake" })
    await site.bench.settle()
  }
  const assertOneTruth = (): void => {
    const { ["ietf-netconf-acm:nacm"]: _rules, ...running } = site.netconf.server.datastore.running
    assert.deepEqual(running, new NetworkConfig(network()).data())
  }
  const edit = (...windows: string[]): Promise<unknown> =>
    client.editConfig("running", windowsXml(...windows))

  it("is planned by an edit, in the name of who edits, and read with how far it is", async () => {
    await edit(windowXml(1, { link: "ab", begin: at(60), end: at(90) }))
    assert.deepEqual(network().maintenance.get(windowId(1)), {
      maintenanceId: windowId(1),
      qkdlId: linkId("ab"),
      begin: at(60),
      end: at(90),
      reason: "splice",
      by: "olga",
      state: "planned",
      staying: [],
      createdAt: at(0),
    })
    const data = await client.get()
    const [window] = all("window", data)
    const own = [window ?? assert.fail()]
    assert.deepEqual(
      ["window_state", "planned_by", "created", "begin"].map((name) => text(name, own)),
      ["planned", "olga", at(0), at(60)],
    )
    assertOneTruth()
  })

  it("of a node begins at once where nothing is said; its times are told in the network's own form", async () => {
    const end = at(90).replace("Z", "+00:00")
    await edit(windowXml(1, { node: "b", end }))
    assertOneTruth()
    const { begin, state, ...one } = network().maintenance.get(windowId(1)) ?? assert.fail()
    assert.deepEqual(
      [begin, one.end, state, one.qkdnId],
      [at(0), at(90), "inProgress", nodeId("b")],
    )
    const data = await client.get()
    assert.equal(text("window_state", data), "in-progress")
    const marks = all("maintenance", data)
    assert.deepEqual(
      marks.map((mark) => [
        text("stage", [mark]),
        text("maintenance_id", [mark]),
        text("end", [mark]),
      ]),
      [
        [undefined, windowId(1), at(90)],
        ["out", windowId(1), at(90)],
        ["out", windowId(1), at(90)],
      ],
    )
    await site.bench.settle()
    assertOneTruth()
  })

  it("moves services, names those that stay, and alarms nobody: as over REST", async () => {
    const guaranteed = "<app_qos><min_bandwidth>100</min_bandwidth></app_qos>"
    await client.editConfig("running", appsXml(appXml(1, "a", "b", guaranteed)))
    await site.bench.settle()
    const hops = (): string[] =>
      network()
        .services.get(appId(1))
        ?.path?.hops.map(({ qkdlId }) => qkdlId) ?? []
    assert.deepEqual(hops(), [linkId("ab")])
    await edit(windowXml(1, { link: "ab", begin: at(3), end: at(90) }))
    await site.bench.settle()
    assert.equal(hops().length, 3)
    await edit(windowXml(2, { node: "d", begin: at(4), end: at(90) }))
    await site.bench.settle()
    const [, second] = all("window", await client.get())
    assert.equal(text("staying_app_id", [second ?? assert.fail()]), appId(1))
    await pass(3)
    await site.status("ab", "OFF")
    assert.deepEqual(all("alarm", await client.get()), [])
  })

  it("and services may come in one edit: they go round what goes out", async () => {
    const windows = windowsXml(windowXml(1, { link: "ab", end: at(90) }))
    const both = windows.replace(
      "</qkd_network>",
      appsXml(appXml(1, "a", "b", "<app_qos><min_bandwidth>100</min_bandwidth></app_qos>")).replace(
        /^<qkd_network[^>]*>/,
        "",
      ),
    )
    await client.editConfig("running", both)
    await site.bench.settle()
    const { state, path } = network().services.get(appId(1)) ?? assert.fail()
    assert.deepEqual([state, path?.hops.length], ["active", 3])
  })

  it("is changed by an edit: longer while it lasts, begins as before, stays in the name of who planned it", async () => {
    await edit(windowXml(1, { link: "ab", end: at(10) }))
    const before = network().maintenance.get(windowId(1)) ?? assert.fail()
    const otto = await site.login("otto")
    await pass(5)
    await otto.editConfig("running", windowsXml(windowXml(1, { link: "ab", end: at(60) }, REPLACE)))
    assertOneTruth()
    assert.deepEqual(network().maintenance.get(windowId(1)), { ...before, end: at(60) })
    assert.equal(network().links.get(linkId("ab"))?.maintenance?.end, at(60))
    await pass(5)
    assert.equal(network().links.get(linkId("ab"))?.maintenance?.stage, "out")
    await client.editConfig("running", windowsXml(windowXml(1, { node: "a" })))
    assertOneTruth()
    assert.equal(network().maintenance.get(windowId(1))?.qkdnId, nodeId("a"))
  })

  it("is called off by an edit, and taken out of the configuration when it is over", async () => {
    await edit(windowXml(1, { link: "ab", end: at(10) }), windowXml(2, { link: "bc", end: at(20) }))
    await edit(windowXml(1, {}, REMOVE))
    assert.deepEqual([...network().maintenance.keys()], [windowId(2)])
    assert.equal(network().links.get(linkId("ab"))?.maintenance, undefined)
    // A candidate that was begun before must not bring it back.
    await client.editConfig(
      "candidate",
      linksXml(
        `<phys_link><phys_link_id>${linkId("ab")}</phys_link_id><name>east</name></phys_link>`,
      ),
    )
    await pass(20)
    assertOneTruth()
    assert.equal(all("window", await client.getConfig("running")).length, 0)
    await client.commit()
    assert.equal(network().maintenance.size, 0)
    assert.equal(network().links.get(linkId("ab"))?.name, "east")
    assertOneTruth()
  })

  it("that is over just while somebody calls it off is gone from the configuration all the same", async () => {
    await edit(windowXml(1, { link: "ab", end: at(10) }))
    const late = edit(windowXml(1, {}, REMOVE))
    site.bench.now += 10 * MINUTE
    const over = site.bench.submit({ kind: "wake" })
    assert.match((await refused(late)).message, /^there is no maintenance/)
    await over
    await site.bench.settle()
    assert.equal(network().maintenance.size, 0)
    assertOneTruth()
  })

  it("that REST plans, changes and calls off shows at once; a link that is removed takes its own along", async () => {
    const planned = {
      maintenanceId: windowId(7),
      target: { qkdlId: linkId("ab") },
      endMs: site.bench.now + 60 * MINUTE,
      reason: "fire",
    }
    await site.gate.submit({ kind: "maintenance-planned", ...planned, by: "rest" })
    const shown = await client.getConfig("running")
    assert.deepEqual([text("reason", shown), text("end", shown)], ["fire", at(60)])
    await site.gate.submit({ kind: "maintenance-changed", ...planned, reason: "flood" })
    assert.equal(text("reason", await client.getConfig("running")), "flood")
    await site.gate.submit({ kind: "link-removed", qkdlId: linkId("ab") })
    assert.equal(all("window", await client.getConfig("running")).length, 0)
    assertOneTruth()
  })

  it("is heard: planned, changed, drained, begun, over", async () => {
    const listener = await site.login("vera")
    await listener.createSubscription()
    await edit(windowXml(1, { link: "ab", begin: at(60), end: at(90) }))
    await edit(windowXml(1, { begin: at(30) }))
    await pass(26)
    await pass(4)
    await pass(60)
    const heard: (string | undefined)[][] = []
    for await (const { event } of listener.notifications) {
      if (event.name !== "maintenance-changed") continue
      heard.push(["change", "removed", "window_state"].map((name) => text(name, [event])))
      if (heard.at(-1)?.[1] === "true") break
    }
    assert.deepEqual(heard, [
      ["maintenance.planned", "false", "planned"],
      ["maintenance.changed", "false", "planned"],
      ["maintenance.draining", "false", "draining"],
      ["maintenance.begun", "false", "in-progress"],
      ["maintenance.ended", "true", undefined],
    ])
  })

  it("that cannot be is refused with its place, and nothing of the edit happens", async () => {
    const good = windowXml(2, { link: "bc", end: at(9) })
    const begun = { link: "ab", begin: at(60) }
    for (const [window, tag, appTag, path] of [
      [
        windowXml(1, { ...begun, end: at(60) }),
        "invalid-value",
        undefined,
        `${WINDOW}/keyloom-maintenance:end`,
      ],
      [
        windowXml(1, { ...begun, begin: at(-9), end: at(-1) }),
        "invalid-value",
        undefined,
        `${WINDOW}/keyloom-maintenance:end`,
      ],
      [
        windowXml(1, { link: "ab", begin: at(367 * 1440), end: at(368 * 1440) }),
        "invalid-value",
        undefined,
        `${WINDOW}/keyloom-maintenance:begin`,
      ],
      [
        windowXml(1, { ...begun, begin: "tomorrow", end: at(90) }),
        "invalid-value",
        undefined,
        HERE,
      ],
      [windowXml(1, { link: "zz", end: at(90) }), "data-missing", "instance-required", HERE],
      [windowXml(1, { node: "z", end: at(90) }), "data-missing", "instance-required", HERE],
      [windowXml(1, { end: at(90) }), "data-missing", "missing-choice", HERE],
      [windowXml(1, { link: "ab" }), "data-missing", undefined, HERE],
      [windowXml(1, { link: "ab", end: at(90), reason: "" }), "invalid-value", undefined, HERE],
    ] as const) {
      const error = await refused(edit(good, window))
      assert.deepEqual(
        [error.tag, error.appTag ?? undefined],
        [tag, appTag],
        `${window}: ${error.message}`,
      )
      assert.ok(error.path?.startsWith(path), `${error.path} is not ${path}`)
      assert.equal(network().maintenance.size, 0)
    }
    const vera = await site.login("vera")
    const error = await refused(vera.editConfig("running", windowsXml(good)))
    assert.equal(error.tag, "access-denied")
  })

  it("is no more than the network takes, in words", async () => {
    const many = Array.from({ length: 65 }, (_, n) =>
      windowXml(n + 1, { link: "ab", begin: at(60), end: at(90) }),
    )
    const error = await refused(edit(...many))
    assert.equal(error.tag, "resource-denied")
    assert.match(error.message, /^64 windows are planned/)
    assert.ok(error.path?.includes(windowId(65)), error.path)
  })

  it("is judged by validate too", async () => {
    await edit(windowXml(1, { link: "ab", begin: at(60), end: at(90) }))
    await client.editConfig("candidate", windowsXml(windowXml(1, { end: at(59) })))
    const error = await refused(client.validate("candidate"))
    assert.equal(error.path, `${WINDOW}/keyloom-maintenance:end`)
    assert.equal(network().maintenance.get(windowId(1))?.end, at(90))
  })

  it("comes back when it was called off by a commit that nobody confirms, unless it is over by then", async () => {
    site = await Site.open({
      unconfirmed: { keep: () => Promise.resolve(), forget: () => Promise.resolve() },
    })
    client = await site.login()
    await edit(
      windowXml(1, { link: "ab", begin: at(60), end: at(90) }),
      windowXml(2, { link: "bc", end: at(10) }),
    )
    await client.editConfig(
      "candidate",
      windowsXml(windowXml(1, {}, REMOVE), windowXml(3, { link: "ad", end: at(90) })),
    )
    await client.commit({ confirmed: { timeoutS: 30 } })
    assert.deepEqual([...network().maintenance.keys()], [windowId(2), windowId(3)])
    await pass(20)
    site.netconf.clock.pass(31_000)
    await site.bench.settle()
    assert.deepEqual([...network().maintenance.keys()], [windowId(1)])
    assert.equal(network().maintenance.get(windowId(1))?.begin, at(40))
    assertOneTruth()
  })
})
