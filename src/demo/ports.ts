// Ports of the demo: chosen before their users start, so they must stay free until then.

import { randomInt } from "node:crypto"
import { createServer } from "node:net"
import { QkdError } from "../errors.js"

/** Everything listens here: a demo never leaves the machine. */
export const LOOPBACK = "127.0.0.1"

/** `wanted` when it is free and not among `planned`, else the next such above it; any such one for 0. */
export async function choosePort(wanted: number, planned: ReadonlySet<number>): Promise<number> {
  for (let tries = 0; tries < 100 && wanted + tries < 65536; tries += 1) {
    const port = wanted === 0 ? 0 : wanted + tries
    if (planned.has(port)) continue
    const server = createServer()
    const got = await (port === 0 ? listenAnywhere(server) : listen(server, port)).catch(
      () => undefined,
    )
    await new Promise((done) => server.close(done))
    if (got !== undefined && !planned.has(got)) return got
  }
  throw new QkdError("resource-denied", `no free port from ${wanted} on`)
}

/** Below where systems take the ports of outgoing connections from: those come and go before a child listens. */
const FIRST_PORT = 12_000
const LAST_PORT = 32_000

/** On any free port: from that range if one is found quickly. */
export async function listenAnywhere(server: ReturnType<typeof createServer>): Promise<number> {
  for (let tries = 0; tries < 20; tries += 1) {
    const port = await listen(server, randomInt(FIRST_PORT, LAST_PORT)).catch(() => undefined)
    if (port !== undefined) return port
  }
  return listen(server, 0)
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
