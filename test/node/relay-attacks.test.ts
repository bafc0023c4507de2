// Relay messages replayed, reflected, reordered, changed and made up by somebody who has broken TLS (THREATS N6,
// N7, R4): the one-time tag and the signatures of the ends hold alone.

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { decodeAck, encodeAck, encodeVoid } from "../../src/node/relay-wire.js"
import type { Frame } from "../../src/node/relay-wire.js"
import { parseRelay } from "../../src/keys/relay-message.js"
import { ackDigest } from "../../src/node/signing.js"
import { KeyNetwork } from "./key-network.js"
import { copyOf, flipped, pass, RelayProxy } from "./relay-proxy.js"

let net: KeyNetwork
let proxy: RelayProxy

/** Two sites; the first dials the second through the proxy. */
async function attacked(limits: object = {}): Promise<void> {
  net = new KeyNetwork(2, { limits: { transferTimeoutMs: 2000, ...limits } })
  await net.startOne(0)
  await net.startOne(1)
  proxy = new RelayProxy(net.site(0), net.site(1), net.last.relayPort)
  const port = await proxy.listen()
  const config = net.configOf(0)
  net.first.configure({ ...config, peers: config.peers.map((peer) => ({ ...peer, port })) })
  net.last.configure(net.configOf(1))
  await net.connected()
  await net.feed(8, 4096)
}

async function works(): Promise<void> {
  const [made, taken] = await net.exchange(2)
  assert.deepEqual(made, taken)
  const [back, same] = await net.exchange(1, 256, true)
  assert.deepEqual(back, same)
}

const stock = (): number[] =>
  [net.first, net.last].map((one) => one.poolFigures(net.links[0] ?? "")?.stockBits ?? -1)

