// What clients of ETSI 004 can make a node hold or spend, and what a node does about it.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import path from "node:path"
import tls, { type TLSSocket } from "node:tls"
import { assertChunk, StreamSites } from "../interop/etsi004-sites.js"
import type { Answer } from "../interop/etsi004-sites.js"

describe("clients of ETSI 004 that mean no good", function () {
  this.slow(3000)
  const all = new StreamSites()
  const LIMITS = { maxInFlightPerSae: 4, maxConnectionsPerCertificate: 8 }
  /** Only for who is to be cut off: an honest client may stand still for longer. */
  const HASTY = { ...LIMITS, callTimeoutMs: 300 }

  before(async () => {
    await all.start()
    await all.serve("A", { limits: HASTY })
    await all.sites.feed(8)
  })
  after(() => all.close())

  function connect(): Promise<TLSSocket> {
    const file = (name: string): Buffer => readFileSync(path.join(all.sites.folder, name))
    return new Promise((resolve, reject) => {
      const socket = tls.connect({
        ...{ host: "127.0.0.1", port: all.portOf("A"), servername: "" },
        ...{ cert: file("alice.pem"), key: file("alice.key"), ca: [file("ca.pem")] },
      })
      socket.once("secureConnect", () => {
        resolve(socket)
      })
      socket.once("error", reject)
    })
  }

  const ended = (socket: TLSSocket): Promise<void> =>
    new Promise((resolve) => {
      if (socket.destroyed) resolve()
      else
        socket.once("close", () => {
          resolve()
        })
      socket.resume()
    })

  it("lose the connection on which a call does not end", async () => {
    const socket = await connect()
    socket.write('{"command":')
    await ended(socket)
  })

  it("lose the connection whose answers they do not read, and are read no further meanwhile", async () => {
    const socket = await connect()
    socket.pause()
    const call = `${JSON.stringify({ command: "CLOSE", data: { key_stream_id: randomUUID() } })}\n`
    const calls = call.repeat(2000)
    let sentBytes = 0
    const gone = new Promise<void>((resolve) =>
      socket.once("close", () => {
        resolve()
      }),
    )
    socket.on("error", () => undefined)
    await new Promise<void>((resolve) => {
      const send = (): void => {
        if (socket.destroyed || sentBytes > 200e6) resolve()
        else
          socket.write(calls, (error) => {
            sentBytes += error ? 0 : calls.length
            if (error) resolve()
            else setImmediate(send)
          })
      }
      socket.once("close", () => {
        resolve()
      })
      send()
    })
    await gone
    assert.ok(sentBytes < 100e6, `${sentBytes} bytes were taken`)
  })

  it("are answered though they have said their last word", async () => {
    await all.serve("A", { limits: LIMITS })
    const socket = await connect()
    let text = ""
    socket.setEncoding("utf8").on("data", (piece: string) => {
      text += piece
    })
    socket.end(`${JSON.stringify({ command: "CLOSE", data: { key_stream_id: randomUUID() } })}\n`)
    await ended(socket)
    assert.match(text, /no such key stream/)
  })

  it("have so many calls at once and no more; others are served", async () => {
    const { key_stream_id: ksid = "" } = await all.open("alice", "bob", undefined, {
      timeout: 60_000,
    })
    await all.open("bob", "alice", ksid)
    // Chunks that are never made: each call waits.
    const waiting = Array.from({ length: 4 }, (_, at) =>
      all.get("alice", ksid, 900 + at, { connection: `waits ${at}` }),
    )
    let refused: Answer = {}
    const deadline = performance.now() + 60_000
    while (refused.error === undefined && performance.now() < deadline)
      refused = await all.one(
        "alice",
        { command: "CLOSE", data: { key_stream_id: randomUUID() } },
        { connection: "fifth" },
      )
    while (refused.error?.message !== "too many calls at once" && performance.now() < deadline)
      refused = await all.one(
        "alice",
        { command: "CLOSE", data: { key_stream_id: randomUUID() } },
        { connection: "fifth" },
      )
    assert.equal(refused.error?.message, "too many calls at once")
    const mine = await all.both("amy", "ben")
    assertChunk(await all.get("amy", mine, 0), 0)
    await all.shutBoth(mine, ["amy", "ben"])
    await all.shut("bob", ksid)
    for (const { status } of await Promise.all(waiting)) assert.equal(status, 3)
    await all.shut("alice", ksid)
  })

  it("have so many streams and no more; others are served, and closing one makes room", async () => {
    const open: string[] = []
    let last: Answer = {}
    for (let count = 0; count < 70 && last.error === undefined; count++) {
      last = await all.open("alice", "bob")
      if (last.key_stream_id !== undefined) open.push(last.key_stream_id)
    }
    assert.equal(open.length, 64)
    assert.equal(last.error?.message, "the key manager is at its limits")
    const other = await all.open("amy", "bob")
    assert.equal(other.status, 1)
    await all.shut("amy", other.key_stream_id ?? "")
    await all.shut("alice", open.pop() ?? "")
    const again = await all.open("alice", "bob")
    assert.equal(again.status, 1)
    for (const ksid of [...open, again.key_stream_id ?? ""]) await all.shut("alice", ksid)
  })

  it("are nobody any more once the site policy does not name them, in the middle of a connection", async () => {
    const ksid = await all.both("alice", "bob")
    assertChunk(await all.get("alice", ksid, 0), 0)
    const policy = all.policy("A")
    let isNamed = true
    // What the policy of the other site is to alice: it does not name her.
    await all.serve("A", { policy: () => (isNamed ? policy() : all.policy("B")()) })
    assertChunk(await all.get("alice", ksid, 1), 1)
    isNamed = false
    const told = await all.get("alice", ksid, 2)
    assert.deepEqual(told, { error: { message: "not an SAE of this site" } })
    isNamed = true
    assertChunk(await all.get("alice", ksid, 2, { connection: "again" }), 2)
    await all.shut("bob", ksid)
  })
})
