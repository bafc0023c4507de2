// Key streams at whole nodes: switched on by their configuration files, associations by NETCONF as from a controller.

import assert from "node:assert/strict"
import { readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { StreamClient } from "../../plugins/etsi004/stream-client.js"
import type { StreamAnswer } from "../../plugins/etsi004/stream-client.js"
import { nodeConfigToData } from "../../src/model/etsi015.js"
import { verifyAuditTrail } from "../../src/node/audit-check.js"
import type { JsonObject } from "../../src/yang/json-text.js"
import { decodeXml, encodeXml } from "../../src/yang/xml.js"
import { eventsUntil, schema } from "./agent-site.js"
import { appAt, Line, linksOf } from "./node-line.js"

const APP = "bbbbbbbb-0000-4000-8000-000000000004"

describe("key streams at two neighbouring nodes", function () {
  this.timeout(180_000)
  let line: Line
  const clients: StreamClient[] = []

  before(async () => {
    line = await Line.open(["a", "b"])
    for (const { configFile } of line.files.nodes) switchOn(configFile)
    for (const name of ["a", "b"]) await line.start(name)
    for (const name of ["a", "b"]) await line.configure(name, linksOf(line, name))
  })
  after(async () => {
    for (const client of clients) client.close()
    await line.close()
  })

  /** As an operator would, with the files that ETSI 014 has. */
  function switchOn(configFile: string): void {
    const file = JSON.parse(readFileSync(configFile, "utf8")) as Record<string, JsonObject>
    const node = file["keyloom-node-config:node"] ?? {}
    const etsi004 = { ...(node["etsi014"] as JsonObject), port: 0 }
    const changed = { "keyloom-node-config:node": { ...node, etsi004, statistics_period_s: 1 } }
    writeFileSync(configFile, JSON.stringify(changed))
  }

  async function call(name: string, command: string, data: JsonObject): Promise<StreamAnswer> {
    const sae = line.files.saes.find((one) => one.node === name)
    const { etsi004 } = line.node(name).addresses()
    assert.ok(sae !== undefined && etsi004 !== undefined)
    const client = new StreamClient({
      ...etsi004,
      certificatePem: readFileSync(sae.certFile, "utf8"),
      privateKeyPem: readFileSync(sae.keyFile, "utf8"),
      authorityPem: readFileSync(sae.caFile, "utf8"),
      timeoutMs: 20_000,
    })
    clients.push(client)
    return client.call(command, data)
  }

  const hex = ({ key }: StreamAnswer): string | undefined =>
    key?.use((bytes) => Buffer.from(bytes).toString("hex"))

  it("ask the controller for a pair never seen; the rate it reserves is the streams' to have", async () => {
    const direct = line.plan.links[0]?.qkdlId ?? ""
    const controller = await line.controller("a")
    await controller.createSubscription()
    const pair = { source: "sae-a", destination: "sae-b" }
    const opening = call("a", "OPEN_CONNECT", { ...pair, qos: { min_bps: 800, timeout: 10_000 } })
    const seen = await eventsUntil(controller, (all) => all.some(({ kind }) => kind === "app-new"))
    assert.equal(seen.find((event) => event.kind === "app-new")?.qos.minBps, 800)
    for (const name of ["b", "a"]) {
      const apps = [appAt(line, name, name === "a" ? "b" : "a", APP, direct)]
      await line.configure(name, { ...linksOf(line, name), apps })
    }
    const opened = await opening
    assert.equal(opened.status, 1)
    assert.equal(opened.qos?.["min_bps"], 800)

    // The association has 1000: what two streams want together is told, and had once it is configured.
    const second = call("a", "OPEN_CONNECT", { ...pair, qos: { min_bps: 700, timeout: 10_000 } })
    const events = await eventsUntil(controller, (seen) =>
      seen.some(({ kind }) => kind === "app-qos-update"),
    )
    const wish = events.find((event) => event.kind === "app-qos-update")
    assert.equal(wish?.qos.minBps, 1500)
    const more = { ...appAt(line, "a", "b", APP, direct), qos: { minBps: 1500, ttlS: 600 } }
    const session = await line.controller("a")
    const wanted = { ...linksOf(line, "a"), apps: [more] }
    await session.editConfig("running", encodeXml(schema(), nodeConfigToData(wanted)))
    assert.equal((await second).status, 1)
    const third = await call("a", "OPEN_CONNECT", { ...pair, qos: { min_bps: 1, timeout: 2000 } })
    assert.equal(third.status, 7)
  })

  it("give the same chunks at both ends, over a restart of a node, each in its audit trail", async () => {
    const pair = { source: "sae-b", destination: "sae-a" }
    const ksid = "c0ffee00-0000-4000-8000-000000000004"
    const open = { ...pair, key_stream_id: ksid, qos: { timeout: 20_000 } }
    assert.equal((await call("b", "OPEN_CONNECT", open)).status, 1)
    assert.equal((await call("a", "OPEN_CONNECT", open)).status, 0)
    const read = (name: string, index: number): Promise<StreamAnswer> =>
      call(name, "GET_KEY", { key_stream_id: ksid, index })
    const first = [await read("a", 0), await read("b", 1)]
    assert.deepEqual(
      first.map(({ status, index }) => [status, index]),
      [
        [0, 0],
        [0, 1],
      ],
    )
    await line.node("a").stop()
    await line.start("a")
    assert.equal(hex(await read("b", 0)), hex(first[0] ?? {}))
    assert.equal(hex(await read("a", 1)), hex(first[1] ?? {}))
    for (let index = 2; index < 12; index++)
      assert.equal(hex(await read("a", index)), hex(await read("b", index)))

    const home = path.dirname(line.files.nodes[line.index("a")]?.configFile ?? "")
    const trail = path.join(home, "state", "audit.log")
    const text = readFileSync(trail, "utf8")
    assert.ok(verifyAuditTrail(text).lines >= 12)
    const records = text
      .trimEnd()
      .split("\n")
      .map((told) => JSON.parse(told) as Record<string, unknown>)
    const chunks = records.filter(({ method }) => method === "get_key")
    assert.deepEqual(
      chunks.map(({ index }) => index),
      Array.from({ length: 12 }, (_, index) => index),
    )
    for (const chunk of chunks) assert.equal(chunk["keyStreamId"], ksid)
    // What the application got counts as the association's, in 015 too.
    await line.until("its statistics tell of it", async () => {
      const [app] = (await line.state("a")).apps
      const rows = app?.statistics ?? []
      return rows.reduce((sum, { consumedBits }) => sum + consumedBits, 0) >= 11 * 256
    })
  })

  it("count calls that get no chunk for the association, as refused requests", async () => {
    const ksid = "c0ffee00-0000-4000-8000-000000000005"
    const data = { source: "sae-a", destination: "sae-b", key_stream_id: ksid }
    await call("a", "OPEN_CONNECT", data)
    await call("b", "OPEN_CONNECT", data)
    const controller = await line.controller("a")
    const refusedNow = async (): Promise<number> => {
      const tree = JSON.stringify(decodeXml(schema(), await controller.get()))
      return Number(/"refused_requests":(\d+)/.exec(tree)?.[1] ?? Number.NaN)
    }
    const before = await refusedNow()
    const far = { key_stream_id: ksid, index: 1_000_000 }
    assert.equal((await call("a", "GET_KEY", far)).status, 2)
    await line.until("it is counted", async () => (await refusedNow()) === before + 1)
  })

  it("read their certificates again on SIGHUP, and lose no stream", async () => {
    assert.equal(await line.node("a").renewTls(), 0)
    const ksid = "c0ffee00-0000-4000-8000-000000000004"
    assert.equal((await call("a", "CLOSE", { key_stream_id: ksid })).status, 0)
  })
})
