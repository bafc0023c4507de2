// Ordering and cancelling services over REST: refusals with a path, repeats without doubles, waiting.

import assert from "node:assert/strict"
import { ERROR_TAGS, QkdError } from "../../src/errors.js"
import { serviceIdOf } from "../../src/north/idempotency.js"
import { statusOf } from "../../src/north/problem.js"
import { waitOf } from "../../src/north/rest-services.js"
import { hasShape } from "../../src/north/validate.js"
import { FakeController } from "./fake-controller.js"
import { type Answer, closeAll, house, type House } from "./harness.js"
import { luxembourg, ring } from "./topologies.js"

const order = { a: "sae-windhof", b: "sae-betzdorf", minRateBps: 256 }

function post(here: House, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return here.call("/api/v1/services", { method: "POST", body, headers })
}

describe("ordering a service", () => {
  afterEach(closeAll)

  it("answers 201 with the pending service, its address and its ETag", async () => {
    const here = await house()
    const answer = await post(here, { ...order, priority: 3, avoidNodes: [] })
    assert.equal(answer.status, 201)
    assert.ok(hasShape("Service", answer.json), answer.text)
    assert.equal(answer.json.state, "pending")
    const location = answer.headers.get("location") ?? ""
    const read = await here.call(location)
    assert.equal(read.headers.get("etag"), answer.headers.get("etag"))
    assert.deepEqual(read.json, answer.json)
  })

  it("names the place of everything it refuses, and orders nothing", async () => {
    const here = await house({ controller: new FakeController(ring(4)) })
    const base = { a: "sae-site-1", b: "sae-site-2", minRateBps: 1 }
    const faults: [unknown, string, string][] = [
      [{ ...base, rate: 1 }, "unknown-element", "/rate"],
      [{ ...base, "a/b~": 1 }, "unknown-element", "/a~1b~0"],
      [{ a: "x", b: "y" }, "missing-element", "/minRateBps"],
      [{ ...base, minRateBps: "1" }, "invalid-value", "/minRateBps"],
      [{ ...base, minRateBps: -1 }, "invalid-value", "/minRateBps"],
      [{ ...base, minRateBps: 9, maxRateBps: 8 }, "invalid-value", "/maxRateBps"],
      [{ ...base, priority: 1.5 }, "invalid-value", "/priority"],
      [{ ...base, b: "sae-site-1" }, "invalid-value", "/b"],
      [{ ...base, avoidNodes: ["Site 3", "Nowhere"] }, "invalid-value", "/avoidNodes/1"],
      [{ ...base, avoidNodes: "Site 3" }, "invalid-value", "/avoidNodes"],
      [{ ...base, maxHops: 0 }, "invalid-value", "/maxHops"],
      [{ ...base, protection: "2+1" }, "invalid-value", "/protection"],
      [{ ...base, trustTolerance: 8 }, "invalid-value", "/trustTolerance"],
      [{ ...base, requireNodes: ["Site 3", "Nowhere"] }, "invalid-value", "/requireNodes/1"],
      [{ ...base, avoidLinks: ["no such link"] }, "invalid-value", "/avoidLinks/0"],
      [{ ...base, revertive: "yes" }, "invalid-value", "/revertive"],
      [{ ...base, holdOffS: -1 }, "invalid-value", "/holdOffS"],
      [{ ...base, a: "x".repeat(256) }, "too-big", "/a"],
      [[], "invalid-value", "/"],
    ]
    for (const [body, tag, path] of faults) {
      const { json } = await post(here, body)
      assert.deepEqual([json.tag, json.path], [tag, path], JSON.stringify(body).slice(0, 80))
    }
    assert.equal(here.controller.network().services.size, 0)
  })

  it("refuses bodies that are not strict JSON", async () => {
    const here = await house()
    const send = (text: string, type = "application/json"): Promise<Answer> =>
      here.call("/api/v1/services", { method: "POST", text, headers: { "Content-Type": type } })
    const twice = '{"a":"sae-windhof","a":"sae-x","b":"sae-betzdorf","minRateBps":1}'
    assert.equal((await send(twice)).json.tag, "malformed-message")
    assert.equal((await send("{")).json.tag, "malformed-message")
    assert.equal((await send("[".repeat(60_000))).json.tag, "too-big")
    assert.equal((await send(" ".repeat(70_000))).status, 413)
    assert.equal((await send(JSON.stringify(order), "text/plain")).status, 415)
    assert.equal((await here.call("/api/v1/services", { method: "POST" })).status, 415)
    const got = await here.call("/api/v1/links", { method: "GET" })
    assert.equal(got.status, 200, "others are unharmed")
  })

  it("takes nodes to avoid by name or by id", async () => {
    const here = await house({ controller: new FakeController(ring(4)) })
    const nodes = [...here.controller.network().nodes.values()]
    const [two, three] = [nodes[1]?.qkdnId ?? "", nodes[2]?.qkdnId ?? ""]
    const body = { a: "sae-site-1", b: "sae-site-4", minRateBps: 1 }
    const { json } = await post(here, { ...body, avoidNodes: ["Site 2", three, two] })
    assert.ok(hasShape("Service", json))
    assert.deepEqual(json.terms, { minRateBps: 1, priority: 0, avoidNodes: [two, three] })
  })

  it("passes every refusal of the controller on with its tag", async () => {
    for (const tag of ERROR_TAGS) {
      const controller = new FakeController(luxembourg)
      const fault = new QkdError(tag, "refused", { appTag: "policy" })
      controller.order = () => Promise.reject(fault)
      const here = await house({ controller })
      const { status, json } = await post(here, order)
      assert.deepEqual([status, json.tag, json.appTag], [statusOf(fault), tag, "policy"])
      await here.http.close()
    }
    const here = await house()
    here.controller.submit = () =>
      Promise.resolve({ ok: false, tag: "invalid-value", message: "x", path: "/terms/ttlS" })
    assert.equal((await post(here, order)).json.path, "/ttlS", "as the body spells it")
    const other = await house()
    const unknown = await post(other, { ...order, b: "sae-nowhere" })
    assert.deepEqual([unknown.status, unknown.json.appTag], [400, "unknown-sae"])
    other.controller.setLink("windhof-kirchberg", false)
    const cut = await post(other, order)
    assert.deepEqual([cut.status, cut.json.appTag], [409, "no-path"])
  })

  it("tells a bug only to the log, under the trace it answers", async () => {
    const controller = new FakeController(luxembourg)
    controller.order = () => Promise.reject(new TypeError("inner detail"))
    const here = await house({ controller })
    const answer = await post(here, order)
    assert.equal(answer.status, 500)
    assert.ok(!answer.text.includes("inner detail"))
    const line = here.log.find((each) => each.includes("inner detail")) ?? ""
    assert.ok(line.includes(String(answer.json.trace)))
  })
})

