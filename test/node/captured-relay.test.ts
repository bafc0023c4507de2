// A relay node in the hands of somebody who lies about paths and about what became of keys (THREATS R3, R4). It has its
// pads, its connections and its own signing key, and makes right tags; everything else of it is the real node.

import assert from "node:assert/strict"
import { randomBytes, randomInt, randomUUID } from "node:crypto"
import { QkdError } from "../../src/errors.js"
import type { Consignment } from "../../src/keys/relay-header.js"
import { RelayPeer } from "../../src/node/relay-peer.js"
import { RelaySender } from "../../src/node/relay-sender.js"
import { decodeAck, encodeAck, encodeNack, encodeVoid } from "../../src/node/relay-wire.js"
import type { StoredTransfer } from "../../src/node/relay-wire.js"
import { ackDigest, signAck, signNack, signVoid } from "../../src/node/signing.js"
import { Dice } from "../core/dice.js"
import { KeyMesh } from "./key-mesh.js"

const [SOURCE, BAD, HONEST, FAR] = [0, 1, 2, 3]
const SEED = randomInt(2 ** 31)

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with their own `this` below
const [send, speak] = [RelaySender.prototype.send, RelayPeer.prototype.send]

describe("a captured relay that lies", function () {
  this.timeout(180_000)
  let net: KeyMesh
  /** The bad node's connections, by who is at the other end. */
  const lines = new Map<string, RelayPeer>()

  afterEach(async () => {
    RelaySender.prototype.send = send
    RelayPeer.prototype.send = speak
    lines.clear()
    await net.close()
  })

  /** 0 - 1 - 2 - 3, and a link from 1 past 2. */
  async function begin(limits: object = {}): Promise<void> {
    net = new KeyMesh(
      {
        nodes: 4,
        links: [
          [SOURCE, BAD],
          [BAD, HONEST],
          [HONEST, FAR],
          [BAD, FAR],
        ],
        paths: [[SOURCE, BAD, HONEST, FAR]],
      },
      { limits: { transferTimeoutMs: 20_000, ...limits } },
    )
    await net.start()
    await net.feed(8, 32_768)
  }

  /** What the bad node does with keys that it is to send on. */
  function taken(
    doing: (
      offer: Consignment,
      on: (to: number, nodes: string[]) => Promise<void>,
    ) => Promise<void>,
  ): void {
    const bad = net.id(BAD)
    RelaySender.prototype.send = function (hop, offer, nodes, cargo, epsilon) {
      if (nodes.at(-1) !== bad || nodes.length === 1)
        return send.call(this, hop, offer, nodes, cargo, epsilon)
      return doing(offer, (to, claimed) =>
        send.call(this, { qkdnId: net.id(to) }, offer, claimed, cargo, epsilon),
      )
    }
  }

  it(`R3: gets no keys through over a path that any honest node's policy refuses: random paths (seed ${SEED})`, async () => {
    await begin()
    const dice = new Dice(SEED)
    const maxHops = 5
    const known: string[] = Array.from({ length: 4 }, () => randomUUID())
    const refused = known.slice(2)
    for (const node of [HONEST, FAR]) {
      const faults = net.faults[node] ?? {}
      faults.maxHops = maxHops
      faults.refusesPath = ({ nodes }) => nodes.find((id) => refused.includes(id))
    }
    const all = [...known, ...[SOURCE, BAD, HONEST, FAR].map((node) => net.id(node))]
    const seen = { came: 0, refused: 0 }
    for (let round = 0; round < 60; round++) {
      // Half of the time nodes that might have been there, else any, these included.
      const from = dice.below(2) === 0 ? known.slice(0, 2) : all
      const between = Array.from({ length: dice.below(4) }, () => dice.of(from))
      const claimed = [net.id(SOURCE), ...between, net.id(BAD)]
      taken((_, on) => on(HONEST, claimed))
      const whole = [...claimed, net.id(HONEST), net.id(FAR)]
      const may =
        new Set(whole).size === whole.length &&
        whole.length - 1 <= maxHops &&
        !whole.some((id) => refused.includes(id))
      const outcome = await net.make(1).then(
        (keys) => keys.length === 1,
        (fault: unknown) => {
          assert.ok(fault instanceof QkdError && fault.appTag === "policy", String(fault))
          return false
        },
      )
      assert.equal(outcome, may, `path ${claimed.map((id) => all.indexOf(id)).join(" ")}`)
      seen[may ? "came" : "refused"]++
    }
    assert.ok(seen.came > 3 && seen.refused > 10, JSON.stringify(seen))
    await net.until(() => net.manager(FAR).waitingKeys === seen.came)
    // Past the honest node, over a link that is there, though the path does not lead over it.
    const refusals: string[] = []
    RelayPeer.prototype.send = function (kind, body) {
      if (kind === "nack") refusals.push(this.qkdnId)
      return speak.call(this, kind, body)
    }
    taken((_, on) => on(FAR, [net.id(SOURCE), net.id(BAD)]))
    const lost = net.make(1).catch((fault: unknown) => fault)
    await net.until(() => refusals.includes(net.id(BAD)))
    assert.equal(net.manager(FAR).waitingKeys, seen.came)
    await net.manager(SOURCE).close()
    assert.ok((await lost) instanceof QkdError)
  })

  it("R4: cannot make the source hand out keys that it swallowed, by any acknowledgement", async () => {
    await begin({ transferTimeoutMs: 5000 })
    RelayPeer.prototype.send = function (kind, body) {
      // Of all nodes only the bad one has a line to the source.
      lines.set(this.qkdnId, this)
      return speak.call(this, kind, body)
    }
    const genuine: Buffer[] = []
    await net.until(() => lines.has(net.id(SOURCE)))
    RelayPeer.prototype.send = function (kind, body) {
      if (kind === "ack" && this.qkdnId === net.id(SOURCE)) genuine.push(Buffer.from(body))
      return speak.call(this, kind, body)
    }
    await net.exchange(1)
    assert.equal(genuine.length, 1)
    const line = lines.get(net.id(SOURCE)) ?? assert.fail()
    const { signKey } = net.sites[BAD] ?? assert.fail()
    const nodes = [SOURCE, BAD, HONEST, FAR].map((node) => net.id(node))
    const theirs = decodeAck(genuine[0] ?? assert.fail())
    const about = (offer: Consignment, path: readonly string[]): StoredTransfer[] => [
      { transferId: offer.transferId, digest: ackDigest(offer, { nodes: path }) },
    ]
    const lies: ((offer: Consignment) => Buffer)[] = [
      (offer) => {
        const stored = about(offer, nodes)
        const signature = signAck(
          signKey,
          stored.map(({ digest }) => digest),
        )
        return encodeAck({ ...offer, nodes, stored, signature })
      },
      // As a destination of its own: the signature is right, and not the one that counts.
      (offer) => {
        const stored = about(offer, nodes)
        const signature = signAck(
          signKey,
          stored.map(({ digest }) => digest),
        )
        return encodeAck({ ...offer, destination: net.id(BAD), nodes, stored, signature })
      },
      (offer) => {
        const stored = about(offer, nodes.slice(0, 2))
        const signature = randomBytes(64)
        return encodeAck({ ...offer, nodes: nodes.slice(0, 2), stored, signature })
      },
      // The true word of the destination, about other keys; with this transfer's id written over it; and with this one put beside.
      () => encodeAck(theirs),
      ({ transferId }) =>
        encodeAck({ ...theirs, stored: theirs.stored.map((one) => ({ ...one, transferId })) }),
      (offer) => encodeAck({ ...theirs, stored: [...theirs.stored, ...about(offer, nodes)] }),
    ]
    for (const lie of lies) {
      let swallowed = 0
      taken((offer) => {
        swallowed++
        speak.call(line, "ack", lie(offer))
        return Promise.resolve()
      })
      await assert.rejects(net.make(1), { appTag: "timeout" })
      assert.equal(swallowed, 1)
    }
    assert.equal(net.manager(FAR).waitingKeys, 0)
    RelaySender.prototype.send = send
    const [made, got] = await net.exchange(1)
    assert.deepEqual(made, got)
  })

  it("R4: blames no path but its own, and takes no keys back in the source's name", async () => {
    await begin()
    RelayPeer.prototype.send = function (kind, body) {
      lines.set(this.qkdnId, this)
      return speak.call(this, kind, body)
    }
    // Lines of the bad node: nobody else has one to the source; to the honest node the far end has one too.
    await net.until(() => lines.has(net.id(SOURCE)))
    const back = lines.get(net.id(SOURCE)) ?? assert.fail()
    const { signKey } = net.sites[BAD] ?? assert.fail()
    const other = randomUUID()
    taken((offer) => {
      const nack = { ...offer, qkdnId: net.id(FAR), reason: "altered" as const, paths: [other] }
      speak.call(back, "nack", encodeNack({ ...nack, signature: signNack(signKey, nack) }))
      return Promise.resolve()
    })
    await assert.rejects(net.make(1), { appTag: "no-path" })
    const blamed = (net.alarms[SOURCE] ?? []).map(({ pathQkdlId }) => pathQkdlId)
    assert.deepEqual(blamed, net.pathIds)

    RelaySender.prototype.send = send
    const offers: Consignment[] = []
    taken((offer, on) => {
      offers.push(offer)
      return on(HONEST, [net.id(SOURCE), net.id(BAD)])
    })
    const made = await net.make(2)
    const [offer] = offers
    assert.ok(offer)
    const message = { ...offer, signature: signVoid(signKey, offer) }
    const heard: string[] = []
    RelayPeer.prototype.send = function (kind, body) {
      if (kind === "voided") heard.push(this.qkdnId)
      return speak.call(this, kind, body)
    }
    // Every line to the far end and to the honest node, the bad one's among them.
    for (const line of lines.values()) speak.call(line, "void", encodeVoid(message))
    await net.exchange(1)
    const ids = made.map(({ keyId }) => keyId)
    assert.equal((await net.take(ids)).length, 2)
    assert.deepEqual(heard, [])
  })
})
