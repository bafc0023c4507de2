// Media types and query parameters: what is taken, what is answered, and what is refused (RFC 8040 sections 4.8, 5.2,
// 7.1).

import assert from "node:assert/strict"
import { ACCEPT_XML, MUSIC, XML_BODY, dataOf, faultIn, jukebox } from "./jukebox.js"

const BOX = "/restconf/data/example-jukebox:jukebox"
const LIBRARY = `${BOX}/library`
const GAP = `${BOX}/player/gap`

describe("an answer", () => {
  const cases: readonly [string | undefined, "json" | "xml" | 406 | 400][] = [
    [undefined, "json"],
    ["*/*", "json"],
    ["application/*", "json"],
    ["application/yang-data+json", "json"],
    ["application/yang-data+xml", "xml"],
    ["APPLICATION/YANG-DATA+XML", "xml"],
    ["application/yang-data+json;q=0.5, application/yang-data+xml", "xml"],
    ["application/yang-data+xml;q=0.5, application/yang-data+json;q=0.9", "json"],
    ["application/yang-data+json;q=0, */*", "json"],
    ["application/yang-data+xml;q=0.2, */*;q=0.1", "xml"],
    ["application/xml", "xml"],
    ["application/json", "json"],
    ["text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", "xml"],
    ["text/html", 406],
    ["application/yang-data+xml;q=0", 406],
    ["application/yang-data+cbor", 406],
    ["nonsense", 400],
    ["application/yang-data+json;q=2", 400],
  ]
  for (const [accept, wanted] of cases)
    it(`to Accept: ${accept ?? "(none)"} is ${wanted}`, async () => {
      const headers = accept === undefined ? {} : { accept }
      const answer = await jukebox(MUSIC).ask("GET", GAP, { headers })
      if (typeof wanted === "number") assert.equal(faultIn(answer), `${wanted} invalid-value`)
      else {
        assert.equal(answer.status, 200)
        const type = answer.headers["Content-Type"]
        // Naming ours with quality 0 and anything else leaves the generic name of the same encoding.
        assert.equal(type, `application/yang-data+${wanted}`)
      }
    })

  it("to a request with a body is in its encoding, unless the client says otherwise", async () => {
    const box = jukebox(MUSIC)
    const wrong = `<gap xmlns="http://example.com/ns/example-jukebox">9.9</gap>`
    const xml = await box.ask("PUT", GAP, { headers: XML_BODY, body: wrong })
    assert.equal(xml.status, 400)
    assert.equal(xml.headers["Content-Type"], "application/yang-data+xml")
    assert.match(
      xml.body ?? "",
      /^<errors xmlns="urn:ietf:params:xml:ns:yang:ietf-restconf"><error><error-type>application<\/error-type><error-tag>invalid-value<\/error-tag><error-path xmlns:example-jukebox="http:\/\/example.com\/ns\/example-jukebox">\/example-jukebox:jukebox\/example-jukebox:player\/example-jukebox:gap<\/error-path>/,
    )
    const json = await box.ask("PUT", GAP, {
      headers: { ...XML_BODY, accept: "application/yang-data+json" },
      body: wrong,
    })
    assert.equal(faultIn(json), "400 invalid-value")
  })

  it("that refuses tells several faults at once", async () => {
    const answer = await jukebox(MUSIC).ask("PATCH", BOX, {
      body: {
        "example-jukebox:jukebox": {
          playlist: [{ name: "Foo-One", song: [{ index: 7 }, { index: 8 }] }],
        },
      },
    })
    const { error } = dataOf(answer)["ietf-restconf:errors"] as { error: unknown[] }
    assert.equal(error.length, 2)
  })
})

describe("a body", () => {
  const types: readonly [string, number][] = [
    ["application/yang-data+json", 204],
    ["application/yang-data+json; charset=utf-8", 204],
    ['application/yang-data+json;charset="UTF-8"', 204],
    ["application/json", 204],
    ["text/plain", 415],
    ["application/yang-data+cbor", 415],
    ["application/yang-patch+json", 415],
    ["application/yang-data+json; charset=latin1", 415],
    ["", 415],
  ]
  for (const [type, status] of types)
    it(`said to be ${type === "" ? "nothing" : type} is ${status}`, async () => {
      const answer = await jukebox(MUSIC).ask("PUT", GAP, {
        headers: { "content-type": type },
        body: '{"example-jukebox:gap":"1.0"}',
      })
      assert.equal(answer.status, status)
    })

  it("of a PATCH in a format nobody takes is told which are", async () => {
    const answer = await jukebox(MUSIC).ask("PATCH", GAP, {
      headers: { "content-type": "application/json-patch+json" },
      body: "[]",
    })
    assert.equal(answer.status, 415)
    assert.match(answer.headers["Accept-Patch"] ?? "", /application\/yang-patch\+xml/)
  })

  it("that nobody could read the answer to is not acted on", async () => {
    const box = jukebox(MUSIC)
    const headers = { accept: "text/html" }
    const put = await box.ask("PUT", GAP, { headers, body: { "example-jukebox:gap": "1.0" } })
    assert.equal(put.status, 406)
    const rpc = await box.ask("POST", "/restconf/operations/example-ops:reboot", { headers })
    assert.equal(rpc.status, 406)
    assert.equal(box.datastore.running, MUSIC)
    assert.deepEqual(box.backend.calls, [])
  })
})

