// ETSI GS QKD 014 V1.1.1, clauses 5 and 6, asked by curl.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { QkdError } from "../../src/errors.js"
import { node } from "../keys/policy-fixture.js"
import { errorIn, keysIn, Sites } from "./etsi014-site.js"
import type { Reply } from "./etsi014-site.js"

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe("ETSI GS QKD 014", function () {
  this.slow(500)
  let sites: Sites

  beforeEach(async () => {
    sites = new Sites()
    await sites.serve()
  })

  afterEach(() => sites.close())

  function assertJson(reply: Reply, status: number): void {
    assert.equal(reply.status, status, reply.body)
    assert.equal(reply.headers.get("content-type"), "application/json")
    assert.equal(reply.headers.get("cache-control"), "no-store")
    assert.equal(reply.headers.get("content-length"), String(Buffer.byteLength(reply.body)))
  }

  function assertError(reply: Reply, status: number, message: string | RegExp): void {
    assertJson(reply, status)
    const { message: said } = errorIn(reply)
    if (typeof message === "string") assert.equal(said, message)
    else assert.match(said, message)
  }

  describe("Get status (5.2)", () => {
    it("tells the figures of table 9", async () => {
      await sites.desk.request("alice", ["bob"], {})
      sites.keyManager.stockBits = 256 * 17 + 5
      const reply = await sites.curl("alice", "bob/status")
      assertJson(reply, 200)
      assert.deepEqual(JSON.parse(reply.body), {
        source_KME_ID: node(1),
        target_KME_ID: node(2),
        master_SAE_ID: "alice",
        slave_SAE_ID: "bob",
        key_size: 256,
        stored_key_count: 17,
        max_key_count: 1024,
        max_key_per_request: 128,
        max_key_size: 4096,
        min_key_size: 64,
        max_SAE_ID_count: 16,
      })
    })

    it("tells of a peer never asked for that no key is stored yet, and sets up no path", async () => {
      const known = JSON.parse((await sites.curl("alice", "zoe/status")).body) as object
      assert.deepEqual({ ...known, stored_key_count: 0, target_KME_ID: node(2) }, known)
      const stranger = await sites.curl("alice", "nobody/status")
      assert.equal((JSON.parse(stranger.body) as { target_KME_ID: string }).target_KME_ID, "")
      assert.equal(sites.desk.requests.length, 0)
    })

    it("tells of keys between SAEs of one site that there are always more", async () => {
      const said = JSON.parse((await sites.curl("alice", "amy/status")).body) as Record<
        string,
        unknown
      >
      assert.equal(said.stored_key_count, said.max_key_count)
      const own = JSON.parse((await sites.curl("alice", "alice/status")).body) as typeof said
      assert.equal(own.stored_key_count, 0)
      assert.equal(keysIn(await sites.curl("alice", "amy/enc_keys")).size, 1)
    })

    it("T5: shows a quota, not the shared stock", async () => {
      await sites.desk.request("alice", ["bob"], {})
      sites.keyManager.stockBits = 256 * 1025
      const before = await sites.curl("alice", "bob/status")
      sites.keyManager.stockBits = 256 * 5000
      const after = await sites.curl("alice", "bob/status")
      assert.equal(after.body, before.body)
    })

    it("takes no query, no body and no other method", async () => {
      assertError(await sites.curl("alice", "bob/status?x=1"), 400, /unknown parameter/)
      const body = await sites.curl("alice", "bob/status", "-X", "GET", "--data", "{}")
      assertError(body, 400, "GET takes no body")
      const post = await sites.post("alice", "bob/status", {})
      assert.equal(post.status, 405)
      assert.equal(post.headers.get("allow"), "GET")
    })
  })

  describe("Get key (5.3)", () => {
    it("gives one 256-bit key by default, to GET and POST alike", async () => {
      for (const ask of [
        () => sites.curl("alice", "bob/enc_keys"),
        () => sites.post("alice", "bob/enc_keys", {}),
      ]) {
        const reply = await ask()
        assertJson(reply, 200)
        const [[id = "", key = ""] = []] = keysIn(reply)
        assert.equal(keysIn(reply).size, 1)
        assert.match(id, UUID)
        assert.equal(Buffer.from(key, "base64").length, 32)
        const made = sites.keyManager.made.at(-1)
        assert.deepEqual({ id, key }, { id: made?.keyId, key: made?.key.toString("base64") })
      }
    })

    it("gives as many keys of the size asked for, in bits, all different", async () => {
      for (const reply of [
        await sites.curl("alice", "bob/enc_keys?number=128&size=72"),
        await sites.curl("alice", "bob/enc_keys?size=72&number=128"),
        await sites.post("alice", "bob/enc_keys", { number: 128, size: 72 }),
      ]) {
        assertJson(reply, 200)
        const keys = keysIn(reply)
        assert.equal(keys.size, 128)
        assert.equal(new Set(keys.values()).size, 128)
        for (const key of keys.values()) assert.equal(Buffer.from(key, "base64").length, 9)
      }
    })

    it("is written as any JSON writer would write it", async () => {
      for (const size of [64, 72, 80, 4096]) {
        const { body } = await sites.curl("alice", `bob/enc_keys?number=3&size=${size}`)
        assert.equal(JSON.stringify(JSON.parse(body)), body)
      }
    })

    it("sets up the path for a peer never seen before, and the same call answers with a key", async () => {
      const reply = await sites.curl("alice", "bob/enc_keys")
      assertJson(reply, 200)
      assert.deepEqual(sites.desk.requests, [{ saeId: "alice", peerSaeIds: ["bob"], qos: {} }])
      assertJson(await sites.curl("alice", "bob/enc_keys"), 200)
      assert.equal(sites.desk.requests.length, 1)
    })

    it("ignores optional extensions, and takes empty lists", async () => {
      const reply = await sites.post("alice", "bob/enc_keys", {
        extension_optional: [{ acme_route: "direct" }, {}],
        extension_mandatory: [],
        additional_slave_SAE_IDs: [],
      })
      assertJson(reply, 200)
    })

    it("refuses sizes as the standard says", async () => {
      const eight = "size shall be a multiple of 8"
      for (const size of [65, 257, 1, 4097]) {
        assertError(await sites.curl("alice", `bob/enc_keys?size=${size}`), 400, eight)
        assertError(await sites.post("alice", "bob/enc_keys", { size }), 400, eight)
      }
      for (const size of [0, 56, 4104, -8]) {
        assertError(await sites.post("alice", "bob/enc_keys", { size }), 400, /64 to 4096 bits/)
      }
    })

    it("refuses unknown mandatory extensions in the standard's words", async () => {
      const reply = await sites.post("alice", "bob/enc_keys", {
        extension_mandatory: [{ acme_route: "direct" }],
      })
      assertError(reply, 400, "not all extension_mandatory parameters are supported")
    })

    it("refuses numbers outside what it announces", async () => {
      for (const number of [0, -1, 129, 1_000_000_000]) {
        assertError(await sites.post("alice", "bob/enc_keys", { number }), 400, /from 1 to 128/)
      }
    })

    const refusals: readonly [string, unknown, number, RegExp][] = [
      ["unknown-sae", "unknown-sae", 400, /no KME has an SAE of this id/],
      ["no-path", "no-path", 503, /no path/],
      ["no-capacity", "no-capacity", 503, /free key rate/],
      ["timeout", "timeout", 503, /did not answer/],
      ["policy", "policy", 503, /policy/],
      ["a bug", undefined, 503, /^internal error$/],
    ]
    for (const [what, appTag, status, message] of refusals) {
      it(`says why there is no key: ${what}`, async () => {
        const fault =
          appTag === undefined
            ? new TypeError("secret detail of node 7")
            : new QkdError("operation-failed", "secret detail of node 7", {
                appTag: appTag as "no-path",
              })
        sites.desk.refusals.set("zoe", fault)
        const reply = await sites.curl("alice", "zoe/enc_keys")
        assertError(reply, status, message)
        assert.ok(!reply.body.includes("node 7"), "the controller's text stays inside")
        assert.equal(sites.keyManager.made.length, 0)
        const said = JSON.stringify(sites.logged.map(({ facts }) => String(facts.reason)))
        if (appTag !== undefined) assert.ok(said.includes("node 7"), "the operator's log has it")
      })
    }

    it("says that no key is left, and hands out none of a batch it cannot fill", async () => {
      sites.keyManager.stockBits = 256 * 3
      assertError(await sites.curl("alice", "bob/enc_keys?number=4"), 503, /no key left/)
      assertJson(await sites.curl("alice", "bob/enc_keys?number=3"), 200)
      assertError(await sites.curl("alice", "bob/enc_keys"), 503, /no key left/)
    })

    it("refuses a key for the caller itself", async () => {
      assertError(await sites.curl("alice", "alice/enc_keys"), 400, /itself/)
    })
  })

  describe("Get key with key IDs (5.4)", () => {
    async function enc(number = 1): Promise<Map<string, string>> {
      return keysIn(await sites.curl("alice", `bob/enc_keys?number=${number}`))
    }
    const ids = (keys: Iterable<string>): object => ({
      key_IDs: [...keys].map((key_ID) => ({ key_ID })),
    })
    const notFound = "one or more keys specified are not found on KME"

    it("gives the slave the same keys, in the order asked for", async () => {
      const keys = [...(await enc(20))].reverse()
      const reply = await sites.post("bob", "alice/dec_keys", ids(keys.map(([id]) => id)))
      assertJson(reply, 200)
      assert.deepEqual([...keysIn(reply)], keys)
    })

    it("gives one key to GET, whatever the case of its id", async () => {
      const keys = [...(await enc(2))]
      for (const [at, [id, key]] of keys.entries()) {
        const asked = at === 0 ? id : id.toUpperCase()
        const reply = await sites.curl("bob", `alice/dec_keys?key_ID=${asked}`)
        assertJson(reply, 200)
        assert.deepEqual([...keysIn(reply)], [[id, key]])
      }
    })

    it("delivers each key once", async () => {
      const [[id = ""] = []] = await enc()
      assertJson(await sites.curl("bob", `alice/dec_keys?key_ID=${id}`), 200)
      assertError(await sites.curl("bob", `alice/dec_keys?key_ID=${id}`), 400, notFound)
    })

    it("delivers all or none", async () => {
      const known = [...(await enc(2)).keys()]
      const reply = await sites.post("bob", "alice/dec_keys", ids([...known, randomUUID()]))
      assertError(reply, 400, notFound)
      assertJson(await sites.post("bob", "alice/dec_keys", ids(known)), 200)
    })

    it("answers 401 without a body to whom the key was not meant for, and to a wrong master", async () => {
      const [[id = ""] = []] = await enc()
      for (const reply of [
        await sites.curl("ben", `alice/dec_keys?key_ID=${id}`),
        await sites.curl("alice", `alice/dec_keys?key_ID=${id}`),
        await sites.curl("bob", `amy/dec_keys?key_ID=${id}`),
      ]) {
        assert.equal(reply.status, 401)
        assert.equal(reply.body, "")
        assert.equal(reply.headers.get("content-length"), "0")
        assert.equal(reply.headers.get("cache-control"), "no-store")
      }
      assertJson(await sites.curl("bob", `alice/dec_keys?key_ID=${id}`), 200)
    })

    it("ignores extensions that are objects", async () => {
      const [[key_ID = ""] = []] = await enc()
      const body = { key_IDs: [{ key_ID, key_ID_extension: { a: 1 } }], key_IDs_extension: {} }
      assertJson(await sites.post("bob", "alice/dec_keys", body), 200)
    })

    it("refuses to name a key twice: it would be delivered twice", async () => {
      const [[id = ""] = []] = await enc()
      const reply = await sites.post("bob", "alice/dec_keys", ids([id, id.toUpperCase()]))
      assertError(reply, 400, /twice/)
      assertJson(await sites.curl("bob", `alice/dec_keys?key_ID=${id}`), 200)
    })

    it("refuses more ids than it announces, none, and what is no id", async () => {
      const many = ids(Array.from({ length: 129 }, () => randomUUID()))
      assertError(await sites.post("bob", "alice/dec_keys", many), 400, /at most 128/)
      for (const body of [{}, { key_IDs: [] }, { key_IDs: {} }, { key_IDs: null }]) {
        assertError(await sites.post("bob", "alice/dec_keys", body), 400, /key_IDs/)
      }
      for (const key_ID of [undefined, null, 7, "", "x", `${randomUUID()}0`]) {
        const reply = await sites.post("bob", "alice/dec_keys", { key_IDs: [{ key_ID }] })
        assertError(reply, 400, /UUID/)
      }
      assertError(await sites.curl("bob", "alice/dec_keys"), 400, /key_ID is missing/)
      assertError(await sites.curl("bob", "alice/dec_keys?key_ID=7"), 400, /UUID/)
    })
  })

  it("takes SAE ids percent-encoded, slashes and accents included", async () => {
    const encoded = encodeURIComponent("a/b é")
    const reply = await sites.curl("alice", `${encoded}/enc_keys`)
    assertJson(reply, 200)
    assert.deepEqual(sites.desk.requests[0]?.peerSaeIds, ["a/b é"])
    const [[id = "", key] = []] = keysIn(reply)
    const back = await sites.curl("a/b é", `alice/dec_keys?key_ID=${id}`)
    assertJson(back, 200)
    assert.equal(keysIn(back).get(id), key)
  })
})
