// A TLS server's certificate, authorities and revocation lists, exchanged while it runs. Who connects from then on is
// judged by the new ones; of those who are connected, whom the new lists revoke is cut off. The others stay.

import tls, { type Server, type TLSSocket, type TlsOptions } from "node:tls"
import { QkdError } from "../errors.js"
import { chainOf } from "./certificate-chain.js"
import type { RevocationLists } from "./revocation.js"

/**
 * Follows a server's connections from here on.
 *
 * @returns what exchanges its options, and tells how many connections were cut off. It throws QkdError `invalid-value`
 * for unusable ones, and changes nothing then.
 */
export function renewable(
  server: Server,
): (options: TlsOptions, revocation: RevocationLists | undefined) => number {
  const connected = new Set<TLSSocket>()
  server.on("secureConnection", (socket) => {
    connected.add(socket)
    socket.once("close", () => connected.delete(socket))
  })
  return (options, revocation) => {
    try {
      tls.createSecureContext(options)
    } catch (cause) {
      throw new QkdError("invalid-value", `unusable TLS material: ${String(cause)}`, { cause })
    }
    server.setSecureContext(options)
    if (revocation === undefined) return 0
    const revoked = [...connected].filter((socket) => revocation.revokes(chainOf(socket)))
    for (const socket of revoked) socket.destroy()
    return revoked.length
  }
}
