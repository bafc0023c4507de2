// A NETCONF byte pipe straight over a socket, as over TLS. Knows no NETCONF: bytes both ways, flow control, an end.

import type { Socket } from "node:net"
import type { BytePipe, PipeUser } from "../netconf/pipe.js"
import { WriteBatch } from "./write-batch.js"

/** What is left of a pipe after `close` before it is cut. */
const CLOSE_TIMEOUT_MS = 2_000
/** Below this a pipe counts as drained. */
const LOW_WATER_BYTES = 64 * 1024

export class SocketPipe implements BytePipe {
  readonly #socket: Socket
  readonly #batch: WriteBatch
  #user: PipeUser | undefined
  #closing = false
  #gone = false

  /** @param name of the transport, for messages: `TLS`. */
  constructor(socket: Socket, name: string) {
    this.#socket = socket
    this.#batch = new WriteBatch(socket)
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
    this.#batch.add(bytes)
  }

  queuedBytes(): number {
    return this.#batch.bytes + this.#socket.writableLength
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
    this.#batch.flush()
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

  #over(why: string): void {
    if (this.#gone) return
    this.#gone = true
    this.#user?.closed(why)
  }
}
