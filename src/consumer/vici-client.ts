// A client of strongSwan's vici socket. Every request has a connection of its own: there is nothing to keep alive
// when charon is restarted, and a slow `initiate` does not hold up a look at the SAs. Packets that carry secrets
// are wiped once they are written.

import { connect, type Socket } from "node:net"
import { QkdError } from "../errors.js"
import {
  decodeViciPacket,
  encodeViciPacket,
  MAX_PACKET_BYTES,
  VICI,
  type ViciMessage,
  type ViciPacket,
  viciText,
} from "./vici-packet.js"

export interface ViciClientOptions {
  /** The socket's file: `/var/run/charon.vici` where strongSwan is as packaged. */
  readonly socketFile: string
  readonly timeoutMs: number
}

export class ViciClient {
  readonly #options: ViciClientOptions

  constructor(options: ViciClientOptions) {
    this.#options = options
  }

  /**
   * One command.
   *
   * @throws QkdError `operation-failed` with charon's words when it answers `success=no`; app-tags
   * `node-unreachable` when there is no charon at the socket, `timeout`.
   */
  async request(
    command: string,
    message: ViciMessage = {},
    timeoutMs?: number,
  ): Promise<ViciMessage> {
    const { answer } = await this.#exchange(command, undefined, message, timeoutMs)
    return answer
  }

  /** A command that answers by events: the messages of the events, in order. @throws as `request`. */
  async stream(command: string, event: string, message: ViciMessage = {}): Promise<ViciMessage[]> {
    const { events } = await this.#exchange(command, event, message)
    return events
  }

  async #exchange(
    command: string,
    event: string | undefined,
    message: ViciMessage,
    timeoutMs = this.#options.timeoutMs,
  ): Promise<{ answer: ViciMessage; events: ViciMessage[] }> {
    const line = await Line.open(this.#options.socketFile, timeoutMs)
    try {
      const events: ViciMessage[] = []
      if (event !== undefined) {
        const { type } = await line.ask(encodeViciPacket(VICI.registerEvent, event))
        if (type !== VICI.confirm)
          throw new QkdError("operation-not-supported", `charon does not know the event ${event}`)
      }
      let packet = await line.ask(encodeViciPacket(VICI.request, command, message))
      while (packet.type === VICI.event) {
        events.push(packet.message)
        packet = await line.next()
      }
      if (packet.type === VICI.unknownCommand)
        throw new QkdError("operation-not-supported", `charon does not know ${command}`)
      if (packet.type !== VICI.response)
        throw new QkdError("malformed-message", "not a vici answer")
      if (viciText(packet.message, "success") === "no")
        throw new QkdError("operation-failed", `${command}: ${viciText(packet.message, "errmsg")}`)
      return { answer: packet.message, events }
    } finally {
      line.close()
    }
  }
}

/** One connection, used for one command. */
class Line {
  readonly #socket: Socket
  readonly #timer: NodeJS.Timeout
  #held = Buffer.alloc(0)
  readonly #packets: ViciPacket[] = []
  #fault: QkdError | undefined
  #wake: (() => void) | undefined

  private constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket
    this.#timer = setTimeout(() => {
      this.#fail(
        new QkdError("operation-failed", "charon did not answer in time", { appTag: "timeout" }),
      )
    }, timeoutMs)
    socket.on("data", (chunk: Buffer) => {
      try {
        this.#take(chunk)
      } catch (error) {
        this.#fail(error)
      }
    })
    socket.on("error", (error) => {
      this.#fail(unreachable(error))
    })
    socket.on("close", () => {
      this.#fail(unreachable())
    })
  }

  static open(file: string, timeoutMs: number): Promise<Line> {
    return new Promise((resolve, reject) => {
      const socket = connect(file)
      const line = new Line(socket, timeoutMs)
      socket.once("connect", () => {
        resolve(line)
      })
      socket.once("close", () => {
        reject(unreachable(line.#fault?.cause))
      })
    })
  }

  /** Sends, wipes what was sent, and waits for the next packet. */
  async ask(packet: Uint8Array): Promise<ViciPacket> {
    this.#socket.write(packet, () => {
      packet.fill(0)
    })
    return this.next()
  }

  async next(): Promise<ViciPacket> {
    for (;;) {
      const packet = this.#packets.shift()
      if (packet !== undefined) return packet
      if (this.#fault !== undefined) throw this.#fault
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#held = Buffer.concat([this.#held, chunk])
    while (this.#held.length >= 4) {
      const length = this.#held.readUInt32BE(0)
      if (length > MAX_PACKET_BYTES) throw new QkdError("malformed-message", "not a vici packet")
      if (this.#held.length < 4 + length) return
      this.#packets.push(decodeViciPacket(this.#held.subarray(4, 4 + length)))
      this.#held = this.#held.subarray(4 + length)
      this.#wake?.()
    }
  }

  #fail(error: unknown): void {
    clearTimeout(this.#timer)
    this.#fault ??= error instanceof QkdError ? error : unreachable(error)
    this.#socket.destroy()
    this.#wake?.()
  }
}

function unreachable(cause?: unknown): QkdError {
  const why = cause instanceof Error ? `: ${cause.message}` : ""
  return new QkdError("operation-failed", `no charon answers at the vici socket${why}`, {
    appTag: "node-unreachable",
    cause,
  })
}
