// The client against servers that do not do as they should.

import assert from "node:assert/strict"
import { ClientSession, type ClientOptions } from "../../src/netconf/client-session.js"
import { frame } from "../../src/netconf/framing.js"
import { helloXml, notificationXml, replyXml } from "../../src/netconf/messages.js"
import { BASE_1_0 } from "../../src/netconf/names.js"
import { ManualClock, MemoryPipe, faultOf, settle } from "./fixture.js"

const clock = new ManualClock()

function session(options: ClientOptions = {}) {
  const pipe = new MemoryPipe()
  const client = new ClientSession(pipe, clock, options)
  const say = (text: string): void => {
    client.receive(frame(text, "end-of-message"))
  }
  return { pipe, client, say }
}

async function openSession(options: ClientOptions = {}) {
  const made = session(options)
  made.say(helloXml({ capabilities: [BASE_1_0], sessionId: 5 }))
  await made.client.ready()
  return made
}

const reply = (id: string, body: string): string =>
  replyXml([{ name: "message-id", ns: "", value: id }], body)

describe("a NETCONF client", () => {
  it("speaks the old framing to an old server", async () => {
    const { client, say, pipe } = await openSession()
    const call = client.lock("running")
    const sent = pipe.sent.map((b) => new TextDecoder().decode(b))
    assert.match(sent[1] ?? "", /^<rpc .*message-id="1"><lock>.*<\/rpc>]]>]]>$/)
    say(reply("1", "<ok/>"))
    await call
  })

  it("gives up on a call in time, keeps the session, and does not mix up later replies", async () => {
    const { client, say } = await openSession()
    const first = faultOf(client.get(undefined, { timeoutMs: 100 }))
    const second = client.rpc("<get/>", { timeoutMs: 10_000 })
    clock.pass(100)
    assert.equal(await first, "operation-failed timeout")
    say(reply("1", "<data><late/></data>"))
    say(reply("2", "<data><right/></data>"))
    assert.match(JSON.stringify((await second).children), /right/)
    assert.equal(clock.pending, 0)
  })

  it("ends the session on replies out of order, unasked or to nobody", async () => {
    for (const bad of [reply("2", "<ok/>"), reply("7", "<ok/>"), "<surprise/>", "<rpc-reply"]) {
      const { client, say } = await openSession()
      const calls = [faultOf(client.lock("running")), faultOf(client.lock("running"))]
      say(bad)
      assert.equal((await client.closedReason).tag, "malformed-message", bad)
      assert.deepEqual(await Promise.all(calls), [
        "operation-failed closed",
        "operation-failed closed",
      ])
    }
    const { client, say } = await openSession()
    say(reply("1", "<ok/>"))
    assert.equal((await client.closedReason).tag, "malformed-message")
  })

  it("takes an error without message-id for the oldest call", async () => {
    const { client, say } = await openSession()
    const call = faultOf(client.lock("running"))
    say(
      replyXml(
        [],
        "<rpc-error><error-type>rpc</error-type><error-tag>malformed-message</error-tag><error-severity>error</error-severity></rpc-error>",
      ),
    )
    assert.equal(await call, "malformed-message")
  })

  it("never takes a reply without ok or data for success", async () => {
    const { client, say } = await openSession()
    const calls = [faultOf(client.lock("running")), faultOf(client.get())]
    say(reply("1", ""))
    say(reply("2", "<ok/>"))
    assert.deepEqual(await Promise.all(calls), ["malformed-message", "malformed-message"])
  })

  it("refuses a server that is mute, has no session-id or no common version", async () => {
    const mute = session({ limits: { helloTimeoutMs: 50 } })
    clock.pass(50)
    assert.equal(await faultOf(mute.client.ready()), "operation-failed timeout")
    const noId = session()
    noId.say(helloXml({ capabilities: [BASE_1_0] }))
    assert.equal(await faultOf(noId.client.ready()), "missing-element")
    const future = session()
    future.say(helloXml({ capabilities: ["urn:ietf:params:netconf:base:2.0"], sessionId: 1 }))
    assert.equal(await faultOf(future.client.ready()), "operation-not-supported")
    assert.equal(await faultOf(future.client.get()), "operation-failed closed")
  })

  it("refuses messages beyond its limits of size and depth", async () => {
    const big = await openSession({ limits: { maxMessageBytes: 1000 } })
    big.say("x".repeat(1001))
    assert.equal((await big.client.closedReason).tag, "too-big")
    const deep = await openSession({ limits: { maxXmlDepth: 10 } })
    deep.say("<a>".repeat(11) + "</a>".repeat(11))
    assert.equal((await deep.client.closedReason).tag, "too-big")
  })

  it("ends a session whose notifications nobody reads, and one with too many elements", async () => {
    const event = (n: number): string =>
      notificationXml("2030-01-01T00:00:00Z", `<event xmlns="urn:e"><n>${n}</n></event>`)
    const unread = await openSession({ maxNotifications: 3 })
    for (let n = 0; n < 3; n += 1) unread.say(event(n))
    const call = faultOf(unread.client.get())
    unread.say(event(3))
    assert.equal((await unread.client.closedReason).tag, "resource-denied")
    assert.equal(await call, "operation-failed closed")
    const wide = await openSession({ limits: { maxXmlNodes: 50 } })
    wide.say(`<a>${"<b/>".repeat(51)}</a>`)
    assert.equal((await wide.client.closedReason).tag, "too-big")
  })

  it("rejects what is under way when the connection goes, and closes even when no goodbye comes", async () => {
    const lost = await openSession()
    const call = faultOf(lost.client.get())
    lost.client.closed("connection reset")
    assert.equal(await call, "operation-failed closed")
    assert.match((await lost.client.closedReason).message, /connection reset/)
    assert.equal(await faultOf(lost.client.get()), "operation-failed closed")

    const deaf = await openSession()
    const closing = deaf.client.close()
    await settle()
    clock.pass(5_000)
    await closing
    assert.ok(deaf.pipe.closed)
    assert.equal(clock.pending, 0)
  })
})
