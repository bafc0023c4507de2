// Every example of RFC 8040 appendix B, rebuilt.

import assert from "node:assert/strict"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { compileSchema } from "../../src/yang/schema.js"
import { EXAMPLES } from "./jukebox-module.js"
import { ACCEPT_XML, JSON_BODY, MUSIC, XML_BODY, dataOf, faultIn, jukebox } from "./jukebox.js"

const DATA = "/restconf/data"
const LIBRARY = `${DATA}/example-jukebox:jukebox/library`
const FOO = `${LIBRARY}/artist=Foo%20Fighters`

describe("the examples of RFC 8040 appendix B", () => {
  it("B.1.1: the entry point is found through host-meta, and tells what is below it", async () => {
    const box = jukebox()
    const meta = await box.ask("GET", "/.well-known/host-meta", {
      headers: { accept: "application/xrd+xml" },
      as: null,
    })
    assert.equal(meta.status, 200)
    assert.equal(meta.headers["Content-Type"], "application/xrd+xml")
    assert.match(meta.body ?? "", /<Link rel="restconf" href="\/restconf"\/>/)
    const api = await box.ask("GET", "/restconf", {
      headers: { accept: "application/yang-data+json" },
    })
    assert.equal(api.status, 200)
    assert.deepEqual(dataOf(api), {
      "ietf-restconf:restconf": {
        data: {},
        operations: {},
        "yang-library-version": "2019-01-04",
      },
    })
  })

  it("B.1.2: the modules are in the library, where the schema has one", async () => {
    const schema = compileSchema(
      [
        ...EXAMPLES.filter(({ name }) => name !== "ietf-yang-types"),
        ...loadYangFiles([
          "ietf-yang-library",
          "ietf-datastores",
          "ietf-yang-types",
          "ietf-inet-types",
        ]),
      ],
      { implement: [...EXAMPLES.map(({ name }) => name), "ietf-yang-library", "ietf-datastores"] },
    )
    const answer = await jukebox({}, { schema }).ask(
      "GET",
      `${DATA}/ietf-yang-library:modules-state/module=example-jukebox,2016-08-15`,
    )
    assert.equal(answer.status, 200, answer.body)
    assert.deepEqual(dataOf(answer), {
      "ietf-yang-library:module": [
        {
          name: "example-jukebox",
          revision: "2016-08-15",
          namespace: "http://example.com/ns/example-jukebox",
          "conformance-type": "implement",
          schema: "https://example.com/restconf/yang/example-jukebox@2016-08-15",
        },
      ],
    })
  })

  it("B.1.3: the capabilities are state of the server", async () => {
    const answer = await jukebox().ask(
      "GET",
      `${DATA}/ietf-restconf-monitoring:restconf-state/capabilities`,
      { headers: ACCEPT_XML },
    )
    assert.equal(answer.status, 200)
    assert.match(
      answer.body ?? "",
      /^<capabilities xmlns="urn:ietf:params:xml:ns:yang:ietf-restconf-monitoring"><capability>urn:ietf:params:restconf:capability:defaults:1.0\?basic-mode=explicit<\/capability>/,
    )
  })

  it("B.2.1: data resources are created, in JSON and in XML, and are told where they are", async () => {
    const box = jukebox({ "example-jukebox:jukebox": {} })
    const artist = await box.ask("POST", LIBRARY, {
      body: { "example-jukebox:artist": [{ name: "Foo Fighters" }] },
    })
    assert.equal(artist.status, 201)
    assert.equal(
      artist.headers["Location"],
      "https://example.com/restconf/data/example-jukebox:jukebox/library/artist=Foo%20Fighters",
    )
    assert.match(artist.headers["ETag"] ?? "", /^".+"$/)
    const album = await box.ask("POST", FOO, {
      headers: XML_BODY,
      body: `<album xmlns="http://example.com/ns/example-jukebox"><name>Wasting Light</name><year>2011</year></album>`,
    })
    assert.equal(album.status, 201)
    assert.match(album.headers["Location"] ?? "", /artist=Foo%20Fighters\/album=Wasting%20Light$/)
    const again = await box.ask("POST", LIBRARY, {
      body: { "example-jukebox:artist": [{ name: "Foo Fighters" }] },
    })
    assert.equal(faultIn(again), "409 data-exists")
  })

  it("B.2.2: an entity tag that has changed stops an edit", async () => {
    const box = jukebox(MUSIC)
    const head = await box.ask("HEAD", `${FOO}/album=Wasting%20Light`)
    const seen = head.headers["ETag"] ?? ""
    const genre = { "example-jukebox:genre": "example-jukebox:rock" }
    const first = await box.ask("PUT", `${FOO}/album=Wasting%20Light/genre`, { body: genre })
    assert.equal(first.status, 204)
    const late = await box.ask("PATCH", `${FOO}/album=Wasting%20Light`, {
      headers: { ...JSON_BODY, "if-match": seen },
      body: { "example-jukebox:album": [{ name: "Wasting Light", year: 1999 }] },
    })
    assert.equal(faultIn(late), "412 operation-failed")
    assert.equal(
      (await box.ask("GET", `${FOO}/album=Wasting%20Light/year`)).body,
      '{"example-jukebox:year":2011}',
    )
  })

  it("B.2.3: the datastore itself is merged into", async () => {
    const box = jukebox(MUSIC)
    const answer = await box.ask("PATCH", DATA, {
      headers: XML_BODY,
      body: `<data xmlns="urn:ietf:params:xml:ns:yang:ietf-restconf"><jukebox xmlns="http://example.com/ns/example-jukebox"><library><artist><name>Foo Fighters</name><album><name>Wasting Light</name><year>2010</year></album></artist><artist><name>Nick Cave</name><album><name>Tender Prey</name><year>1989</year></album></artist></library></jukebox></data>`,
    })
    assert.equal(answer.status, 204)
    const nick = await box.ask("GET", `${LIBRARY}/artist=Nick%20Cave/album=Tender%20Prey/year`)
    assert.equal(nick.body, '{"example-jukebox:year":1989}')
  })

  it("B.2.4: the datastore itself is replaced", async () => {
    const box = jukebox(MUSIC)
    const answer = await box.ask("PUT", DATA, {
      headers: XML_BODY,
      body: `<data xmlns="urn:ietf:params:xml:ns:yang:ietf-restconf"><jukebox xmlns="http://example.com/ns/example-jukebox"><library><artist><name>Foo Fighters</name><album><name>One by One</name><year>2012</year></album></artist></library></jukebox></data>`,
    })
    assert.equal(answer.status, 204)
    assert.deepEqual(box.datastore.running, {
      "example-jukebox:jukebox": {
        library: {
          artist: [{ name: "Foo Fighters", album: [{ name: "One by One", year: 2012 }] }],
        },
      },
    })
  })

  it("B.2.5: a data resource is merged into", async () => {
    const box = jukebox(MUSIC)
    const answer = await box.ask("PATCH", `${LIBRARY}/artist=Nick%20Cave/album=Tender%20Prey`, {
      headers: XML_BODY,
      body: `<album xmlns="http://example.com/ns/example-jukebox"><name>Tender Prey</name><admin><label>Mute</label></admin></album>`,
    })
    assert.equal(answer.status, 204)
    const found = await box.ask("GET", `${LIBRARY}/artist=Nick%20Cave/album=Tender%20Prey`)
    assert.deepEqual(dataOf(found), {
      "example-jukebox:album": [{ name: "Tender Prey", year: 1988, admin: { label: "Mute" } }],
    })
  })

  it("B.3.1: content chooses configuration, state or both", async () => {
    const box = jukebox(MUSIC)
    const all = dataOf(await box.ask("GET", `${LIBRARY}?content=all&depth=2`))
    const state = dataOf(await box.ask("GET", `${LIBRARY}?content=nonconfig`))
    const config = dataOf(await box.ask("GET", `${LIBRARY}?content=config&depth=2`))
    const counts = { "artist-count": 2, "album-count": 3, "song-count": 3 }
    const names = [{ name: "Foo Fighters" }, { name: "Nick Cave" }]
    assert.deepEqual(state, { "example-jukebox:library": counts })
    assert.deepEqual(config, { "example-jukebox:library": { artist: names } })
    assert.deepEqual(all, { "example-jukebox:library": { artist: names, ...counts } })
  })

  it("B.3.2: depth counts levels from the target", async () => {
    const box = jukebox(MUSIC)
    const top = await box.ask("GET", `${DATA}/example-jukebox:jukebox?depth=1`)
    assert.deepEqual(dataOf(top), { "example-jukebox:jukebox": {} })
    const three = await box.ask("GET", `${DATA}/example-jukebox:jukebox?depth=3&content=config`)
    assert.deepEqual(dataOf(three), {
      "example-jukebox:jukebox": {
        library: { artist: [{ name: "Foo Fighters" }, { name: "Nick Cave" }] },
        playlist: [
          {
            name: "Foo-One",
            description: "example playlist 1",
            song: [1, 2, 3].map((index) => ({ index })),
          },
        ],
        player: { gap: "0.5" },
      },
    })
    const whole = await box.ask("GET", `${DATA}/example-jukebox:jukebox?depth=unbounded`)
    const plain = await box.ask("GET", `${DATA}/example-jukebox:jukebox`)
    assert.equal(whole.body, plain.body)
  })

  it("B.3.3: fields names what is wanted", async () => {
    const fields = encodeURIComponent("artist/album(name;genre)")
    const answer = await jukebox(MUSIC).ask("GET", `${LIBRARY}?fields=${fields}`)
    assert.deepEqual(dataOf(answer), {
      "example-jukebox:library": {
        artist: [
          {
            name: "Foo Fighters",
            album: [
              { name: "Wasting Light", genre: "example-jukebox:alternative" },
              { name: "One by One" },
            ],
          },
          { name: "Nick Cave", album: [{ name: "Tender Prey" }] },
        ],
      },
    })
  })

  it("B.3.4 and B.3.5: insert and point say where an entry stands", async () => {
    const box = jukebox(MUSIC)
    const playlist = `${DATA}/example-jukebox:jukebox/playlist=Foo-One`
    const song = (index: number): { "example-jukebox:song": { index: number; id: string }[] } => ({
      "example-jukebox:song": [
        {
          index,
          id: "/example-jukebox:jukebox/library/artist[name='Foo Fighters']/album[name='Wasting Light']/song[name='Rope']",
        },
      ],
    })
    const first = await box.ask("POST", `${playlist}?insert=first`, { body: song(7) })
    assert.equal(first.status, 201)
    assert.match(first.headers["Location"] ?? "", /playlist=Foo-One\/song=7$/)
    const point = encodeURIComponent("/example-jukebox:jukebox/playlist=Foo-One/song=1")
    const after = await box.ask("POST", `${playlist}?insert=after&point=${point}`, {
      body: song(8),
    })
    assert.equal(after.status, 201)
    const order = await box.ask("GET", `${playlist}/song?fields=index`)
    assert.deepEqual(
      dataOf(order)["example-jukebox:song"],
      [7, 1, 8, 2, 3].map((index) => ({ index })),
    )
  })

  it("B.3.9: with-defaults says how defaults are told", async () => {
    const box = jukebox({ "example:interfaces": { interface: [{ name: "eth1" }] } })
    const eth1 = `${DATA}/example:interfaces/interface=eth1`
    assert.deepEqual(dataOf(await box.ask("GET", eth1)), {
      "example:interface": [{ name: "eth1" }],
    })
    const asked = async (mode: string): Promise<unknown> =>
      dataOf(await box.ask("GET", `${eth1}?with-defaults=${mode}&content=config`))
    assert.deepEqual(await asked("report-all"), {
      "example:interface": [{ name: "eth1", mtu: 1500 }],
    })
    assert.deepEqual(await asked("explicit"), { "example:interface": [{ name: "eth1" }] })
    assert.deepEqual(await asked("report-all-tagged"), {
      "example:interface": [
        { name: "eth1", mtu: 1500, "@mtu": { "ietf-netconf-with-defaults:default": true } },
      ],
    })
    const leaf = await box.ask("GET", `${eth1}/mtu?with-defaults=report-all-tagged`)
    assert.deepEqual(dataOf(leaf), {
      "example:mtu": 1500,
      "@example:mtu": { "ietf-netconf-with-defaults:default": true },
    })
    const xml = await box.ask("GET", `${eth1}/mtu?with-defaults=report-all-tagged`, {
      headers: ACCEPT_XML,
    })
    assert.equal(
      xml.body,
      '<mtu xmlns="http://example.com/ns/interfaces" xmlns:wd="urn:ietf:params:xml:ns:netconf:default:1.0" wd:default="true">1500</mtu>',
    )
  })
})
