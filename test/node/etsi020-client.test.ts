// Keys on their way to a neighbouring domain while the site policy changes.

import assert from "node:assert/strict"
import { randomBytes, randomUUID } from "node:crypto"
import { parsePolicy } from "../../src/keys/policy-document.js"
import { Secret } from "../../src/keys/secret.js"
import { Etsi020Client } from "../../src/node/etsi020-client.js"
import { SILENT } from "../../src/node/log.js"
import { listenHttps } from "../../src/transport/https.js"
import { spkiSha256 } from "../../src/transport/pki.js"
import { authority, kmeCertificate } from "../interop/etsi020-sites.js"

describe("keys for a domain", () => {
  it("are not offered again once the site policy does not name the domain any more", async () => {
    const [here, there] = [kmeCertificate("here"), kmeCertificate("there")]
    const authorities = [authority.certificatePem]
    let [asked, isNamed] = [0, true]
    const server = await listenHttps({
      ...{ host: "127.0.0.1", port: 0, tls: { identity: there, authorities } },
      handler: (request, response) => {
        asked += 1
        isNamed = false
        request.resume()
        response.writeHead(503).end()
      },
    })
    const north = {
      name: "north",
      url: `https://127.0.0.1:${server.port}`,
      spkiSha256: [spkiSha256(there.certificatePem)],
      saes: ["bob"],
    }
    const policyWith = (domains: readonly unknown[]): ReturnType<typeof parsePolicy> =>
      parsePolicy({
        version: 1,
        ...{ qkdnId: randomUUID(), saes: [], peers: [], relay: { allowed: true, maxHops: 4 } },
        limits: { minKeySizeBits: 64, maxKeySizeBits: 4096, maxKeysPerRequest: 128 },
        ...(domains.length > 0 && { domains }),
      })
    const [named, unnamed] = [policyWith([north]), policyWith([])]
    const client = new Etsi020Client({
      policy: () => (isNamed ? named : unnamed),
      tls: () => ({ identity: here, authorities }),
      callbackUrl: () => "https://127.0.0.1/ack",
      ...{ mode: "asynchronous", timeoutMs: 60_000, log: SILENT },
      audit: () => Promise.resolve(),
    })
    try {
      const keys = Secret.take(randomBytes(32))
      const parcel = { keyIds: [randomUUID()], keySizeBits: 256, keys }
      const parties = { initiatorSaeId: "alice", targetSaeIds: ["bob"] }
      assert.equal(await client.give("north", { ...parcel, ...parties }), "unheard")
      assert.equal(asked, 1)
    } finally {
      client.close()
      await server.close()
    }
  })
})