describe("repeating an order", () => {
  afterEach(closeAll)
  const key = { "Idempotency-Key": "k-1" }

  it("gives the first answer again for the same key and makes one service", async () => {
    const here = await house()
    const first = await post(here, order, key)
    here.controller.settle()
    const second = await post(here, order, key)
    assert.deepEqual([second.status, second.text], [first.status, first.text])
    assert.equal(here.controller.network().services.size, 1)
    const other = await post(here, { ...order, minRateBps: 1 }, key)
    assert.deepEqual([other.status, other.json.path], [422, "Idempotency-Key"])
    assert.equal((await post(here, order, { "Idempotency-Key": "x y" })).status, 400)
  })

  it("finds the service of a key again after a restart", async () => {
    const controller = new FakeController(luxembourg)
    const before = await house({ controller })
    const first = await post(before, order, key)
    await before.http.close()
    const after = await house({ controller })
    const second = await post(after, order, key)
    assert.equal(second.json.serviceId, first.json.serviceId)
    assert.equal(controller.network().services.size, 1)
    assert.equal((await post(after, { ...order, minRateBps: 9 }, key)).status, 422)
  })

  it("answers 409 while the first is under way, and lets a refused order be tried again", async () => {
    const controller = new FakeController(luxembourg)
    const here = await house({ controller })
    const real = controller.order.bind(controller)
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let entered: () => void = () => undefined
    const inside = new Promise<void>((resolve) => {
      entered = resolve
    })
    controller.order = async (asked) => {
      entered()
      await held
      return real(asked)
    }
    const first = post(here, order, key)
    await inside
    const second = await post(here, order, key)
    assert.deepEqual([second.status, second.json.tag], [409, "in-use"])
    release()
    assert.equal((await first).status, 201)

    controller.order = () => Promise.reject(new QkdError("resource-denied", "full"))
    const refused = { "Idempotency-Key": "k-2" }
    assert.equal((await post(here, order, refused)).status, 409)
    controller.order = real
    assert.equal((await post(here, order, refused)).status, 201)
  })

  it("forgets a key after 24 hours", async () => {
    const controller = new FakeController(luxembourg)
    const here = await house({ controller })
    const { json } = await post(here, order, key)
    await controller.cancel(String(json.serviceId))
    here.advance(24 * 3_600_000 - 1)
    assert.equal((await post(here, order, key)).json.serviceId, json.serviceId)
    assert.equal(controller.network().services.size, 0, "still only the kept answer")
    here.advance(1)
    assert.equal((await post(here, order, key)).status, 201)
    assert.equal(controller.network().services.size, 1)
  })

  it("makes an id of a key that is a UUID and differs between clients", () => {
    const id = serviceIdOf("ops", "k")
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.notEqual(id, serviceIdOf("eye", "k"))
    assert.equal(id, serviceIdOf("ops", "k"))
  })
})

