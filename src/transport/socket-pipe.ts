// A NETCONF byte pipe straight over a socket, as over TLS. Knows no NETCONF: bytes both ways, flow control, an end.

import type { Socket } from "node:net"
import type { BytePipe, PipeUser } from "../netconf/pipe.js"

/** What is left of a pipe after `close` before it is cut. */
const CLOSE_TIMEOUT_MS = 2_000
/** Below this a pipe counts as drained. */
const LOW_WATER_BYTES = 64 * 1024

export class SocketPipe implements BytePipe {
  readonly #socket: Socket
  /** Sent in this turn of the event loop, to leave in one TLS record. */
  #batch: Uint8Array[] = []
  #batchBytes = 0
  #user: PipeUser | undefined
  #closing = false
  #gone = false

  /** @param name of the transport, for messages: `TLS`. */
  constructor(socket: Socket, name: string) {
    this.#socket = socket
    socket.on("error", () => {
      this.#over(`${name} connection failed`)
    })
    socket.on("end", () => {
      this.#over(`the other side ended the ${name} connection`)
    })
    socket.on("close", () => {
      this.#over(`${name} connection closed`)
    })
  }

  /** Begins to hand bytes over. */
  attach(user: PipeUser): void {
    this.#user = user
    this.#socket.on("data", (bytes: Buffer) => {
      user.receive(bytes)
    })
  }

  send(bytes: Uint8Array): void {
    if (this.#closing || this.#gone) return
    this.#batch.push(bytes)
    this.#batchBytes += bytes.length
    if (this.#batch.length === 1) setImmediate(this.#flush)
  }

  queuedBytes(): number {
    return this.#batchBytes + this.#socket.writableLength
  }

  onceDrained(call: () => void): void {
    const look = (): void => {
      if (!this.#gone && this.queuedBytes() > LOW_WATER_BYTES) return
      this.#socket.off("drain", look)
      this.#socket.off("close", look)
      call()
    }
    this.#socket.on("drain", look)
    this.#socket.on("close", look)
    setImmediate(look)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): void {
    if (this.#closing) return
    this.#flush()
    this.#closing = true
    if (this.#gone) {
      this.#socket.destroy()
      return
    }
    // A paused socket would never see the other side's end.
    this.#socket.resume()
    this.#socket.end()
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_TIMEOUT_MS)
    this.#socket.once("close", () => {
      clearTimeout(timer)
    })
  }

  readonly #flush = (): void => {
    const batch = this.#batch
    if (batch.length === 0) return
    this.#batch = []
    this.#batchBytes = 0
    if (this.#gone || !this.#socket.writable) return
    const [only] = batch
    this.#socket.write(batch.length === 1 && only !== undefined ? only : Buffer.concat(batch))
  }

  #over(why: string): void {
    if (this.#gone) return
    this.#gone = true
    this.#user?.closed(why)
  }
}
