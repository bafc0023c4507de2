// curl drives every method on every kind of resource, in JSON and in XML, over TLS with a client certificate and on
// loopback with a token.

import assert from "node:assert/strict"
import { MUSIC } from "./jukebox.js"
import { READER, curlHouse, needCurl, type CurlHouse } from "./curl.js"

const DATA = "/restconf/data"
const LIBRARY = `${DATA}/example-jukebox:jukebox/library`
const NICK = `${LIBRARY}/artist=Nick%20Cave`
const NS = "http://example.com/ns/example-jukebox"

interface Speech {
  readonly media: string
  readonly accept: string
  readonly artist: (name: string) => string
  readonly year: (year: number) => string
  readonly album: (name: string, more: string) => string
  readonly play: string
  readonly patch: string
  readonly patchMedia: string
}

const json: Speech = {
  media: "Content-Type: application/yang-data+json",
  accept: "Accept: application/yang-data+json",
  artist: (name) => JSON.stringify({ "example-jukebox:artist": [{ name }] }),
  year: (year) => JSON.stringify({ "example-jukebox:year": year }),
  album: (name, label) => JSON.stringify({ "example-jukebox:album": [{ name, admin: { label } }] }),
  play: JSON.stringify({ "example-jukebox:input": { playlist: "Foo-One", "song-number": 2 } }),
  patch: JSON.stringify({
    "ietf-yang-patch:yang-patch": {
      "patch-id": "p1",
      edit: [
        {
          "edit-id": "e1",
          operation: "create",
          target: "/album=Murder%20Ballads",
          value: { "example-jukebox:album": [{ name: "Murder Ballads", year: 1996 }] },
        },
        { "edit-id": "e2", operation: "delete", target: "/album=Tender%20Prey" },
      ],
    },
  }),
  patchMedia: "Content-Type: application/yang-patch+json",
}

const xml: Speech = {
  media: "Content-Type: application/yang-data+xml",
  accept: "Accept: application/yang-data+xml",
  artist: (name) => `<artist xmlns="${NS}"><name>${name}</name></artist>`,
  year: (year) => `<year xmlns="${NS}">${year}</year>`,
  album: (name, label) =>
    `<album xmlns="${NS}"><name>${name}</name><admin><label>${label}</label></admin></album>`,
  play: `<input xmlns="${NS}"><playlist>Foo-One</playlist><song-number>2</song-number></input>`,
  patch: `<yang-patch xmlns="urn:ietf:params:xml:ns:yang:ietf-yang-patch"><patch-id>p1</patch-id><edit><edit-id>e1</edit-id><operation>create</operation><target>/album=Murder%20Ballads</target><value><album xmlns="${NS}"><name>Murder Ballads</name><year>1996</year></album></value></edit><edit><edit-id>e2</edit-id><operation>delete</operation><target>/album=Tender%20Prey</target></edit></yang-patch>`,
  patchMedia: "Content-Type: application/yang-patch+xml",
}

