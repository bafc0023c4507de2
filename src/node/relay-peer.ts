// One authenticated connection to a neighbouring key manager: frames in and out, hello, signs of life. Knows
// nothing of keys; what frames mean is the owner's matter. Whose connection it is was settled by the certificate
// before this object is made; a hello that claims another name ends it (THREATS N2).

import { createHash } from "node:crypto"
import type { TLSSocket } from "node:tls"
import { asQkdError, QkdError } from "../errors.js"
import type { PeerIdentity } from "../keys/policy-view.js"
import { SESSION_ID_BYTES } from "../keys/relay-header.js"
import { decodeHello, encodeFrame, encodeHello, FrameDecoder, framed } from "./relay-wire.js"
import type { Frame, FrameKind, Hello } from "./relay-wire.js"

export interface RelayPeerOwner {
  /** Judges the peer's hello; the connection is up once this resolves, closed when it rejects. */
  onHello(peer: RelayPeer, hello: Hello): Promise<void>
  onUp(peer: RelayPeer): void
  onFrame(peer: RelayPeer, frame: Frame): void
  onClosed(peer: RelayPeer, error: QkdError): void
}

/** A reader so slow that this much waits for it is cut off. */
const BACKLOG_LIMIT_BYTES = 8 << 20
/** Beyond this, new relay messages are refused. */
const BUSY_BYTES = 1 << 20
const MOST_PINGS_UNHEARD = 3

export class RelayPeer {
  readonly identity: PeerIdentity
  readonly #socket: TLSSocket
  readonly #owner: RelayPeerOwner
  readonly #decoder = new FrameDecoder()
  readonly #ownHello: Hello
  #state: "hello" | "judging" | "up" | "closed" = "hello"
  #waiting: Frame[] = []
  #sessionId: Buffer = Buffer.alloc(SESSION_ID_BYTES)
  #pingsUnheard = 0
  #deadline: NodeJS.Timeout | undefined

  constructor(
    socket: TLSSocket,
    identity: PeerIdentity,
    hello: Hello,
    owner: RelayPeerOwner,
    helloTimeoutMs: number,
  ) {
    this.identity = identity
    this.#socket = socket
    this.#owner = owner
    this.#ownHello = hello
    socket.setNoDelay(true)
    socket.on("data", (chunk: Buffer) => {
      this.#guard(() => {
        for (const frame of this.#decoder.feed(chunk)) this.#receive(frame)
      })
    })
    socket.on("error", (cause: Error) => {
      this.close(new QkdError("operation-failed", cause.message, { appTag: "closed", cause }))
    })
    socket.on("close", () => {
      this.close(new QkdError("operation-failed", "the connection ended", { appTag: "closed" }))
    })
    this.#deadline = setTimeout(() => {
      this.close(new QkdError("operation-failed", "no hello in time", { appTag: "timeout" }))
    }, helloTimeoutMs)
    socket.write(encodeFrame("hello", encodeHello(hello)))
  }

  get qkdnId(): string {
    return this.identity.qkdnId
  }

  get up(): boolean {
    return this.#state === "up"
  }

  get closed(): boolean {
    return this.#state === "closed"
  }

  /** Both nonces, hashed: what relay messages of this connection are bound to. */
  get sessionId(): Uint8Array {
    return this.#sessionId
  }

  /** So much waits to be sent that new work should go elsewhere. */
  get busy(): boolean {
    return this.#socket.writableLength > BUSY_BYTES
  }

  /**
   * Asks for a sign of life, once a ping interval. Silence is counted in pings, not in time: a process that stood
   * still itself, however long, has let one interval pass and has what came meanwhile still to read.
   *
   * @returns whether anything was heard since the third ping before this one.
   */
  ping(): boolean {
    if (this.#pingsUnheard >= MOST_PINGS_UNHEARD) return false
    this.#pingsUnheard += 1
    return this.#state !== "up" || this.send("ping", Buffer.alloc(0))
  }

  /** False when the connection is over; the frame is lost then. */
  send(kind: FrameKind, body: Uint8Array): boolean {
    return this.#state !== "closed" && this.#write(encodeFrame(kind, body))
  }

  /** The same of a large body, taken over: `FRAME_HEAD_BYTES` before it are free. */
  sendFramed(kind: FrameKind, frame: Buffer): boolean {
    return this.#state !== "closed" && this.#write(framed(kind, frame))
  }

  #write(frame: Buffer): boolean {
    this.#socket.write(frame)
    if (this.#socket.writableLength > BACKLOG_LIMIT_BYTES) {
      this.close(new QkdError("resource-denied", `${this.qkdnId} does not read`))
      return false
    }
    return true
  }

  /** Says why, if there is time, and ends. Harmless when closed. */
  close(error: QkdError): void {
    if (this.#state === "closed") return
    const state = this.#state
    this.#state = "closed"
    clearTimeout(this.#deadline)
    this.#waiting = []
    if (this.#socket.writable && state !== "hello")
      this.#socket.end(encodeFrame("bye", Buffer.from(error.message.slice(0, 200))))
    setTimeout(() => this.#socket.destroy(), 100).unref()
    this.#owner.onClosed(this, error)
  }

  #receive(frame: Frame): void {
    this.#pingsUnheard = 0
    switch (this.#state) {
      case "closed":
        return
      case "judging":
        // At most what one chunk held: the socket is paused.
        this.#waiting.push(frame)
        return
      case "hello":
        if (frame.kind !== "hello") throw new QkdError("malformed-message", "no hello")
        this.#greet(decodeHello(frame.body))
        return
      case "up":
        this.#dispatch(frame)
    }
  }

  #dispatch(frame: Frame): void {
    switch (frame.kind) {
      case "hello":
        throw new QkdError("malformed-message", "a second hello")
      case "ping":
        this.send("pong", Buffer.alloc(0))
        return
      case "pong":
        return
      case "bye":
        this.close(
          new QkdError("operation-failed", `${this.qkdnId} ended the connection`, {
            appTag: "closed",
          }),
        )
        return
      default:
        this.#owner.onFrame(this, frame)
    }
  }

  #greet(hello: Hello): void {
    if (hello.qkdnId !== this.qkdnId)
      throw new QkdError("access-denied", `${this.qkdnId} calls itself ${hello.qkdnId}`)
    const nonces = [
      { id: hello.qkdnId, nonce: hello.nonce },
      { id: this.#ownHello.qkdnId, nonce: this.#ownHello.nonce },
    ].sort((a, b) => (a.id < b.id ? -1 : 1))
    const hash = createHash("sha256")
    for (const { nonce } of nonces) hash.update(nonce)
    this.#sessionId = hash.digest().subarray(0, SESSION_ID_BYTES)
    this.#state = "judging"
    this.#socket.pause()
    this.#owner.onHello(this, hello).then(
      () => {
        if (this.#state !== "judging") return
        clearTimeout(this.#deadline)
        this.#state = "up"
        this.#guard(() => {
          this.#owner.onUp(this)
          for (const frame of this.#waiting.splice(0)) this.#receive(frame)
        })
        this.#socket.resume()
      },
      (cause: unknown) => {
        this.close(asQkdError(cause))
      },
    )
  }

  /** A fault in what the peer says ends its connection and nothing else. */
  #guard(action: () => void): void {
    try {
      action()
    } catch (cause) {
      this.close(asQkdError(cause))
    }
  }
}
