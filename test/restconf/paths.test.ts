// Data resource identifiers (RFC 8040 section 3.5.3): what a path names, and what it cannot name.

import assert from "node:assert/strict"
import fc from "fast-check"
import { dataPathText } from "../../src/yang/data-path.js"
import { QkdError } from "../../src/errors.js"
import { RestconfFault } from "../../src/restconf/fault.js"
import { resolvePath, uriOf } from "../../src/restconf/resource-path.js"
import { parseSegments, splitTarget } from "../../src/restconf/uri.js"
import { MUSIC, dataOf, faultIn, jukebox, jukeboxSchema } from "./jukebox.js"

const DATA = "/restconf/data"

function named(path: string): string {
  return dataPathText(resolvePath(jukeboxSchema(), parseSegments(path)).path)
}

function faultOf(work: () => unknown): string {
  try {
    work()
    return "none"
  } catch (error) {
    if (!(error instanceof RestconfFault)) throw error
    return `${error.status} ${error.tag}`
  }
}

describe("a path", () => {
  it("leads through containers and list entries, keys percent-decoded and in key order", () => {
    assert.equal(
      named("/example-jukebox:jukebox/library/artist=Foo%20Fighters/album=a%2Fb%2Cc%3Dd"),
      "/example-jukebox:jukebox/library/artist[name='Foo Fighters']/album[name='a/b,c=d']",
    )
    assert.equal(
      named("/example-actions:interfaces/pair=x,y/cost"),
      "/example-actions:interfaces/pair[from='x'][to='y']/cost",
    )
  })

  it("may name the module again where it need not, and must name it at the top", () => {
    assert.equal(
      named("/example-jukebox:jukebox/example-jukebox:player"),
      "/example-jukebox:jukebox/player",
    )
    assert.equal(
      faultOf(() => named("/jukebox")),
      "400 invalid-value",
    )
  })

  it("takes empty keys: nothing between two commas is an empty string", () => {
    assert.equal(
      named("/example-actions:interfaces/pair=,"),
      "/example-actions:interfaces/pair[from=''][to='']",
    )
    assert.equal(
      named("/example-actions:interfaces/pair=a,"),
      "/example-actions:interfaces/pair[from='a'][to='']",
    )
    assert.equal(
      named("/example-jukebox:jukebox/playlist="),
      "/example-jukebox:jukebox/playlist[name='']",
    )
  })

  it("names one value of a leaf-list, in its canonical form", () => {
    assert.equal(
      named("/example-actions:interfaces/interface=eth0/zone=07"),
      "/example-actions:interfaces/interface[name='eth0']/zone[.='7']",
    )
  })

  it("comes back as the URI it was, whatever stands in its keys", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (from, to) => {
        const keys = [from, to]
        if (keys.some((key) => /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(key)))
          return
        const uri = `/example-actions:interfaces/pair=${keys.map(encodeURIComponent).join(",")}`
        const { path } = resolvePath(jukeboxSchema(), parseSegments(uri))
        assert.deepEqual(path[1]?.keys, { from, to })
        const again = resolvePath(jukeboxSchema(), parseSegments(uriOf(path)))
        assert.deepEqual(again.path, path)
      }),
    )
  })

  const wrong: readonly [string, string, string][] = [
    ["a module nobody knows", "/no-such:thing", "404 invalid-value"],
    ["a node the module does not have", "/example-jukebox:radio", "404 invalid-value"],
    ["a child that is not there", "/example-jukebox:jukebox/radio", "404 invalid-value"],
    [
      "a child of another module",
      "/example-jukebox:jukebox/example:interfaces",
      "404 invalid-value",
    ],
    ["too few keys", "/example-actions:interfaces/pair=a", "400 invalid-value"],
    ["too many keys", "/example-actions:interfaces/pair=a,b,c", "400 invalid-value"],
    ["no keys on the way", "/example-jukebox:jukebox/playlist/song=1", "400 invalid-value"],
    ["keys of a container", "/example-jukebox:jukebox=1", "400 invalid-value"],
    ["keys of a leaf", "/example-jukebox:jukebox/player/gap=1", "400 invalid-value"],
    ["keys of a list without keys", "/example-actions:interfaces/event=1", "400 invalid-value"],
    ["a key of the wrong type", "/example-jukebox:jukebox/playlist=a/song=x", "400 invalid-value"],
    [
      "two values of a leaf-list",
      "/example-actions:interfaces/interface=e/tag=a,b",
      "400 invalid-value",
    ],
    ["an escape cut short", "/example-jukebox:jukebox/playlist=%2", "400 invalid-value"],
    ["an escape that is no hex", "/example-jukebox:jukebox/playlist=%zz", "400 invalid-value"],
    ["escapes that are no UTF-8", "/example-jukebox:jukebox/playlist=%ff", "400 invalid-value"],
    [
      "a surrogate written as UTF-8",
      "/example-jukebox:jukebox/playlist=%ed%a0%80",
      "400 invalid-value",
    ],
    ["an empty step", "/example-jukebox:jukebox//player", "400 invalid-value"],
    ["a character to be escaped", "/example-jukebox:jukebox/playlist=a b", "400 invalid-value"],
    ["a name from Object's prototype", "/example-jukebox:jukebox/constructor", "404 invalid-value"],
    [
      "something below an action",
      "/example-actions:interfaces/interface=e/reset/input",
      "404 invalid-value",
    ],
  ]
  for (const [what, path, fault] of wrong)
    it(`with ${what} is ${fault}`, () => {
      assert.equal(
        faultOf(() => named(path)),
        fault,
      )
    })

  it("is bounded in bytes and steps", () => {
    assert.equal(
      faultOf(() => splitTarget(`/${"a".repeat(8192)}`)),
      "414 too-big",
    )
    assert.equal(
      faultOf(() => parseSegments("/a".repeat(129))),
      "414 too-big",
    )
    assert.equal(
      faultOf(() => splitTarget("http://elsewhere/")),
      "400 invalid-value",
    )
  })

  it("says where else an unqualified name would be found", () => {
    assert.throws(
      () => named("/example-jukebox:interfaces"),
      (error) => error instanceof QkdError && /example:interfaces|datastore/.test(error.message),
    )
  })
})

