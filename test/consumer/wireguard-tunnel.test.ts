// What a responder's interface is told while keys change: the initiator alone begins handshakes, as two that cross fail.

import assert from "node:assert/strict"
import type {
  WireguardDevice,
  WireguardPeer,
  WireguardPeerTerms,
} from "../../src/consumer/wireguard-device.js"
import { WireguardTunnel } from "../../src/consumer/wireguard-tunnel.js"
import { Secret } from "../../src/keys/secret.js"
import { SILENT } from "../../src/node/log.js"
import { refusedHandshakes } from "../../examples/lab/wireguard-handshakes.js"

const TERMS: WireguardPeerTerms = {
  publicKey: "peer",
  endpoint: "192.0.2.1:51820",
  allowedIps: ["198.51.100.0/24"],
  keepaliveS: 5,
}
const NOW = 1_000_000

/** An interface that remembers what it was told, and has had a handshake when a test says so. */
class Interface implements WireguardDevice {
  readonly told: string[] = []
  lastHandshakeMs: number | undefined
  #key: Secret | undefined

  peer(): Promise<WireguardPeer | undefined> {
    if (this.lastHandshakeMs === undefined) return Promise.resolve(undefined)
    const presharedKey = this.#key?.slice(0, this.#key.lengthBytes)
    return Promise.resolve({
      lastHandshakeMs: this.lastHandshakeMs,
      ...(presharedKey && { presharedKey }),
    })
  }

  setPresharedKey(_: string, key: Secret | undefined): Promise<void> {
    return this.#keep("key alone", key)
  }

  renew(terms: WireguardPeerTerms, key: Secret | undefined): Promise<void> {
    this.lastHandshakeMs = 0
    return this.#keep(`entry ${terms.endpoint === undefined ? "without" : "with"} endpoint`, key)
  }

  remove(): Promise<void> {
    this.lastHandshakeMs = undefined
    return this.#keep("no entry", undefined)
  }

  #keep(what: string, key: Secret | undefined): Promise<void> {
    this.told.push(what)
    this.#key = key?.slice(0, key.lengthBytes)
    return Promise.resolve()
  }
}

describe("a WireGuard responder", () => {
  let device: Interface
  let tunnel: WireguardTunnel

  beforeEach(() => {
    device = new Interface()
    tunnel = new WireguardTunnel({
      ...{ role: "responder", policy: "preferred", device, peer: TERMS, log: SILENT },
      ...{ handshakeMs: 1000, now: () => NOW },
    })
  })

  async function arm(generation: number): Promise<void> {
    await tunnel.install(generation, Secret.take(new Uint8Array(32).fill(generation)))
    await tunnel.arm(generation)
  }

  it("is changed under a live session by its key alone", async () => {
    device.lastHandshakeMs = NOW - 60_000
    await arm(1)
    assert.deepEqual(device.told, ["key alone"])
  })

  for (const [state, lastHandshakeMs] of [
    ["no entry", undefined],
    ["an entry that never had a session", 0],
    ["a session that is dead", NOW - 181_000],
  ] as const)
    it(`cannot begin a handshake of its own where there was ${state}`, async () => {
      device.lastHandshakeMs = lastHandshakeMs
      await arm(1)
      assert.deepEqual(device.told, ["entry without endpoint"])
    })

  it("may begin again when the switch is given up", async () => {
    await arm(1)
    await tunnel.abandon(1)
    assert.deepEqual(device.told, ["entry without endpoint", "entry with endpoint"])
  })

  it("may begin again when it goes without a key", async () => {
    await arm(1)
    await tunnel.bare()
    await tunnel.bare()
    assert.deepEqual(device.told, ["entry without endpoint", "entry with endpoint", "key alone"])
  })

  it("keeps what a handshake has told when it is changed once more", async () => {
    await arm(1)
    device.lastHandshakeMs = NOW - 10
    await tunnel.verify(1)
    await tunnel.retire()
    await arm(2)
    await tunnel.abandon(2)
    assert.deepEqual(device.told, ["entry without endpoint", "key alone", "key alone"])
  })
})

describe("refused handshakes in wireguard-go's log", () => {
  const [begun, asked, gone, refused] = [
    "peer(x) - Sending handshake initiation",
    "peer(x) - Received handshake initiation",
    "peer(x) - UAPI: Removing",
    "Received invalid response message from 192.0.2.1:51820",
  ]

  for (const [lines, why] of [
    [[begun, refused], "unequalKeys"],
    [[begun, asked, refused], "crossed"],
    [[begun, gone, refused], "late"],
    [[begun, asked, gone, begun, refused], "unequalKeys"],
  ] as const)
    it(`${lines.join(", ")}: ${why}`, () => {
      const none = { unequalKeys: 0, crossed: 0, late: 0 }
      assert.deepEqual(refusedHandshakes(lines.join("\n")), { ...none, [why]: 1 })
    })
})
