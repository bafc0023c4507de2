// Bulk key orders over REST on the real deciding loop: promises and refusals in the documented shapes, roles, repeats,
// notices.

import assert from "node:assert/strict"
import { hasShape } from "../../src/north/validate.js"
import { Bench } from "../controller/fakes.js"
import { NOON } from "../core/lab.js"
import { OBSERVER, OPERATOR } from "./harness.js"
import { type Answer, type RestHouse, serveRest } from "./rest-house.js"
import { SocketClient } from "./socket-client.js"

const MINUTE = 60_000

describe("bulk orders over REST", () => {
  let bench: Bench
  let http: RestHouse

  beforeEach(async () => {
    bench = await Bench.open()
    await bench.chain()
    http = await serveRest(bench)
  })
  afterEach(async () => {
    await http.close()
    await bench.controller.stop()
  })

  const ask: RestHouse["ask"] = (...asked) => http.ask(...asked)
  const due = (minutes: number): string => new Date(NOON + minutes * MINUTE).toISOString()
  /** 25,600 bits over links of 900 bit/s. */
  const order = { from: "sae-a", to: "sae-c", keys: 100, deadline: due(5) }
  const post = (body: object, headers?: Record<string, string>, query = ""): Promise<Answer> =>
    ask("POST", `/bulk-orders${query}`, body, headers)

  it("are taken on with their schedule and forecast, listed, read and cancelled", async () => {
    const taken = await post(order)
    assert.equal(taken.status, 201, JSON.stringify(taken.json))
    assert.ok(hasShape("BulkOrder", taken.json), JSON.stringify(taken.json))
    const { orderId, state, volumeBits, keySizeBits, late, forecast } = taken.json
    assert.deepEqual([state, volumeBits, keySizeBits, late], ["inProgress", 25_600, 256, false])
    assert.equal(forecast, new Date(NOON + 2000 + Math.ceil(25_600_000 / 900)).toISOString())
    const location = taken.headers.get("location") ?? ""
    assert.equal(location, `/api/v1/bulk-orders/${String(orderId)}`)
    const read = await ask("GET", `/bulk-orders/${String(orderId)}`)
    assert.ok(hasShape("BulkOrder", read.json))
    const list = await ask("GET", "/bulk-orders?filter=fromSaeId:sae-a&sort=-deadline")
    assert.match(JSON.stringify(list.json.items), new RegExp(String(orderId)))
    const stale = { "If-Match": '"other"' }
    assert.equal(
      (await ask("DELETE", `/bulk-orders/${String(orderId)}`, undefined, stale)).status,
      412,
    )
    assert.equal((await ask("DELETE", `/bulk-orders/${String(orderId)}`)).status, 204)
    const cancelled = await ask("GET", `/bulk-orders/${String(orderId)}`)
    assert.equal(cancelled.json.state, "cancelled")
    assert.equal((await ask("DELETE", `/bulk-orders/${String(orderId)}`)).status, 204)
    assert.equal((await ask("GET", `/bulk-orders/${String(orderId)}`)).status, 404)
    assert.equal((await ask("DELETE", `/bulk-orders/${String(orderId)}`)).status, 404)
  })

  it("that cannot be in time are refused with what can be done, by when; that very time is then promised", async () => {
    const refused = await post({ ...order, deadline: due(0.25) })
    const { tag, appTag, path, detail, info } = refused.json
    assert.deepEqual(
      [refused.status, tag, appTag, path],
      [409, "resource-denied", "no-capacity", "/deadline"],
    )
    assert.ok(hasShape("Problem", refused.json))
    assert.ok(info !== null && typeof info === "object")
    const facts: Record<string, unknown> = { ...info }
    assert.equal(facts["bits-by-deadline"], String(13 * 900))
    assert.match(String(detail), /of 25600 bits 11700 can be delivered by/)
    const deadline = facts["earliest-completion"]
    const judged = await post({ ...order, deadline }, {}, "?dryRun=true")
    assert.equal(judged.status, 200, JSON.stringify(judged.json))
    assert.ok(hasShape("BulkOrder", judged.json))
    assert.equal(bench.controller.network().orders.size, 0, "nothing was ordered")
    const taken = await post({ ...order, deadline })
    assert.deepEqual([taken.status, taken.json.late], [201, false])
    await ask("DELETE", `/bulk-orders/${String(taken.json.orderId)}`)
    const anyway = await post({ ...order, deadline: due(0.25), bestEffort: true })
    assert.deepEqual([anyway.status, anyway.json.late], [201, true])
  })

  it("with faults are refused, each with its place, and nothing is ordered", async () => {
    const { keys: _keys, ...bare } = order
    const faults: readonly [object, string, string][] = [
      [{ ...order, rate: 1 }, "unknown-element", "/rate"],
      [{ from: "sae-a", to: "sae-c", keys: 1 }, "missing-element", "/deadline"],
      [{ ...order, deadline: "tomorrow" }, "invalid-value", "/deadline"],
      [{ ...order, deadline: due(-1) }, "invalid-value", "/deadline"],
      [{ ...order, notBefore: due(6) }, "invalid-value", "/notBefore"],
      [{ ...order, volumeBits: 256 }, "invalid-value", "/keys"],
      [bare, "invalid-value", "/volumeBits"],
      [{ ...bare, volumeBits: 257 }, "invalid-value", "/volumeBits"],
      [{ ...order, keys: 0 }, "invalid-value", "/keys"],
      [{ ...order, keySizeBits: 100 }, "invalid-value", "/keySizeBits"],
      [{ ...order, from: "sae-nowhere" }, "data-missing", "/from"],
      [{ ...order, to: "sae-a" }, "invalid-value", "/to"],
      [{ ...order, avoidNodes: ["b", "nowhere"] }, "invalid-value", "/avoidNodes/1"],
      [{ ...order, avoidNodes: ["a"] }, "invalid-value", "/avoidNodes/0"],
      [{ ...order, avoidLinks: ["nowhere"] }, "invalid-value", "/avoidLinks/0"],
      [{ ...order, mostBps: 0 }, "invalid-value", "/mostBps"],
      [{ ...order, maxHops: 0 }, "invalid-value", "/maxHops"],
      [{ ...order, bestEffort: "yes" }, "invalid-value", "/bestEffort"],
    ]
    for (const [body, tag, path] of faults) {
      const { status, json } = await post(body)
      assert.ok(status >= 400 && status < 500, `${status} ${JSON.stringify(body)}`)
      assert.deepEqual([json.tag, json.path], [tag, path], JSON.stringify(body))
    }
    const bound = await post({ ...order, avoidNodes: ["b"] })
    assert.deepEqual([bound.status, bound.json.appTag], [409, "no-path"])
    assert.equal(bench.controller.network().orders.size, 0)
  })

  it("are ordered and cancelled by operators only, and read by all", async () => {
    const eye = { Authorization: `Bearer ${OBSERVER}` }
    assert.equal((await post(order, eye)).status, 403)
    const { orderId } = (await post(order)).json
    assert.equal((await ask("GET", "/bulk-orders", undefined, eye)).status, 200)
    assert.equal(
      (await ask("DELETE", `/bulk-orders/${String(orderId)}`, undefined, eye)).status,
      403,
    )
    assert.equal(
      (await ask("GET", "/bulk-orders", undefined, { Authorization: "Bearer x" })).status,
      401,
    )
  })

  it("that are repeated with their key are one order, over a restart of the faces too", async () => {
    const key = { "Idempotency-Key": "k-1" }
    const first = await post(order, key)
    const second = await post(order, key)
    assert.deepEqual([second.status, second.json], [201, first.json])
    assert.equal(bench.controller.network().orders.size, 1)
    assert.equal((await post({ ...order, keys: 99 }, key)).status, 422)
    assert.equal((await post(order)).status, 201)
    assert.equal(bench.controller.network().orders.size, 2, "without it, it is another one")
  })

  it("are told as they come on: accepted, started, late, completed", async () => {
    const client = await new SocketClient(http.url, {
      Authorization: `Bearer ${OPERATOR}`,
    }).opened()
    client.send({ op: "subscribe", id: "s", topics: ["order"] })
    await client.next("snapshot")
    const { orderId, serviceId } = (await post(order)).json
    for (const qkdnId of ["b", "c"])
      await bench.submit({
        kind: "node-event",
        qkdnId,
        atMs: bench.now,
        event: { kind: "link-down", qkdlId: "b-c" },
      })
    await bench.pass(300)
    const supply = { suppliedBits: 0, readyBits: 25_600 }
    const event = { kind: "app-supply", appId: String(serviceId), supply } as const
    await bench.submit({ kind: "node-event", qkdnId: "a", atMs: bench.now, event })
    await client.until(() => client.messages.some(({ type }) => type === "order.completed"))
    const told = client.messages.filter(({ op }) => op === "notice")
    assert.deepEqual(
      told.map(({ type }) => type),
      ["order.accepted", "order.started", "order.late", "order.completed"],
    )
    for (const { id, value } of told) {
      assert.equal(id, orderId)
      assert.ok(hasShape("BulkOrder", value), JSON.stringify(value))
    }
    client.ws.close()
  })
})
