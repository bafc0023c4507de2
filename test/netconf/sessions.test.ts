// Several sessions at one server: locks, kills, and that one's garbage is nobody else's trouble.

import assert from "node:assert/strict"
import fc from "fast-check"
import { parseXml } from "../../src/yang/xml-tree.js"
import { QkdError } from "../../src/errors.js"
import { HELLO_1_0, HELLO_1_1, depot, depotXml, faultOf, settle } from "./fixture.js"

const NC = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"'

describe("locks", () => {
  it("are denied with the owner's session-id, and stop others' edits", async () => {
    const { connect, server } = depot()
    const [a, b] = [(await connect()).client, (await connect()).client]
    await a.lock("running")
    await assert.rejects(b.lock("running"), (error: QkdError) => {
      assert.equal(error.tag, "lock-denied")
      assert.deepEqual(error.info, { "session-id": String(a.sessionId) })
      return true
    })
    assert.equal(await faultOf(a.lock("running")), "lock-denied")
    const edit = (who: typeof a) => who.editConfig("running", depotXml("<name>n</name>"))
    assert.equal(await faultOf(edit(b)), "in-use")
    assert.equal(await faultOf(server.datastore.update((c) => ({ ...c }))), "in-use")
    await edit(a)
    assert.equal(await faultOf(b.unlock("running")), "operation-failed")
    await a.unlock("running")
    assert.equal(await faultOf(a.unlock("running")), "operation-failed")
    await edit(b)
  })

  it("go with their session: closed, hung up or killed", async () => {
    const { connect, server } = depot()
    const watcher = (await connect()).client
    const closes = (await connect()).client
    await closes.lock("running")
    await closes.close()
    await watcher.lock("running")
    await watcher.unlock("running")

    const hangsUp = await connect()
    await hangsUp.client.lock("running")
    hangsUp.toServer.peer?.closed("connection reset")
    await watcher.lock("running")
    await watcher.unlock("running")

    const killed = (await connect()).client
    await killed.lock("running")
    await watcher.rpc(`<kill-session><session-id>${killed.sessionId}</session-id></kill-session>`)
    await watcher.lock("running")
    assert.equal((await killed.closedReason).appTag, "closed")
    assert.deepEqual(
      server.sessions.map((s) => s.sessionId),
      [watcher.sessionId],
    )
  })

  it("are not left behind by a session that ends while it waits for one", async () => {
    const { connect, server, backend } = depot()
    const [a, b] = [await connect(), await connect()]
    let open: () => void = () => undefined
    backend.gate = new Promise((resolve) => (open = resolve))
    const edit = a.client.editConfig("running", depotXml("<name>n</name>"))
    const lock = faultOf(b.client.lock("running"))
    await settle()
    b.toServer.peer?.closed("connection reset")
    open()
    await edit
    b.client.closed("reset")
    assert.equal(await lock, "operation-failed closed")
    await settle()
    assert.equal(server.datastore.lockHeld, undefined)
  })
})

describe("kill-session", () => {
  it("refuses the own session, unknown ones and nonsense", async () => {
    const { client } = await depot().connect()
    const kill = (id: string) =>
      faultOf(client.rpc(`<kill-session><session-id>${id}</session-id></kill-session>`))
    assert.equal(await kill(String(client.sessionId)), "invalid-value")
    assert.equal(await kill("99"), "invalid-value")
    assert.equal(await kill("0"), "invalid-value")
    assert.equal(await kill("x"), "invalid-value")
    assert.equal(await faultOf(client.rpc("<kill-session/>")), "missing-element")
  })

  it("stops an edit that was not committed yet", async () => {
    const { connect, server, backend } = depot()
    const [a, b] = [await connect(), await connect()]
    let open: () => void = () => undefined
    backend.gate = new Promise((resolve) => (open = resolve))
    const edit = faultOf(a.client.editConfig("running", depotXml("<name>n</name>")))
    await settle()
    await b.client.rpc(
      `<kill-session><session-id>${a.client.sessionId}</session-id></kill-session>`,
    )
    open()
    assert.equal(await edit, "operation-failed closed")
    await settle()
    assert.deepEqual(server.datastore.running, {})
    assert.deepEqual(backend.log, ["abort"])
  })
})

