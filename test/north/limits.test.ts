// Strangers cost bounded work (THREATS.md N5): header, body and connection limits, mute peers, prompt close.

import assert from "node:assert/strict"
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { closeAll, house } from "./harness.js"

async function raw(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1")
  socket.on("error", () => undefined)
  await once(socket, "connect")
  return socket
}

async function replyOf(socket: Socket): Promise<string> {
  let text = ""
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1")
  })
  if (!socket.destroyed) await once(socket, "close")
  return text
}

describe("the HTTP server under strangers", () => {
  const sockets: Socket[] = []
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await closeAll()
  })

  it("refuses headers beyond its limit and garbage, and goes on", async () => {
    const here = await house()
    const long = await raw(here.http.port)
    sockets.push(long)
    long.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${"x".repeat(20_000)}\r\n\r\n`)
    assert.match(await replyOf(long), /^HTTP\/1.1 431/)
    const garbage = await raw(here.http.port)
    sockets.push(garbage)
    garbage.write("\x16\x03\x01 hello\r\n\r\n")
    assert.match(await replyOf(garbage), /^HTTP\/1.1 400/)
    assert.equal((await here.call("/api/v1/healthz")).status, 200)
  })

  it("hangs up on mute connections and on those that never end their headers", async () => {
    const here = await house({ limits: { headersTimeoutMs: 400 } })
    const mute = await raw(here.http.port)
    const slow = await raw(here.http.port)
    sockets.push(mute, slow)
    slow.write("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
    await Promise.all([replyOf(mute), replyOf(slow)])
    assert.ok(mute.destroyed && slow.destroyed)
  })

  it("drops what one address opens beyond its share, and serves the rest", async () => {
    const here = await house({ limits: { maxConnectionsPerAddress: 20 } })
    const mine: Socket[] = []
    for (let i = 0; i < 40; i += 1) mine.push(await raw(here.http.port))
    sockets.push(...mine)
    const late = mine.slice(20)
    for (const socket of late) if (!socket.destroyed) await once(socket, "close")
    const first = mine[0]
    assert.ok(first !== undefined && !first.destroyed)
    first.write("GET /api/v1/healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    assert.match(await replyOf(first), /^HTTP\/1.1 200/)
  })

  it("closes with mute and half-sent requests hanging on it", async () => {
    // Longer than any test: nobody is let go for being slow.
    const here = await house({ limits: { headersTimeoutMs: 600_000, requestTimeoutMs: 600_000 } })
    const half = await raw(here.http.port)
    sockets.push(half, await raw(here.http.port))
    half.write("POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
    await here.http.close()
    await assert.rejects(() => here.call("/api/v1/healthz"))
  })

  it("answers who is still sending once the body is over, and who never ends it all the same", async () => {
    const here = await house()
    const head = "POST /api/v1/services HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    for (const [framing, first, rest] of [
      ["Content-Length: 2000000", " ".repeat(1_000_000), " ".repeat(1_000_000)],
      ["Transfer-Encoding: chunked", "2\r\n{}\r\n", `f4240\r\n${" ".repeat(1e6)}\r\n0\r\n\r\n`],
      ["Content-Length: 2000000", "{", ""],
    ] as const) {
      const socket = connect(here.http.port, "127.0.0.1")
      sockets.push(socket)
      const faults: string[] = []
      socket.on("error", (error: NodeJS.ErrnoException) => faults.push(error.code ?? error.message))
      socket.write(`${head}Content-Type: application/json\r\n${framing}\r\n\r\n${first}`)
      // The server has refused by now, and would have closed on what comes next.
      await new Promise((resolve) => setTimeout(resolve, 100))
      socket.write(rest)
      assert.match(await replyOf(socket), /^HTTP\/1.1 401/)
      assert.deepEqual(faults, [])
    }
  })

  it("answers who was sending when the process stood still, once the body is over", async () => {
    const here = await house()
    const socket = connect(here.http.port, "127.0.0.1")
    sockets.push(socket)
    const faults: string[] = []
    socket.on("error", (error: NodeJS.ErrnoException) => faults.push(error.code ?? error.message))
    socket.write(
      "POST /api/v1/services HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 4000001\r\n\r\n{",
    )
    await new Promise((resolve) => setTimeout(resolve, 100))
    socket.write(" ".repeat(4_000_000))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500)
    assert.match(await replyOf(socket), /^HTTP\/1.1 401/)
    assert.deepEqual(faults, [])
  })

  it("says which port is taken", async () => {
    const here = await house()
    await assert.rejects(() => house({ port: here.http.port }), /port \d+ is taken/)
  })
})
