// HTTP/1.1 in front of ETSI GS QKD 014 by its own standard (RFC 9110, RFC 9112), over bare TLS where clients are polite.

import assert from "node:assert/strict"
import { once } from "node:events"
import { connectMutualTls } from "../../src/transport/tls.js"
import { errorIn, Sites } from "./etsi014-site.js"

describe("HTTP in front of ETSI GS QKD 014", function () {
  this.slow(500)
  let sites: Sites

  beforeEach(async () => {
    sites = new Sites()
    await sites.serve()
  })

  afterEach(() => sites.close())

  /** What is answered to these bytes of alice's, until so many answers have begun or the connection ends. */
  async function told(bytes: string, answers = 1): Promise<string> {
    const { socket } = await connectMutualTls({
      host: "127.0.0.1",
      port: sites.port,
      tls: { identity: sites.pair("alice"), authorities: [sites.serverAuthority.certificatePem] },
      timeoutMs: 5000,
    })
    let heard = ""
    const enough = new Promise<void>((resolve) => {
      socket.on("data", (chunk: Buffer) => {
        heard += chunk.toString("latin1")
        if (heard.split("HTTP/1.1 ").length > answers) resolve()
      })
    })
    socket.on("error", () => undefined)
    const gone = once(socket, "close")
    socket.write(bytes)
    await Promise.race([enough, gone])
    socket.destroy()
    return heard
  }

  const statusOf = (heard: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(heard)?.[1])
  const TARGET = "/api/v1/keys/bob/enc_keys"
  const POST = `POST ${TARGET} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`

  for (const [what, bytes] of [
    ["no version", `GET ${TARGET}\r\n\r\n`],
    ["version 2.0", `GET ${TARGET} HTTP/2.0\r\nhost: x\r\n\r\n`],
  ] as const)
    it(`is 505 for requests of ${what}, which spend no key`, async () => {
      assert.equal(statusOf(await told(bytes)), 505)
      assert.equal(sites.keyManager.made.length, 0)
    })

  it("takes HTTP/1.0", async () => {
    assert.equal(statusOf(await told(`GET ${TARGET} HTTP/1.0\r\n\r\n`)), 200)
  })

  for (const [what, lines] of [
    ["no Host", ""],
    ["two Hosts", "Host: a\r\nhOST: b\r\n"],
  ] as const)
    it(`is 400 with ${what}`, async () => {
      assert.equal(statusOf(await told(`GET ${TARGET} HTTP/1.1\r\n${lines}\r\n`)), 400)
      assert.equal(sites.keyManager.made.length, 0)
    })

  it("takes targets in absolute form, which name the same resources", async () => {
    const head = "HTTP/1.1\r\nhost: x\r\n\r\n"
    assert.equal(statusOf(await told(`GET https://kme.example:8443${TARGET} ${head}`)), 200)
    assert.equal(statusOf(await told(`GET HTTPS://kme${TARGET}?number=0 ${head}`)), 400)
    assert.equal(statusOf(await told(`GET https://kme.example ${head}`)), 404)
    assert.equal(statusOf(await told(`GET http://kme.example${TARGET} ${head}`)), 404)
    assert.equal(sites.keyManager.made.length, 1)
  })

  it("takes bodies in chunks, and is 501 for codings that nobody undoes", async () => {
    const chunks = "2\r\n{}\r\n0\r\n\r\n"
    assert.equal(statusOf(await told(`${POST}transfer-encoding: Chunked\r\n\r\n${chunks}`)), 200)
    const zipped = `${POST}transfer-encoding: gzip, chunked\r\n\r\n${chunks}`
    assert.equal(statusOf(await told(zipped)), 501)
    assert.equal(sites.keyManager.made.length, 1)
  })

  it("is 400 for bodies with a content-encoding", async () => {
    const reply = await sites.post("alice", "bob/enc_keys", {}, "-H", "content-encoding: gzip")
    assert.equal(reply.status, 400)
    assert.match(errorIn(reply).message, /content-encoding/)
    assert.equal(sites.keyManager.made.length, 0)
  })

  it("takes parameters of a content type that mean nothing to JSON", async () => {
    for (const type of [
      "application/json;",
      "application/json; profile=x",
      'application/json ; a=b; charset="utf-8"',
    ]) {
      const args = ["--header", `content-type: ${type}`, "--data", "{}"]
      assert.equal((await sites.curl("alice", "bob/enc_keys", ...args)).status, 200, type)
    }
    const other = ["--header", "content-type: application/json; a=b; charset=latin1"]
    assert.equal((await sites.curl("alice", "bob/enc_keys", ...other, "--data", "{}")).status, 400)
  })

  it("answers a dozen requests sent ahead, in their order, each with a key of its own", async () => {
    const get = `GET ${TARGET} HTTP/1.1\r\nhost: x\r\n\r\n`
    const heard = await told(get.repeat(11) + get.replace("enc_keys", "status"), 12)
    const bodies = heard.split("\r\n\r\n").slice(1, 12)
    const given = bodies.map((body) => /"key_ID":"([^"]+)"/.exec(body)?.[1])
    assert.deepEqual(
      given,
      sites.keyManager.made.map(({ keyId }) => keyId),
    )
    assert.equal(new Set(given).size, 11)
  })

  it("begins nothing of a request before the one ahead of it is answered", async () => {
    let inHand = 0
    let most = 0
    sites.audit = async () => {
      most = Math.max(most, ++inHand)
      await new Promise((resolve) => setImmediate(resolve))
      inHand -= 1
    }
    await told(`GET ${TARGET} HTTP/1.1\r\nhost: x\r\n\r\n`.repeat(8), 8)
    assert.equal(most, 1)
    assert.equal(sites.keyManager.made.length, 8)
  })
})