describe("a peer that does not keep to the protocol", () => {
  it("is told of malformed XML, keeps a 1.1 session and loses a 1.0 one", async () => {
    const { raw } = depot()
    const modern = raw()
    modern.write(HELLO_1_1)
    await modern.heard()
    modern.chunk("<rpc")
    const told = await modern.heard()
    assert.match(told, /<rpc-error><error-type>rpc<.*<error-tag>malformed-message</)
    modern.chunk(`<rpc ${NC} message-id="1"><get/></rpc>`)
    assert.match(await modern.heard(), /message-id="1"><data/)
    assert.ok(!modern.gone)

    const old = raw()
    old.write(HELLO_1_0)
    await old.heard()
    old.write("<rpc]]>]]>")
    assert.equal(await old.heard(), "")
    assert.ok(old.gone)
  })

  it("loses its session by a framing fault", async () => {
    const { raw, server } = depot()
    for (const bad of ["\n#0\n", "\n#x\n", "<rpc/>]]>]]>", "\n#99999999999\n"]) {
      const peer = raw()
      peer.write(HELLO_1_1)
      await peer.heard()
      peer.write(bad)
      await settle()
      assert.ok(peer.gone, bad)
    }
    assert.deepEqual(server.sessions, [])
  })

  it("loses it before it is open by a bad hello", async () => {
    const { raw, server } = depot()
    const hellos = [
      HELLO_1_1.replace("</capabilities>", "</capabilities><session-id>1</session-id>"),
      HELLO_1_1.replace("base:1.1", "base:9.9"),
      "<hello/>]]>]]>",
      `<rpc ${NC} message-id="1"><get/></rpc>]]>]]>`,
      "GET / HTTP/1.1\r\n\r\n]]>]]>",
      `<!DOCTYPE hello [<!ENTITY a "b">]>${HELLO_1_1}`,
    ]
    for (const hello of hellos) {
      const peer = raw()
      peer.write(hello)
      await settle()
      assert.ok(peer.gone, hello)
    }
    assert.deepEqual(server.sessions, [])
  })

  it("loses it when its hello does not come in time", async () => {
    const { raw, clock, server, reports } = depot()
    const mute = raw()
    const slow = raw()
    slow.write(HELLO_1_1.slice(0, 40))
    clock.pass(10_000)
    await settle()
    assert.ok(mute.gone && slow.gone)
    assert.deepEqual(server.sessions, [])
    assert.ok(reports.every((r) => r.kind === "ended" && r.reason.appTag === "timeout"))
    assert.equal(clock.pending, 0)
  })

  it("may send its hello and requests in one piece, or byte by byte, before hearing ours", async () => {
    const { raw } = depot()
    const rpc = `<rpc ${NC} message-id="1"><get/></rpc>`
    const wire = `${HELLO_1_1}\n#${rpc.length}\n${rpc}\n##\n`
    const whole = raw()
    whole.write(wire)
    assert.match(await whole.heard(), /message-id="1"><data/)
    const drip = raw()
    for (const c of wire) drip.write(c)
    assert.match(await drip.heard(), /message-id="1"><data/)
  })

  it("gets errors in rpc by name, with the attributes it sent", async () => {
    const { raw } = depot()
    const peer = raw()
    peer.write(HELLO_1_0)
    await peer.heard()
    const say = async (xml: string) => {
      peer.write(`${xml}]]>]]>`)
      return parseXml((await peer.heard()).replace("]]>]]>", ""))
    }
    const noId = await say(`<rpc ${NC} xmlns:x="urn:x" x:y="z"><get/></rpc>`)
    assert.deepEqual(noId.attrs, [{ name: "y", ns: "urn:x", value: "z" }])
    const text = JSON.stringify(noId.children)
    assert.match(text, /missing-attribute.*bad-attribute.*message-id/)
    assert.match(
      JSON.stringify((await say(`<rpc ${NC} message-id="1"/>`)).children),
      /missing-element/,
    )
  })

  it("cannot make us work through bombs: entities, depth, elements, size", async () => {
    const { raw, server } = depot(
      {},
      { maxMessageBytes: 10_000, maxXmlDepth: 20, maxXmlNodes: 500 },
    )
    const peer = raw()
    peer.write(HELLO_1_1)
    await peer.heard()
    const bombs = [
      `<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><rpc ${NC} message-id="1">&lol2;</rpc>`,
      `<!DOCTYPE r SYSTEM "file:///etc/passwd"><rpc ${NC} message-id="1"/>`,
      "<a>".repeat(21) + "</a>".repeat(21),
      `<rpc ${NC} message-id="1">${"<a/>".repeat(600)}</rpc>`,
      `<rpc ${NC} message-id="1">&#0;</rpc>`,
    ]
    for (const bomb of bombs) {
      peer.chunk(bomb)
      assert.match(await peer.heard(), /malformed-message|too-big/)
    }
    assert.ok(!peer.gone)
    peer.write("\n#10001\n")
    await settle()
    assert.ok(peer.gone)
    assert.deepEqual(server.sessions, [])
  })

  it("cannot bring the server down with any bytes or any XML", async () => {
    const { raw, connect, server, reports } = depot()
    const { client } = await connect()
    const name = fc.constantFrom("rpc", "get", "filter", "edit-config", "target", "running", "x")
    const start = fc.constantFrom("", ` ${NC}`, ' xmlns="urn:z"', ' message-id="1"')
    const xmlOf = (depth: number): fc.Arbitrary<string> => {
      const inner = depth === 0 ? fc.constant([]) : fc.array(xmlOf(depth - 1), { maxLength: 3 })
      return fc
        .tuple(name, start, inner)
        .map(([n, attributes, within]) => `<${n}${attributes}>${within.join("")}</${n}>`)
    }
    const xml = xmlOf(3)
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 60 }),
        fc.array(xml, { maxLength: 4 }),
        async (bytes, messages) => {
          const peer = raw()
          peer.write(HELLO_1_1)
          for (const message of messages) peer.chunk(`<rpc ${NC} message-id="1">${message}</rpc>`)
          for (const message of messages) peer.chunk(message)
          peer.write(bytes)
          await peer.heard()
          peer.hangUp()
          assert.equal(await faultOf(client.get()), "none")
        },
      ),
      { numRuns: 60 },
    )
    assert.deepEqual(
      reports.filter((r) => r.kind === "bug"),
      [],
    )
    assert.deepEqual(server.datastore.running, {})
  })

  it("does not disturb the session beside it", async () => {
    const { connect, raw, server } = depot({ "depot:depot": { name: "north" } })
    const { client } = await connect()
    const garbage = [
      "<rpc",
      "\n#5\n<rpc>",
      "\n##\n",
      "]]>]]>",
      "\u0000\u0001",
      HELLO_1_1,
      HELLO_1_0,
    ]
    let served = 0
    for (const first of garbage)
      for (const second of garbage) {
        const peer = raw()
        peer.write(first + second)
        peer.chunk(`<rpc ${NC} message-id="1"><edit-config><target><running/></target><config>`)
        if (served % 2 === 0) peer.hangUp()
        assert.equal((await client.getConfig("running")).length, 1)
        peer.hangUp()
        served += 1
      }
    assert.equal(served, 49)
    assert.deepEqual(server.datastore.running, { "depot:depot": { name: "north" } })
    assert.deepEqual(
      server.sessions.map((s) => s.sessionId),
      [client.sessionId],
    )
  })
})

