// Entity tags, times and preconditions (RFC 8040 sections 3.4.1 and 3.5.1-3.5.2, RFC 9110 section 13).

import assert from "node:assert/strict"
import { ACCEPT_XML, MUSIC, dataOf, faultIn, jukebox, type Jukebox } from "./jukebox.js"

const DATA = "/restconf/data"
const LIBRARY = `${DATA}/example-jukebox:jukebox/library`
const NICK = `${LIBRARY}/artist=Nick%20Cave`
const YEAR = `${NICK}/album=Tender%20Prey/year`
const FOO = `${LIBRARY}/artist=Foo%20Fighters`

async function tagOf(box: Jukebox, target: string, headers = {}): Promise<string> {
  const { headers: told } = await box.ask("HEAD", target, { headers })
  return told["ETag"] ?? ""
}

async function setYear(box: Jukebox, year: number, headers = {}): Promise<string> {
  const answer = await box.ask("PUT", YEAR, { headers, body: { "example-jukebox:year": year } })
  return answer.status === 204 ? "204" : faultIn(answer)
}

const later = (box: Jukebox, seconds: number): string =>
  new Date(box.clock.now() + seconds * 1000).toUTCString()

describe("an entity tag", () => {
  it("is strong, told for the datastore and each configuration resource, never for state", async () => {
    const box = jukebox(MUSIC)
    for (const target of [DATA, LIBRARY, NICK, YEAR])
      assert.match(await tagOf(box, target), /^"[\w-]+"$/, target)
    assert.equal(await tagOf(box, `${LIBRARY}/artist-count`), "")
    assert.equal(await tagOf(box, `${LIBRARY}?content=nonconfig`), "")
    assert.equal(await tagOf(box, "/restconf"), "")
  })

  it("changes with what is at or below the resource, and with nothing else", async () => {
    const box = jukebox(MUSIC)
    const before = await Promise.all([DATA, NICK, YEAR, FOO].map((t) => tagOf(box, t)))
    await setYear(box, 1990)
    const after = await Promise.all([DATA, NICK, YEAR, FOO].map((t) => tagOf(box, t)))
    assert.notEqual(after[0], before[0])
    assert.notEqual(after[1], before[1])
    assert.notEqual(after[2], before[2])
    assert.equal(after[3], before[3])
  })

  it("is another in each encoding, and either guards an edit", async () => {
    const box = jukebox(MUSIC)
    const json = await tagOf(box, YEAR)
    const xml = await tagOf(box, YEAR, ACCEPT_XML)
    assert.notEqual(json, xml)
    assert.equal(await setYear(box, 1990, { "if-match": xml }), "204")
    assert.equal(await setYear(box, 1991, { "if-match": json }), "412 operation-failed")
  })

  it("is the same for the same content, in another process too", async () => {
    assert.equal(
      await tagOf(jukebox(MUSIC), DATA),
      await tagOf(jukebox(structuredClone(MUSIC)), DATA),
    )
  })
})

describe("a read", () => {
  it("of what the client has is 304, with its validators and without a body", async () => {
    const box = jukebox(MUSIC)
    const etag = await tagOf(box, NICK)
    for (const condition of [etag, `"x", ${etag}`, `W/${etag}`, "*"]) {
      const answer = await box.ask("GET", NICK, { headers: { "if-none-match": condition } })
      assert.equal(answer.status, 304, condition)
      assert.equal(answer.headers["ETag"], etag)
      assert.equal(answer.body, undefined)
    }
    const other = await box.ask("GET", NICK, { headers: { "if-none-match": '"x"' } })
    assert.equal(other.status, 200)
    const xml = await box.ask("GET", NICK, { headers: { ...ACCEPT_XML, "if-none-match": etag } })
    assert.equal(xml.status, 200)
  })

  it("is 304 when nothing has changed since, 200 when it has", async () => {
    const box = jukebox(MUSIC)
    const { headers } = await box.ask("GET", NICK)
    const since = { "if-modified-since": headers["Last-Modified"] ?? "" }
    assert.equal((await box.ask("GET", NICK, { headers: since })).status, 304)
    box.clock.pass(5000)
    await setYear(box, 1990)
    assert.equal((await box.ask("GET", NICK, { headers: since })).status, 200)
    assert.equal((await box.ask("HEAD", NICK)).headers["Last-Modified"], later(box, 0))
  })

  it("of state alone is never 304", async () => {
    const box = jukebox(MUSIC)
    for (const headers of [
      { "if-none-match": await tagOf(box, LIBRARY) },
      { "if-modified-since": later(box, 9) },
    ]) {
      const answer = await box.ask("GET", `${LIBRARY}?content=nonconfig`, { headers })
      assert.equal(answer.status, 200)
    }
  })

  it("with If-Match of another state is 412", async () => {
    const answer = await jukebox(MUSIC).ask("GET", NICK, { headers: { "if-match": '"x"' } })
    assert.equal(faultIn(answer), "412 operation-failed")
  })
})

