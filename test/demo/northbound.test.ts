// The controller's northbound on a running network, spoken by others' tools: ncclient over NETCONF, curl over RESTCONF.
// Nothing of ours on the client side; yanglint judges what is answered.

import assert from "node:assert/strict"
import { execFile, spawnSync } from "node:child_process"
import path from "node:path"
import {
  type Demo,
  eventually,
  fibre,
  freshDir,
  removeDir,
  rest,
  startDemo,
  writeTopology,
} from "../support/demo.js"
import {
  app,
  type Asked,
  askRestconf,
  CON,
  entriesOf,
  inData,
  NET,
  rpc,
  sharesKeys,
  SQUARE,
  text,
  WHOLE,
  yanglint,
} from "./northbound-tools.js"
import { Bystander } from "../support/hostile-bystander.js"
import { type Call, ncclient, type Outcome } from "../support/ncclient.js"

/**
 * On a busy machine a node may not take its part of a path within the ten seconds that it is given; on a square there is no way
 * round it, and it is asked again half a minute later.
 */
const PATIENCE_MS = 120_000

describe("the northbound of a running network", function () {
  this.timeout(300_000)
  let demo: Demo
  const dir = freshDir()
  const oracle = spawnSync("yanglint", ["--version"]).status === 0

  before(async () => {
    if (!oracle) console.log("      yanglint is not here: what it judges is skipped")
    demo = await startDemo({ dir, topology: writeTopology(dir, SQUARE) })
  })
  after(async () => {
    await demo.stop()
    removeDir(dir)
  })

  const nc = (...calls: Call[]): Promise<Outcome[]> => ncclient(demo.file.controller.netconf, calls)
  const get = async (filter = WHOLE): Promise<string> =>
    inData((await nc({ op: "get", filter }))[1])

  const curl = (method: string, place: string, body?: object): Promise<Asked> =>
    askRestconf(demo, method, place, body)
  const APPS = "/data/keyloom-network:qkd_network/keyloom-connectivity:qkd_apps"
  const stateOf = (appId: string): Promise<string | undefined> =>
    curl("GET", `${APPS}/qkd_app=${appId}/state/service_state`).then(
      ({ body }) => /"(active|pending|degraded|failed|removing)"/.exec(body)?.[1],
    )
  const active = (appId: string): Promise<true> =>
    eventually(
      async () => ((await stateOf(appId)) === "active" ? true : undefined),
      `service ${appId} active`,
      PATIENCE_MS,
    )
  const gone = (appId: string): Promise<true> =>
    eventually(
      async () =>
        (await curl("GET", `${APPS}/qkd_app=${appId}/state`)).status === 404 ? true : undefined,
      `service ${appId} gone`,
      PATIENCE_MS,
    )

  it("is the whole network as one tree, which yanglint accepts", async function () {
    const id = crypto.randomUUID()
    await nc({ op: "edit", config: app(id, "A", "C") })
    await active(id)
    const xml = await get()
    for (const { qkdnId, name } of demo.file.nodes) {
      assert(xml.includes(qkdnId), name)
      assert(xml.includes(`<name>${name}</name>`), name)
    }
    for (const { qkdlId } of demo.file.links) assert(xml.includes(qkdlId))
    for (const part of ["skr", "stored_bits", "qkd_interface", "hop", "svc_link", "etsi014_url"])
      assert(xml.includes(`<${part}`), part)
    assert(!xml.includes("PRIVATE KEY"))
    await nc(rpc("remove-application", `<app_id>${id}</app_id>`))
    await gone(id)
    if (!oracle) return this.skip()
    assert.equal(yanglint("data", xml), "")
    assert.notEqual(yanglint("data", xml.replace(/:ACTIVE</, ":NONE<")), "", "it accepts anything")
  })

  it("gives filtered parts, configuration alone, and the modules' own text", async () => {
    const [, , config, schema] = await nc(
      { op: "get", filter: `<qkd_network xmlns="${NET}"><alarms/></qkd_network>` },
      { op: "get-config" },
      {
        op: "rpc",
        xml: `<get-schema xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"><identifier>keyloom-connectivity</identifier></get-schema>`,
      },
    )
    assert(!inData(config).includes("qkdl_status"))
    assert(inData(config).includes("phys_link_local"))
    assert((schema?.data ?? "").includes("rpc register-application"))
    const one = demo.file.nodes[1] ?? assert.fail()
    const part = await get(
      `<qkd_network xmlns="${NET}"><qkd_nodes><qkd_node><qkdn_id>${one.qkdnId}</qkdn_id><name/><state><reach/></state></qkd_node></qkd_nodes></qkd_network>`,
    )
    assert.equal(text("reach", part), "connected")
    assert.equal(text("name", part), one.name)
    assert(!part.includes("management"))
  })

  it("takes an order by edit-config: it stands, keys flow, a cut is heard, it ends", async () => {
    const id = crypto.randomUUID()
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
    try {
      const [, ordered] = await nc({
        op: "edit",
        config: app(id, "A", "C", "<app_qos><min_bandwidth>64</min_bandwidth></app_qos>"),
      })
      assert.deepEqual(ordered, { ok: true })
      await active(id)
      await hear(new RegExp(`app-changed.*service\\.up.*${id}`, "s"))
      await sharesKeys(demo, "A", "C")
      const xml = await get(
        `<qkd_network xmlns="${NET}"><qkd_apps xmlns="${CON}"><qkd_app><app_id>${id}</app_id></qkd_app></qkd_apps></qkd_network>`,
      )
      const first = /<deployed_path>.*?<phys_link_id>([^<]+)</s.exec(xml)?.[1] ?? assert.fail(xml)
      const link = demo.file.links.find(({ qkdlId }) => qkdlId === first) ?? assert.fail(first)
      await fibre(demo, "cut", link.a, link.b)
      await hear(new RegExp(`phys-link-changed.*link\\.down.*${link.qkdlId}`, "s"))
      await hear(new RegExp(`alarm-raised.*link-down:${link.qkdlId}`, "s"))
      await hear(new RegExp(`app-changed.*service\\.moved.*${id}`, "s"))
      assert(
        (await get(`<qkd_network xmlns="${NET}"><alarms/></qkd_network>`)).includes(link.qkdlId),
      )
      await active(id)
      await sharesKeys(demo, "A", "C")
      await fibre(demo, "mend", link.a, link.b)
      await hear(new RegExp(`alarm-cleared.*link-down:${link.qkdlId}`, "s"))
      const [, removed] = await nc({
        op: "edit",
        config: app(id, "A", "C").replace(
          "<qkd_app>",
          `<qkd_app xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete">`,
        ),
      })
      assert.deepEqual(removed, { ok: true })
      await hear(new RegExp(`app-changed.*service\\.removed.*${id}`, "s"))
      const ours = heard.filter((xml) => /<\/eventTime><[^>]*urn:keyloom:/.test(xml))
      assert(ours.length > 5)
      if (oracle) for (const xml of ours) assert.equal(yanglint("nc-notif", xml), "", xml)
    } finally {
      await listener.close()
    }
  })

  it("takes an order by rpc, computes candidates and deploys the chosen one", async () => {
    const [, registered] = await nc(
      rpc(
        "register-application",
        "<server_app_id>sae-A</server_app_id><client_app_id>sae-C</client_app_id>",
      ),
    )
    const id = text("app_id", registered?.data ?? "") ?? assert.fail(JSON.stringify(registered))
    await active(id)
    const [, computed] = await nc(
      rpc("compute-candidate-paths", `<app_id>${id}</app_id><max_paths>5</max_paths>`),
    )
    const candidates = (computed?.data ?? "").split("<candidate_path ").slice(1)
    assert.equal(candidates.length, 2, computed?.data)
    const other = candidates.find((xml) => text("deployed", xml) === "false") ?? assert.fail()
    const [, deployed] = await nc(
      rpc(
        "deploy-path",
        `<app_id>${id}</app_id><path_id>${text("path_id", other) ?? ""}</path_id>`,
      ),
    )
    assert.equal(deployed?.error, undefined)
    const wanted = text("phys_link_id", other)
    await eventually(
      async () => {
        const { body } = await curl("GET", `${APPS}/qkd_app=${id}/state/deployed_path`)
        return body.includes(wanted ?? "?") ? true : undefined
      },
      "the chosen path in use",
      PATIENCE_MS,
    )
    await sharesKeys(demo, "A", "C")
    const [, removed] = await nc(rpc("remove-application", `<app_id>${id}</app_id>`))
    assert.equal(removed?.error, undefined)
    await gone(id)
  })

  it("does the same by curl through RESTCONF", async () => {
    const id = crypto.randomUUID()
    const order = {
      "keyloom-connectivity:qkd_app": [
        {
          app_id: id,
          server_app_id: "sae-B",
          client_app_id: "sae-D",
          app_qos: { min_bandwidth: 32 },
        },
      ],
    }
    const put = await curl("PUT", `${APPS}/qkd_app=${id}`, order)
    assert.equal(put.status, 201, put.body)
    await active(id)
    await sharesKeys(demo, "B", "D")
    const computed = await curl(
      "POST",
      "/operations/keyloom-connectivity:compute-candidate-paths",
      {
        "keyloom-connectivity:input": { app_id: id },
      },
    )
    assert.equal(computed.status, 200, computed.body)
    const { candidate_path: paths } = (
      JSON.parse(computed.body) as {
        "keyloom-connectivity:output": { candidate_path: { path_id: string; deployed: boolean }[] }
      }
    )["keyloom-connectivity:output"]
    const other = paths.find(({ deployed }) => !deployed) ?? assert.fail(computed.body)
    const deployed = await curl("POST", "/operations/keyloom-connectivity:deploy-path", {
      "keyloom-connectivity:input": { app_id: id, path_id: other.path_id },
    })
    assert.equal(deployed.status, 204, deployed.body)
    const patched = await curl("PATCH", `${APPS}/qkd_app=${id}`, {
      "keyloom-connectivity:qkd_app": [{ app_id: id, app_priority: 7 }],
    })
    assert.equal(patched.status, 204, patched.body)
    assert((await get()).includes("<app_priority>7</app_priority>"))
    const removed = await curl("DELETE", `${APPS}/qkd_app=${id}`)
    assert.equal(removed.status, 204, removed.body)
    await gone(id)
  })

  it("shows every face at once what came through another", async () => {
    const placed = await rest(demo, "POST", "/services", { a: "sae-A", b: "sae-B", minRateBps: 8 })
    assert.equal(placed.status, 201)
    const { serviceId } = placed.body as { serviceId: string }
    const [, config] = await nc({ op: "get-config" })
    assert(inData(config).includes(serviceId), "NETCONF shows what REST ordered")
    assert.equal((await curl("GET", `${APPS}/qkd_app=${serviceId}`)).status, 200)
    const [, edited] = await nc({
      op: "edit",
      config: app(serviceId, "A", "B", "<app_priority>3</app_priority>"),
    })
    assert.deepEqual(edited, { ok: true })
    const shown = await rest(demo, "GET", `/services/${serviceId}`)
    assert.equal((shown.body as { terms: { priority: number } }).terms.priority, 3)
    assert.equal((await curl("DELETE", `${APPS}/qkd_app=${serviceId}`)).status, 204)
    const after = await rest(demo, "GET", `/services/${serviceId}`)
    assert(
      after.status === 404 || (after.body as { state: string }).state === "removing",
      JSON.stringify(after),
    )
    await gone(serviceId)
  })

  it("refuses bad orders with their place, and changes nothing", async () => {
    const before = await get()
    const id = crypto.randomUUID()
    const [, unknown] = await nc({ op: "edit", config: app(id, "A", "Z") })
    assert.equal(unknown?.error?.tag, "data-missing")
    assert.equal(unknown.error.app_tag, "unknown-sae")
    assert.match(unknown.error.path ?? "", new RegExp(`${id}.*client_app_id$`))
    const over = await curl("POST", APPS, {
      "keyloom-connectivity:qkd_app": [
        { app_id: id, server_app_id: "sae-A", client_app_id: "sae-A" },
      ],
    })
    assert.equal(over.status, 400, over.body)
    assert.match(over.body, /"error-tag":"invalid-value"/)
    assert(over.body.includes(id))
    const link = demo.file.links[0] ?? assert.fail()
    const moved = await curl(
      "PATCH",
      `/data/keyloom-network:qkd_network/qkd_links/qkd_phys_links/phys_link=${link.qkdlId}`,
      {
        "keyloom-network:phys_link": [
          { phys_link_id: link.qkdlId, phys_link_local: { qkdi_id: 99 } },
        ],
      },
    )
    assert.equal(moved.status, 400, moved.body)
    const without = (xml: string): string[] => xml.match(/<(?:app_id|name|qkdi_id)>[^<]*</g) ?? []
    assert.deepEqual(without(await get()), without(before))
  })

  it("is locked for REST and RESTCONF while a session holds the lock", async () => {
    const { host, port, username, privateKeyFile } = demo.file.controller.netconf
    const script = `
import sys
from ncclient import manager
with manager.connect(host=sys.argv[1], port=int(sys.argv[2]), username=sys.argv[3], key_filename=sys.argv[4],
                     hostkey_verify=False, allow_agent=False, look_for_keys=False, timeout=60) as m:
    with m.locked("running"):
        print("locked", flush=True)
        sys.stdin.readline()
`
    const child = execFile("/usr/bin/python3", [
      "-c",
      script,
      host,
      String(port),
      username,
      privateKeyFile,
    ])
    const ended = new Promise((resolve) => child.once("close", resolve))
    await new Promise((resolve) => child.stdout?.once("data", resolve))
    const id = crypto.randomUUID()
    const placed = await rest(demo, "POST", "/services", { a: "sae-A", b: "sae-B", minRateBps: 8 })
    assert.equal(placed.status, 409)
    assert.equal((placed.body as { tag: string }).tag, "in-use")
    const put = await curl("PUT", `${APPS}/qkd_app=${id}`, {
      "keyloom-connectivity:qkd_app": [
        { app_id: id, server_app_id: "sae-A", client_app_id: "sae-B" },
      ],
    })
    assert.equal(put.status, 409, put.body)
    child.stdin?.end("done\n")
    await ended
    const later = await rest(demo, "POST", "/services", { a: "sae-A", b: "sae-B", minRateBps: 8 })
    assert.equal(later.status, 201)
    const { serviceId } = later.body as { serviceId: string }
    await rest(demo, "DELETE", `/services/${serviceId}`)
    await gone(serviceId)
  })

  it("tells by an event stream what NETCONF tells", async () => {
    const { token } = demo.file.controller
    const { body } = await curl("GET", "/data/ietf-restconf-monitoring:restconf-state/streams")
    const location = /"location":"([^"]*json)"/.exec(body)?.[1] ?? assert.fail(body)
    const child = execFile("curl", ["-sSN", "-H", `authorization: Bearer ${token}`, location])
    let said = ""
    child.stdout?.on("data", (chunk: string) => (said += chunk))
    try {
      const id = crypto.randomUUID()
      const told = async (): Promise<true | undefined> => {
        // The stream opens in its own time: an order is repeated until it is heard.
        if (!said.includes("app-changed")) {
          await nc({ op: "edit", config: app(id, "A", "B") })
          await nc(rpc("remove-application", `<app_id>${id}</app_id>`))
        }
        return said.includes(id) ? true : undefined
      }
      await eventually(told, "the order in the event stream", PATIENCE_MS)
      assert.match(said, /"keyloom-connectivity:app-changed"/)
    } finally {
      child.kill()
    }
  })

  it("keeps everything over a restart", async () => {
    const id = crypto.randomUUID()
    const link = demo.file.links[3] ?? assert.fail()
    const place = `/data/keyloom-network:qkd_network/qkd_links/qkd_phys_links/phys_link=${link.qkdlId}`
    const disabled = await curl("PATCH", place, {
      "keyloom-network:phys_link": [
        { phys_link_id: link.qkdlId, phys_enable: false, srlg: ["under the bridge"] },
      ],
    })
    assert.equal(disabled.status, 204, disabled.body)
    const more = "<app_priority>5</app_priority>"
    const [, ordered] = await nc({ op: "edit", config: app(id, "A", "C", more) })
    assert.deepEqual(ordered, { ok: true })
    await active(id)
    const config = inData((await nc({ op: "get-config" }))[1])
    await demo.stop()
    demo = await startDemo({ dir, topology: path.join(dir, "topology.json") })
    const again = inData((await nc({ op: "get-config" }))[1])
    assert.deepEqual(entriesOf(again), entriesOf(config))
    await active(id)
    await sharesKeys(demo, "A", "C")
  })
})
