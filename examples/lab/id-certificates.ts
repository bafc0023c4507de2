// Certificates for the channel between the two consumers. A real site takes them from its own authority.

import { writeFileSync } from "node:fs"
import { createServer } from "node:net"
import path from "node:path"
import { createAuthority, issueConsumerCertificate, validFor } from "../../src/transport/pki.js"

/** Per SAE, the members of `id_channel` that name files. */
export function idCertificates(
  dir: string,
  saeIds: readonly [string, string],
): [Record<string, string>, Record<string, string>] {
  const validity = validFor(1)
  const authority = createAuthority("lab tunnel ends", validity)
  const write = (name: string, text: string): string => {
    const file = path.join(dir, name)
    writeFileSync(file, text, { mode: 0o600 })
    return file
  }
  const ca_file = write("ends-ca.pem", authority.certificatePem)
  const filesOf = (saeId: string, at: number): Record<string, string> => {
    const pair = issueConsumerCertificate(authority, saeId, ["127.0.0.1"], validity)
    return {
      cert_file: write(`end-${at}-cert.pem`, pair.certificatePem),
      key_file: write(`end-${at}-key.pem`, pair.privateKeyPem),
      ca_file,
    }
  }
  return [filesOf(saeIds[0], 0), filesOf(saeIds[1], 1)]
}

/** A TCP port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => {
        resolve(typeof address === "object" && address !== null ? address.port : 0)
      })
    })
  })
}
