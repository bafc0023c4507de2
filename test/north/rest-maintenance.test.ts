// Planned maintenance over REST on the real deciding loop: planned, shown, told, called off; refused with the place of the fault.

import assert from "node:assert/strict"
import { hasShape } from "../../src/north/validate.js"
import { MemoryStore } from "../../src/store/memory.js"
import { Bench } from "../controller/fakes.js"
import { NOON } from "../core/lab.js"
import { OBSERVER, OPERATOR } from "./harness.js"
import { type Answer, type RestHouse, serveRest } from "./rest-house.js"
import { SocketClient } from "./socket-client.js"

const MINUTE = 60_000

describe("maintenance over REST", () => {
  let store: MemoryStore
  let bench: Bench
  let http: RestHouse

  beforeEach(async () => {
    store = new MemoryStore()
    bench = await Bench.open(store)
    await bench.chain()
    http = await serveRest(bench)
  })
  afterEach(async () => {
    await http.close()
    await bench.controller.stop()
  })

  const ask: RestHouse["ask"] = (...asked) => http.ask(...asked)
  const at = (minutes: number): string => new Date(NOON + minutes * MINUTE).toISOString()
  const window = { link: "a-b", begin: at(60), end: at(90), reason: "splice at site 7" }
  const post = (body: object, headers?: Record<string, string>): Promise<Answer> =>
    ask("POST", "/maintenance", body, headers)

  it("is planned in the name of who asks, listed, read and called off", async () => {
    const planned = await post(window)
    assert.equal(planned.status, 201, JSON.stringify(planned.json))
    assert.ok(hasShape("Maintenance", planned.json), JSON.stringify(planned.json))
    const { maintenanceId, qkdlId, begin, end, reason, by, state } = planned.json
    assert.deepEqual(
      [qkdlId, begin, end, reason, by, state],
      ["a-b", at(60), at(90), "splice at site 7", "ops", "planned"],
    )
    const own = `/maintenance/${String(maintenanceId)}`
    assert.equal(planned.headers.get("location"), `/api/v1${own}`)
    assert.deepEqual((await ask("GET", own)).json, planned.json)
    const list = await ask("GET", "/maintenance?filter=qkdlId:a-b,by:ops&sort=-begin")
    assert.deepEqual(list.json.items, [planned.json])
    const network = await ask("GET", "/network")
    assert.deepEqual(network.json.maintenance, [planned.json])
    assert.ok(hasShape("Network", network.json))
    assert.equal((await ask("DELETE", own, undefined, { "If-Match": '"other"' })).status, 412)
    assert.equal((await ask("DELETE", own)).status, 204)
    assert.equal((await ask("GET", own)).status, 404)
    assert.equal((await ask("DELETE", own)).status, 404)
  })

  it("is changed as a whole, but for who planned it, by who saw it as it is", async () => {
    const { json: planned, headers } = await post(window)
    const own = `/maintenance/${String(planned.maintenanceId)}`
    const { begin: _begin, ...later } = { ...window, end: at(120), reason: "two splices" }
    const seen = { "If-Match": headers.get("etag") ?? "" }
    const changed = await ask("PUT", own, later, seen)
    assert.equal(changed.status, 200, JSON.stringify(changed.json))
    assert.deepEqual(changed.json, { ...planned, end: at(120), reason: "two splices" })
    assert.deepEqual((await ask("GET", own)).json, changed.json)
    assert.equal((await ask("PUT", own, later, seen)).status, 412)
    for (const [body, path] of [
      [{ ...later, end: at(60) }, "/end"],
      [{ ...later, link: "a-x" }, "/link"],
      [{ ...later, node: "a" }, "/node"],
      [{ ...later, until: at(9) }, "/until"],
    ] as const) {
      const refused = await ask("PUT", own, body)
      assert.deepEqual([refused.status, refused.json.path], [400, path])
    }
    const eye = { Authorization: `Bearer ${OBSERVER}` }
    assert.equal((await ask("PUT", own, later, eye)).status, 403)
    assert.equal((await ask("PUT", "/maintenance/none", later)).status, 404)
    assert.deepEqual((await ask("GET", own)).json, changed.json)
  })

  it("shows at the link and the node that are out", async () => {
    await post({ node: "b", end: at(10), reason: "power" })
    const link = await ask("GET", "/links/a-b")
    assert.ok(hasShape("Link", link.json), JSON.stringify(link.json))
    const { stage, end } = link.json.maintenance as Record<string, unknown>
    assert.deepEqual([stage, end], ["out", at(10)])
    const node = await ask("GET", "/nodes/b")
    assert.ok(hasShape("Node", node.json), JSON.stringify(node.json))
    assert.deepEqual((node.json.maintenance as Record<string, unknown>).end, at(10))
  })

  it("has bulk orders refused for it, and told late at once", async () => {
    const order = { from: "sae-a", to: "sae-b", keys: 100, deadline: at(5) }
    const taken = await ask("POST", "/bulk-orders", order)
    assert.equal(taken.status, 201)
    await post({ link: "a-b", end: at(30), reason: "fire" })
    const late = await ask("GET", `/bulk-orders/${String(taken.json.orderId)}`)
    assert.equal(late.json.late, true)
    assert.match(String(late.json.reason), /^planned maintenance: a - b from/)
    const refused = await ask("POST", "/bulk-orders", { ...order, from: "sae-b", to: "sae-a" })
    assert.equal(refused.status, 409)
    assert.match(String(refused.json.detail), /planned maintenance: a - b from .* until/)
  })

  it("is refused for faults, each with its place, and for who only reads", async () => {
    const { link: _link, ...nothing } = window
    for (const [body, status, path] of [
      [nothing, 400, "/link"],
      [{ ...window, node: "a" }, 400, "/node"],
      [{ ...window, link: "a-x" }, 400, "/link"],
      [{ ...nothing, node: "x" }, 400, "/node"],
      [{ ...window, end: at(60) }, 400, "/end"],
      [{ ...window, begin: "tomorrow" }, 400, "/begin"],
      [{ ...window, reason: "" }, 400, "/reason"],
      [{ ...window, until: at(60) }, 400, "/until"],
    ] as const) {
      const answer = await post(body)
      assert.deepEqual([answer.status, answer.json.path], [status, path], JSON.stringify(body))
    }
    const eye = { Authorization: `Bearer ${OBSERVER}` }
    assert.equal((await post(window, eye)).status, 403)
    assert.equal((await ask("GET", "/maintenance", undefined, eye)).status, 200)
    assert.equal(bench.controller.network().maintenance.size, 0)
  })

  it("repeated with the same key is one, over a restart too; another body with that key is refused", async () => {
    const key = { "Idempotency-Key": "window-7" }
    const first = await post(window, key)
    assert.deepEqual((await post(window, key)).json, first.json)
    await http.close()
    await bench.controller.stop()
    bench = await Bench.open(store)
    http = await serveRest(bench)
    assert.deepEqual((await ask("GET", "/maintenance")).json.items, [first.json])
    assert.deepEqual((await post(window, key)).json, first.json)
    assert.equal((await post({ ...window, end: at(91) }, key)).status, 422)
    assert.equal(bench.controller.network().maintenance.size, 1)
  })

  it("has rates of links that are known beforehand beside it: set, shown, refused with the place of the fault, taken back", async () => {
    const path = "/links/a-b/rate-profile"
    const day = {
      profile: [
        { at: at(0), skrBps: 500 },
        { at: at(600), skrBps: 2000 },
      ],
      repeatS: 86_400,
    }
    const set = await ask("PUT", path, day)
    assert.equal(set.status, 200, JSON.stringify(set.json))
    assert.ok(hasShape("Link", set.json))
    assert.deepEqual(set.json.rateProfile, day)
    for (const [body, place] of [
      [{ ...day, repeatS: 36_000 }, "/repeatS"],
      [{ ...day, every: 3600 }, "/every"],
      [{ profile: [{ at: "noon", skrBps: 1 }] }, "/profile/0/at"],
    ] as const) {
      const refused = await ask("PUT", path, body)
      assert.deepEqual([refused.status, refused.json.path], [400, place])
    }
    assert.equal((await ask("PUT", "/links/a-x/rate-profile", day)).status, 404)
    const eye = { Authorization: `Bearer ${OBSERVER}` }
    assert.equal((await ask("PUT", path, day, eye)).status, 403)
    assert.deepEqual((await ask("GET", "/links/a-b")).json.rateProfile, day)
    assert.equal((await ask("DELETE", path)).status, 204)
    assert.equal((await ask("DELETE", path)).status, 404)
  })

  it("is a topic of its own of the WebSocket", async () => {
    const client = await new SocketClient(http.url, {
      Authorization: `Bearer ${OPERATOR}`,
    }).opened()
    client.send({ op: "subscribe", id: "1", topics: ["maintenance"] })
    const snapshot = await client.next("snapshot")
    assert.ok(hasShape("Snapshot", snapshot), JSON.stringify(snapshot))
    assert.deepEqual((snapshot.network as Record<string, unknown>).maintenance, [])
    const { json } = await post(window)
    const notice = await client.next("notice")
    assert.ok(hasShape("NoticeMessage", notice))
    assert.deepEqual(
      [notice.topic, notice.type, notice.id, notice.value],
      ["maintenance", "maintenance.planned", json.maintenanceId, json],
    )
    client.ws.close()
  })
})
