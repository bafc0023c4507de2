// A NETCONF byte pipe over one SSH channel. Knows no NETCONF: bytes both ways, flow control, an end.

import type { Socket } from "node:net"
import type { Channel } from "ssh2"
import type { BytePipe, PipeUser } from "../netconf/pipe.js"
import { WriteBatch } from "./write-batch.js"

/** What is left of a pipe after `close` before it is cut. */
const CLOSE_TIMEOUT_MS = 2_000
/** Below this a pipe counts as drained. */
const LOW_WATER_BYTES = 64 * 1024

export class SshPipe implements BytePipe {
  readonly #channel: Channel
  readonly #socket: Socket
  readonly #cut: () => void
  readonly #beforeEnd: () => void
  readonly #batch: WriteBatch
  #user: PipeUser | undefined
  #closing = false
  #gone = false

  /**
   * @param cut ends the connection the hard way, when the peer does not let a close through
   * @param beforeEnd what a server has to say on the channel before it closes it
   */
  constructor(
    channel: Channel,
    socket: Socket,
    cut: () => void,
    beforeEnd: () => void = () => undefined,
  ) {
    this.#channel = channel
    this.#batch = new WriteBatch(channel)
    this.#socket = socket
    this.#cut = cut
    this.#beforeEnd = beforeEnd
    channel.on("error", () => {
      this.#over("SSH channel failed")
    })
    channel.on("end", () => {
      const why = "the other side ended the SSH channel"
      if (this.#user?.ended === undefined) this.#over(why)
      else this.#user.ended(why)
    })
    channel.on("close", () => {
      this.#over("SSH channel closed")
    })
  }

  /** Begins to hand bytes over. */
  attach(user: PipeUser): void {
    this.#user = user
    this.#channel.on("data", (bytes: Buffer) => {
      user.receive(bytes)
    })
  }

  /** The connection under the channel is gone. */
  lost(why: string): void {
    this.#over(why)
  }

  send(bytes: Uint8Array): void {
    if (this.#closing || this.#gone) return
    this.#batch.add(bytes)
  }

  /** Counts the socket too: a peer may open its SSH window wide and then not read. */
  queuedBytes(): number {
    return this.#batch.bytes + this.#channel.writableLength + this.#socket.writableLength
  }

  onceDrained(call: () => void): void {
    const look = (): void => {
      if (!this.#gone && this.queuedBytes() > LOW_WATER_BYTES) return
      this.#channel.off("drain", look)
      this.#channel.off("close", look)
      this.#socket.off("drain", look)
      call()
    }
    this.#channel.on("drain", look)
    this.#channel.on("close", look)
    this.#socket.on("drain", look)
    setImmediate(look)
  }

  pause(): void {
    this.#channel.pause()
  }

  resume(): void {
    this.#channel.resume()
  }

  close(): void {
    if (this.#closing) return
    this.#batch.flush()
    this.#closing = true
    if (this.#gone) return
    // A paused channel would never see the other side's end.
    this.#channel.resume()
    this.#beforeEnd()
    this.#channel.end()
    const timer = setTimeout(this.#cut, CLOSE_TIMEOUT_MS)
    this.#channel.once("close", () => {
      clearTimeout(timer)
    })
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
