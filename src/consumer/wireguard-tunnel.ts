// A WireGuard peer whose preshared key is rotated.
//
// What is kept to here. There is one preshared key a peer, it counts at the next handshake only, and nothing but a
// handshake shows whether both ends have the same. So the responder sets its key, then the initiator renews its
// peer entry with the new key, which makes a handshake at once; both ends look whether it came about. Between the
// two no handshake may happen by itself, as it would fail: the switch waits while the session is about to be
// renewed by its timers, and where there is no live session the initiator's entry is taken out first and the
// responder's is put in without an endpoint, so that neither end can begin one. Two that cross fail too, whatever
// the keys, as WireGuard refuses an answer once it has answered itself: only the initiator begins, and the responder
// learns the endpoint from it. If the handshake does not come, both go back to the key before.

import { timingSafeEqual } from "node:crypto"
import { QkdError } from "../errors.js"
import type { Secret } from "../keys/secret.js"
import type { Log } from "../node/log.js"
import type { Policy } from "./rotation.js"
import type { Tunnel, TunnelView } from "./tunnel.js"
import type { WireguardDevice, WireguardPeer, WireguardPeerTerms } from "./wireguard-device.js"

export interface WireguardTunnelOptions {
  readonly role: "initiator" | "responder"
  readonly policy: Policy
  readonly device: WireguardDevice
  readonly peer: WireguardPeerTerms
  readonly log: Log
  readonly handshakeMs: number
  readonly now: () => number
}

/** WireGuard's own timers: a session is renewed after 120 s of traffic, and refused after 180 s. */
const REKEY_MS = 120_000
const REJECT_MS = 180_000
/** A switch is over well within this. */
const MARGIN_MS = 10_000
const QUIET_MS = 20_000
const POLL_MS = 10

interface Held {
  readonly generation: number
  readonly key: Secret
}

export class WireguardTunnel implements Tunnel {
  readonly #options: WireguardTunnelOptions
  #current: Held | undefined
  #next: Held | undefined
  /** In force until the new key is sure. */
  #previous: Held | undefined
  /** A switch that was begun, and the last handshake before it. */
  #switching: { readonly generation: number; readonly handshakeMs: number } | undefined
  /** The peer's entry was put in without endpoint, and no handshake has told one yet. */
  #passive = false

  constructor(options: WireguardTunnelOptions) {
    this.#options = options
  }

