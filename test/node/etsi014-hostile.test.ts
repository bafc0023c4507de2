// What ETSI GS QKD 014 answers to requests that are wrong, too big, too many or cut off. Asked by curl, and by
// bare TLS where curl is too polite.

import assert from "node:assert/strict"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import path from "node:path"
import { connectMutualTls } from "../../src/transport/tls.js"
import { ERROR_TAGS, QkdError } from "../../src/errors.js"
import { errorIn, keysIn, Sites } from "./etsi014-site.js"
import type { Reply } from "./etsi014-site.js"

describe("hostile ETSI GS QKD 014 requests", function () {
  this.slow(500)
  let sites: Sites

  beforeEach(async () => {
    sites = new Sites()
    await sites.serve()
  })

  afterEach(() => sites.close())

  function assertRefused(reply: Reply, message: RegExp): void {
    assert.equal(reply.status, 400, reply.body)
    assert.match(errorIn(reply).message, message)
    assert.equal(
      sites.keyManager.made.length,
      0,
      "a malformed request must not become a default one",
    )
  }

  const bodies: readonly [string, string, RegExp][] = [
    ["nothing", "", /JSON/],
    ["no JSON", "{number:1}", /JSON/],
    ["something after the object", "{} {}", /JSON/],
    ["an array", "[]", /object/],
    ["null", "null", /object/],
    ["a member twice", '{"number":1,"number":2}', /twice/],
    ["a member twice, once escaped", '{"number":1,"n\\u0075mber":2}', /twice/],
    ["an unknown member", '{"count":1}', /unknown member/],
    ["a member in other case", '{"Number":1}', /unknown member/],
    ["__proto__", '{"__proto__":{"number":1}}', /JSON/],
    ["a number as text", '{"number":"1"}', /integer/],
    ["a fraction", '{"number":1.5}', /integer/],
    ["null for a number", '{"size":null}', /integer/],
    ["a number beyond all", '{"number":1e999}', /JSON/],
    ["slaves that are no array", '{"additional_slave_SAE_IDs":"bob"}', /additional_slave/],
    ["slaves that are no text", '{"additional_slave_SAE_IDs":[1]}', /additional_slave/],
    ["extensions that are no array", '{"extension_mandatory":{}}', /extension_mandatory/],
    ["extensions that are no objects", '{"extension_optional":["x"]}', /extension_optional/],
  ]
  for (const [what, body, message] of bodies) {
    it(`refuses a key request of ${what}`, async () => {
      assertRefused(await sites.post("alice", "bob/enc_keys", body), message)
    })
  }

  it("refuses key IDs with unknown members, wrong extensions or a member twice", async () => {
    const id = "00000000-0000-4000-8000-000000000000"
    for (const [body, message] of [
      [`{"key_IDs":[{"key_ID":"${id}","key":"x"}]}`, /unknown member/],
      [`{"key_IDs":[{"key_ID":"${id}"}],"master":"x"}`, /unknown member/],
      [`{"key_IDs":[{"key_ID":"${id}","key_ID":"${id}"}]}`, /twice/],
      [`{"key_IDs":[{"key_ID":"${id}","key_ID_extension":1}]}`, /extension/],
      [`{"key_IDs":[{"key_ID":"${id}"}],"key_IDs_extension":[]}`, /extension/],
      [`{"key_IDs":["${id}"]}`, /object/],
    ] as const) {
      assertRefused(await sites.post("bob", "alice/dec_keys", body), message)
    }
  })

  it("names the place of the fault in details", async () => {
    const reply = await sites.post("alice", "bob/enc_keys", { size: 65 })
    assert.deepEqual(errorIn(reply).details, [{ path: "/size" }])
    const nested = await sites.post("alice", "bob/dec_keys", { key_IDs: [{ key_ID: 1 }] })
    assert.deepEqual(errorIn(nested).details, [{ path: "/key_IDs/0/key_ID" }])
  })

  it("refuses bodies that are not UTF-8, or nested without measure", async () => {
    const file = path.join(sites.folder, "body")
    writeFileSync(file, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))
    assertRefused(await sites.post("alice", "bob/enc_keys", `@${file}`), /UTF-8/)
    const deep = `{"extension_optional":${"[".repeat(20_000)}${"]".repeat(20_000)}}`
    writeFileSync(file, deep)
    assertRefused(await sites.post("alice", "bob/enc_keys", `@${file}`), /deeper/)
  })

  it("refuses other content types, and none", async () => {
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "application/jsonx",
      "",
    ]) {
      const args = ["--header", `content-type:${type === "" ? "" : ` ${type}`}`, "--data", "{}"]
      assertRefused(await sites.curl("alice", "bob/enc_keys", ...args), /content type/)
    }
    const utf16 = ["--header", "content-type: application/json; charset=utf-16", "--data", "{}"]
    assertRefused(await sites.curl("alice", "bob/enc_keys", ...utf16), /content type/)
    const utf8 = ["--header", 'content-type: Application/JSON; charset="UTF-8"', "--data", "{}"]
    assert.equal((await sites.curl("alice", "bob/enc_keys", ...utf8)).status, 200)
  })

  it("reads no more of a body than it allows, declared or chunked", async () => {
    const file = path.join(sites.folder, "big")
    writeFileSync(file, " ".repeat(65_537))
    for (const more of [[], ["--header", "transfer-encoding: chunked"]]) {
      const reply = await sites.post("alice", "bob/enc_keys", `@${file}`, ...more)
      assert.equal(reply.status, 413)
    }
    writeFileSync(file, `{}${" ".repeat(65_534)}`)
    for (const more of [[], ["--header", "transfer-encoding: chunked"]]) {
      const reply = await sites.post("alice", "bob/enc_keys", `@${file}`, ...more)
      assert.equal(reply.status, 200)
    }
  })

  it("answers plain 404 outside of 014, and 405 to other methods", async () => {
    const base = `https://127.0.0.1:${sites.port}`
    for (const target of [
      `${base}/`,
      `${base}/api/v1/keys/bob`,
      `${base}/api/v2/keys/bob/status`,
      `${base}/api/v1/keys/../keys/bob/status`,
      `${base}/api/v1/keys/bob/status/`,
      `${base}/api/v1/keys/a/b/status`,
      `${base}/api/v1/keys/bob/keys`,
      `${base}//api/v1/keys/bob/status`,
    ]) {
      const reply = await sites.curl("alice", target)
      assert.equal(reply.status, 404, target)
      assert.equal(reply.headers.get("content-type"), "text/plain")
    }
    for (const [verb, method, allow] of [
      ["PUT", "enc_keys", "GET, POST"],
      ["DELETE", "dec_keys", "GET, POST"],
      ["OPTIONS", "status", "GET"],
    ] as const) {
      const reply = await sites.curl("alice", `bob/${method}`, "-X", verb)
      assert.equal(reply.status, 405)
      assert.equal(reply.headers.get("allow"), allow)
    }
    assert.equal((await sites.curl("alice", "bob/enc_keys", "--head")).status, 405)
    assert.equal(sites.keyManager.made.length, 0)
  })

  it("refuses SAE ids that are no ids, and queries beyond the standard's", async () => {
    for (const id of ["%", "%zz", "%ff", "%00", "a%0ab", "x".repeat(257), "%ed%a0%80"]) {
      assertRefused(await sites.curl("alice", `${id}/enc_keys`), /SAE id/)
    }
    assertRefused(await sites.curl("alice", "/enc_keys"), /SAE id/)
    for (const [query, message] of [
      ["number=1&number=2", /twice/],
      ["number", /no value/],
      ["number=", /integer/],
      ["number=+1", /integer/],
      ["number=0x10", /integer/],
      ["number=1e2", /integer/],
      ["size=%zz", /percent/],
      ["key_ID=1", /unknown parameter/],
      ["additional_slave_SAE_IDs=ben", /unknown parameter/],
      ["&", /unknown parameter/],
    ] as const) {
      assertRefused(await sites.curl("alice", `bob/enc_keys?${query}`), message)
    }
    assertRefused(await sites.post("alice", "bob/enc_keys?number=2", {}), /no query/)
    assertRefused(await sites.curl("alice", "bob/enc_keys", "-X", "GET", "--data", "{}"), /no body/)
  })

  it("answers every kind of fault with one of the standard's statuses", async () => {
    for (const tag of ERROR_TAGS) {
      sites.keyManager.fault = new QkdError(tag, "secret detail")
      const reply = await sites.curl("alice", "bob/enc_keys")
      assert.equal(reply.status, 503, tag)
      const full = tag === "resource-denied"
      assert.equal(errorIn(reply).message, full ? "the KME is at its limits" : "internal error")
      const taken = await sites.curl(
        "bob",
        `alice/dec_keys?key_ID=${"0".repeat(8)}-0000-4000-8000-${"0".repeat(12)}`,
      )
      const expected = { "data-missing": 400, "access-denied": 401 }[tag as "data-missing"] as
        | number
        | undefined
      assert.equal(taken.status, expected ?? 503, tag)
      assert.ok(!taken.body.includes("secret detail"))
    }
  })

  describe("in numbers, where keys are made when they are asked for", () => {
    inNumbers()
  })

  describe("in numbers, where keys lie ready", () => {
    beforeEach(() => {
      sites.keysReady()
    })
    inNumbers()
  })

  function inNumbers(): void {
    /** Holds every delivery until it is told to go on. */
    function hold(): () => void {
      let release = (): void => undefined
      const gate = new Promise<void>((resolve) => {
        release = resolve
      })
      sites.audit = () => gate
      return release
    }

    it("T4: bounds requests in flight for one SAE and for all, and recovers", async () => {
      await sites.stop()
      await sites.serve({ limits: { maxInFlightPerSae: 2, maxInFlight: 3 } })
      const release = hold()
      const pending = ["alice", "alice", "amy"].map((name) => sites.curl(name, "bob/enc_keys"))
      while (sites.keyManager.made.length < 3) await new Promise((r) => setTimeout(r, 10))
      assert.equal((await sites.curl("alice", "bob/enc_keys")).status, 429)
      const busy = await sites.curl("bob", "alice/status")
      assert.equal(busy.status, 503)
      assert.equal(errorIn(busy).message, "the KME is busy")
      release()
      for (const reply of await Promise.all(pending)) assert.equal(reply.status, 200)
      assert.equal((await sites.curl("alice", "bob/enc_keys")).status, 200)
    })

    async function raw(): Promise<Awaited<ReturnType<typeof connectMutualTls>>["socket"]> {
      const connected = await connectMutualTls({
        host: "127.0.0.1",
        port: sites.port,
        tls: {
          identity: sites.pair("alice"),
          authorities: [sites.serverAuthority.certificatePem],
        },
        timeoutMs: 5000,
      })
      return connected.socket
    }

    it("bounds connections of one certificate", async () => {
      await sites.stop()
      await sites.serve({ limits: { maxConnectionsPerCertificate: 2 } })
      const held = [await raw(), await raw()]
      assert.notEqual((await sites.curl("alice", "bob/status")).exit, 0)
      assert.equal((await sites.curl("amy", "bob/status")).status, 200)
      for (const socket of held) socket.destroy()
    })

    it("drops connections that stall in the middle of a request", async () => {
      await sites.stop()
      await sites.serve({ limits: { requestTimeoutMs: 300, idleTimeoutMs: 400 } })
      for (const begin of [
        "",
        "GET /api",
        "POST /api/v1/keys/bob/enc_keys HTTP/1.1\r\nhost: x\r\n",
      ]) {
        const socket = await raw()
        socket.resume()
        socket.write(begin)
        await once(socket, "close")
      }
      assert.equal((await sites.curl("alice", "bob/status")).status, 200)
    })

    it("answers a request that came before the last answer had left", async () => {
      const socket = await raw()
      const get = "GET /api/v1/keys/bob/status HTTP/1.1\r\nhost: x\r\n\r\n"
      let heard = ""
      const both = new Promise<void>((resolve) => {
        socket.on("data", (chunk: Buffer) => {
          heard += chunk.toString("latin1")
          if (heard.split("HTTP/1.1 200").length > 2) resolve()
        })
      })
      socket.write(get + get)
      await both
      socket.destroy()
    })

    it("does not take requests sent far ahead, whose keys could be lost on the way", async () => {
      const release = hold()
      const socket = await raw()
      const get = "GET /api/v1/keys/bob/enc_keys HTTP/1.1\r\nhost: x\r\n\r\n"
      socket.resume()
      socket.write(get.repeat(40))
      await once(socket, "close")
      release()
      assert.ok(sites.keyManager.made.length <= 1)
      await settled()
    })

    it("wipes keys whose client went away before they were sent", async () => {
      const release = hold()
      const socket = await raw()
      socket.write("GET /api/v1/keys/bob/enc_keys HTTP/1.1\r\nhost: x\r\n\r\n")
      while (sites.keyManager.made.length === 0) await new Promise((r) => setTimeout(r, 10))
      socket.destroy()
      release()
      await settled()
    })

    async function settled(): Promise<void> {
      while (!sites.keyManager.handedOut.every((secret) => secret.wiped)) {
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }

    it("sends slow readers what it sends others, although it wipes what it has sent", async () => {
      const limits = { minKeySizeBits: 64, maxKeySizeBits: 1_048_576, maxKeysPerRequest: 128 }
      sites.policy = sites.policyOf({ limits })
      sites.keyManager.stockBits = 1e9
      const target = "bob/enc_keys?number=30&size=1048576"
      const reply = await sites.curl("alice", target, "--limit-rate", "8M")
      const expected = sites.keyManager.made.map(({ keyId, key }) => [
        keyId,
        key.toString("base64"),
      ])
      assert.deepEqual([...keysIn(reply)], expected)
    })

    it("tells how long it keeps a silent connection, and keeps it no longer", async () => {
      await sites.stop()
      await sites.serve({ limits: { idleTimeoutMs: 1000 } })
      let said = ""
      let silentMs = 0
      // On a machine that stands still for a second the connection is gone before anything was asked.
      while (said === "") {
        const socket = await raw()
        socket.on("data", (chunk: Buffer) => (said += chunk.toString("latin1")))
        const began = performance.now()
        socket.write("GET /api/v1/keys/bob/enc_keys HTTP/1.1\r\nhost: x\r\n\r\n")
        if (!socket.destroyed) await once(socket, "close")
        silentMs = performance.now() - began
      }
      assert.match(said, /^HTTP\/1\.1 200 .*\r\nkeep-alive: timeout=1\r\n/is)
      // Timers count whole milliseconds.
      assert.ok(silentMs > 990, `after ${silentMs} ms`)
    })
  }
})
