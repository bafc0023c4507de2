// The WebSocket protocol: signing in, subscribing, snapshots and resuming, heartbeats, refusals.

import assert from "node:assert/strict"
import { hasShape } from "../../src/north/validate.js"
import { closeAll, house, OBSERVER, OPERATOR } from "./harness.js"
import { SocketClient } from "./socket-client.js"

const bearer = { Authorization: `Bearer ${OPERATOR}` }
const all = { op: "subscribe", id: "s1", topics: ["*"] }

describe("signing in over WebSocket", () => {
  afterEach(closeAll)

  it("takes a bearer token in the upgrade, or an init message", async () => {
    const { http } = await house()
    const byHeader = new SocketClient(http.url, bearer)
    const ready = await byHeader.next("ready")
    assert.ok(hasShape("Ready", ready))
    assert.equal(ready.role, "operator")
    assert.equal(byHeader.ws.protocol, "keyloom.v1")
    assert.equal(byHeader.ws.extensions, "")
    const byInit = await new SocketClient(http.url).opened()
    byInit.send({ op: "init", token: OBSERVER })
    assert.equal((await byInit.next("ready")).role, "observer")
  })

  it("refuses a wrong token: 401 in the upgrade, 4401 after init", async () => {
    const { http } = await house()
    const wrong = new SocketClient(http.url, { Authorization: "Bearer wrong" })
    await wrong.ended()
    assert.equal(wrong.refused, 401)
    const late = await new SocketClient(http.url).opened()
    late.send({ op: "init", token: "wrong" })
    assert.equal((await late.ended()).code, 4401)
    const eager = await new SocketClient(http.url).opened()
    eager.send(all)
    assert.equal((await eager.ended()).code, 4401)
    assert.deepEqual(eager.messages, [])
  })

  it("closes 4408 when no init comes", async () => {
    const { http } = await house({ webSocketLimits: { initTimeoutMs: 50 } })
    assert.equal((await new SocketClient(http.url).ended()).code, 4408)
  })

  it("takes the page's cookie from our own origin only (T7)", async () => {
    const { http, access } = await house()
    const { id } = access.openSession({ name: "x", role: "operator", by: "token" })
    const cookie = `keyloom-${http.port}=${id}`
    const own = new SocketClient(http.url, { Cookie: cookie, Origin: http.url })
    await own.next("ready")
    for (const headers of [
      { Cookie: cookie, Origin: "http://evil.example" },
      { Cookie: cookie },
      { ...bearer, Origin: "http://evil.example" },
    ]) {
      const foreign = new SocketClient(http.url, headers)
      await foreign.ended()
      assert.equal(foreign.refused, 403)
    }
    const stale = `keyloom-${http.port}=gone`
    const old = new SocketClient(http.url, { Cookie: stale, Origin: http.url })
    assert.equal((await old.ended()).code, 4401)
  })

  it("lets go of a subscriber whose session ends", async () => {
    const { http, access } = await house({ webSocketLimits: { heartbeatMs: 30 } })
    const { id } = access.openSession({ name: "x", role: "operator", by: "token" })
    const cookie = `keyloom-${http.port}=${id}`
    const page = new SocketClient(http.url, { Cookie: cookie, Origin: http.url })
    await page.next("ready")
    access.closeSession(id)
    assert.equal((await page.ended()).code, 4401)
  })

  it("keeps a subscriber when the process stood still for many heartbeats", async () => {
    const { http } = await house({ webSocketLimits: { heartbeatMs: 30 } })
    const page = await new SocketClient(http.url, bearer).opened()
    let beats = 0
    page.ws.on("message", () => {
      // The answer to this heartbeat's ping lies unread all the while.
      if (page.messages.at(-1)?.op !== "heartbeat" || ++beats > 3) return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
    })
    await page.until(() => beats > 6)
    assert.equal(page.closed, undefined)
  })

  it("lets go of a subscriber who never answers a heartbeat", async () => {
    const { http } = await house({ webSocketLimits: { heartbeatMs: 30 } })
    const mute = await new SocketClient(http.url, bearer, { autoPong: false }).opened()
    assert.equal((await mute.ended()).code, 1006)
    assert.ok(mute.messages.some(({ op }) => op === "heartbeat"))
  })

  it("speaks its own subprotocol at its own address only", async () => {
    const { http } = await house()
    const { WebSocket } = await import("ws")
    for (const [path, protocols, status] of [
      ["/api/v1/events", ["other"], 400],
      ["/api/v1/other", ["keyloom.v1"], 404],
    ] as const) {
      const ws = new WebSocket(`${http.url.replace("http", "ws")}${path}`, [...protocols], {
        headers: bearer,
      })
      const got = await new Promise((resolve) => {
        ws.on("unexpected-response", (request, response) => {
          resolve(response.statusCode)
          request.destroy()
        })
        ws.on("error", () => undefined)
      })
      assert.equal(got, status)
    }
  })
})

