// What strangers and neighbours hold open at the relay port, and for how long (THREATS N3, N5).

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { connect } from "node:net"
import type { Socket } from "node:net"
import tls from "node:tls"
import { freshMark } from "../../src/node/key-store.js"
import { encodeFrame, encodeHello } from "../../src/node/relay-wire.js"
import { signMark } from "../../src/node/signing.js"
import { KeyNetwork } from "./key-network.js"

let net: KeyNetwork
const sockets: Socket[] = []

/** The whole process, as under a debugger, a paused machine or a busy one. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** Resolves when the other end has hung up. */
function hungUp(socket: Socket): Promise<void> {
  sockets.push(socket)
  socket.on("error", () => undefined)
  socket.resume()
  return new Promise((resolve) => {
    socket.once("close", () => {
      resolve()
    })
  })
}

describe("the relay port", () => {
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await net.close()
  })

  it("hangs up on who never begins a handshake, or drips it byte by byte", async () => {
    net = new KeyNetwork(1, { limits: { handshakeTimeoutMs: 300 } })
    await net.startOne(0)
    const mute = connect(net.first.relayPort, "127.0.0.1")
    const dripping = connect(net.first.relayPort, "127.0.0.1")
    // A TLS record that announces a long ClientHello, of which a byte comes now and then.
    dripping.write(Buffer.from([0x16, 3, 1, 0x3f, 0xff, 1, 0, 0x3f, 0xfb]))
    const drip = setInterval(() => dripping.write(Buffer.of(0)), 50)
    await Promise.all([hungUp(mute), hungUp(dripping)])
    clearInterval(drip)
  })

  it("lets one neighbour hold a few connections only that say nothing", async () => {
    net = new KeyNetwork(2, { limits: { helloTimeoutMs: 60_000 } })
    await net.startOne(0)
    const { certificatePem, privateKeyPem } = net.site(1).tls
    let open = 0
    let ended = 0
    for (let i = 0; i < 12; i += 1) {
      const socket = tls.connect({
        host: "127.0.0.1",
        port: net.first.relayPort,
        cert: certificatePem,
        key: privateKeyPem,
        rejectUnauthorized: false,
      })
      // The other end speaks first once it has taken the connection.
      socket.once("data", () => (open += 1))
      void hungUp(socket).then(() => (ended += 1))
    }
    await net.until(() => open + ended === 12)
    assert.equal(open, 4)
  })

  it("ends a connection whose certificate expires while it stands", async () => {
    let aheadMs = 0
    net = new KeyNetwork(2, {
      durable: false,
      limits: { pingMs: 50 },
      clock: { now: () => Date.now() + aheadMs, monotonicMs: () => performance.now() },
    })
    await net.start()
    const connected = (): number =>
      net.first.connectedPeers().length + net.last.connectedPeers().length
    assert.equal(connected(), 2)
    aheadMs = 2 * 86_400_000
    await net.until(() => connected() === 0)
  })

  it("keeps the neighbours of a site that stood still for longer than any silence it allows", async () => {
    net = new KeyNetwork(2, { durable: false, limits: { pingMs: 50 } })
    await net.start()
    for (let round = 0; round < 3; round += 1) {
      standStill(400)
      // Whoever is let go is so at the first ping after it, which is due before this.
      await new Promise((done) => setTimeout(done, 1))
      assert.equal(net.first.connectedPeers().length, 1)
      assert.equal(net.last.connectedPeers().length, 1)
    }
  })

  it("lets a neighbour go that greets and then says nothing", async () => {
    net = new KeyNetwork(2, { durable: false, limits: { pingMs: 50 } })
    await net.startOne(0)
    const site = net.site(1)
    const { certificatePem, privateKeyPem } = site.tls
    const socket = tls.connect({
      host: "127.0.0.1",
      port: net.first.relayPort,
      cert: certificatePem,
      key: privateKeyPem,
      rejectUnauthorized: false,
    })
    const mark = signMark(
      site.signKey,
      site.qkdnId,
      freshMark(Date.now(), (bytes) => randomBytes(bytes)),
    )
    const hello = encodeHello({ qkdnId: site.qkdnId, nonce: randomBytes(16), mark })
    socket.write(encodeFrame("hello", hello))
    await net.until(() => net.first.connectedPeers().length === 1)
    await hungUp(socket)
    assert.deepEqual(net.first.connectedPeers(), [])
  })
})