  async look(): Promise<TunnelView> {
    const { policy, role, device, peer: terms, now, log } = this.#options
    const peer = await device.peer(terms.publicKey)
    try {
      if (peer === undefined) {
        // The interface was made anew. The initiator's next step puts its entry in.
        if (role === "responder" && policy === "hold-last" && this.#current)
          await device.renew(terms, this.#current.key)
        return { up: false }
      }
      if (peer.presharedKey === undefined && policy !== "preferred") {
        log.error({}, "a peer without preshared key is taken out: the policy forbids it")
        await device.remove(terms.publicKey)
        return { up: false }
      }
      const foreign = this.#current !== undefined && !same(peer.presharedKey, this.#current.key)
      return { up: !foreign && now() - peer.lastHandshakeMs < REJECT_MS }
    } finally {
      peer?.presharedKey?.wipe()
    }
  }

  async install(generation: number, key: Secret): Promise<void> {
    this.#next?.key.wipe()
    this.#next = { generation, key: key.slice(0, key.lengthBytes) }
    if (this.#options.role === "initiator") await this.#quiet()
  }

  async arm(generation: number): Promise<void> {
    const { device, peer: terms, now } = this.#options
    const { key } = this.#laidIn(generation)
    const peer = await device.peer(terms.publicKey)
    peer?.presharedKey?.wipe()
    const live = peer !== undefined && now() - peer.lastHandshakeMs < REJECT_MS
    this.#switching = { generation, handshakeMs: live ? peer.lastHandshakeMs : 0 }
    this.#advance()
    if (live) return device.setPresharedKey(terms.publicKey, key)
    const { endpoint: _, ...mute } = terms
    this.#passive = true
    await device.renew(mute, key)
  }

  async switchTo(generation: number): Promise<string> {
    const { device, peer: terms } = this.#options
    const { key } = this.#laidIn(generation)
    this.#switching = { generation, handshakeMs: 0 }
    this.#advance()
    await device.renew(terms, key)
    await this.#handshaken(key, 0)
    return `generation ${generation}`
  }

  async verify(generation: number): Promise<void> {
    const switching = this.#switching
    if (switching?.generation !== generation || this.#current?.generation !== generation)
      throw new QkdError("operation-failed", "this end has not switched")
    await this.#handshaken(this.#current.key, switching.handshakeMs)
    this.#passive = false
  }

  retire(): Promise<void> {
    this.#switching = undefined
    this.#previous?.key.wipe()
    this.#previous = undefined
    return Promise.resolve()
  }

  async abandon(generation: number): Promise<void> {
    const { device, peer: terms, role, policy } = this.#options
    this.#next?.key.wipe()
    this.#next = undefined
    const switching = this.#switching
    this.#switching = undefined
    if (switching?.generation !== generation) return
    const passive = this.#passive
    this.#passive = false
    this.#current?.key.wipe()
    this.#current = this.#previous
    this.#previous = undefined
    if (this.#current === undefined && policy !== "preferred") await device.remove(terms.publicKey)
    else if (role === "initiator" || passive) await device.renew(terms, this.#current?.key)
    else await device.setPresharedKey(terms.publicKey, this.#current?.key)
  }

  async reuse(): Promise<void> {
    const { device, peer: terms } = this.#options
    if (this.#current === undefined) throw new QkdError("data-missing", "no last key is held")
    await device.renew(terms, this.#current.key)
    await this.#handshaken(this.#current.key, 0)
  }

  async bare(): Promise<void> {
    const { device, peer: terms, role } = this.#options
    this.#current?.key.wipe()
    this.#current = undefined
    const peer = await device.peer(terms.publicKey)
    peer?.presharedKey?.wipe()
    if (role === "responder" && peer !== undefined && !this.#passive)
      await device.setPresharedKey(terms.publicKey, undefined)
    else await device.renew(terms, undefined)
    this.#passive = false
    if (role === "initiator") await this.#handshaken(undefined, 0)
  }

  close(): void {
    for (const held of [this.#current, this.#next, this.#previous]) held?.key.wipe()
  }

  #laidIn(generation: number): Held {
    if (this.#next?.generation === generation) return this.#next
    throw new QkdError("operation-failed", `no key of generation ${generation} was laid in`)
  }

  #advance(): void {
    this.#previous?.key.wipe()
    this.#previous = this.#current
    this.#current = this.#next
    this.#next = undefined
  }

  /** Until no handshake is about to happen by itself. */
  async #quiet(): Promise<void> {
    const { device, peer: terms, now, log } = this.#options
    const until = now() + QUIET_MS
    for (;;) {
      const peer = await device.peer(terms.publicKey)
      peer?.presharedKey?.wipe()
      if (peer === undefined) return
      const ageMs = now() - peer.lastHandshakeMs
      if (ageMs < REKEY_MS - MARGIN_MS) return
      if (ageMs >= REJECT_MS) {
        await device.remove(terms.publicKey)
        return
      }
      if (now() > until) {
        log.warn(
          { ageMs },
          "the session is not renewed by its timers: the key is changed all the same",
        )
        return
      }
      await pause()
    }
  }

  /** Until there was a handshake after `afterMs` and the interface holds `key`. */
  async #handshaken(key: Secret | undefined, afterMs: number): Promise<void> {
    const { device, peer: terms, handshakeMs, now } = this.#options
    const until = now() + handshakeMs
    for (;;) {
      const peer = await device.peer(terms.publicKey)
      const held = holds(peer, key)
      peer?.presharedKey?.wipe()
      if (!held)
        throw new QkdError("operation-failed", "the interface does not hold the key it was given")
      if (peer !== undefined && peer.lastHandshakeMs > afterMs) return
      if (now() > until)
        throw new QkdError("operation-failed", "no handshake came about with the new key")
      await pause()
    }
  }
}

function holds(peer: WireguardPeer | undefined, key: Secret | undefined): boolean {
  if (peer === undefined) return false
  return key === undefined ? peer.presharedKey === undefined : same(peer.presharedKey, key)
}

function same(one: Secret | undefined, other: Secret): boolean {
  if (one?.lengthBytes !== other.lengthBytes) return false
  return one.use((a) => other.use((b) => timingSafeEqual(a, b)))
}

function pause(): Promise<void> {
  return new Promise((done) => setTimeout(done, POLL_MS))
}