describe("waiting for an order", () => {
  afterEach(closeAll)

  it("answers 201 once the service is active", async () => {
    const here = await house()
    const stop = here.controller.onNotice((notice) => {
      if (notice.type === "service.pending")
        setImmediate(() => {
          here.controller.settle()
        })
    })
    const answer = await post(here, order, { Prefer: "respond-async, wait=10" })
    stop()
    assert.deepEqual([answer.status, answer.json.state], [201, "active"])
    assert.equal(answer.headers.get("preference-applied"), "wait=10")
  })

  it("answers 202 with the service as it stands when time is up", async () => {
    const here = await house()
    const answer = await post(here, order, { Prefer: "wait=1" })
    assert.deepEqual([answer.status, answer.json.state], [202, "pending"])
    assert.equal(here.controller.listeners, 1, "only the WebSocket face listens on")
  })

  it("reads the preference as RFC 7240 writes it", () => {
    assert.equal(waitOf(undefined), 0)
    assert.equal(waitOf("return=minimal"), 0)
    assert.equal(waitOf("wait=5"), 5)
    assert.equal(waitOf('respond-async, wait="7"'), 7)
    assert.equal(waitOf("wait=900"), 30)
    assert.equal(waitOf("await=5"), 0)
  })
})

describe("cancelling a service", () => {
  afterEach(closeAll)

  it("takes it down, and only as it was seen when If-Match says so", async () => {
    const here = await house()
    const ordered = await post(here, order)
    const path = `/api/v1/services/${String(ordered.json.serviceId)}`
    const etag = ordered.headers.get("etag") ?? ""
    here.controller.settle()
    const stale = await here.call(path, { method: "DELETE", headers: { "If-Match": etag } })
    assert.deepEqual([stale.status, stale.json.tag], [412, "operation-failed"])
    assert.equal(here.controller.network().services.size, 1)
    const now = (await here.call(path)).headers.get("etag") ?? ""
    const done = await here.call(path, { method: "DELETE", headers: { "If-Match": `"x", ${now}` } })
    assert.equal(done.status, 202)
    assert.equal((await here.call(path)).status, 404)
    assert.equal((await here.call(path, { method: "DELETE" })).status, 404)
  })
})