describe("ceilings", () => {
  it("hold for sessions in all and of one user", async () => {
    const { connect } = depot({}, { maxSessions: 3, maxSessionsPerUser: 2 })
    await connect({ username: "a" })
    const second = (await connect({ username: "a" })).client
    await assert.rejects(connect({ username: "a" }), /too many sessions of a/)
    await connect({ username: "b" })
    await assert.rejects(connect({ username: "c" }), /too many sessions/)
    await second.close()
    await settle()
    await connect({ username: "c" })
  })

  it("make a client that pipelines too far wait, and answer all of it in order", async () => {
    const { connect } = depot({}, { maxWaitingRpcs: 4 })
    const { client } = await connect({ pieces: 100 })
    const order: number[] = []
    const calls = Array.from({ length: 100 }, async (_, i) => {
      await client.rpc(
        i % 3 === 0 ? "<get/>" : "<get-config><source><running/></source></get-config>",
      )
      order.push(i)
    })
    await Promise.all(calls)
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    )
    assert.equal(order.length, 100)
  })

  it("end the session of a client that does not read its replies", async () => {
    const { connect, clock, server } = depot(
      {},
      { maxReplyBacklogBytes: 1000, drainTimeoutMs: 5000 },
    )
    const { client, toClient } = await connect()
    toClient.stalled = true
    const calls = Array.from({ length: 100 }, () => faultOf(client.getConfig("running")))
    await settle()
    assert.ok(toClient.queuedBytes() < 2000, "replies beyond the ceiling wait unmade")
    clock.pass(5000)
    await settle()
    assert.deepEqual(server.sessions, [])
    client.closed("reset")
    assert.ok((await Promise.all(calls)).every((c) => c === "operation-failed closed"))
  })
})
