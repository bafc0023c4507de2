// What HTTP/1.1 has a server refuse or read in another form, and Node's parser lets pass (RFC 9112).

import type { IncomingMessage } from "node:http"

/** A request that is no HTTP/1.1 as the RFC has it; undefined where it is. */
export function httpFault(request: IncomingMessage): 400 | 501 | 505 | undefined {
  // Node reads 0.9 and 2.0 as well.
  if (request.httpVersionMajor !== 1) return 505
  // Section 3.2: two Host lines, of which whoever stands before us may have believed the other.
  if (hasTwoHosts(request.rawHeaders)) return 400
  // Section 6.1: a body in a coding that nobody here undoes is not the body that was meant.
  const coding = request.headers["transfer-encoding"]
  return coding === undefined || coding.toLowerCase() === "chunked" ? undefined : 501
}

function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ""
    if (name.length === 4 && name.toLowerCase() === "host") hosts += 1
  }
  return hosts > 1
}

/** Section 3.2.2: a target in absolute form is to be taken, too. Others stay as they are. */
export function originForm(target: string): string {
  if (target.startsWith("/")) return target
  const origin = /^https:\/\/[^/?#]+/i.exec(target)?.[0]
  if (origin === undefined) return target
  const rest = target.slice(origin.length)
  return rest.startsWith("/") ? rest : `/${rest}`
}
