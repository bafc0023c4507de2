// Subscribers under load: connections killed at random moments miss nothing and get nothing twice; slow readers
// are let go without harm to others; a notice is framed once for everyone.

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { WebSocket } from "ws"
import { Feed, frameText } from "../../src/north/feed.js"
import { linkView } from "../../src/north/views.js"
import { FakeController } from "./fake-controller.js"
import { closeAll, house, OPERATOR } from "./harness.js"
import { SocketClient } from "./socket-client.js"
import { luxembourg, ring } from "./topologies.js"

const bearer = { Authorization: `Bearer ${OPERATOR}` }

describe("subscribers of a busy network", () => {
  afterEach(closeAll)

  it("miss nothing and get nothing twice, whenever the connection breaks", async () => {
    const controller = new FakeController(ring(8))
    const { http } = await house({
      controller,
      // Small, so that catching up through the journal happens all the time.
      webSocketLimits: { highWaterBytes: 4096, heartbeatMs: 20 },
    })
    const busy = setInterval(() => {
      controller.tick()
    }, 2)
    const wanted = 3000
    try {
      for (const topics of [["*"], ["link"]]) {
        const first = controller.lastSeq()
        const heard: number[] = []
        let last = first
        for (let life = 0; last < first + wanted; life += 1) {
          const client = await new SocketClient(http.url, bearer).opened()
          client.send({ op: "subscribe", id: "s", topics, since: { epoch: "epoch-1", seq: last } })
          const patience = randomBytes(1).readUInt8() * 2
          // A process that stood still for longer than a heartbeat is let go by the server: one more break.
          await client.until(() => client.messages.length > patience || client.closed !== undefined)
          client.ws.terminate()
          for (const message of client.messages) {
            assert.notEqual(message.op, "snapshot")
            if (message.op === "notice") heard.push(message.seq ?? -1)
            if (message.op === "notice" || message.op === "heartbeat") last = message.seq ?? last
          }
          assert.ok(life < 2000)
        }
        const expected = Array.from({ length: heard.length }, (_, i) => first + 1 + i)
        assert.deepEqual(heard, expected)
      }
    } finally {
      clearInterval(busy)
    }
  })

  it("has a picture equal to the controller's after resuming over many breaks", async () => {
    const controller = new FakeController(ring(5))
    const { http } = await house({ controller })
    const links = new Map<string, unknown>()
    let since: { epoch: string; seq: number } | undefined
    for (let life = 0; life < 10; life += 1) {
      const client = await new SocketClient(http.url, bearer).opened()
      client.send({ op: "subscribe", id: "s", topics: ["*"], ...(since && { since }) })
      controller.setLink(`l${(life % 5) + 1}`, life % 2 === 0)
      controller.tick()
      const goal = controller.lastSeq() - (life % 3)
      await client.until(
        () =>
          client.seqs.at(-1) === goal ||
          client.messages.some(
            (m) => (m.seq ?? 0) >= goal && m.op !== "ready" && m.op !== "resumed",
          ),
      )
      client.ws.terminate()
      for (const message of client.messages) {
        if (message.op === "snapshot") {
          const { network } = message
          assert.ok(network !== null && typeof network === "object" && "links" in network)
          assert.ok(Array.isArray(network.links))
          for (const link of network.links as { qkdlId: string }[]) links.set(link.qkdlId, link)
        } else if (message.op === "notice" && message.topic === "link") {
          links.set(String(message.id), message.value)
        } else if (message.op !== "notice") continue
        since = { epoch: "epoch-1", seq: message.seq ?? 0 }
      }
    }
    const last = await new SocketClient(http.url, bearer).opened()
    last.send({ op: "subscribe", id: "s", topics: ["*"], ...(since && { since }) })
    const missing = controller.lastSeq() - (since?.seq ?? 0)
    await last.until(() => last.seqs.length === missing)
    for (const message of last.messages) {
      if (message.op === "notice") links.set(String(message.id), message.value)
    }
    const now = [...controller.network().links].map(([id, link]) => [id, linkView(link)])
    const truth = JSON.parse(JSON.stringify(now)) as unknown
    assert.deepEqual(JSON.parse(JSON.stringify([...links])), truth)
  })

  it("lets go of a reader who stops reading, with 4429, while others get everything", async () => {
    const controller = new FakeController(luxembourg)
    const here = await house({
      controller,
      webSocketLimits: { highWaterBytes: 64 * 1024, ceilingBytes: 1024 * 1024 },
    })
    const subscribe = { op: "subscribe", id: "s", topics: ["log"] }
    const good = await new SocketClient(here.http.url, bearer).opened()
    good.send(subscribe)
    await good.next("snapshot")
    const stalled = await new SocketClient(here.http.url, bearer).opened()
    stalled.send(subscribe)
    await stalled.next("snapshot")
    stalled.ws.pause()
    const text = "x".repeat(10_000)
    let said = 0
    while (!here.log.some((line) => line.includes("too slow"))) {
      for (let i = 0; i < 20; i += 1) controller.say("note", text)
      said += 20
      assert.ok(said < 20_000, "never let go")
      await new Promise((resolve) => setImmediate(resolve))
    }
    stalled.ws.resume()
    const { code, reason } = await stalled.ended()
    assert.ok(code === 4429 || code === 1006, String(code))
    if (code === 4429) assert.match(reason, /too slowly/)
    await good.until(() => good.seqs.length === said)
    assert.deepEqual(
      good.seqs,
      Array.from({ length: said }, (_, i) => i + 1),
    )
    assert.equal(good.ws.readyState, WebSocket.OPEN)
  })

  it("frames each notice once, whatever its length", async () => {
    const controller = new FakeController(luxembourg)
    const feed = new Feed(controller)
    for (const length of [0, 200, 70_000]) {
      controller.say("note", "é".repeat(length))
      const notice = controller.noticesSince(controller.lastSeq() - 1)?.[0]
      assert.ok(notice !== undefined)
      assert.equal(feed.frameOf(notice), feed.frameOf(notice))
    }
    assert.deepEqual([...frameText("hi")], [0x81, 2, 0x68, 0x69])
    const { http } = await house({ controller })
    const client = await new SocketClient(http.url, bearer).opened()
    client.send({ op: "subscribe", id: "s", topics: ["*"], since: { epoch: "epoch-1", seq: 0 } })
    await client.until(() => client.seqs.length === 3)
    const lengths = client.messages
      .filter(({ op }) => op === "notice")
      .map(({ message }) => String(message).length)
    assert.deepEqual(lengths, [0, 200, 70_000])
  })
})
