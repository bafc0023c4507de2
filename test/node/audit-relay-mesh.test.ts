// What strangers and neighbours hold open at the relay port, and for how long (THREATS N3, N5).

import assert from "node:assert/strict"
import { connect } from "node:net"
import type { Socket } from "node:net"
import tls from "node:tls"
import { KeyNetwork } from "./key-network.js"

let net: KeyNetwork
const sockets: Socket[] = []

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
})
