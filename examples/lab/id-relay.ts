// The line between the two consumers, which can be cut: a TCP relay that sees TLS only.

import { connect, createServer, type Server, type Socket } from "node:net"

export class IdRelay {
  readonly #server: Server
  readonly #open = new Set<Socket>()
  #cut = false

  private constructor(server: Server) {
    this.#server = server
  }

  /** @param to the port of the responder; the relay's own is `port` */
  static async start(to: number): Promise<IdRelay> {
    const server = createServer()
    const relay = new IdRelay(server)
    server.on("connection", (near) => {
      if (relay.#cut) {
        near.destroy()
        return
      }
      const far = connect(to, "127.0.0.1")
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        relay.#open.add(one)
        one.on("error", () => undefined)
        one.on("close", () => {
          relay.#open.delete(one)
          other.destroy()
        })
        one.pipe(other)
      }
    })
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve)
    })
    return relay
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === "object" && address !== null ? address.port : 0
  }

  cut(): void {
    this.#cut = true
    for (const socket of this.#open) socket.destroy()
  }

  mend(): void {
    this.#cut = false
  }

  stop(): Promise<void> {
    this.cut()
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve()
      })
    })
  }
}