describe("curl as a RESTCONF client", function () {
  this.timeout(180_000)
  let house: CurlHouse | undefined
  before(function () {
    needCurl(this)
  })
  afterEach(async () => {
    await house?.close()
    house = undefined
  })

  for (const kind of ["tls", "loopback"] as const)
    for (const [name, say] of Object.entries({ json, xml })) {
      it(`reads, creates, replaces, merges, patches and deletes: ${kind}, ${name}`, async () => {
        house = await curlHouse(kind, MUSIC)
        const { curl, box } = house
        const body = (media: string, text: string): string[] => [
          ...["-H", media, "-H", say.accept],
          ...["--data-binary", text],
        ]
        const options = await curl("OPTIONS", NICK)
        assert.equal(options.status, 200)
        assert.equal(options.headers["allow"], "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
        assert.match(options.headers["accept-patch"] ?? "", /yang-patch\+json/)

        const read = await curl("GET", NICK, "-H", say.accept)
        assert.equal(read.status, 200)
        assert.equal(read.headers["content-type"], say.accept.slice("Accept: ".length))
        assert.equal(read.headers["cache-control"], "no-cache")
        assert.match(read.body, /Tender Prey/)
        const head = await curl("HEAD", NICK, "-H", say.accept)
        assert.equal(head.headers["etag"], read.headers["etag"])
        assert.equal(head.headers["content-length"], String(read.body.length))
        assert.equal(head.body, "")

        const created = await curl("POST", LIBRARY, ...body(say.media, say.artist("P/J, H=%")))
        assert.equal(created.status, 201, created.body)
        const location = created.headers["location"] ?? ""
        assert.match(location, /artist=P%2FJ%2C%20H%3D%25$/)
        assert.equal((await curl("GET", location)).status, 200)

        const year = `${NICK}/album=Tender%20Prey/year`
        assert.equal((await curl("PUT", year, ...body(say.media, say.year(1990)))).status, 204)
        const fresh = `${NICK}/album=Henry%27s%20Dream`
        const put = await curl("PUT", fresh, ...body(say.media, say.album("Henry's Dream", "Mute")))
        assert.equal(put.status, 201, put.body)
        const merged = await curl(
          "PATCH",
          fresh,
          ...body(say.media, say.album("Henry's Dream", "BMG")),
        )
        assert.equal(merged.status, 204, merged.body)
        assert.match((await curl("GET", `${fresh}/admin/label`)).body, /BMG/)

        const patched = await curl("PATCH", NICK, ...body(say.patchMedia, say.patch))
        assert.equal(patched.status, 200, patched.body)
        assert.match(patched.body, /p1/)
        assert.equal((await curl("GET", `${NICK}/album=Tender%20Prey`)).status, 404)

        assert.equal((await curl("DELETE", fresh)).status, 204)
        assert.equal((await curl("DELETE", fresh, "-H", say.accept)).status, 404)

        const played = await curl(
          "POST",
          "/restconf/operations/example-jukebox:play",
          ...body(say.media, say.play),
        )
        assert.equal(played.status, 204, played.body)
        const told = await curl(
          "POST",
          "/restconf/operations/example-ops:get-reboot-info",
          ...["-H", say.accept],
        )
        assert.equal(told.status, 200)
        assert.match(told.body, /reboot-time/)
        const user = kind === "tls" ? "carol" : "ops"
        assert.deepEqual(box.backend.calls, [
          `example-jukebox:play {"playlist":"Foo-One","song-number":2} by ${user}`,
          `example-ops:get-reboot-info {} by ${user}`,
        ])
      })
    }

  for (const kind of ["tls", "loopback"] as const) {
    it(`is told 401 as a stranger, before anything else: ${kind}`, async () => {
      house = await curlHouse(kind, MUSIC)
      for (const [method, target] of [
        ["GET", DATA],
        ["GET", "/restconf"],
        ["DELETE", NICK],
        ["GET", "/restconf/data/no-such:thing"],
      ] as const) {
        const wrong = await house.curl(method, target, "-H", "Authorization: Bearer wrong")
        assert.equal(wrong.status, 401)
        assert.match(wrong.headers["www-authenticate"] ?? "", /^Bearer/)
        assert.match(wrong.body, /"error-tag":"access-denied"/)
      }
      const meta = await house.curl(
        "GET",
        "/.well-known/host-meta",
        "-H",
        "Authorization: Bearer x",
      )
      assert.equal(meta.status, 200)
      assert.deepEqual(house.box.backend.edits, [])
    })

    it(`may read only with a token that only reads: ${kind}`, async () => {
      house = await curlHouse(kind, MUSIC)
      const reader = ["-H", `Authorization: Bearer ${READER}`]
      assert.equal((await house.curl("GET", NICK, ...reader)).status, 200)
      assert.equal((await house.curl("DELETE", NICK, ...reader)).status, 403)
      assert.deepEqual(house.box.backend.edits, [])
    })
  }
})
