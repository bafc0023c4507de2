// A tap between a consumer and its key manager: it passes ETSI 014 on and remembers every key that was delivered, so that a
// lab can search for them where none must be. No such thing has a place beside a real gateway.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer, request, type Server } from "node:https"
import path from "node:path"
import { createAuthority, issueServerCertificate, validFor } from "../../src/transport/pki.js"
import type { KmeAccess } from "./key-managers.js"

export class KeyTap {
  readonly #server: Server
  /** Where the consumer finds the tap, which it takes for its key manager. */
  readonly access: KmeAccess
  /** As they were delivered, once more for each answer that had them. */
  readonly keys: Buffer[] = []

  private constructor(server: Server, access: KmeAccess) {
    this.#server = server
    this.access = access
  }

  static async start(dir: string, to: KmeAccess): Promise<KeyTap> {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    const authority = createAuthority("lab tap", validFor(1))
    const pair = issueServerCertificate(authority, "tap", ["127.0.0.1"], validFor(1))
    const caFile = path.join(dir, "tap-ca.pem")
    writeFileSync(caFile, authority.certificatePem)
    const server = createServer({
      cert: pair.certificatePem,
      key: pair.privateKeyPem,
      minVersion: "TLSv1.3",
    })
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve)
    })
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const tap = new KeyTap(server, { ...to, host: "127.0.0.1", port, caFile })
    const own = {
      host: to.host,
      port: to.port,
      cert: readFileSync(to.certFile),
      key: readFileSync(to.keyFile),
      ca: readFileSync(to.caFile),
    }
    server.on("request", (asked, answered) => {
      const { method, url: at, headers } = asked
      const type = headers["content-type"] ?? "application/json"
      const passed = request(
        { ...own, method, path: at, headers: { "content-type": type } },
        (answer) => {
          const chunks: Buffer[] = []
          answer.on("data", (chunk: Buffer) => chunks.push(chunk))
          answer.once("end", () => {
            const body = Buffer.concat(chunks)
            tap.#remember(body)
            answered.writeHead(answer.statusCode ?? 502, {
              "content-type": answer.headers["content-type"] ?? "application/json",
            })
            answered.end(body)
          })
        },
      )
      passed.once("error", () => answered.destroy())
      asked.pipe(passed)
    })
    return tap
  }

  #remember(body: Buffer): void {
    for (const [, key = ""] of body.toString("latin1").matchAll(/"key"\s*:\s*"([A-Za-z0-9+/=]+)"/g))
      this.keys.push(Buffer.from(key, "base64"))
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve()
      })
    })
  }
}
