// Ports of a demo. They are chosen before their users start, and a node that dies listens again later: between, nothing
// listens there. So that no other demo takes one meanwhile, its number is held for the demo's life as a UDP port of
// loopback, which nobody talks to: the kernel gives it to one process only, and takes it back when that is gone.

import { randomInt } from "node:crypto"
import { createSocket, type Socket } from "node:dgram"
import { createServer } from "node:net"
import { QkdError } from "../errors.js"

/** Everything listens here: a demo never leaves the machine. */
export const LOOPBACK = "127.0.0.1"

/** Below where systems take the ports of outgoing connections from: those come and go before a child listens. */
const FIRST_PORT = 12_000
const LAST_PORT = 32_000
const TRIES = 200

/** Numbers that are this process's until they are released, or it ends. */
export class HeldPorts {
  readonly #held: Socket[] = []

  /**
   * `wanted` when nobody listens there and no other demo holds it, else another; any for 0.
   *
   * @throws QkdError `resource-denied` when there is none.
   */
  async hold(wanted: number): Promise<number> {
    if (wanted !== 0 && (await this.#take(wanted))) return wanted
    for (let tries = 0; tries < TRIES; tries += 1) {
      const port = randomInt(FIRST_PORT, LAST_PORT)
      if (await this.#take(port)) return port
    }
    throw new QkdError("resource-denied", "no free port")
  }

  /** `wanted`, else the next above it that is free. @throws QkdError as `hold`. */
  async holdFrom(wanted: number): Promise<number> {
    for (let port = wanted; port < Math.min(65_536, wanted + TRIES); port += 1)
      if (await this.#take(port)) return port
    throw new QkdError("resource-denied", `no free port from ${wanted} on`)
  }

  async release(): Promise<void> {
    const all = this.#held.splice(0)
    await Promise.all(
      all.map(
        (socket) =>
          new Promise<void>((done) =>
            socket.close(() => {
              done()
            }),
          ),
      ),
    )
  }

  async #take(port: number): Promise<boolean> {
    const token = await bound(port)
    if (token === undefined) return false
    if (await isFree(port)) {
      this.#held.push(token)
      return true
    }
    token.close()
    return false
  }
}

function bound(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4")
    // It must not keep a demo alive that has ended otherwise.
    socket.unref()
    socket.once("error", () => {
      socket.close()
      resolve(undefined)
    })
    socket.bind({ address: LOOPBACK, port, exclusive: true }, () => {
      resolve(socket)
    })
  })
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await listen(server, port)
  } catch {
    return false
  }
  await new Promise((done) => server.close(done))
  return true
}

/** @returns the port, once the server listens on loopback. */
export function listen(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => {
      server.removeListener("error", reject)
      const address = server.address()
      resolve(typeof address === "object" && address !== null ? address.port : 0)
    })
  })
}