describe("a resource", () => {
  it("is 404 where nothing is, and the root's siblings too", async () => {
    const box = jukebox(MUSIC)
    for (const target of [
      `${DATA}/example-jukebox:jukebox/library/artist=Nobody`,
      `${DATA}/example-jukebox:jukebox/library/artist=Nobody/album`,
      `${DATA}/example-jukebox:jukebox/playlist=Foo-One/song=9/id`,
      `${DATA}/example:interfaces/interface=eth0`,
      "/restconf/elsewhere",
      "/restconfx",
      "/restconf/operations/example-jukebox:stop",
      "/restconf/streams/NETCONF",
    ])
      assert.equal(faultIn(await box.ask("GET", target)), "404 invalid-value", target)
  })

  it("that is a container without presence is there, empty, wherever its parent is", async () => {
    const box = jukebox(MUSIC)
    const admin = "example-jukebox:jukebox/library/artist=Nick%20Cave/album=Tender%20Prey/admin"
    const answer = await box.ask("GET", `${DATA}/${admin}`)
    assert.deepEqual(dataOf(answer), { "example-jukebox:admin": {} })
    assert.equal(faultIn(await box.ask("DELETE", `${DATA}/${admin}`)), "404 invalid-value")
  })

  it("that is a whole list is had in JSON; XML has room for one entry only", async () => {
    const box = jukebox(MUSIC)
    const artists = `${DATA}/example-jukebox:jukebox/library/artist`
    const all = dataOf(await box.ask("GET", `${artists}?depth=1`))
    assert.deepEqual(all, {
      "example-jukebox:artist": [{ name: "Foo Fighters" }, { name: "Nick Cave" }],
    })
    const xml = { headers: { accept: "application/yang-data+xml" } }
    const many = await box.ask("GET", artists, xml)
    assert.equal(many.status, 400)
    assert.match(many.body ?? "", /<error-tag>invalid-value<\/error-tag>/)
    const one = await box.ask("GET", `${DATA}/example-jukebox:jukebox/playlist`, xml)
    assert.match(one.body ?? "", /^<playlist xmlns=.*<name>Foo-One<\/name>/)
  })

  it("that is a whole list is never written as one", async () => {
    const box = jukebox(MUSIC)
    const artists = `${DATA}/example-jukebox:jukebox/library/artist`
    for (const method of ["PUT", "PATCH", "DELETE", "POST"])
      assert.equal(
        faultIn(await box.ask(method, artists, { body: { "example-jukebox:artist": [] } })),
        "400 invalid-value",
      )
    assert.equal(box.datastore.running, MUSIC)
  })
})
