// Who may connect to a key manager: those whose key the site's policy names, nobody else (THREATS N2, N3, N5).

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { connect } from "node:net"
import type { Socket } from "node:net"
import tls from "node:tls"
import { createAuthority, issueRelayCertificate, validFor } from "../../src/transport/pki.js"
import { encodeFrame, encodeHello, FrameDecoder } from "../../src/node/relay-wire.js"
import type { Frame } from "../../src/node/relay-wire.js"
import { signMark } from "../../src/node/signing.js"
import { freshMark } from "../../src/node/key-store.js"
import { KeyNetwork, makeIdentity } from "./key-network.js"
import type { SiteIdentity } from "./key-network.js"

let net: KeyNetwork

/** Connects to the first site and says `first`; resolves with what came until the end, or until `met`. */
function visit(
  options: tls.ConnectionOptions,
  first: readonly Frame[] = [],
  met: (frames: readonly Frame[]) => boolean = () => false,
): Promise<{ frames: Frame[]; ended: boolean }> {
  return new Promise((resolve) => {
    const frames: Frame[] = []
    const decoder = new FrameDecoder()
    const socket = tls.connect({
      host: "127.0.0.1",
      port: net.first.relayPort,
      rejectUnauthorized: false,
      ...options,
    })
    const finish = (ended: boolean): void => {
      clearInterval(timer)
      socket.destroy()
      resolve({ frames, ended })
    }
    const timer = setInterval(() => {
      if (met(frames)) finish(false)
    }, 5)
    socket.on("secureConnect", () => {
      for (const frame of first) socket.write(encodeFrame(frame.kind, frame.body))
    })
    socket.on("data", (chunk: Buffer) => {
      frames.push(...decoder.feed(chunk))
    })
    socket.on("error", () => undefined)
    socket.on("close", () => {
      finish(true)
    })
  })
}

const as = ({ tls: { certificatePem, privateKeyPem } }: SiteIdentity): tls.ConnectionOptions => ({
  cert: certificatePem,
  key: privateKeyPem,
})

function helloOf(site: SiteIdentity, qkdnId = site.qkdnId): Frame {
  const random = (bytes: number): Uint8Array => randomBytes(bytes)
  const mark = signMark(site.signKey, qkdnId, freshMark(Date.now(), random))
  return { kind: "hello", body: encodeHello({ qkdnId, nonce: randomBytes(16), mark }) }
}

describe("the mesh of key managers", () => {
  beforeEach(async () => {
    // Longer than any test: whoever is cut off is so for what was said.
    net = new KeyNetwork(3, { limits: { helloTimeoutMs: 600_000 } })
    await net.startOne(0)
  })
  afterEach(async () => {
    await net.close()
  })

  it("greets a peer whose key the policy names", async () => {
    const visited = await visit(
      as(net.site(2)),
      [helloOf(net.site(2))],
      ({ length }) => length > 0 && net.first.connectedPeers().includes(net.site(2).qkdnId),
    )
    assert.equal(visited.frames[0]?.kind, "hello")
    assert.equal(visited.ended, false)
  })

  it("says nothing to a stranger, to nobody, or to an old TLS", async () => {
    const stranger = makeIdentity(9)
    const expired = issueRelayCertificate(
      createAuthority("x", validFor(1)),
      net.site(2).qkdnId,
      ["127.0.0.1"],
      { notBeforeMs: Date.now() - 10_000, notAfterMs: Date.now() - 5000 },
    )
    const { certificatePem: cert, privateKeyPem: key } = expired
    for (const options of [
      as(stranger),
      {},
      { cert, key },
      // The right certificate without its key cannot even begin.
      { ...as(net.site(2)), maxVersion: "TLSv1.2" as const },
    ]) {
      const visited = await visit(options, [helloOf(net.site(2))])
      assert.deepEqual(visited, { frames: [], ended: true })
    }
    assert.deepEqual(net.first.connectedPeers(), [])
  })

  it("N2: believes the certificate, not the name that is claimed", async () => {
    const visited = await visit(as(net.site(2)), [helloOf(net.site(2), net.site(1).qkdnId)])
    assert.equal(visited.ended, true)
    assert.deepEqual(net.first.connectedPeers(), [])
  })

  it("does not take another site's signature for the peer's store mark", async () => {
    const forged = { ...net.site(2), signKey: net.site(1).signKey }
    const visited = await visit(as(net.site(2)), [helloOf(forged)])
    assert.equal(visited.ended, true)
  })

  it("cuts off who says nothing", async () => {
    await net.close()
    net = new KeyNetwork(3, { limits: { helloTimeoutMs: 200 } })
    await net.startOne(0)
    assert.equal((await visit(as(net.site(2)))).ended, true)
  })

  it("cuts off who says too much, or nonsense", async () => {
    const flood = { kind: "relay" as const, body: Buffer.alloc(300_000) }
    assert.equal((await visit(as(net.site(2)), [flood])).ended, true)
    const early = { kind: "pool" as const, body: Buffer.alloc(10) }
    assert.equal((await visit(as(net.site(2)), [early])).ended, true)
    const twice = helloOf(net.site(2))
    assert.equal((await visit(as(net.site(2)), [twice, twice])).ended, true)
  })

  it("N5: lets mute sockets of one address hold little, and closes in spite of them", async () => {
    const mute = await Promise.all(
      Array.from(
        { length: 80 },
        () =>
          new Promise<Socket>((resolve) => {
            const socket = connect(net.first.relayPort, "127.0.0.1", () => {
              resolve(socket)
            })
            socket.on("error", () => undefined)
          }),
      ),
    )
    await net.until(() => mute.filter((socket) => socket.destroyed || socket.closed).length >= 16)
    assert.ok(mute.filter((socket) => !socket.closed).length <= 64)
    await net.first.close()
    for (const socket of mute) socket.destroy()
  })

  it("drops a peer that the policy no longer allows", async () => {
    await net.startOne(1)
    await net.startOne(2)
    net.configureAll()
    await net.connected()
    const faults = net.faults[1]
    assert.ok(faults)
    faults.allowsNeighbour = (id) => id !== net.site(2).qkdnId
    await net.until(() => !net.manager(1).connectedPeers().includes(net.site(2).qkdnId))
    assert.ok(net.manager(1).connectedPeers().includes(net.site(0).qkdnId))
    delete faults.allowsNeighbour
    await net.connected()
  })
})