describe("a query parameter", () => {
  const wrong: readonly [string, string, string][] = [
    ["nobody knows", "GET", `${LIBRARY}?colour=red`],
    ["is there twice", "GET", `${LIBRARY}?depth=1&depth=2`],
    ["has no value", "GET", `${LIBRARY}?depth`],
    ["is cut short", "GET", `${LIBRARY}?fields=%4`],
    ["has another name in other letters", "GET", `${LIBRARY}?Depth=1`],
    ["asks for depth 0", "GET", `${LIBRARY}?depth=0`],
    ["asks for a depth beyond all", "GET", `${LIBRARY}?depth=65536`],
    ["asks for a depth that is no number", "GET", `${LIBRARY}?depth=1.5`],
    ["asks for content of no kind", "GET", `${LIBRARY}?content=some`],
    ["asks for defaults in no mode", "GET", `${LIBRARY}?with-defaults=all`],
    ["names a field that is not there", "GET", `${LIBRARY}?fields=singer`],
    ["names fields without end", "GET", `${LIBRARY}?fields=artist(name`],
    ["names no field", "GET", `${LIBRARY}?fields=`],
    ["is for streams", "GET", `${LIBRARY}?filter=%2F`],
    ["is for streams as well", "GET", `${LIBRARY}?start-time=2026-01-01T00:00:00Z`],
    ["is for edits", "GET", `${LIBRARY}?insert=first`],
    ["is for reads", "PUT", `${GAP}?content=config`],
    ["is for entries ordered by their user", "PUT", `${GAP}?insert=first`],
    ["inserts nowhere", "PUT", `${BOX}/playlist=Foo-One/song=1?insert=middle`],
    ["wants a point", "PUT", `${BOX}/playlist=Foo-One/song=1?insert=after`],
    ["wants no point", "PUT", `${BOX}/playlist=Foo-One/song=1?insert=last&point=%2F`],
    ["is a point alone", "PUT", `${BOX}/playlist=Foo-One/song=1?point=%2Fx`],
    ["is for PUT and POST only", "PATCH", `${BOX}/playlist=Foo-One/song=1?insert=first`],
    ["is for data only", "DELETE", `${GAP}?depth=1`],
    ["is for no operation", "POST", "/restconf/operations/example-ops:reboot?depth=1"],
    ["is for no list of operations", "GET", "/restconf/operations?fields=play"],
  ]
  for (const [what, method, target] of wrong)
    it(`that ${what} is 400: ${method} ${target}`, async () => {
      const box = jukebox(MUSIC)
      assert.equal(faultIn(await box.ask(method, target, { body: {} })), "400 invalid-value")
      assert.equal(box.datastore.running, MUSIC)
    })

  it("of fields keeps the names above them, keys, and levels below them as depth says", async () => {
    const box = jukebox(MUSIC)
    const asked = async (query: string): Promise<unknown> =>
      dataOf(await box.ask("GET", `${BOX}?content=config&${query}`))["example-jukebox:jukebox"]
    assert.deepEqual(await asked("fields=player"), { player: { gap: "0.5" } })
    assert.deepEqual(await asked("fields=player;library/artist&depth=1"), {
      player: {},
      library: { artist: [{ name: "Foo Fighters" }, { name: "Nick Cave" }] },
    })
    assert.deepEqual(await asked("fields=library/artist(album(year))"), {
      library: {
        artist: [
          {
            name: "Foo Fighters",
            album: [
              { name: "Wasting Light", year: 2011 },
              { name: "One by One", year: 2012 },
            ],
          },
          { name: "Nick Cave", album: [{ name: "Tender Prey", year: 1988 }] },
        ],
      },
    })
  })

  it("of fields at the top of the datastore names any module's", async () => {
    const box = jukebox(MUSIC)
    const fields = encodeURIComponent(
      "example-jukebox:jukebox/player;ietf-restconf-monitoring:restconf-state/streams/stream/name",
    )
    const answer = await box.ask("GET", `/restconf/data?fields=${fields}`)
    assert.deepEqual(dataOf(answer), {
      "ietf-restconf:data": {
        "example-jukebox:jukebox": { player: { gap: "0.5" } },
        "ietf-restconf-monitoring:restconf-state": { streams: { stream: [{ name: "NETCONF" }] } },
      },
    })
  })

  it("of fields and depth is for the API resource too", async () => {
    const box = jukebox()
    const asked = async (query: string): Promise<unknown> =>
      dataOf(await box.ask("GET", `/restconf?${query}`))["ietf-restconf:restconf"]
    assert.deepEqual(await asked("fields=data;operations"), { data: {}, operations: {} })
    assert.deepEqual(await asked("depth=1"), {})
    assert.equal(faultIn(await box.ask("GET", "/restconf?fields=colour")), "400 invalid-value")
  })

  it("reads the datastore with the server's own state, or its configuration alone", async () => {
    const box = jukebox(MUSIC)
    const all = dataOf(await box.ask("GET", "/restconf/data?depth=2"))
    assert.deepEqual(all, {
      "ietf-restconf:data": {
        "example-jukebox:jukebox": {},
        "ietf-restconf-monitoring:restconf-state": {},
      },
    })
    const config = dataOf(await box.ask("GET", "/restconf/data?content=config"))
    assert.deepEqual(config, { "ietf-restconf:data": MUSIC })
    const xml = await box.ask("GET", "/restconf/data?content=config&depth=2", {
      headers: ACCEPT_XML,
    })
    assert.equal(
      xml.body,
      '<data xmlns="urn:ietf:params:xml:ns:yang:ietf-restconf"><jukebox xmlns="http://example.com/ns/example-jukebox"/></data>',
    )
  })
})