describe("an edit", () => {
  it("goes on when If-Match names the state there is, any state, or one of several", async () => {
    const box = jukebox(MUSIC)
    assert.equal(await setYear(box, 1990, { "if-match": await tagOf(box, YEAR) }), "204")
    assert.equal(await setYear(box, 1991, { "if-match": "*" }), "204")
    const list = `"x", ${await tagOf(box, YEAR)}`
    assert.equal(await setYear(box, 1992, { "if-match": list }), "204")
  })

  it("is 412 when If-Match names another state, a weak tag, or anything where nothing is", async () => {
    const box = jukebox(MUSIC)
    const etag = await tagOf(box, YEAR)
    assert.equal(await setYear(box, 1990, { "if-match": '"x"' }), "412 operation-failed")
    assert.equal(await setYear(box, 1990, { "if-match": `W/${etag}` }), "412 operation-failed")
    const fresh = await box.ask("PUT", `${NICK}/album=No`, {
      headers: { "if-match": "*" },
      body: { "example-jukebox:album": [{ name: "No" }] },
    })
    assert.equal(faultIn(fresh), "412 operation-failed")
    assert.equal(box.datastore.running, MUSIC)
  })

  it("creates only, with If-None-Match: *", async () => {
    const box = jukebox(MUSIC)
    const put = async (): Promise<number> => {
      const answer = await box.ask("PUT", `${NICK}/album=New`, {
        headers: { "if-none-match": "*" },
        body: { "example-jukebox:album": [{ name: "New" }] },
      })
      return answer.status
    }
    assert.equal(await put(), 201)
    assert.equal(await put(), 412)
  })

  it("is 412 when the datastore has changed since If-Unmodified-Since", async () => {
    const box = jukebox(MUSIC)
    const seen = later(box, 0)
    assert.equal(await setYear(box, 1990, { "if-unmodified-since": seen }), "204")
    box.clock.pass(5000)
    assert.equal(await setYear(box, 1991), "204")
    assert.equal(await setYear(box, 1992, { "if-unmodified-since": seen }), "412 operation-failed")
    const both = { "if-match": await tagOf(box, YEAR), "if-unmodified-since": seen }
    assert.equal(await setYear(box, 1992, both), "204", "If-Match goes before it")
  })

  it("with a malformed list of tags is 400; a date that is none is passed over", async () => {
    const box = jukebox(MUSIC)
    assert.equal(await setYear(box, 1990, { "if-match": "x" }), "400 invalid-value")
    assert.equal(await setYear(box, 1990, { "if-match": '"a" "b"' }), "400 invalid-value")
    assert.equal(await setYear(box, 1990, { "if-unmodified-since": "yesterday" }), "204")
  })

  it("of the datastore, of a parent and of what is deleted obey as well", async () => {
    const box = jukebox(MUSIC)
    const stale = { "if-match": '"x"' }
    const asks = [
      box.ask("PATCH", DATA, { headers: stale, body: { "ietf-restconf:data": {} } }),
      box.ask("PUT", DATA, { headers: stale, body: { "ietf-restconf:data": {} } }),
      box.ask("POST", NICK, { headers: stale, body: { "example-jukebox:album": [{ name: "N" }] } }),
      box.ask("DELETE", NICK, { headers: stale }),
    ]
    for (const answer of await Promise.all(asks))
      assert.equal(faultIn(answer), "412 operation-failed")
    assert.equal(box.datastore.running, MUSIC)
  })

  it("is judged in its turn: of many that hold the same tag one goes through", async () => {
    const box = jukebox(MUSIC)
    const etag = await tagOf(box, YEAR)
    const years = Array.from({ length: 50 }, (_, i) => 1900 + i)
    const told = await Promise.all(years.map((year) => setYear(box, year, { "if-match": etag })))
    assert.equal(told.filter((t) => t === "204").length, 1)
    assert.equal(told.filter((t) => t === "412 operation-failed").length, 49)
    const won = years[told.indexOf("204")]
    assert.deepEqual(dataOf(await box.ask("GET", YEAR)), { "example-jukebox:year": won })
  })
})
