// ETSI GS QKD 004 V2.1.1 on TLS connections with client certificates: who calls, limits, one call after the other.
// The standard leaves transport and encoding open; ours is decision 0057: a call is a line of JSON, and so is its
// answer. Streams are not bound to connections: an SAE may come back by another.
//
//   certificate ── pin in the policy ── SAE id ──▶ line ──▶ StreamDelivery ──▶ line, wiped

import type { TLSSocket } from "node:tls"
import { asQkdError } from "../errors.js"
import type { MutualTls, PeerIdentity } from "../transport/tls.js"
import { listenMutualTls } from "../transport/tls.js"
import type { ConnectionLimits } from "../transport/tls-guard.js"
import { errorAnswer, StreamDelivery } from "./etsi004-delivery.js"
import type { StreamAnswer, StreamDeliveryOptions } from "./etsi004-delivery.js"
import { MAX_CALL_BYTES, parseStreamCall } from "./etsi004-request.js"
import type { Face, FaceTls } from "./http-face.js"
import { callerOf } from "./sae-identity.js"
import type { SaeIdentity } from "./sae-identity.js"

export interface Etsi004Options extends StreamDeliveryOptions {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly tls: FaceTls
  readonly saeIdentity?: SaeIdentity
  readonly limits?: Partial<ConnectionLimits & Etsi004Limits>
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

export interface Etsi004Limits {
  /** Calls that are being answered: many wait for a chunk. */
  readonly maxInFlight: number
  readonly maxInFlightPerSae: number
  /** From the first byte of a call to its last; and for an answer to be read. */
  readonly callTimeoutMs: number
  readonly idleTimeoutMs: number
}

const LIMITS: Etsi004Limits = {
  maxInFlight: 1024,
  maxInFlightPerSae: 64,
  callTimeoutMs: 10_000,
  idleTimeoutMs: 600_000,
}
const NEWLINE = 0x0a

/**
 * Serves 004. The lowest TLS version is the policy's at start.
 *
 * @throws QkdError `in-use` when the address is taken
 */
export async function listenEtsi004(options: Etsi004Options): Promise<Face> {
  const { host, port, policy } = options
  const minVersion = policy().document.minimum?.deliveryTls ?? "TLSv1.3"
  const mutualTls = ({ identity, callerAuthorities, revocation }: FaceTls): MutualTls => ({
    identity,
    authorities: callerAuthorities,
    minVersion,
    ...(revocation !== undefined && { revocation }),
  })
  const calls = new Calls(options)
  const server = await listenMutualTls({
    ...{ host, port, tls: mutualTls(options.tls), nameless: true, halfOpen: true },
    ...(options.limits !== undefined && { limits: options.limits }),
    onConnection: (socket, peer) => {
      new Conversation(socket, calls.limits, (line) => calls.answer(line, peer))
    },
  })
  return {
    port: server.port,
    renew: (tls) => server.renew(mutualTls(tls)),
    close: () => server.close(),
  }
}

/** All calls of all connections. */
class Calls {
  readonly limits: Etsi004Limits
  readonly #options: Etsi004Options
  readonly #delivery: StreamDelivery
  readonly #inFlight = new Map<string, number>()
  #total = 0

  constructor(options: Etsi004Options) {
    this.#options = options
    this.limits = { ...LIMITS, ...options.limits }
    this.#delivery = new StreamDelivery(options)
  }

  /** Never rejects. Who calls is judged anew at every call. */
  async answer(line: Uint8Array, peer: PeerIdentity): Promise<StreamAnswer> {
    const { policy, saeIdentity, log, now = Date.now } = this.#options
    try {
      const saeId = callerOf(peer, policy(), now(), saeIdentity)
      if (saeId !== undefined) return await this.#answerSae(saeId, line)
      const { commonName, spkiSha256 } = peer
      log.warn({ commonName, spkiSha256 }, "004 caller is not an SAE of this site")
      return errorAnswer("not an SAE of this site", undefined, true)
    } catch (fault) {
      const { tag, message, path } = asQkdError(fault)
      return errorAnswer(message, path, tag === "malformed-message")
    }
  }

