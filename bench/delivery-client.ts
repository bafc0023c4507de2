// The client of bench/delivery.ts: as many kept TLS connections as asked, one request at a time on each. It reads of an
// answer what it must, status and length, so that the server is what is measured.

import { connect } from "node:tls"
import type { TLSSocket } from "node:tls"
import { once } from "node:events"
import type { CertifiedKey } from "../src/transport/pki.js"
import { clientTlsOptions } from "../src/transport/tls.js"

interface Waiting {
  readonly resolve: () => void
  readonly reject: (fault: Error) => void
}

/** One connection. */
class Line {
  readonly #socket: TLSSocket
  #waiting: Waiting | undefined
  #head: Buffer = Buffer.alloc(0)
  /** Of the answer under way; undefined until its head is whole. */
  #leftBytes: number | undefined
  #status = ""

  constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.on("data", (bytes: Buffer) => {
      this.#take(bytes)
    })
    socket.on("error", (fault: Error) => {
      this.#end(fault)
    })
    socket.on("close", () => {
      this.#end(new Error("the server has closed the connection"))
    })
  }

  ask(request: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) {
        reject(new Error("the server has closed the connection"))
        return
      }
      this.#waiting = { resolve, reject }
      this.#socket.write(request)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(bytes: Buffer): void {
    if (this.#leftBytes === undefined) {
      this.#head = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes])
      const end = this.#head.indexOf("\r\n\r\n")
      if (end < 0) return
      const text = this.#head.toString("latin1", 0, end)
      this.#status = text.slice(9, 12)
      const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1]
      this.#leftBytes = Number(length ?? 0) - (this.#head.length - end - 4)
      this.#head = Buffer.alloc(0)
    } else this.#leftBytes -= bytes.length
    if (this.#leftBytes > 0) return
    this.#leftBytes = undefined
    this.#end(this.#status === "200" ? undefined : new Error(`status ${this.#status}`))
  }

  #end(fault: Error | undefined): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (fault === undefined) waiting?.resolve()
    else waiting?.reject(fault)
  }
}

export class Client {
  readonly #idle: Line[]
  readonly #lines: readonly Line[]
  readonly #due: ((line: Line) => void)[] = []

  private constructor(lines: readonly Line[]) {
    this.#lines = lines
    this.#idle = [...lines]
  }

  static async connect(
    port: number,
    connections: number,
    { identity, authority }: { identity: CertifiedKey; authority: string },
  ): Promise<Client> {
    const options = clientTlsOptions({ identity, authorities: [authority] }, "127.0.0.1")
    const lines = Array.from({ length: connections }, async () => {
      const socket = connect({ ...options, host: "127.0.0.1", port })
      await once(socket, "secureConnect")
      socket.setNoDelay(true)
      return new Line(socket)
    })
    return new Client(await Promise.all(lines))
  }

  /** Waits for a connection that is free. @throws Error for any answer but 200 */
  async get(target: string): Promise<void> {
    const line = this.#idle.pop() ?? (await new Promise<Line>((next) => this.#due.push(next)))
    try {
      await line.ask(requestOf(target))
    } finally {
      const next = this.#due.shift()
      if (next === undefined) this.#idle.push(line)
      else next(line)
    }
  }

  close(): void {
    for (const line of this.#lines) line.close()
  }
}

const requests = new Map<string, Buffer>()

function requestOf(target: string): Buffer {
  let request = requests.get(target)
  if (request === undefined) {
    request = Buffer.from(`GET ${target} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`)
    requests.set(target, request)
  }
  return request
}
