// Requests drawn at random, near to right ones and far from them: each gets an answer of the protocol, none is a bug of
// ours, and what is refused changes nothing.

import assert from "node:assert/strict"
import fc from "fast-check"
import { MUSIC, jukebox } from "./jukebox.js"

const WORDS = [
  "example-jukebox:jukebox",
  "library",
  "artist=Nick%20Cave",
  "artist=Foo%20Fighters",
  "artist",
  "album=Tender%20Prey",
  "album",
  "year",
  "name",
  "admin",
  "playlist=Foo-One",
  "song=1",
  "song",
  "id",
  "player",
  "gap",
  "artist-count",
  "example-actions:interfaces",
  "interface=a",
  "tag=x",
  "tag",
  "pair=a,b",
  "pair=",
  "reset",
  "example:interfaces",
  "ietf-restconf-monitoring:restconf-state",
  "streams",
  "%",
  "%ff",
  "=",
  "",
  "..",
]

const segment = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...WORDS) },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }).map(encodeURIComponent) },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
)
const place = fc.constantFrom(
  "/restconf/data",
  "/restconf/operations",
  "/restconf/streams",
  "/restconf",
  "",
)
const parameter = fc.oneof(
  fc.constantFrom(
    "content=config",
    "content=nonconfig",
    "depth=1",
    "depth=3",
    "fields=artist/album(name;year)",
    "fields=name",
    "with-defaults=report-all",
    "with-defaults=trim",
    "with-defaults=report-all-tagged",
    "insert=first",
    "insert=after",
    "point=%2Fexample-jukebox%3Ajukebox%2Fplaylist%3DFoo-One%2Fsong%3D1",
    "filter=%2F%2F%2A",
    "start-time=2025-01-01T00:00:00Z",
  ),
  fc.string({ maxLength: 10 }),
)
const target = fc
  .tuple(place, fc.array(segment, { maxLength: 6 }), fc.array(parameter, { maxLength: 3 }))
  .map(([root, segments, query]) => {
    const path = [root, ...segments].join("/")
    return query.length === 0 ? path : `${path}?${query.join("&")}`
  })

const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom("x", "Nick Cave", 1988, "0.5", true, null, -1, 1.5),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom(
        "name",
        "year",
        "album",
        "song",
        "gap",
        "index",
        "id",
        "@name",
        "from",
        "to",
        "example:x",
      ),
      tie("value"),
      { maxKeys: 4 },
    ),
  ),
})).value
const named = fc.constantFrom(
  "example-jukebox:artist",
  "example-jukebox:album",
  "example-jukebox:year",
  "example-jukebox:library",
  "example-jukebox:jukebox",
  "example-jukebox:song",
  "example-jukebox:gap",
  "example-jukebox:input",
  "example-actions:pair",
  "ietf-restconf:data",
  "ietf-yang-patch:yang-patch",
  "artist",
)
const patch = fc.array(
  fc.record(
    {
      "edit-id": fc.constantFrom("a", "b"),
      operation: fc.constantFrom(
        "create",
        "delete",
        "insert",
        "merge",
        "move",
        "replace",
        "remove",
        "x",
      ),
      target: fc.constantFrom("/", "/album=a", "/library", "/song=1", "/year", "x", "/%"),
      where: fc.constantFrom("first", "after", "x"),
      point: fc.constantFrom("/song=2", "/"),
      value: fc.dictionary(named, value, { maxKeys: 2 }),
    },
    { requiredKeys: ["edit-id", "operation", "target"] },
  ),
  { maxLength: 3 },
)
const body = fc.oneof(
  fc.dictionary(named, value, { maxKeys: 2 }).map((data) => JSON.stringify(data)),
  patch.map((edit) => JSON.stringify({ "ietf-yang-patch:yang-patch": { "patch-id": "p", edit } })),
  fc
    .tuple(
      fc.constantFrom("artist", "year", "data", "input", "yang-patch"),
      fc.string({ maxLength: 20 }),
    )
    .map(
      ([name, text]) =>
        `<${name} xmlns="http://example.com/ns/example-jukebox"><name>${text}</name></${name}>`,
    ),
  fc.string({ maxLength: 40 }),
  fc.uint8Array({ maxLength: 40 }),
  fc.constant(""),
)
const headers = fc.record(
  {
    accept: fc.constantFrom(
      "application/yang-data+xml",
      "application/yang-data+json",
      "*/*",
      "text/event-stream",
      "x",
      "a/b;q=x",
    ),
    "content-type": fc.constantFrom(
      "application/yang-data+json",
      "application/yang-data+xml",
      "application/yang-patch+json",
      "application/yang-patch+xml",
      "text/plain",
    ),
    "if-match": fc.constantFrom("*", '"x"', "x", 'W/"x"'),
    "if-none-match": fc.constantFrom("*", '"x"', ""),
    "if-modified-since": fc.constantFrom("Thu, 01 Jan 2026 00:00:00 GMT", "x"),
    "if-unmodified-since": fc.constantFrom(
      "Thu, 01 Jan 2026 00:00:00 GMT",
      "Thu, 01 Jan 2015 00:00:00 GMT",
    ),
  },
  { requiredKeys: [] },
)
const method = fc.constantFrom("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")

const STATUSES = [200, 201, 204, 304, 400, 404, 405, 406, 409, 412, 413, 414, 415, 501]

describe("a request drawn at random", () => {
  it("is answered by the protocol, and changes nothing when refused", async () => {
    const met = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(
        method,
        target,
        fc.record({ headers, body }),
        async (verb, uri, { headers: sent, body: content }) => {
          const box = jukebox(MUSIC)
          const answer = await box.ask(verb, uri, { headers: sent, body: content })
          met.set(answer.status, (met.get(answer.status) ?? 0) + 1)
          assert.equal(answer.bug, undefined)
          assert.ok(STATUSES.includes(answer.status), String(answer.status))
          if (answer.status >= 300) assert.equal(box.datastore.running, MUSIC)
          if (answer.status >= 400) assert.match(answer.body ?? "", /error-tag|yang-patch-status/)
          if (answer.body === undefined) return
          const type = answer.headers["Content-Type"] ?? ""
          if (type.endsWith("json")) JSON.parse(answer.body)
        },
      ),
      // The same draws each time: what they reach is asserted below.
      { numRuns: 4000, seed: 8040 },
    )
    // The dice reach what they are thrown for.
    for (const status of [200, 400, 404, 405, 406, 412, 415])
      assert.ok((met.get(status) ?? 0) > 0, `never ${status}`)
  }).timeout(120_000)
})