  async #answerSae(saeId: string, line: Uint8Array): Promise<StreamAnswer> {
    const mine = this.#inFlight.get(saeId) ?? 0
    if (mine >= this.limits.maxInFlightPerSae || this.#total >= this.limits.maxInFlight)
      return errorAnswer("too many calls at once")
    this.#inFlight.set(saeId, mine + 1)
    this.#total += 1
    try {
      return await this.#delivery.answer(saeId, parseStreamCall(line))
    } finally {
      this.#total -= 1
      const left = (this.#inFlight.get(saeId) ?? 1) - 1
      if (left === 0) this.#inFlight.delete(saeId)
      else this.#inFlight.set(saeId, left)
    }
  }
}

/** One connection: reads no call before the last one's answer has left. */
class Conversation {
  readonly #socket: TLSSocket
  readonly #limits: Etsi004Limits
  readonly #answer: (line: Uint8Array) => Promise<StreamAnswer>
  #unread: Buffer = Buffer.alloc(0)
  #isAnswering = false
  #deadline: NodeJS.Timeout | undefined

  constructor(
    socket: TLSSocket,
    limits: Etsi004Limits,
    answer: (line: Uint8Array) => Promise<StreamAnswer>,
  ) {
    this.#socket = socket
    this.#limits = limits
    this.#answer = answer
    this.#within(limits.idleTimeoutMs)
    socket.on("data", (chunk: Buffer) => {
      this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk])
      void this.#next()
    })
    socket.on("close", () => {
      clearTimeout(this.#deadline)
    })
    socket.on("end", () => {
      if (!this.#isAnswering) socket.destroy()
    })
  }

  /** Never rejects. */
  async #next(): Promise<void> {
    if (this.#isAnswering) {
      // A client may send a call ahead, not keep us storing calls.
      if (this.#unread.length > MAX_CALL_BYTES) this.#socket.pause()
      return
    }
    for (;;) {
      const end = this.#unread.indexOf(NEWLINE)
      if ((end < 0 ? this.#unread.length : end) > MAX_CALL_BYTES) {
        await this.#send(errorAnswer(`a call has at most ${MAX_CALL_BYTES} bytes`, "/", true))
        return
      }
      if (end < 0) break
      const line = this.#unread.subarray(0, end)
      this.#unread = Buffer.from(this.#unread.subarray(end + 1))
      if (line.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09)) continue
      this.#isAnswering = true
      clearTimeout(this.#deadline)
      const answer = await this.#answer(line)
      await this.#send(answer)
      this.#isAnswering = false
      if (this.#socket.destroyed) return
    }
    const { callTimeoutMs, idleTimeoutMs } = this.#limits
    this.#within(this.#unread.length > 0 ? callTimeoutMs : idleTimeoutMs)
    if (this.#socket.readableEnded) this.#socket.destroy()
    else this.#socket.resume()
  }

  /** Resolves when it has been handed to the kernel, or the connection is gone; keys in it are wiped then. */
  #send({ line, wipe, close }: StreamAnswer): Promise<void> {
    return new Promise((resolve) => {
      const socket = this.#socket
      const done = (): void => {
        if (wipe === true) line.fill(0)
        socket.off("close", done)
        resolve()
      }
      if (socket.destroyed || !socket.writable) {
        done()
        return
      }
      this.#within(this.#limits.callTimeoutMs)
      socket.once("close", done)
      if (close === true) {
        socket.end(line, done)
        socket.destroySoon()
      } else socket.write(line, done)
    })
  }

  #within(ms: number): void {
    clearTimeout(this.#deadline)
    this.#deadline = setTimeout(() => {
      this.#socket.destroy()
    }, ms)
  }
}
