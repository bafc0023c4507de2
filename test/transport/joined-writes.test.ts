// Headers and a body of keys in one piece, over real TLS: in order, and wiped on our side once they have left.

import assert from "node:assert/strict"
import { once } from "node:events"
import type { ServerResponse } from "node:http"
import { createServer as createHttpsServer } from "node:https"
import { connect, createServer, type TLSSocket } from "node:tls"
import { endWiped, joinWrites } from "../../src/transport/joined-writes.js"
import { createAuthority, issueServerCertificate, validFor } from "../../src/transport/pki.js"
import { listen } from "../../src/transport/tls.js"

describe("what is written to a TLS socket together", () => {
  const authority = createAuthority("test", validFor(1))
  const identity = issueServerCertificate(authority, "kme", ["127.0.0.1"], validFor(1))

  /** What a client receives of `pieces`, and the buffers that were handed to TLS. */
  async function sent(
    pieces: readonly (string | Uint8Array)[],
  ): Promise<{ received: Buffer; handed: Uint8Array[] }> {
    const handed: Uint8Array[] = []
    const server = createServer({ cert: identity.certificatePem, key: identity.privateKeyPem })
    server.on("secureConnection", (socket: TLSSocket) => {
      const write = socket._write.bind(socket)
      socket._write = (chunk: Uint8Array, encoding, done) => {
        handed.push(chunk)
        write(chunk, encoding, done)
      }
      joinWrites(socket)
      socket.cork()
      for (const piece of pieces) socket.write(piece, "latin1")
      socket.end()
    })
    const client = connect({
      port: await listen(server, "127.0.0.1", 0),
      host: "127.0.0.1",
      ca: authority.certificatePem,
    })
    const chunks: Buffer[] = []
    client.on("data", (chunk: Buffer) => chunks.push(chunk))
    await once(client, "close")
    server.close()
    await once(server, "close")
    return { received: Buffer.concat(chunks), handed }
  }

  it("arrives in order, texts and bytes, and nothing of it stays in the buffer it left in", async () => {
    const key = Buffer.alloc(50_000, 0x6b)
    const { received, handed } = await sent([
      "HTTP/1.1 200 \xe9\r\n\r\n",
      key,
      "",
      Buffer.from("}"),
    ])
    assert.equal(received.toString("latin1"), `HTTP/1.1 200 \xe9\r\n\r\n${"k".repeat(50_000)}}`)
    assert.equal(handed.length, 1)
    assert.ok(handed[0]?.every((byte) => byte === 0))
  })

  it("leaves the bytes of whoever wrote them as they are", async () => {
    const body = Buffer.from("body")
    const { received } = await sent(["head ", body])
    assert.equal(received.toString(), "head body")
    assert.equal(body.toString(), "body")
  })

  describe("an answer whose body is wiped", () => {
    /** Sends a GET, or two at once, and gives all that comes back. */
    async function answered(
      requests: number,
      answer: (response: ServerResponse) => void,
    ): Promise<string> {
      const server = createHttpsServer(
        { cert: identity.certificatePem, key: identity.privateKeyPem },
        (_, response) => {
          answer(response)
        },
      )
      server.on("secureConnection", joinWrites)
      const client = connect({
        port: await listen(server, "127.0.0.1", 0),
        host: "127.0.0.1",
        ca: authority.certificatePem,
      })
      let heard = ""
      client.on("data", (chunk: Buffer) => {
        heard += chunk.toString("latin1")
        if (heard.split("secret").length > requests) client.end()
      })
      client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(requests))
      await once(client, "close")
      server.close()
      return heard
    }

    it("is wiped as soon as it was joined with its headers, and arrives", async () => {
      const left: string[] = []
      const heard = await answered(1, (response) => {
        const body = Buffer.from("secret")
        response.writeHead(200, ["content-length", 6])
        endWiped(response, body)
        left.push(body.toString("latin1"))
      })
      assert.match(heard, /\r\n\r\nsecret$/)
      assert.deepEqual(left, ["\0".repeat(6)])
    })

    it("stays until it has left when another answer is before it", async () => {
      const bodies: Buffer[] = []
      const waiting: ServerResponse[] = []
      const heard = await answered(2, (response) => {
        waiting.push(response)
        if (waiting.length < 2) return
        // The second first: it has to wait for its turn on the connection.
        for (const one of waiting.reverse()) {
          const body = Buffer.from("secret")
          bodies.push(body)
          one.writeHead(200, ["content-length", 6])
          endWiped(one, body)
          if (bodies.length === 1) assert.equal(body.toString(), "secret")
        }
      })
      assert.equal(heard.split("secret").length, 3)
      while (!bodies.every((body) => body.every((byte) => byte === 0)))
        await new Promise((resolve) => setTimeout(resolve, 5))
    })

    it("is wiped when its client has gone", async () => {
      const body = Buffer.from("secret")
      await answered(1, (response) => {
        response.writeHead(200, ["content-length", 7])
        // Still being written when the body comes.
        response.write("a")
        response.socket?.uncork()
        endWiped(response, body)
        assert.equal(body.toString(), "secret")
        response.socket?.destroy()
      })
      while (!body.every((byte) => byte === 0))
        await new Promise((resolve) => setTimeout(resolve, 5))
    })
  })
})