describe("somebody who has broken TLS but has no link key", () => {
  afterEach(async () => {
    await net.close()
    await proxy.close()
  })

  it("N6: changes nothing by repeating and mirroring every relay message to both ends", async () => {
    await attacked({ transferTimeoutMs: 10_000 })
    proxy.tamper = (frame) =>
      frame.kind === "relay" ? { on: [frame, frame], back: [frame] } : { on: [frame] }
    for (let i = 0; i < 5; i++) await works()
    assert.equal(net.last.waitingKeys + net.first.waitingKeys, 0)
    assert.deepEqual(net.alarms, [], "a replay is no forgery: it must not close the link")
    const [a, b] = stock()
    assert.equal(a, b)
  })

  it("N6: changes nothing by playing back messages of an earlier connection", async () => {
    await attacked({ transferTimeoutMs: 10_000 })
    const recorded: Frame[] = []
    proxy.tamper = (frame) => {
      if (frame.kind === "relay") recorded.push(copyOf(frame))
      return { on: [frame] }
    }
    await works()
    proxy.cut()
    await net.until(() => !net.first.connectedPeers().length)
    await net.connected()
    const before = stock()
    for (const frame of recorded) {
      proxy.inject("listener", frame)
      proxy.inject("dialler", frame)
    }
    await works()
    assert.equal((before[0] ?? 0) - (stock()[0] ?? 0), 3 * 256 + 2 * 256)
    assert.deepEqual(net.alarms, [])
    assert.equal(net.last.waitingKeys + net.first.waitingKeys, 0)
  })

  it("N6: loses keys, but makes none differ, by changing their order", async () => {
    await attacked()
    let held: Frame | undefined
    proxy.tamper = (frame) => {
      if (frame.kind !== "relay") return { on: [frame] }
      if (held === undefined) {
        held = copyOf(frame)
        return { on: [] }
      }
      const late = held
      held = undefined
      return { on: [frame, late] }
    }
    const [a, b] = net.saes
    // Each in a turn of its own, and so in a message of its own.
    const outcomes = await Promise.allSettled(
      [1, 2, 3, 4].map(async (turn) => {
        for (let i = 0; i < 2 * turn; i++) await new Promise((done) => setImmediate(done))
        return net.first.makeKeys(net.appId, a, [b], 1, 256)
      }),
    )
    const made = outcomes.flatMap((one) => (one.status === "fulfilled" ? one.value : []))
    assert.equal(made.length, 2)
    const taken = await net.last.takeKeys(
      b,
      a,
      made.map(({ keyId }) => keyId),
    )
    for (const [i, { key }] of taken.entries())
      assert.ok(key.use((x) => made[i]?.key.use((y) => Buffer.compare(x, y) === 0)))
    proxy.tamper = pass
    await works()
    assert.equal(net.last.waitingKeys, 0)
  })

  it("N7: has exactly three forgeries, at any place of the message, before the link closes", async () => {
    await attacked()
    // In the tag, in the ciphertext, in a key id of the header.
    const places = [
      () => -1,
      () => -20,
      (body: Buffer) => {
        const [keyId = ""] = parseRelay(body).headers[0]?.keyIds ?? []
        return body.indexOf(Buffer.from(keyId.replaceAll("-", ""), "hex"))
      },
    ]
    let forged = 0
    proxy.tamper = (frame) => {
      const place = frame.kind === "relay" ? places[forged++] : undefined
      return { on: [place === undefined ? frame : flipped(frame, place(frame.body))] }
    }
    const [a, b] = net.saes
    for (let i = 0; i < places.length; i++) {
      const failing = net.first.makeKeys(net.appId, a, [b], 1, 256)
      await assert.rejects(failing, { appTag: "timeout" })
      const told = (kind: string): number => net.alarms.filter((one) => one.kind === kind).length
      await net.until(() => told("tag-failure") > i && (i < 2 || told("link-closed") > 0))
      assert.equal(told("tag-failure"), i + 1)
      assert.equal(told("link-closed"), i === 2 ? 1 : 0)
    }
    // Genuine ones are not taken any more either, and none is sent back.
    await assert.rejects(net.first.makeKeys(net.appId, a, [b], 1, 256), { appTag: "no-path" })
    await assert.rejects(net.last.makeKeys(net.appId, b, [a], 1, 256), { appTag: "no-path" })
    assert.equal(net.last.waitingKeys, 0)
    // Until an operator has looked at it.
    const config = net.configOf(1)
    const off = config.links.map((link) => ({ ...link, enabled: false }))
    net.last.configure({ ...config, links: off })
    net.last.configure(config)
    await works()
  })

  it("R4: cannot acknowledge in place of the destination, nor change what it acknowledged", async () => {
    await attacked()
    const [a, b] = net.saes
    proxy.tamper = (frame, from) => {
      if (frame.kind === "relay") {
        const [header] = parseRelay(frame.body).headers
        assert.ok(header)
        const nodes = [net.site(0).qkdnId, net.site(1).qkdnId]
        const stored = [{ transferId: header.transferId, digest: ackDigest(header, { nodes }) }]
        const body = encodeAck({ ...header, nodes, stored, signature: randomBytes(64) })
        return { on: [], back: [{ kind: "ack", body }] }
      }
      assert.ok(from)
      return { on: [frame] }
    }
    await assert.rejects(net.first.makeKeys(net.appId, a, [b], 1, 256), { appTag: "timeout" })
    proxy.tamper = (frame) => {
      if (frame.kind !== "ack") return { on: [frame] }
      const ack = decodeAck(frame.body)
      return { on: [{ kind: "ack", body: encodeAck({ ...ack, nodes: [...ack.nodes].reverse() }) }] }
    }
    await assert.rejects(net.first.makeKeys(net.appId, a, [b], 1, 256), { appTag: "timeout" })
    proxy.tamper = pass
    // What was stored and not acknowledged has been voided by the source.
    await net.until(() => net.last.waitingKeys === 0)
    await works()
  })

  it("R4: cannot void keys, though the source can and does when the acknowledgement is lost", async () => {
    await attacked()
    const [a, b] = net.saes
    let transferId = ""
    proxy.tamper = (frame) => {
      if (frame.kind === "relay") transferId = parseRelay(frame.body).headers[0]?.transferId ?? ""
      return { on: [frame] }
    }
    const made = await net.first.makeKeys(net.appId, a, [b], 1, 256)
    const forged = encodeVoid({
      transferId,
      pathQkdlId: net.links[0] ?? "",
      source: net.site(0).qkdnId,
      destination: net.site(1).qkdnId,
      signature: randomBytes(64),
    })
    proxy.inject("listener", { kind: "void", body: forged })
    await works()
    assert.equal(net.last.waitingKeys, 1)
    await net.last.takeKeys(
      b,
      a,
      made.map(({ keyId }) => keyId),
    )
    proxy.tamper = (frame) => ({ on: frame.kind === "ack" ? [] : [frame] })
    const lost = net.first.makeKeys(net.appId, a, [b], 1, 256)
    await net.until(() => net.last.waitingKeys === 1)
    await assert.rejects(lost, { appTag: "timeout" })
    await net.until(() => net.last.waitingKeys === 0)
  })

  it("sees no end key on the wire", async () => {
    await attacked()
    const wire: Buffer[] = []
    proxy.tamper = (frame) => {
      wire.push(Buffer.from(frame.body))
      return { on: [frame] }
    }
    const [made] = await net.exchange(5)
    const all = Buffer.concat(wire)
    assert.ok(all.length > 500)
    for (const key of made) {
      const bytes = Buffer.from(key, "hex")
      assert.equal(all.includes(bytes), false)
      assert.equal(all.includes(bytes.toString("base64").slice(0, 20)), false)
      assert.equal(all.includes(key.slice(0, 20)), false)
    }
  })

  it("ends the connection, and nothing else, with what is no message at all", async () => {
    await attacked({ transferTimeoutMs: 10_000 })
    const garbage: Frame[] = [
      { kind: "relay", body: Buffer.from("nonsense") },
      { kind: "pool", body: randomBytes(40) },
      { kind: "ack", body: Buffer.alloc(0) },
      { kind: "hello", body: Buffer.alloc(3) },
      { kind: "mark", body: randomBytes(136) },
    ]
    for (const frame of garbage) {
      proxy.inject("listener", frame)
      await net.until(() => net.last.connectedPeers().length === 0)
      await net.connected()
      await works()
    }
  })
})
