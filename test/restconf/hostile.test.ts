// Input of strangers and of clients that mean harm: exact refusals, bounded work, data unchanged, others served on.

import assert from "node:assert/strict"
import net from "node:net"
import type { JsonObject } from "../../src/yang/json.js"
import { TOKEN, curlHouse, needCurl, type CurlHouse } from "./curl.js"
import { JSON_BODY, MUSIC, XML_BODY, faultIn, jukebox } from "./jukebox.js"

const DATA = "/restconf/data"
const BOX = `${DATA}/example-jukebox:jukebox`
const LIBRARY = `${BOX}/library`
const PATCH = { "content-type": "application/yang-patch+json" }

const nested = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`
const deepXml = (depth: number): string => `${"<a>".repeat(depth)}${"</a>".repeat(depth)}`
const BOMB = `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><artist xmlns="http://example.com/ns/example-jukebox"><name>&b;</name></artist>`

interface Harm {
  readonly what: string
  readonly method: string
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | JsonObject
  readonly fault: string
}

const edits = Array.from({ length: 2000 }, (_, i) => ({
  "edit-id": String(i),
  operation: "remove",
  target: "/library/artist=x",
}))

const harms: readonly Harm[] = [
  {
    what: "a URI of 64 KiB",
    method: "GET",
    target: `${DATA}/${"a".repeat(65_536)}`,
    fault: "414 too-big",
  },
  {
    what: "escapes without end",
    method: "GET",
    target: `${LIBRARY}/artist=${"%25".repeat(2000)}`,
    fault: "404 invalid-value",
  },
  {
    what: "escapes of escapes",
    method: "GET",
    target: `${LIBRARY}/artist=${"%2525252525".repeat(100)}`,
    fault: "404 invalid-value",
  },
  {
    what: "a thousand keys",
    method: "GET",
    target: `${LIBRARY}/artist=${",".repeat(1000)}`,
    fault: "400 invalid-value",
  },
  {
    what: "a path of a thousand steps",
    method: "GET",
    target: `${DATA}${"/a".repeat(1000)}`,
    fault: "414 too-big",
  },
  {
    what: "the folder above",
    method: "GET",
    target: `${DATA}/../data/example-jukebox:jukebox`,
    fault: "400 invalid-value",
  },
  {
    what: "the folder above, escaped",
    method: "GET",
    target: `${DATA}/%2e%2e%2fdata`,
    fault: "400 invalid-value",
  },
  {
    what: "a null character",
    method: "GET",
    target: `${BOX}/playlist=%00`,
    fault: "400 invalid-value",
  },
  { what: "__proto__", method: "GET", target: `${BOX}/__proto__`, fault: "404 invalid-value" },
  {
    what: "fields that open without end",
    method: "GET",
    target: `${LIBRARY}?fields=${"artist(".repeat(500)}`,
    fault: "400 invalid-value",
  },
  {
    what: "fields again and again",
    method: "GET",
    target: `${LIBRARY}?fields=${"artist;".repeat(700)}singer`,
    fault: "400 invalid-value",
  },
  {
    what: "a hundred parameters",
    method: "GET",
    target: `${LIBRARY}?${Array.from({ length: 100 }, (_, i) => `p${i}=1`).join("&")}`,
    fault: "400 invalid-value",
  },
  {
    what: "a filter that costs without end",
    method: "GET",
    target: `/restconf/streams/NETCONF/json?filter=${"(".repeat(3000)}`,
    headers: { accept: "text/event-stream" },
    fault: "400 invalid-value",
  },
  {
    what: "JSON nested without end",
    method: "POST",
    target: LIBRARY,
    headers: JSON_BODY,
    body: `{"example-jukebox:artist":${nested(100_000)}}`,
    fault: "413 too-big",
  },
  {
    what: "XML nested without end",
    method: "POST",
    target: LIBRARY,
    headers: XML_BODY,
    body: deepXml(100_000),
    fault: "413 too-big",
  },
  {
    what: "an entity bomb",
    method: "POST",
    target: LIBRARY,
    headers: XML_BODY,
    body: BOMB,
    fault: "400 malformed-message",
  },
  {
    what: "an external entity",
    method: "POST",
    target: LIBRARY,
    headers: XML_BODY,
    body: `<!DOCTYPE a SYSTEM "file:///etc/passwd"><artist xmlns="http://example.com/ns/example-jukebox"/>`,
    fault: "400 malformed-message",
  },
  {
    what: "attributes without end",
    method: "POST",
    target: LIBRARY,
    headers: XML_BODY,
    body: `<artist ${Array.from({ length: 1000 }, (_, i) => `a${i}="1"`).join(" ")} xmlns="http://example.com/ns/example-jukebox"/>`,
    fault: "413 too-big",
  },
  {
    what: "a name of a prototype in JSON",
    method: "POST",
    target: LIBRARY,
    headers: JSON_BODY,
    body: `{"example-jukebox:artist":[{"name":"x","__proto__":{"year":1}}]}`,
    fault: "400 malformed-message",
  },
  {
    what: "a constructor in JSON",
    method: "POST",
    target: LIBRARY,
    headers: JSON_BODY,
    body: `{"example-jukebox:artist":[{"name":"x","constructor":{}}]}`,
    fault: "400 unknown-element",
  },
  {
    what: "a number beyond all",
    method: "PUT",
    target: `${LIBRARY}/artist=Nick%20Cave/album=Tender%20Prey/year`,
    headers: JSON_BODY,
    body: `{"example-jukebox:year":1e400}`,
    fault: "400 malformed-message",
  },
  {
    what: "bytes that are no UTF-8",
    method: "POST",
    target: LIBRARY,
    headers: JSON_BODY,
    body: new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]),
    fault: "400 malformed-message",
  },
  {
    what: "an operation attribute of edit-config",
    method: "PUT",
    target: `${BOX}/player`,
    headers: XML_BODY,
    body: `<player xmlns="http://example.com/ns/example-jukebox" xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete"/>`,
    fault: "400 unknown-attribute",
  },
  {
    what: "two thousand edits that do nothing, then one that fails",
    method: "PATCH",
    target: BOX,
    headers: PATCH,
    body: {
      "ietf-yang-patch:yang-patch": {
        "patch-id": "p",
        edit: [...edits, { "edit-id": "last", operation: "delete", target: "/library/artist=x" }],
      },
    },
    fault: "409 (no tag)",
  },
  {
    what: "a thousand tags",
    method: "DELETE",
    target: `${BOX}/player/gap`,
    headers: { "if-match": Array.from({ length: 1000 }, (_, i) => `"${i}"`).join(",") },
    fault: "412 operation-failed",
  },
  {
    what: "a list of tags that backtracks",
    method: "DELETE",
    target: `${BOX}/player/gap`,
    headers: { "if-match": `${'"", '.repeat(2000)}x` },
    fault: "400 invalid-value",
  },
  {
    what: "an Accept without end",
    method: "GET",
    target: `${BOX}/player`,
    headers: { accept: "a/b,".repeat(1000) },
    fault: "400 too-big",
  },
]

