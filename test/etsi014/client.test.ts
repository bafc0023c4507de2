// Our 014 client against our 014 server.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { Etsi014Client } from "../../src/etsi014/client.js"
import { QkdError } from "../../src/errors.js"
import { listenHttps } from "../../src/transport/https.js"
import { issueServerCertificate, spkiSha256, validFor } from "../../src/transport/pki.js"
import { isQkdError } from "../errors-helper.js"
import { node } from "../keys/policy-fixture.js"
import { Sites } from "../node/etsi014-site.js"

describe("the 014 client", () => {
  let sites: Sites
  const clients: Etsi014Client[] = []

  beforeEach(async () => {
    sites = new Sites()
    await sites.serve()
  })

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close()
    await sites.close()
  })

  function as(saeId: string, more: object = {}): Etsi014Client {
    const client = new Etsi014Client({
      host: "127.0.0.1",
      port: sites.port,
      tls: {
        identity: sites.pair(saeId),
        authorities: [sites.serverAuthority.certificatePem],
      },
      timeoutMs: 5000,
      ...more,
    })
    clients.push(client)
    return client
  }

  it("gets keys at one end and the same keys at the other", async () => {
    const enc = await as("alice").encKeys("a/b é", { number: 3, keySizeBits: 128 })
    const ids = enc.map(({ keyId }) => keyId)
    const dec = await as("a/b é").decKeys("alice", ids)
    assert.deepEqual(
      dec.map(({ keyId }) => keyId),
      ids,
    )
    for (const [i, { key }] of enc.entries()) {
      const made = sites.keyManager.made[i]?.key ?? Buffer.alloc(0)
      assert.equal(key.lengthBits, 128)
      for (const secret of [key, dec[i]?.key]) {
        assert.ok(secret?.use((bytes) => Buffer.compare(bytes, made) === 0))
      }
    }
  })

  it("reads the status", async () => {
    assert.deepEqual(await as("alice").status("zoe"), {
      sourceKmeId: node(1),
      targetKmeId: node(2),
      masterSaeId: "alice",
      slaveSaeId: "zoe",
      keySizeBits: 256,
      storedKeyCount: 0,
      maxKeyCount: 1024,
      maxKeysPerRequest: 128,
      maxKeySizeBits: 4096,
      minKeySizeBits: 64,
      maxSaeIdCount: 16,
    })
  })

  it("tells refusals apart by tag", async () => {
    const alice = as("alice")
    const none = isQkdError("data-missing")
    await assert.rejects(alice.decKeys("bob", [randomUUID()]), none)
    const keyId = (await alice.encKeys("bob"))[0]?.keyId ?? ""
    await assert.rejects(as("ben").decKeys("alice", [keyId]), isQkdError("access-denied"))
    await assert.rejects(alice.encKeys("bob", { keySizeBits: 65 }), isQkdError("invalid-value"))
    sites.keyManager.stockBits = 0
    await assert.rejects(alice.encKeys("bob"), isQkdError("resource-denied", "pool-empty"))
    const unknown = new QkdError("data-missing", "?", { appTag: "unknown-sae" })
    sites.desk.refusals.set("nobody", unknown)
    await assert.rejects(alice.encKeys("nobody"), isQkdError("invalid-value", "unknown-sae"))
  })

  it("talks to no other server than the one it was given", async () => {
    const wrongPin = as("alice", {
      proof: { pins: [spkiSha256(sites.pair("bob").certificatePem)] },
    })
    await assert.rejects(wrongPin.status("bob"), isQkdError("access-denied"))
    const foreign = { identity: sites.pair("alice"), authorities: [sites.authority.certificatePem] }
    const wrongAuthority = as("alice", { tls: foreign })
    await assert.rejects(wrongAuthority.status("bob"), isQkdError("access-denied"))
    await sites.stop()
    await assert.rejects(
      as("alice").status("bob"),
      isQkdError("operation-failed", "node-unreachable"),
    )
  })

  it("does not wait for ever, nor read for ever", async () => {
    let release = (): void => undefined
    sites.audit = () =>
      new Promise((resolve) => {
        release = resolve
      })
    const hasty = as("alice", { timeoutMs: 100 })
    await assert.rejects(hasty.encKeys("bob"), isQkdError("operation-failed", "timeout"))
    release()
    const narrow = as("alice", { maxBodyBytes: 50 })
    await assert.rejects(narrow.status("bob"), isQkdError("too-big"))
  })

  it("passes on no more of a refusal than fits into a report", async () => {
    const server = await listenHttps({
      ...{ host: "127.0.0.1", port: 0 },
      tls: {
        identity: issueServerCertificate(sites.serverAuthority, "kme", ["127.0.0.1"], validFor(1)),
        authorities: [sites.authority.certificatePem],
      },
      handler: (_request, response) => {
        response.writeHead(503).end(JSON.stringify({ message: "x".repeat(100_000) }))
      },
    })
    try {
      await assert.rejects(as("alice", { port: server.port }).encKeys("bob"), (error: Error) => {
        assert.ok(isQkdError("resource-denied")(error))
        return error.message.length === 500
      })
    } finally {
      await server.close()
    }
  })
})
