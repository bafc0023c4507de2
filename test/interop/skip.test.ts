// SKIP (draft-cisco-skip-02) in the order of its sections, asked with curl, of two sites with real key managers. Each
// line of a table is a check of its own.

import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { createHash, randomBytes, randomUUID } from "node:crypto"
import path from "node:path"
import type { DeliveryRecord } from "../../src/node/delivery-record.js"
import type { Face } from "../../src/node/http-face.js"
import { listenSkip } from "../../src/node/skip.js"
import { keysOf, TwoSites } from "./etsi014-sites.js"
import type { Site } from "./etsi014-sites.js"

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

interface Told {
  readonly status: number
  readonly body: string
}

interface Key {
  readonly keyId: string
  readonly key: string
}

describe("SKIP by its sections", function () {
  this.slow(2000)
  const sites = new TwoSites()
  const faces: Record<Site, Face | undefined> = { A: undefined, B: undefined }
  const audited: DeliveryRecord[] = []
  let auditFault: Error | undefined
  const preSharedKeys = new Map<string, Uint8Array>()
  /** Once the keys were looked at. */
  let lookedAt = (): void => undefined

  before(async () => {
    await sites.start()
    await sites.feed(24)
    for (const site of ["A", "B"] as const) {
      const parts = sites.parts(site)
      faces[site] = await listenSkip({
        ...parts,
        livesHere: (saeId) => parts.policy().ownsSae(saeId),
        tls: sites.tls(site),
        preSharedKeys: () => {
          const known = new Map(preSharedKeys)
          lookedAt()
          return known
        },
        remoteSystems: ["b*", "al?ce", "carol/*", "nobody", "amy"],
        audit: (record) => {
          if (auditFault !== undefined) throw auditFault
          audited.push(record)
        },
      })
    }
  })
  after(async () => {
    await faces.A?.close()
    await faces.B?.close()
    await sites.close()
  })

  /** As the encryptor of that SAE; null shows no certificate. */
  function ask(who: string | null, target: string, ...more: string[]): Promise<Told> {
    const site: Site = who === null || ["alice", "amy"].includes(who) ? "A" : "B"
    const file = path.join(sites.folder, encodeURIComponent(who ?? ""))
    const args = [
      ...["--silent", "--max-time", "10", "--path-as-is", "--globoff"],
      ...["--cacert", path.join(sites.folder, "ca.pem"), "--write-out", "\n%{http_code}"],
      ...(who === null ? [] : ["--cert", `${file}.pem`, "--key", `${file}.key`]),
      ...[...more, `https://127.0.0.1:${faces[site]?.port ?? 0}${target}`],
    ]
    return new Promise((resolve) => {
      execFile("curl", args, { encoding: "utf8" }, (_error, stdout) => {
        const lines = stdout.split("\n")
        resolve({ status: Number(lines.pop()), body: lines.join("\n") })
      })
    })
  }

  const keyOf = (told: Told): Key => {
    assert.equal(told.status, 200, told.body)
    const key = JSON.parse(told.body) as Key
    assert.deepEqual(Object.keys(key), ["keyId", "key"])
    return key
  }

  describe("transport", () => {
    for (const [what, who, more] of [
      ["no certificate", null, []],
      ["TLS 1.2 where the site does not allow it", "alice", ["--tls-max", "1.2"]],
    ] as const)
      it(`ends the connection: ${what}`, async () => {
        assert.equal((await ask(who, "/capabilities", ...more)).status, 0)
      })

    it("answers 401 to who is no SAE of this site", async () => {
      const { port } = faces.A ?? { port: 0 }
      const file = path.join(sites.folder, "bob")
      const { status } = await new Promise<Told>((resolve) => {
        const args = ["--silent", "--cacert", path.join(sites.folder, "ca.pem")]
        args.push("--cert", `${file}.pem`, "--key", `${file}.key`, "--write-out", "%{http_code}")
        execFile("curl", [...args, `https://127.0.0.1:${port}/capabilities`], (_, body) => {
          resolve({ status: Number(body), body })
        })
      })
      assert.equal(status, 401)
    })

    for (const target of ["/", "/keys", "/key/", "/capabilities/x", "/api/v1/keys/bob/status"])
      it(`answers ${target === "/key/" ? "400: no key id" : "404"}: ${target}`, async () => {
        const { status } = await ask("alice", target)
        assert.equal(status, target === "/key/" ? 400 : 404)
      })

    for (const method of ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
      it(`answers 405: ${method}`, async () => {
        const how = method === "HEAD" ? ["--head"] : ["--request", method]
        assert.equal((await ask("alice", "/key?remoteSystemID=bob", ...how)).status, 405)
      })
  })

  describe("transport with pre-shared keys", () => {
    const [good, other] = [randomBytes(32), randomBytes(32)]
    before(() => {
      preSharedKeys.set("alice", good)
      preSharedKeys.set("bob", other)
      preSharedKeys.set("amy", randomBytes(32))
      for (const saeId of ["alice", "bob"])
        sites.pskPins.set(saeId, sha256(preSharedKeys.get(saeId) ?? good))
    })

    /** As an encryptor does that has no certificate; what OpenSSL prints. */
    function call(identity: string, key: Uint8Array, target: string, ...more: string[]) {
      const tls = more.length > 0 ? more : ["-tls1_2", "-cipher", "PSK"]
      const args = ["s_client", "-quiet", "-connect", `127.0.0.1:${faces.A?.port ?? 0}`]
      args.push("-psk_identity", identity, "-psk", Buffer.from(key).toString("hex"), ...tls)
      return new Promise<string>((resolve) => {
        const child = execFile("openssl", args, { timeout: 10_000 }, (_, out, fault) => {
          resolve(out === "" ? fault : out)
        })
        child.stdin?.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      })
    }

    for (const cipher of ["DHE-PSK-AES256-CBC-SHA384", "DHE-PSK-AES256-GCM-SHA384"])
      it(`gives keys over TLS 1.2 with ${cipher}`, async () => {
        const how = ["-tls1_2", "-cipher", cipher]
        const said = await call("alice", good, "/key?remoteSystemID=bob", ...how)
        assert.match(said, /^HTTP\/1.1 200 /)
        const key = JSON.parse(said.slice(said.indexOf("\r\n\r\n"))) as Key
        const fetched = await ask("bob", `/key/${key.keyId}?remoteSystemID=alice`)
        assert.deepEqual(keyOf(fetched), key)
      })

    it("tells the SAE whose key it is", async () => {
      assert.match(await call("alice", good, "/capabilities"), /"localSystemID":"alice"/)
    })

    it("ends the connection of a wrong key and of an unknown identity, with the same alert", async () => {
      const alerts = await Promise.all(
        [call("alice", other, "/capabilities"), call("eve", good, "/capabilities")].map(
          async (said) => /alert[^:]*/.exec(await said)?.[0],
        ),
      )
      assert.ok(alerts[0] !== undefined)
      assert.equal(alerts[0], alerts[1])
    })

    it("does not take who knew the old key for one who knows the new, however close the exchange", async () => {
      preSharedKeys.set("alice", other)
      lookedAt = () => preSharedKeys.set("alice", good)
      try {
        assert.doesNotMatch(await call("alice", other, "/capabilities"), /HTTP/)
      } finally {
        lookedAt = () => undefined
      }
      assert.match(await call("alice", good, "/capabilities"), /^HTTP\/1.1 200 /)
    })

    it("answers 401 to another site's SAE, and to a key that the policy does not pin", async () => {
      assert.match(await call("bob", other, "/capabilities"), /^HTTP\/1.1 401 /)
      const unpinned = preSharedKeys.get("amy") ?? good
      assert.match(await call("amy", unpinned, "/capabilities"), /^HTTP\/1.1 401 /)
    })

    it("ends the connection of such a key over TLS 1.3, and of a certificate over TLS 1.2", async () => {
      for (const suite of ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"]) {
        const how = ["-tls1_3", "-ciphersuites", suite]
        assert.doesNotMatch(await call("alice", good, "/capabilities", ...how), /HTTP/)
      }
      assert.equal((await ask("alice", "/capabilities", "--tls-max", "1.2")).status, 0)
    })
  })

  describe("capabilities", () => {
    it("names the caller as local system and what may be asked for", async () => {
      const told = await ask("alice", "/capabilities")
      assert.equal(told.status, 200)
      assert.deepEqual(JSON.parse(told.body), {
        entropy: true,
        key: true,
        algorithm: "QKD",
        localSystemID: "alice",
        remoteSystemID: ["b*", "al?ce", "carol/*", "nobody", "amy"],
      })
    })

    it("takes no query", async () => {
      assert.equal((await ask("alice", "/capabilities?x=1")).status, 400)
    })
  })

  describe("key", () => {
    it("gives a new key of 256 bits, which the other end gets by its id, once", async () => {
      const key = keyOf(await ask("alice", "/key?remoteSystemID=bob"))
      assert.match(key.keyId, /^[0-9a-f]{32}$/)
      assert.match(key.key, /^[0-9a-f]{64}$/)
      const fetched = `/key/${key.keyId}?remoteSystemID=alice`
      assert.deepEqual(keyOf(await ask("bob", fetched)), key)
      assert.equal((await ask("bob", fetched)).status, 400)
    })

    it("gives the size asked for, and takes an id in capitals", async () => {
      const key = keyOf(await ask("bob", "/key?remoteSystemID=alice&size=128"))
      assert.equal(key.key.length, 32)
      const fetched = await ask("alice", `/key/${key.keyId.toUpperCase()}?remoteSystemID=bob`)
      assert.deepEqual(keyOf(fetched), key)
    })

    it("gives keys between systems of one site, and for ids that need encoding", async () => {
      const near = keyOf(await ask("amy", "/key?remoteSystemID=alice"))
      assert.deepEqual(keyOf(await ask("alice", `/key/${near.keyId}?remoteSystemID=amy`)), near)
      const far = keyOf(await ask("alice", "/key?remoteSystemID=carol%2F%C3%A9"))
      assert.deepEqual(keyOf(await ask("carol/é", `/key/${far.keyId}?remoteSystemID=alice`)), far)
    })

    it("shares its store with ETSI 014: one end may speak either", async () => {
      const key = keyOf(await ask("alice", "/key?remoteSystemID=bob"))
      const id = key.keyId.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")
      const told = await sites.ask({ who: "bob", target: `alice/dec_keys?key_ID=${id}` })
      assert.equal(Buffer.from(keysOf(told).keys[0]?.key ?? "", "base64").toString("hex"), key.key)
      assert.equal((await ask("bob", `/key/${key.keyId}?remoteSystemID=alice`)).status, 400)
    })

    for (const [what, target] of [
      ["no remoteSystemID", "/key"],
      ["an empty remoteSystemID", "/key?remoteSystemID="],
      ["a system that is not offered", "/key?remoteSystemID=dave"],
      ["a system that nobody has", "/key?remoteSystemID=nobody"],
      ["the caller itself", "/key?remoteSystemID=alice"],
      ["size in bytes and a half", "/key?remoteSystemID=bob&size=12"],
      ["size of no number", "/key?remoteSystemID=bob&size=big"],
      ["size below the site's", "/key?remoteSystemID=bob&size=8"],
      ["size above the site's", "/key?remoteSystemID=bob&size=999992"],
      ["size twice", "/key?remoteSystemID=bob&size=256&size=256"],
      ["an unknown parameter", "/key?remoteSystemID=bob&number=2"],
      ["bad percent encoding", "/key?remoteSystemID=%zz"],
      ["a body", "/key?remoteSystemID=bob"],
    ] as const)
      it(`answers 400: ${what}`, async () => {
        const more = what === "a body" ? ["--request", "GET", "--data", "{}"] : []
        const before = audited.length
        assert.equal((await ask("alice", target, ...more)).status, 400)
        assert.equal(audited.length, before, "no key was spent")
      })

    for (const [what, keyId] of [
      ["an id that is no hex", "z".repeat(32)],
      ["an id that is too short", "00ff"],
      ["an unknown id", randomUUID().replaceAll("-", "")],
    ] as const)
      it(`answers 400: ${what}`, async () => {
        assert.equal((await ask("bob", `/key/${keyId}?remoteSystemID=alice`)).status, 400)
      })

    it("tells nobody else's key from one that does not exist", async () => {
      const { keyId } = keyOf(await ask("alice", "/key?remoteSystemID=bob"))
      const none = await ask("ben", `/key/${"0".repeat(32)}?remoteSystemID=alice`)
      assert.deepEqual(await ask("ben", `/key/${keyId}?remoteSystemID=alice`), none)
      assert.deepEqual(await ask("bob", `/key/${keyId}?remoteSystemID=amy`), none)
      assert.equal((await ask("bob", `/key/${keyId}?remoteSystemID=alice`)).status, 200)
    })

    it("audits each key before it leaves, and answers 500 with no key when it cannot", async () => {
      audited.length = 0
      const { keyId } = keyOf(await ask("alice", "/key?remoteSystemID=bob"))
      await ask("bob", `/key/${keyId}?remoteSystemID=alice`)
      assert.deepEqual(
        audited.map(({ method, saeId }) => [method, saeId]),
        [
          ["skip_new_key", "alice"],
          ["skip_key", "bob"],
        ],
      )
      auditFault = new Error("disk")
      const told = await ask("alice", "/key?remoteSystemID=bob")
      auditFault = undefined
      assert.deepEqual(told, { status: 500, body: "internal error\n" })
    })
  })

  describe("entropy", () => {
    for (const [query, bits] of [
      ["", 256],
      ["?minentropy=128", 128],
      ["?minentropy=1", 8],
      ["?minentropy=65536", 65536],
    ] as const)
      it(`gives ${bits} bits: /entropy${query}`, async () => {
        const [one, two] = [await ask("bob", `/entropy${query}`), await ask("bob", "/entropy")]
        const { randomStr, minentropy } = JSON.parse(one.body) as Record<string, unknown>
        assert.equal(minentropy, bits)
        assert.match(String(randomStr), new RegExp(`^[0-9a-f]{${bits / 4}}$`))
        assert.notEqual(one.body, two.body)
      })

    for (const query of ["?minentropy=0", "?minentropy=-1", "?minentropy=65537", "?bits=8"])
      it(`answers 400: /entropy${query}`, async () => {
        assert.equal((await ask("bob", `/entropy${query}`)).status, 400)
      })
  })

  describe("last of all", () => {
    it("answers 503 where the network has no key left", async () => {
      const target = "ben/enc_keys?number=128&size=4096"
      while ((await sites.ask({ who: "alice", target })).status === 200);
      for (let told = 200; told === 200; )
        told = (await sites.ask({ who: "alice", target: "ben/enc_keys?size=4096" })).status
      assert.equal((await ask("alice", "/key?remoteSystemID=ben&size=4096")).status, 503)
    })
  })
})
