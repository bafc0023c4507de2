// Who gets through mutual TLS, and what strangers can hold open.

import assert from "node:assert/strict"
import { once } from "node:events"
import net from "node:net"
import tls from "node:tls"
import type { TLSSocket } from "node:tls"
import {
  createAuthority,
  issueRelayCertificate,
  issueSaeCertificate,
  issueServerCertificate,
  spkiSha256,
  validFor,
} from "../../src/transport/pki.js"
import { clientTlsOptions, connectMutualTls, listenMutualTls } from "../../src/transport/tls.js"
import type { MutualTls, PeerIdentity } from "../../src/transport/tls.js"
import type { ConnectionLimits } from "../../src/transport/tls-guard.js"
import { isQkdError } from "../errors-helper.js"

const authority = createAuthority("relay", validFor(1))
const foreign = createAuthority("relay", validFor(1))
const server = issueRelayCertificate(authority, "node-b", ["127.0.0.1"], validFor(1))
const client = issueRelayCertificate(authority, "node-a", ["127.0.0.1"], validFor(1))

function side(identity = client, ca = authority.certificatePem): MutualTls {
  return { identity, authorities: [ca] }
}

describe("mutual TLS", () => {
  const closers: (() => Promise<void> | void)[] = []
  const seen: PeerIdentity[] = []

  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
    seen.length = 0
  })

  /** A server that greets whoever it lets in. */
  async function greeting(
    limits: Partial<ConnectionLimits> = {},
    own: MutualTls = side(server),
  ): Promise<number> {
    const listening = await listenMutualTls({
      host: "127.0.0.1",
      port: 0,
      tls: own,
      limits,
      onConnection: (socket, peer) => {
        seen.push(peer)
        socket.write("hello")
      },
    })
    closers.push(() => listening.close())
    return listening.port
  }

  function connect(port: number, own = side(), proof = {}): ReturnType<typeof connectMutualTls> {
    return connectMutualTls({ host: "127.0.0.1", port, tls: own, proof, timeoutMs: 5000 })
  }

  /** "hello" when the server lets the connection in, else how it ended. */
  function outcome(socket: net.Socket): Promise<string> {
    closers.push(() => {
      socket.destroy()
    })
    return new Promise((resolve) => {
      socket.once("data", (data) => {
        resolve(data.toString())
      })
      socket.once("error", (error: NodeJS.ErrnoException) => {
        resolve(error.code ?? error.message)
      })
      socket.once("close", () => {
        resolve("closed")
      })
    })
  }

  async function raw(port: number, options: tls.ConnectionOptions): Promise<string> {
    return outcome(tls.connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options }))
  }

  it("joins two ends that each hold a certificate of the other's authority, over TLS 1.3", async () => {
    const { socket, peer } = await connect(await greeting())
    assert.equal(await outcome(socket), "hello")
    assert.equal(socket.getProtocol(), "TLSv1.3")
    assert.equal(peer.commonName, "node-b")
    assert.equal(peer.spkiSha256, spkiSha256(server.certificatePem))
    assert.equal(seen[0]?.commonName, "node-a")
    assert.equal(seen[0].spkiSha256, spkiSha256(client.certificatePem))
    assert.deepEqual(seen[0].uris, ["urn:keyloom:node:node-a"])
  })

  it("lets nobody in without a certificate, with a foreign one, or with one for servers only", async () => {
    const port = await greeting()
    assert.match(await raw(port, {}), /CERTIFICATE_REQUIRED|ECONNRESET|closed/)
    const strangers = [
      issueRelayCertificate(foreign, "node-a", [], validFor(1)),
      issueServerCertificate(authority, "node-a", ["127.0.0.1"], validFor(1)),
      issueRelayCertificate(authority, "node-a", [], {
        notBeforeMs: Date.now() - 7_200_000,
        notAfterMs: Date.now() - 3_600_000,
      }),
      issueRelayCertificate(authority, "node-a", [], {
        notBeforeMs: Date.now() + 3_600_000,
        notAfterMs: Date.now() + 7_200_000,
      }),
    ]
    for (const { certificatePem, privateKeyPem } of strangers) {
      const ended = await raw(port, { cert: certificatePem, key: privateKeyPem })
      assert.notEqual(ended, "hello")
    }
    assert.equal(seen.length, 0)
    assert.equal(await outcome((await connect(port)).socket), "hello")
  })

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    it(`never resumes a ${version} session, with or without a certificate`, async () => {
      const port = await greeting({}, { ...side(server), minVersion: "TLSv1.2" })
      const sessions: Buffer[] = []
      const options = { ...clientTlsOptions(side(), "127.0.0.1"), secureOptions: 0 }
      const first = tls.connect({ ...options, port, minVersion: version, maxVersion: version })
      first.on("session", (session: Buffer) => sessions.push(session))
      assert.equal(await outcome(first), "hello")
      const session = sessions.at(-1) ?? first.getSession()
      assert.ok(session, "the client has something to resume with")

      const again = tls.connect({
        ...options,
        port,
        session,
        minVersion: version,
        maxVersion: version,
      })
      assert.equal(await outcome(again), "hello")
      assert.equal(again.isSessionReused(), false)
      // The dangerous one (nodejs/node#35317): resuming without showing a certificate.
      const bare = { session, maxVersion: version, minVersion: version }
      assert.notEqual(await raw(port, bare), "hello")
      assert.equal(seen.length, 2)
    })
  }

  it("would let a resumed session in without a certificate if Node's defaults were used (control)", async () => {
    const { certificatePem: cert, privateKeyPem: key } = server
    const ca = authority.certificatePem
    const plain = tls.createServer({ cert, key, ca, requestCert: true }, (socket) => {
      socket.on("error", () => undefined)
      socket.write("hello")
    })
    plain.listen(0, "127.0.0.1")
    await once(plain, "listening")
    closers.push(() => void plain.close())
    const { port } = plain.address() as net.AddressInfo
    const first = tls.connect({ ...clientTlsOptions(side(), "127.0.0.1"), secureOptions: 0, port })
    const [session] = (await once(first, "session")) as [Buffer]
    first.destroy()
    assert.equal(await raw(port, { session }), "hello")
  })

  it("speaks TLS 1.2 only where a site allows it, and nothing older", async () => {
    const strict = await greeting()
    const lenient = await greeting({}, { ...side(server), minVersion: "TLSv1.2" })
    const { certificatePem: cert, privateKeyPem: key } = client
    const old = { cert, key, maxVersion: "TLSv1.2" as const }
    assert.notEqual(await raw(strict, old), "hello")
    assert.equal(await raw(lenient, old), "hello")
    const older = { ...old, maxVersion: "TLSv1.1" as const, minVersion: "TLSv1.1" as const }
    assert.notEqual(await raw(lenient, { ...older, ciphers: "ALL:@SECLEVEL=0" }), "hello")
    assert.notEqual(await raw(lenient, { ...old, ciphers: "ECDHE-ECDSA-AES128-SHA" }), "hello")
  })

  it("hands a client only the server it expects: by pin, by name, by host", async () => {
    const port = await greeting()
    const pin = spkiSha256(server.certificatePem)
    const other = spkiSha256(client.certificatePem)
    const denied = isQkdError("access-denied")
    await assert.rejects(connect(port, side(), { pins: [other] }), denied)
    await assert.rejects(connect(port, side(), { pins: [] }), denied)
    await assert.rejects(connect(port, side(), { pins: [pin], commonName: "node-c" }), denied)
    await assert.rejects(connect(port, side(client, foreign.certificatePem)), denied)
    await connect(port, side(), { pins: [other, pin], commonName: "node-b" }).then((c) =>
      c.socket.destroy(),
    )
    const elsewhere = issueRelayCertificate(authority, "node-b", ["10.0.0.1"], validFor(1))
    const wrongHost = await greeting({}, side(elsewhere))
    await assert.rejects(connect(wrongHost), denied)
    const byPin = { pins: [spkiSha256(elsewhere.certificatePem)] }
    await connect(wrongHost, side(), byPin).then((c) => c.socket.destroy())
  })

  it("cuts off connections whose handshake does not finish, mute or dripping", async () => {
    const port = await greeting({ handshakeTimeoutMs: 300 })
    const mute = net.connect(port, "127.0.0.1")
    const dripping = net.connect(port, "127.0.0.1")
    // A TLS record header that promises 512 bytes, then one byte at a time: never idle, never done.
    dripping.write(Buffer.from([22, 3, 1, 2, 0]))
    const drip = setInterval(() => dripping.write(Buffer.from([1])), 50)
    const ends = await Promise.all([outcome(mute), outcome(dripping)])
    clearInterval(drip)
    for (const end of ends) assert.match(end, /closed|ECONNRESET|EPIPE/)
    assert.equal(await eventually(port), "hello")
  })

  it("bounds connections per address and per certificate, and frees them on close", async () => {
    const perCertificate = await greeting({ maxConnectionsPerCertificate: 2 })
    const first = (await connect(perCertificate)).socket
    assert.equal(await outcome(first), "hello")
    assert.equal(await outcome((await connect(perCertificate)).socket), "hello")
    assert.notEqual(await outcome((await connect(perCertificate)).socket), "hello")
    const sae = issueSaeCertificate(authority, "sae", validFor(1))
    assert.equal(await outcome((await connect(perCertificate, side(sae))).socket), "hello")
    first.destroy()
    await once(first, "close")
    assert.equal(await eventually(perCertificate), "hello")

    const perAddress = await greeting({ maxConnectionsPerAddress: 2 })
    const mute = [net.connect(perAddress, "127.0.0.1"), net.connect(perAddress, "127.0.0.1")]
    await Promise.all(mute.map((socket) => once(socket, "connect")))
    const gone = mute.map((socket) =>
      once(
        socket.resume().on("error", () => undefined),
        "close",
      ),
    )
    // Who has been mute longest gives way, not who comes.
    const held = [(await connect(perAddress)).socket, (await connect(perAddress)).socket]
    for (const socket of held) assert.equal(await outcome(socket), "hello")
    await Promise.all(gone)
    await assert.rejects(connect(perAddress), isQkdError("operation-failed", "node-unreachable"))
    for (const socket of held) socket.destroy()
    assert.equal(await eventually(perAddress), "hello")
  })

  /** The server learns of a closed connection a moment after its client does; a machine may stand still for a moment. */
  async function eventually(port: number): Promise<string> {
    const end = Date.now() + 60_000
    while (Date.now() < end) {
      const got = await connect(port).then((c) => outcome(c.socket), String)
      if (got === "hello") return got
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return "never"
  }

  it("tells a taken port, a closed one and a mute server apart", async () => {
    const port = await greeting()
    const again = listenMutualTls({
      host: "127.0.0.1",
      port,
      tls: side(server),
      onConnection: (_socket: TLSSocket) => undefined,
    })
    await assert.rejects(again, isQkdError("in-use"))
    const silent = net.createServer((s) => s.resume().on("error", () => s.destroy()))
    silent.listen(0, "127.0.0.1")
    await once(silent, "listening")
    const { port: silentPort } = silent.address() as net.AddressInfo
    const mute = connectMutualTls({
      host: "127.0.0.1",
      port: silentPort,
      tls: side(),
      timeoutMs: 100,
    })
    await assert.rejects(mute, isQkdError("operation-failed", "timeout"))
    silent.close()
    await once(silent, "close")
    await assert.rejects(connect(silentPort), isQkdError("operation-failed", "node-unreachable"))
  })

  it("refuses to serve without an authority for clients", async () => {
    const own = { identity: server, authorities: [] }
    await assert.rejects(greeting({}, own), isQkdError("invalid-value"))
  })
})
