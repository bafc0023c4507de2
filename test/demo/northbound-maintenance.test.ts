// Maintenance and rate profiles of a running network, spoken by others' tools: ncclient over NETCONF, curl over RESTCONF. What is
// planned by one is seen by all, links are out and back as planned, and what cannot be is refused with its place.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import {
  type Demo,
  eventually,
  freshDir,
  removeDir,
  rest,
  startDemo,
  writeTopology,
} from "../support/demo.js"
import { Bystander } from "../support/hostile-bystander.js"
import { type Call, ncclient, type Outcome } from "../support/ncclient.js"
import {
  type Asked,
  askRestconf,
  inData,
  MAINT,
  NET,
  SQUARE,
  text,
  WHOLE,
  yanglint,
} from "./northbound-tools.js"

const PATIENCE_MS = 60_000
const TREE = "/data/keyloom-network:qkd_network"
const WINDOWS = `${TREE}/keyloom-maintenance:maintenance_windows`
const OPERATION = `xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation`

describe("maintenance by NETCONF and RESTCONF on a running network", function () {
  this.timeout(300_000)
  const dir = freshDir()
  const oracle = spawnSync("yanglint", ["--version"]).status === 0
  let demo: Demo
  let link: string

  before(async () => {
    if (!oracle) console.log("      yanglint is not here: what it judges is skipped")
    demo = await startDemo({ dir, topology: writeTopology(dir, SQUARE) })
    link = demo.file.links[0]?.qkdlId ?? assert.fail()
  })
  after(async () => {
    await demo.stop()
    removeDir(dir)
  })

  const fromNow = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString()
  const nc = (...calls: Call[]): Promise<Outcome[]> => ncclient(demo.file.controller.netconf, calls)
  const curl = (method: string, place: string, body?: object): Promise<Asked> =>
    askRestconf(demo, method, place, body)
  const edit = async (inner: string): Promise<Outcome> => {
    const config = `<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><qkd_network xmlns="${NET}">${inner}</qkd_network></config>`
    return (await nc({ op: "edit", config }))[1] ?? assert.fail()
  }
  const windows = (inner: string): string =>
    `<maintenance_windows xmlns="${MAINT}">${inner}</maintenance_windows>`
  const entry = (id: string, body: object): object => ({
    "keyloom-maintenance:window": [{ maintenance_id: id, ...body }],
  })
  const stage = async (): Promise<string | undefined> => {
    const { body } = await rest(demo, "GET", `/links/${link}`)
    return (body as { maintenance?: { stage: string } }).maintenance?.stage
  }

  it("is planned with ncclient, seen by curl and REST, made longer by curl and called off with ncclient, and heard", async () => {
    const listener = await Bystander.open(demo.file.controller.netconf)
    await listener.subscribe()
    const heard: string[] = []
    const hear = (what: RegExp): Promise<string> =>
      eventually(
        async () => {
          heard.push(...(await listener.heard()))
          return heard.find((xml) => what.test(xml))
        },
        `a notification ${what.source}`,
        PATIENCE_MS,
      )
    const id = crypto.randomUUID()
    try {
      const planned = await edit(
        windows(
          `<window><maintenance_id>${id}</maintenance_id><phys_link_id>${link}</phys_link_id><end>${fromNow(30)}</end><reason>splice</reason></window>`,
        ),
      )
      assert.deepEqual(planned, { ok: true })
      assert.equal(await stage(), "out")
      await hear(new RegExp(`maintenance-changed.*maintenance\\.planned.*${id}`, "s"))
      const state = await curl("GET", `${WINDOWS}/window=${id}/state`)
      assert.equal(state.status, 200, state.body)
      const { window_state, planned_by, created } = (
        JSON.parse(state.body) as { "keyloom-maintenance:state": Record<string, string> }
      )["keyloom-maintenance:state"]
      assert.deepEqual(
        [window_state, planned_by],
        ["in-progress", demo.file.controller.netconf.username],
      )
      assert.ok(Date.parse(created ?? "") <= Date.now() + 1000)
      const { reason, by } = (await rest(demo, "GET", `/maintenance/${id}`)).body as Record<
        string,
        string
      >
      assert.deepEqual([reason, by], ["splice", planned_by])

      const end = fromNow(60)
      const longer = await curl("PATCH", `${WINDOWS}/window=${id}`, entry(id, { end }))
      assert.equal(longer.status, 204, longer.body)
      await hear(new RegExp(`maintenance-changed.*maintenance\\.changed.*${id}.*${end}`, "s"))
      assert.equal(await stage(), "out")
      const [, got] = await nc({ op: "get", filter: WHOLE })
      const xml = inData(got)
      assert.equal(text("stage", xml), "out")
      if (oracle) assert.equal(yanglint("data", xml), "")

      const called = `<window ${OPERATION}="delete"><maintenance_id>${id}</maintenance_id></window>`
      assert.deepEqual(await edit(windows(called)), { ok: true })
      await hear(
        new RegExp(`maintenance-changed.*maintenance\\.cancelled.*${id}.*<removed>true`, "s"),
      )
      assert.equal(await stage(), undefined)
      assert.equal((await rest(demo, "GET", `/maintenance/${id}`)).status, 404)
      const ours = heard.filter((one) => one.includes("<maintenance-changed"))
      assert.equal(ours.length, 3)
      if (oracle) for (const one of ours) assert.equal(yanglint("nc-notif", one), "", one)
    } finally {
      await listener.close()
    }
  })

  it("is planned with curl, seen with ncclient, and gone from the configuration when it is over", async () => {
    const id = crypto.randomUUID()
    const node = demo.file.nodes[3]?.qkdnId ?? assert.fail()
    const body = { qkdn_id: node, begin: fromNow(-1), end: fromNow(60), reason: "power" }
    const put = await curl("PUT", `${WINDOWS}/window=${id}`, entry(id, body))
    assert.equal(put.status, 201, put.body)
    const [, config] = await nc({ op: "get-config" })
    assert.ok(inData(config).includes(id))
    const soon = await curl("PATCH", `${WINDOWS}/window=${id}`, entry(id, { end: fromNow(0.1) }))
    assert.equal(soon.status, 204, soon.body)
    await eventually(
      async () =>
        (await curl("GET", `${WINDOWS}/window=${id}`)).status === 404 ? true : undefined,
      "the window is over",
      PATIENCE_MS,
    )
    const [, later] = await nc({ op: "get-config" })
    assert.ok(!inData(later).includes(id))
  })

  it("that cannot be is refused by both with its place, and nothing is planned", async () => {
    const id = crypto.randomUUID()
    const xml = (leaves: string): string =>
      windows(`<window><maintenance_id>${id}</maintenance_id>${leaves}<reason>x</reason></window>`)
    const of = `<phys_link_id>${link}</phys_link_id>`
    for (const [leaves, tag, path] of [
      [`${of}<begin>${fromNow(9)}</begin><end>${fromNow(8)}</end>`, "invalid-value", "end"],
      [`${of}<end>${fromNow(-1)}</end>`, "invalid-value", "end"],
      [`<end>${fromNow(1)}</end>`, "data-missing", "target"],
    ] as const) {
      const { error } = await edit(xml(leaves))
      assert.equal(error?.tag, tag, JSON.stringify(error))
      assert.match(error.path ?? "", new RegExp(`window\\[.*${id}.*\\]/.*${path}$`))
    }
    const late = { phys_link_id: link, begin: fromNow(9), end: fromNow(8), reason: "x" }
    const { status, body } = await curl("PUT", `${WINDOWS}/window=${id}`, entry(id, late))
    assert.equal(status, 400, body)
    const [fault] = (
      JSON.parse(body) as {
        "ietf-restconf:errors": { error: Record<string, string>[] }
      }
    )["ietf-restconf:errors"].error
    assert.equal(fault?.["error-tag"], "invalid-value")
    assert.match(fault["error-path"] ?? "", new RegExp(`window\\[.*${id}.*\\]/.*end$`))
    const { items } = (await rest(demo, "GET", "/maintenance")).body as { items: unknown[] }
    assert.deepEqual(items, [])
  })

  it("has rate profiles beside it: a pass set by curl, one more with ncclient, seen over REST, forgotten", async () => {
    const place = `${TREE}/qkd_links/qkd_phys_links/phys_link=${link}/keyloom-maintenance:rate_profile`
    const [rise, set, more] = [fromNow(60), fromNow(67), fromNow(160)]
    const pass = {
      rate: [
        { at: rise, skr: 40_000 },
        { at: set, skr: 0 },
      ],
      repeat: 86_400,
    }
    const put = await curl("PUT", place, { "keyloom-maintenance:rate_profile": pass })
    assert.equal(put.status, 201, put.body)
    const again = await edit(
      `<qkd_links><qkd_phys_links><phys_link><phys_link_id>${link}</phys_link_id><rate_profile xmlns="${MAINT}"><rate><at>${more}</at><skr>9000</skr></rate></rate_profile></phys_link></qkd_phys_links></qkd_links>`,
    )
    assert.deepEqual(again, { ok: true })
    const { rateProfile } = (await rest(demo, "GET", `/links/${link}`)).body as {
      rateProfile: object
    }
    assert.deepEqual(rateProfile, {
      profile: [
        { at: rise, skrBps: 40_000 },
        { at: set, skrBps: 0 },
        { at: more, skrBps: 9000 },
      ],
      repeatS: 86_400,
    })
    const short = await curl("PATCH", place, {
      "keyloom-maintenance:rate_profile": { repeat: 3600 },
    })
    assert.equal(short.status, 400, short.body)
    assert.match(short.body, /rate_profile\/keyloom-maintenance:repeat"|rate_profile\/repeat"/)
    const shown = await curl("GET", place)
    assert.ok(shown.body.includes(more) && shown.body.includes("86400"), shown.body)
    assert.equal((await curl("DELETE", place)).status, 204)
    const { body } = await rest(demo, "GET", `/links/${link}`)
    assert.equal((body as { rateProfile?: object }).rateProfile, undefined)
  })
})