describe("subscribing", () => {
  afterEach(closeAll)

  it("gives a snapshot first, then every change, in the documented shapes", async () => {
    const { http, controller } = await house()
    controller.tick()
    const client = await new SocketClient(http.url, bearer).opened()
    client.send(all)
    const snapshot = await client.next("snapshot")
    assert.ok(hasShape("Snapshot", snapshot), JSON.stringify(snapshot).slice(0, 300))
    assert.deepEqual([snapshot.reason, snapshot.seq, snapshot.epoch], ["first", 2, "epoch-1"])
    assert.ok(!JSON.stringify(snapshot).includes("privateKeyFile"))
    controller.setLink("windhof-kirchberg", false)
    controller.setReach("Betzdorf", "unreachable")
    const down = await client.next("notice")
    assert.ok(hasShape("NoticeMessage", down))
    assert.deepEqual([down.seq, down.topic, down.type], [3, "link", "link.down"])
    assert.ok(hasShape("Link", down.value))
    const lost = await client.next("notice")
    assert.deepEqual([lost.seq, lost.type], [4, "node.unreachable"])
    assert.ok(hasShape("Node", lost.value), "without the way into it")
  })

  it("gives only the topics asked for, and a heartbeat for the numbers between", async () => {
    const { http, controller } = await house({ webSocketLimits: { heartbeatMs: 40 } })
    const client = await new SocketClient(http.url, bearer).opened()
    client.send({ ...all, topics: ["node", "service"] })
    const snapshot = await client.next("snapshot")
    const network = snapshot.network
    assert.ok(network !== null && typeof network === "object")
    assert.deepEqual(Object.keys(network), ["revision", "nodes", "services"])
    controller.tick()
    controller.setReach("Windhof", "unreachable")
    controller.tick()
    assert.equal((await client.next("notice")).type, "node.unreachable")
    await client.until(() => client.messages.some((m) => m.op === "heartbeat" && m.seq === 5))
    const beat = await client.next("heartbeat")
    assert.ok(hasShape("Heartbeat", beat))
    assert.deepEqual(client.seqs, [])
  })

  it("resumes from a number, says when nothing was missed, and why it cannot resume", async () => {
    const { http, controller } = await house()
    controller.tick()
    controller.tick()
    const client = await new SocketClient(http.url, bearer).opened()
    const since = (seq: number, epoch = "epoch-1"): void => {
      client.send({ ...all, since: { epoch, seq } })
    }
    since(4)
    const nothing = await client.next("nothing-missed")
    assert.ok(hasShape("NothingMissed", nothing))
    since(1)
    const resumed = await client.next("resumed")
    assert.ok(hasShape("Resumed", resumed))
    assert.deepEqual([resumed.from, resumed.seq], [1, 4])
    await client.until(() => client.seqs.length === 3)
    assert.deepEqual(client.seqs, [2, 3, 4])
    since(9)
    assert.equal((await client.next("snapshot")).reason, "ahead")
    since(2, "epoch-0")
    assert.equal((await client.next("snapshot")).reason, "other-epoch")
    controller.journalLimit = 2
    controller.tick()
    since(1)
    assert.equal((await client.next("snapshot")).reason, "too-old")
  })

  it("tells no more after unsubscribe", async () => {
    const { http, controller } = await house()
    const client = await new SocketClient(http.url, bearer).opened()
    client.send(all)
    await client.next("snapshot")
    client.send({ op: "unsubscribe", id: "s1" })
    assert.ok(hasShape("Unsubscribed", await client.next("unsubscribed")))
    controller.tick()
    client.send({ ...all, since: { epoch: "epoch-1", seq: controller.lastSeq() } })
    await client.next("nothing-missed")
    assert.deepEqual(client.seqs, [])
  })

  it("names what is wrong with a message, then closes 4400", async () => {
    const { http } = await house()
    const faults: [object | string, string, string | undefined][] = [
      [{ op: "dance" }, "invalid-value", "/op"],
      [{ kind: "subscribe" }, "missing-element", "/op"],
      [[], "missing-element", "/op"],
      [{ ...all, colour: "red" }, "unknown-element", "/colour"],
      [{ ...all, topics: ["links"] }, "invalid-value", "/topics/0"],
      [{ ...all, topics: [] }, "invalid-value", "/topics"],
      [{ ...all, since: { epoch: "e" } }, "missing-element", "/since/seq"],
      [{ ...all, since: { epoch: "e", seq: -1 } }, "invalid-value", "/since/seq"],
      [{ op: "init", token: OPERATOR }, "operation-failed", "/op"],
      ["{", "malformed-message", undefined],
      ['{"op":"subscribe","op":"init"}', "malformed-message", undefined],
    ]
    for (const [message, tag, path] of faults) {
      const client = await new SocketClient(http.url, bearer).opened()
      client.send(message)
      const error = await client.next("error")
      assert.ok(hasShape("ErrorMessage", error))
      const { problem } = error
      assert.ok(problem !== null && typeof problem === "object" && "tag" in problem)
      assert.equal(problem.tag, tag, JSON.stringify(message))
      assert.equal("path" in problem ? problem.path : undefined, path)
      assert.equal((await client.ended()).code, 4400)
    }
    const binary = await new SocketClient(http.url, bearer).opened()
    binary.ws.send(Buffer.from([1, 2, 3]))
    assert.equal((await binary.ended()).code, 4400)
    const big = await new SocketClient(http.url, bearer).opened()
    big.send("x".repeat(20_000))
    assert.equal((await big.ended()).code, 1009)
  })

  it("says that it is going when the server stops", async () => {
    const { http } = await house()
    const client = await new SocketClient(http.url, bearer).opened()
    client.send(all)
    await client.next("snapshot")
    await http.close()
    assert.equal((await client.ended()).code, 1001)
  })
})
