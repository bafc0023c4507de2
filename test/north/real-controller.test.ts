// The north faces on the real deciding loop: orders, refusals and notices as the controller makes them.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import { Access, hashToken } from "../../src/north/access.js"
import { type RunningHttp, startHttp } from "../../src/north/http.js"
import { hasShape } from "../../src/north/validate.js"
import { Bench } from "../controller/fakes.js"
import { OPERATOR } from "./harness.js"
import { SocketClient } from "./socket-client.js"

const bearer = { Authorization: `Bearer ${OPERATOR}` }

describe("the north faces on the real controller", () => {
  let bench: Bench
  let http: RunningHttp
  beforeEach(async () => {
    bench = await Bench.open()
    await bench.chain()
    bench.south.submit = (event) => bench.submit(event)
    const sha256 = hashToken(OPERATOR)
    http = await startHttp({
      host: "127.0.0.1",
      port: 0,
      controller: bench.controller,
      access: new Access([{ name: "ops", role: "operator", sha256 }]),
    })
  })
  afterEach(async () => {
    await http.close()
    await bench.controller.stop()
  })

  async function ask(
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; json: Record<string, unknown> }> {
    const response = await fetch(`${http.url}/api/v1${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { ...bearer, "Content-Type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const json: unknown = await response.json()
    assert.ok(json !== null && typeof json === "object")
    return { status: response.status, json: { ...json } }
  }

  it("order a service that becomes active, in the documented shapes", async () => {
    const order = { a: "sae-a", b: "sae-c", minRateBps: 10 }
    const { status, json } = await ask("/services", order, { Prefer: "wait=10" })
    assert.equal(status, 201, JSON.stringify(json))
    assert.equal(json.state, "active")
    assert.ok(hasShape("Service", json), JSON.stringify(json))
    assert.ok(hasShape("Network", (await ask("/network")).json))
    const again = await ask("/services", order)
    assert.deepEqual([again.status, again.json.tag], [409, "data-exists"])
  })

  it("show what an order would come to, in the documented shape, and order nothing", async () => {
    bench.south.plan = (qkdnId, desired) =>
      qkdnId === "b"
        ? Promise.reject(new QkdError("access-denied", "not by this policy", { appTag: "policy" }))
        : Promise.resolve({
            way: "running, one edit with rollback",
            edits: desired.links.map(({ qkdlId }) => ({ operation: "create", path: qkdlId })),
            payload: "<qkd_node/>",
          })
    const before = [bench.controller.network().revision, bench.south.synced.length]
    const order = { a: "sae-a", b: "sae-c", minRateBps: 10 }
    const { status, json } = await ask("/services?dryRun=true", order)
    assert.equal(status, 200, JSON.stringify(json))
    assert.ok(hasShape("DryRun", json), JSON.stringify(json))
    assert.match(JSON.stringify(json.path), /"nodes":\["a","b","c"\]/)
    const nodes = JSON.stringify(json.nodes)
    assert.match(nodes, /"payload":"<qkd_node\/>"/)
    assert.match(nodes, /"fault":"not by this policy"/)
    assert.deepEqual(
      [bench.controller.network().revision, bench.south.synced.length],
      before,
      "nothing was decided and nobody told",
    )
    const impossible = await ask("/services?dryRun=true", { ...order, minRateBps: 10 ** 9 })
    assert.deepEqual([impossible.status, impossible.json.nodes], [200, []])
    assert.match(JSON.stringify(impossible.json.reason), /no path/)
    const refused = await ask("/services?dryRun=true", { ...order, b: "sae-nowhere" })
    assert.deepEqual([refused.json.appTag, refused.json.path], ["unknown-sae", "/b"])
    assert.equal((await ask("/services?dryRun=perhaps", order)).status, 400)
    assert.equal(bench.controller.network().services.size, 0)
  })

  it("give the service that its SAEs already asked for, under its own id", async () => {
    await bench.request("a", "c")
    await bench.settle()
    const [held] = bench.controller.network().services.keys()
    const { json } = await ask("/services", { a: "sae-a", b: "sae-c", minRateBps: 10 })
    assert.equal(json.serviceId, held)
    assert.equal(json.origin, "order")
  })

  it("name in the body's words what the controller refuses", async () => {
    const unknown = await ask("/services", { a: "sae-a", b: "sae-nowhere", minRateBps: 10 })
    assert.deepEqual([unknown.json.appTag, unknown.json.path], ["unknown-sae", "/b"])
    const end = { a: "sae-a", b: "sae-c", minRateBps: 10, avoidNodes: ["a"] }
    const { status, json } = await ask("/services", end)
    assert.deepEqual([status, json.tag, json.path], [400, "invalid-value", "/avoidNodes/0"])
    assert.equal(bench.controller.network().services.size, 0)
  })

  it("push every change in order, each in its shape", async () => {
    const client = await new SocketClient(http.url, bearer).opened()
    client.send({ op: "subscribe", id: "s", topics: ["*"] })
    const { seq } = await client.next("snapshot")
    await ask("/services", { a: "sae-a", b: "sae-c", minRateBps: 10 }, { Prefer: "wait=10" })
    const last = bench.controller.lastSeq()
    await client.until(() => client.seqs.at(-1) === last)
    assert.deepEqual(
      client.seqs,
      Array.from({ length: last - (seq ?? 0) }, (_, i) => (seq ?? 0) + 1 + i),
    )
    for (const message of client.messages.filter(({ op }) => op === "notice")) {
      const shape = { node: "Node", link: "Link", service: "Service" }[String(message.topic)]
      if (shape !== undefined) assert.ok(hasShape(shape, message.value), JSON.stringify(message))
    }
    client.ws.close()
  })
})