describe("harm by RESTCONF", () => {
  for (const { what, method, target, headers = {}, body, fault } of harms)
    it(`${what}: ${fault}, and nothing changes`, async () => {
      const box = jukebox(MUSIC)
      const answer = await box.ask(method, target, {
        headers: { accept: "application/yang-data+json", ...headers },
        ...(body === undefined ? {} : { body }),
      })
      const told = faultIn(answer)
      assert.equal(told.includes(" ") ? told : `${told} (no tag)`, fault)
      assert.equal(answer.bug, undefined)
      assert.equal(box.datastore.running, MUSIC)
      assert.ok((answer.body ?? "").length < 8192 || answer.status === 409, "a short answer")
    })

  it("of an unknown name of 4 KiB is told back cut short", async () => {
    const answer = await jukebox(MUSIC).ask("GET", `${DATA}/${"n".repeat(4000)}:x`)
    assert.equal(faultIn(answer), "404 invalid-value")
    assert.ok((answer.body ?? "").length < 400)
  })
})

/** Bytes on a bare socket; all that came back once the server has closed or `enough` has come. */
function raw(house: CurlHouse, text: string, enough = "\r\n\r\n"): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(house.running.port, "127.0.0.1", () => socket.write(text))
    let heard = ""
    socket.setEncoding("latin1")
    socket.on("data", (piece: string) => {
      heard += piece
      if (heard.includes(enough)) socket.destroy()
    })
    socket.once("error", reject)
    socket.once("close", () => {
      resolve(heard)
    })
  })
}

