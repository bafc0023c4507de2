// Who gets an answer of ETSI GS QKD 014 at all: clause 5.1, threats N3, T1, I3. Asked by curl.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import {
  createAuthority,
  issueSaeCertificate,
  issueServerCertificate,
  validFor,
} from "../../src/transport/pki.js"
import { QkdError } from "../../src/errors.js"
import { callerOf } from "../../src/node/sae-identity.js"
import { errorIn, keysIn, Sites } from "./etsi014-site.js"
import type { Reply } from "./etsi014-site.js"

const HOUR = 3_600_000

describe("access to ETSI GS QKD 014", function () {
  this.slow(500)
  describe("where keys are made when they are asked for", () => {
    access(false)
  })
  describe("where keys lie ready", () => {
    access(true)
  })
})

function access(isReady: boolean): void {
  let sites: Sites

  beforeEach(async () => {
    sites = new Sites()
    if (isReady) sites.keysReady()
    await sites.serve()
  })

  afterEach(() => sites.close())

  function assertUnauthorized(reply: Reply): void {
    assert.equal(reply.status, 401)
    assert.equal(reply.body, "")
    assert.equal(reply.headers.get("content-type"), undefined)
  }

  function assertNoHttp(reply: Reply): void {
    assert.notEqual(reply.exit, 0)
    assert.equal(reply.status, 0)
    assert.equal(reply.body, "")
  }

  /** No request of the test so far reached keys or controller. */
  function assertUntouched(): void {
    assert.equal(sites.keyManager.made.length, 0)
    assert.equal(sites.desk.requests.length, 0)
    assert.equal(sites.audited.length, 0)
  }

  it("ends the connection of whoever shows no certificate, or one of a foreign authority", async () => {
    const foreign = createAuthority("sae clients", validFor(1))
    sites.certificate("foreign", issueSaeCertificate(foreign, "alice", validFor(1)))
    sites.policy = sites.policyOf()
    assertNoHttp(await sites.curl(null, "bob/enc_keys"))
    assertNoHttp(await sites.curl("foreign", "bob/enc_keys"))
    assertUntouched()
  })

  it("ends the connection of whoever shows a certificate for servers, its key pinned or not", async () => {
    const pair = issueServerCertificate(sites.authority, "amy", ["127.0.0.1"], validFor(1))
    sites.certificate("amy", pair)
    sites.policy = sites.policyOf()
    assertNoHttp(await sites.curl("amy", "bob/enc_keys"))
    assertUntouched()
    sites.certificate("amy", issueSaeCertificate(sites.authority, "amy", validFor(1)))
    sites.policy = sites.policyOf()
    assert.equal((await sites.curl("amy", "bob/status")).status, 200)
  })

  it("ends the connection of whoever shows an expired certificate, or one of tomorrow", async () => {
    const now = Date.now()
    for (const [name, from, to] of [
      ["old", now - 2 * HOUR, now - HOUR],
      ["early", now + HOUR, now + 2 * HOUR],
    ] as const) {
      const validity = { notBeforeMs: from, notAfterMs: to }
      sites.certificate(name, issueSaeCertificate(sites.authority, name, validity))
      sites.policy = sites.policyOf()
      assertNoHttp(await sites.curl(name, "bob/enc_keys"))
    }
    assertUntouched()
  })

  it("ends the connection of TLS 1.2 clients, unless the site's policy allows them", async () => {
    const old = ["--tls-max", "1.2"]
    assertNoHttp(await sites.curl("alice", "bob/status", ...old))
    await sites.stop()
    sites.policy = sites.policyOf({ minimum: { deliveryTls: "TLSv1.2" } })
    await sites.serve()
    assert.equal((await sites.curl("alice", "bob/status", ...old)).status, 200)
    assertNoHttp(await sites.curl("alice", "bob/status", "--tlsv1.1", "--tls-max", "1.1"))
    assertNoHttp(await sites.curl(null, "bob/status", ...old))
  })

  it("answers 401 to a certificate of the right authority whose key the policy does not pin", async () => {
    const spoof = issueSaeCertificate(sites.authority, "alice", validFor(1))
    // Pinned under another name at first: `certificate` adds what it stores to later policies only.
    sites.certificate("spoof", spoof)
    for (const target of ["bob/status", "bob/enc_keys", "bob/dec_keys?key_ID=x", "x/y", ""]) {
      assertUnauthorized(await sites.curl("spoof", target))
    }
    assertUnauthorized(await sites.post("spoof", "bob/enc_keys", "not even JSON"))
    assertUntouched()
  })

  it("answers 401 to a pinned key in a certificate that names someone else", async () => {
    // The policy pins this key for `spoof`; the certificate says `alice`.
    sites.certificate("spoof", issueSaeCertificate(sites.authority, "alice", validFor(1)))
    sites.policy = sites.policyOf()
    assertUnauthorized(await sites.curl("spoof", "bob/enc_keys"))
    assertUntouched()
    assert.equal((await sites.curl("alice", "bob/enc_keys")).status, 200)
  })

  it("N3: judges name, pin, address and time of a certificate exactly", () => {
    const { policy } = sites
    const [sae] = policy.document.saes
    assert.ok(sae?.saeId === "alice")
    const peer = {
      commonName: "alice",
      spkiSha256: sae.spkiSha256[0] ?? "",
      uris: ["urn:keyloom:sae:alice"],
      dnsNames: [],
      validFromMs: 1000,
      validToMs: 2000,
    }
    assert.equal(callerOf(peer, policy, 1500), "alice")
    assert.equal(callerOf({ ...peer, uris: [] }, policy, 1500), "alice")
    assert.equal(callerOf({ ...peer, uris: ["https://acme.example"] }, policy, 1500), "alice")
    assert.equal(callerOf(peer, policy, 1000), "alice")
    assert.equal(callerOf(peer, policy, 2000), "alice")
    for (const odd of [
      { commonName: "Alice" },
      { commonName: "alice " },
      { commonName: "bob" },
      { spkiSha256: "0".repeat(64) },
      { uris: ["urn:keyloom:sae:bob"] },
      { uris: ["urn:keyloom:sae:alice", "urn:keyloom:sae:bob"] },
      { uris: ["urn:keyloom:sae:"] },
    ]) {
      assert.equal(callerOf({ ...peer, ...odd }, policy, 1500), undefined, JSON.stringify(odd))
    }
    assert.equal(callerOf(peer, policy, 999), undefined)
    assert.equal(callerOf(peer, policy, 2001), undefined)
  })

  it("takes entitlement away in the middle of a connection when the policy does", async () => {
    const target = `https://127.0.0.1:${sites.port}/api/v1/keys/bob/enc_keys`
    let asked = 0
    sites.audit = (record) => {
      sites.audited.push(record)
      asked += 1
      const saes = sites.policy.document.saes.filter(({ saeId }) => saeId !== "alice")
      sites.policy = sites.policyOf({ version: 2, saes })
    }
    // One curl, one connection, two requests.
    const reply = await sites.curl(
      "alice",
      target,
      target,
      "--write-out",
      "|%{num_connects} %{http_code}|",
    )
    assert.equal(asked, 1)
    assert.match(reply.body, /\|1 200\|\|0 401\|$/)
  })

  it("holds a request against the policy of the moment, in the middle of a connection", async () => {
    const target = `https://127.0.0.1:${sites.port}/api/v1/keys/bob/enc_keys`
    sites.audit = (record) => {
      sites.audited.push(record)
      const limits = { minKeySizeBits: 512, maxKeySizeBits: 4096, maxKeysPerRequest: 128 }
      sites.policy = sites.policyOf({ version: 2, limits })
    }
    const reply = await sites.curl("alice", target, target, "--write-out", "|%{num_connects}|")
    assert.deepEqual(
      sites.audited.map(({ keySizeBits }) => keySizeBits),
      [256, 512],
    )
    assert.match(reply.body, /\|1\|.*\|0\|$/)
    assert.equal(sites.keyManager.orders.length, isReady ? 0 : 2)
  })

  it("answers only once the audit trail holds the line: all that was asked meanwhile waits for it", async () => {
    let durable = (): void => undefined
    const held = new Promise<void>((resolve) => (durable = resolve))
    sites.audit = (record) => {
      sites.audited.push(record)
      return held
    }
    let answered = 0
    const replies = [1, 2].map(async () => {
      const reply = await sites.curl("alice", "bob/enc_keys")
      answered += 1
      return reply
    })
    while (sites.audited.length < 2) await new Promise((resolve) => setTimeout(resolve, 10))
    // A round trip of another connection, which an answer sent at once would have come before.
    assert.equal((await sites.curl("alice", "bob/status")).status, 200)
    assert.equal(answered, 0)
    assert.ok(sites.keyManager.handedOut.every((key) => !key.wiped))
    durable()
    for (const reply of await Promise.all(replies)) assert.equal(reply.status, 200)
    assert.ok(sites.keyManager.handedOut.every((key) => key.wiped))
  })

  it("is refused for an audit trail that has no room, before any key is spent", async () => {
    await sites.stop()
    await sites.serve({
      auditable: () => {
        throw new QkdError("resource-denied", "no room on the disk")
      },
    })
    const reply = await sites.curl("alice", "bob/enc_keys")
    assert.deepEqual([reply.status, errorIn(reply).message], [503, "the KME is at its limits"])
    assertUntouched()
  })

  it("delivers nothing that was not audited before", async () => {
    const seen: boolean[] = []
    sites.audit = (record) => {
      seen.push(sites.keyManager.handedOut.some((key) => key.wiped))
      sites.audited.push(record)
    }
    const enc = await sites.curl("alice", "bob/enc_keys?number=2&size=128")
    const ids = [...keysIn(enc).keys()]
    assert.deepEqual(seen, [false])
    await sites.curl("bob", `alice/dec_keys?key_ID=${ids[0] ?? ""}`)
    assert.deepEqual(sites.audited, [
      { method: "enc_keys", saeId: "alice", peerSaeId: "bob", keyIds: ids, keySizeBits: 128 },
      { method: "dec_keys", saeId: "bob", peerSaeId: "alice", keyIds: [ids[0]], keySizeBits: 128 },
    ])
    sites.audit = () => Promise.reject(new Error("disk full"))
    for (const reply of [
      await sites.curl("alice", "bob/enc_keys"),
      await sites.curl("bob", `alice/dec_keys?key_ID=${ids[1] ?? ""}`),
    ]) {
      assert.equal(reply.status, 503)
      assert.deepEqual(JSON.parse(reply.body), { message: "internal error" })
    }
  })

  it("D3: wipes every key it was handed, delivered or not, and logs none of them", async () => {
    const { key } = await sites.curl("alice", "bob/enc_keys?number=5").then((reply) => ({
      key: [...keysIn(reply)][0] ?? ["", ""],
    }))
    await sites.curl("bob", `alice/dec_keys?key_ID=${key[0]}`)
    sites.audit = () => Promise.reject(new Error("disk full"))
    await sites.curl("alice", "bob/enc_keys")
    assert.equal(sites.keyManager.handedOut.length, 7)
    assert.ok(sites.keyManager.handedOut.every((secret) => secret.wiped))
    const told = JSON.stringify([sites.logged, sites.audited])
    for (const { key: made } of sites.keyManager.made) {
      for (const form of ["base64", "hex"] as const) assert.ok(!told.includes(made.toString(form)))
    }
  })

  it("does not deliver keys of another size, number or id than asked for, should the key manager err", async () => {
    const { keyManager } = sites
    const real = keyManager.make.bind(keyManager)
    keyManager.make = (master, slaves, count) => real(master, slaves, count, 64)
    assert.equal((await sites.curl("alice", "bob/enc_keys?size=128")).status, 503)
    keyManager.make = (master, slaves, count, bits) => real(master, slaves, count + 1, bits)
    assert.equal((await sites.curl("alice", "bob/enc_keys")).status, 503)
    keyManager.make = () => []
    assert.equal((await sites.curl("alice", "bob/enc_keys")).status, 503)
    keyManager.takeKeys = () => Promise.resolve(real("alice", ["bob"], 1, 256))
    assert.equal((await sites.curl("bob", `alice/dec_keys?key_ID=${randomUUID()}`)).status, 503)
    assert.ok(keyManager.handedOut.every((secret) => secret.wiped))
    assert.equal(sites.audited.length, 0)
  })

  describe("to keys of others (T1)", () => {
    const comparable = (reply: Reply): unknown => {
      const headers = new Map(reply.headers)
      headers.delete("date")
      return { ...reply, headers: [...headers] }
    }

    it("T1: answers to unknown and spent ids in the same form", async () => {
      const enc = await sites.curl("alice", "bob/enc_keys")
      const [id = ""] = keysIn(enc).keys()
      await sites.curl("bob", `alice/dec_keys?key_ID=${id}`)
      const spent = await sites.curl("bob", `alice/dec_keys?key_ID=${id}`)
      const unknown = await sites.curl("bob", `alice/dec_keys?key_ID=${randomUUID()}`)
      assert.equal(spent.status, 400)
      assert.deepEqual(comparable(spent), comparable(unknown))
    })

    it("T1: gives every SAE exactly the keys that were made for it", async () => {
      const all = ["alice", "amy", "bob", "ben"]
      for (const master of all) {
        for (const slave of all.filter((other) => other !== master)) {
          const enc = keysIn(await sites.curl(master, `${slave}/enc_keys`))
          const [[id = "", key] = []] = enc
          for (const caller of all) {
            for (const claimed of all) {
              if (caller === slave && claimed === master) continue
              const reply = await sites.curl(caller, `${claimed}/dec_keys?key_ID=${id}`)
              assertUnauthorized(reply)
            }
          }
          const taken = await sites.curl(slave, `${master}/dec_keys?key_ID=${id}`)
          assert.equal(keysIn(taken).get(id), key)
        }
      }
    }).timeout(60_000)

    it("T1: answers to others' ids as to unknown ones where the site wants it so", async () => {
      await sites.stop()
      await sites.serve({ hideForeignKeys: true })
      const [id = ""] = keysIn(await sites.curl("alice", "bob/enc_keys")).keys()
      const unknown = await sites.curl("ben", `alice/dec_keys?key_ID=${randomUUID()}`)
      const foreign = await sites.curl("ben", `alice/dec_keys?key_ID=${id}`)
      assert.equal(foreign.status, 400)
      assert.deepEqual(comparable(foreign), comparable(unknown))
    })
  })
}