describe("harm on RESTCONF's socket", function () {
  this.timeout(180_000)
  let house: CurlHouse
  before(function () {
    needCurl(this)
  })
  beforeEach(async () => {
    house = await curlHouse("loopback", MUSIC, { bodyLimits: { maxBytes: 100_000 } })
  })
  afterEach(async () => {
    assert.equal(house.box.datastore.running, MUSIC)
    const bystander = await house.curl("GET", `${BOX}/player/gap`)
    assert.equal(bystander.body, '{"example-jukebox:gap":"0.5"}')
    assert.deepEqual(house.log, [])
    await house.close()
  })
  const auth = `Authorization: Bearer ${TOKEN}\r\n`
  const head = (line: string, more: string): string =>
    `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\n${auth}${more}`

  it("a body beyond the limit is 413, said or unsaid", async () => {
    const big = JSON.stringify({ "example-jukebox:artist": [{ name: "x".repeat(110_000) }] })
    const type = ["-H", "Content-Type: application/yang-data+json", "--data-binary", big]
    const said = await house.curl("POST", LIBRARY, ...type)
    assert.equal(said.status, 413)
    assert.match(said.body, /"error-tag":"too-big"/)
    const unsaid = await house.curl("POST", LIBRARY, "-H", "Transfer-Encoding: chunked", ...type)
    assert.equal(unsaid.status, 413)
  })

  it("headers without end are 431", async () => {
    const flood = `${"X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(300)}\r\n`
    assert.match(await raw(house, head(`GET ${DATA}`, flood)), /^HTTP\/1\.1 431 /)
  })

  it("what is no HTTP is 400", async () => {
    assert.match(await raw(house, "\x16\x03\x01\x02\x00nonsense\r\n\r\n"), /^HTTP\/1\.1 400 /)
  })

  it("a request smuggled behind two lengths is 400", async () => {
    const lengths = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert.match(await raw(house, head(`POST ${LIBRARY}`, lengths)), /^HTTP\/1\.1 400 /)
  })

  it("a compressed body is 415: nothing is unpacked", async () => {
    const answer = await house.curl(
      "POST",
      LIBRARY,
      ...[
        "-H",
        "Content-Type: application/yang-data+json",
        "-H",
        "Content-Encoding: gzip",
        "-d",
        "x",
      ],
    )
    assert.equal(answer.status, 415)
  })

  it("another host's name on loopback is refused, so that no page can be rebound here", async () => {
    const text = `GET /.well-known/host-meta HTTP/1.1\r\nHost: evil.example\r\n\r\n`
    assert.match(await raw(house, text), /^HTTP\/1\.1 400 /)
  })

  it("a stranger's body is not read", async () => {
    const text = `POST ${LIBRARY} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50000\r\n\r\n{`
    assert.match(await raw(house, text), /^HTTP\/1\.1 401 /)
  })

  it("a client that leaves in the middle of its body leaves nothing behind", async () => {
    const more = "Content-Type: application/yang-data+json\r\nContent-Length: 90000\r\n\r\n{"
    await new Promise<void>((resolve) => {
      const socket = net.connect(house.running.port, "127.0.0.1", () => {
        socket.write(head(`POST ${LIBRARY}`, more), () => socket.destroy())
      })
      socket.once("close", () => {
        resolve()
      })
    })
  })
})
