// RFC 8072: the examples of its appendix A rebuilt, all operations, and what is refused.

import assert from "node:assert/strict"
import type { JsonObject } from "../../src/yang/json.js"
import { ACCEPT_XML, MUSIC, dataOf, faultIn, jukebox, type Jukebox } from "./jukebox.js"
import type { RestconfAnswer } from "../../src/restconf/message.js"

const DATA = "/restconf/data"
const ALBUM = `${DATA}/example-jukebox:jukebox/library/artist=Foo%20Fighters/album=Wasting%20Light`
const PLAYLIST = `${DATA}/example-jukebox:jukebox/playlist=Foo-One`
const MEDIA = { "content-type": "application/yang-patch+json" }

function patch(box: Jukebox, target: string, edit: JsonObject[]): Promise<RestconfAnswer> {
  return box.ask("PATCH", target, {
    headers: MEDIA,
    body: { "ietf-yang-patch:yang-patch": { "patch-id": "p", edit } },
  })
}

function statusIn(answer: RestconfAnswer): JsonObject {
  return dataOf(answer)["ietf-yang-patch:yang-patch-status"] as JsonObject
}

const song = (name: string): JsonObject => ({
  "example-jukebox:song": [{ name, location: `/media/${name}.mp3`, length: 288 }],
})
const create = (id: string, name: string): JsonObject => ({
  "edit-id": id,
  operation: "create",
  target: `/song=${encodeURIComponent(name)}`,
  value: song(name),
})

async function order(box: Jukebox): Promise<unknown[]> {
  const answer = await box.ask("GET", `${PLAYLIST}/song?fields=index`)
  return (dataOf(answer)["example-jukebox:song"] as JsonObject[]).map((entry) => entry["index"])
}

describe("a YANG Patch, as RFC 8072 appendix A has it,", () => {
  it("A.1.1: fails whole when one edit fails, and says which and why", async () => {
    const box = jukebox(MUSIC)
    const answer = await patch(box, ALBUM, [
      create("edit1", "Walk"),
      create("edit2", "Rope"),
      create("edit3", "Arlandria"),
    ])
    assert.equal(answer.status, 409)
    assert.equal(answer.headers["Content-Type"], "application/yang-data+json")
    const { edit } = statusIn(answer)["edit-status"] as { edit: (JsonObject | undefined)[] }
    assert.deepEqual(edit[0], { "edit-id": "edit1", ok: [null] })
    const [error] = (edit[1]?.["errors"] as { error: (JsonObject | undefined)[] }).error
    assert.equal(error?.["error-type"], "application")
    assert.equal(error["error-tag"], "data-exists")
    assert.equal(
      error["error-path"],
      "/example-jukebox:jukebox/library/artist[name='Foo Fighters']/album[name='Wasting Light']/song[name='Rope']",
    )
    assert.equal(edit.length, 2)
    assert.equal(box.datastore.running, MUSIC)
  })

  it("A.1.2: adds several resources at once, in one change of the datastore", async () => {
    const box = jukebox(MUSIC)
    const answer = await patch(box, ALBUM, [create("edit1", "Walk"), create("edit2", "Arlandria")])
    assert.equal(answer.status, 200)
    assert.deepEqual(statusIn(answer), { "patch-id": "p", ok: [null] })
    assert.equal(box.backend.edits.length, 1)
    assert.equal((await box.ask("GET", `${ALBUM}/song=Arlandria`)).status, 200)
  })

  it("A.1.3: inserts an entry where the point says", async () => {
    const box = jukebox(MUSIC)
    const answer = await patch(box, PLAYLIST, [
      {
        "edit-id": "edit1",
        operation: "insert",
        target: "/song=6",
        point: "/song=2",
        where: "after",
        value: {
          "example-jukebox:song": [
            {
              index: 6,
              id: "/example-jukebox:jukebox/library/artist[name='Foo Fighters']/album[name='Wasting Light']/song[name='Rope']",
            },
          ],
        },
      },
    ])
    assert.equal(answer.status, 200, answer.body)
    assert.deepEqual(await order(box), [1, 2, 6, 3])
  })

  it("A.1.4: moves an entry", async () => {
    const box = jukebox(MUSIC)
    const move = (where: string, point?: string): Promise<RestconfAnswer> =>
      patch(box, PLAYLIST, [
        {
          "edit-id": "edit1",
          operation: "move",
          target: "/song=1",
          where,
          ...(point === undefined ? {} : { point }),
        },
      ])
    assert.equal((await move("after", "/song=3")).status, 200)
    assert.deepEqual(await order(box), [2, 3, 1])
    assert.equal((await move("first")).status, 200)
    assert.deepEqual(await order(box), [1, 2, 3])
    assert.equal((await move("last")).status, 200)
    assert.deepEqual(await order(box), [2, 3, 1])
  })

  it("A.1.5: edits the datastore resource", async () => {
    const box = jukebox(MUSIC)
    const answer = await patch(box, DATA, [
      {
        "edit-id": "edit1",
        operation: "merge",
        target: "/example-jukebox:jukebox/player",
        value: { "example-jukebox:player": { gap: "1.5" } },
      },
      {
        "edit-id": "edit2",
        operation: "replace",
        target: "/example:interfaces",
        value: { "example:interfaces": { interface: [{ name: "eth0" }] } },
      },
    ])
    assert.equal(answer.status, 200, answer.body)
    assert.deepEqual(box.datastore.running["example:interfaces"], {
      interface: [{ name: "eth0" }],
    })
  })
})

describe("a YANG Patch", () => {
  it("knows delete, remove, merge and replace, in order, each seeing what those before it did", async () => {
    const box = jukebox(MUSIC)
    const answer = await patch(box, ALBUM, [
      { "edit-id": "1", operation: "delete", target: "/song=Rope" },
      { "edit-id": "2", operation: "remove", target: "/song=Rope" },
      create("3", "Rope"),
      {
        "edit-id": "4",
        operation: "merge",
        target: "/year",
        value: { "example-jukebox:year": 2010 },
      },
      {
        "edit-id": "5",
        operation: "replace",
        target: "/admin",
        value: { "example-jukebox:admin": { label: "RCA" } },
      },
    ])
    // The playlist speaks of the song: only what is there in the end counts.
    assert.equal(answer.status, 200, answer.body)
    const album = dataOf(await box.ask("GET", `${ALBUM}?fields=year;admin`))
    assert.deepEqual(album, {
      "example-jukebox:album": [{ name: "Wasting Light", year: 2010, admin: { label: "RCA" } }],
    })
  })

  it("may name its target itself by /", async () => {
    const box = jukebox(MUSIC)
    const answer = await patch(box, `${ALBUM}/year`, [
      {
        "edit-id": "1",
        operation: "replace",
        target: "/",
        value: { "example-jukebox:year": 2001 },
      },
    ])
    assert.equal(answer.status, 200, answer.body)
    assert.equal((await box.ask("GET", `${ALBUM}/year`)).body, '{"example-jukebox:year":2001}')
  })

  it("whose outcome is refused is told so for all its edits together", async () => {
    const box = jukebox(MUSIC)
    const answer = await patch(box, ALBUM, [
      { "edit-id": "1", operation: "delete", target: "/song=Rope" },
    ])
    assert.equal(answer.status, 409)
    const { error } = statusIn(answer)["errors"] as { error: (JsonObject | undefined)[] }
    assert.equal(error[0]?.["error-tag"], "data-missing")
    assert.equal(error[0]["error-app-tag"], "instance-required")
    assert.equal(box.datastore.running, MUSIC)
  })

  it("comes in XML as well, and its status goes out in what the client accepts", async () => {
    const box = jukebox(MUSIC)
    const text = `<yang-patch xmlns="urn:ietf:params:xml:ns:yang:ietf-yang-patch"><patch-id>x</patch-id><comment>songs</comment><edit><edit-id>e</edit-id><operation>create</operation><target>/song=Rope</target><value><song xmlns="http://example.com/ns/example-jukebox"><name>Rope</name><location>/r</location></song></value></edit></yang-patch>`
    const ask = (headers: Record<string, string>): Promise<RestconfAnswer> =>
      box.ask("PATCH", ALBUM, {
        headers: { "content-type": "application/yang-patch+xml", ...headers },
        body: text,
      })
    const asXml = await ask(ACCEPT_XML)
    assert.equal(asXml.status, 409)
    assert.match(
      asXml.body ?? "",
      /^<yang-patch-status xmlns="urn:ietf:params:xml:ns:yang:ietf-yang-patch"><patch-id>x<\/patch-id><edit-status><edit><edit-id>e<\/edit-id><errors xmlns="urn:ietf:params:xml:ns:yang:ietf-yang-patch"><error>/,
    )
    const asJson = await ask({ accept: "application/yang-data+json" })
    assert.equal(asJson.headers["Content-Type"], "application/yang-data+json")
  })

  const broken: [string, JsonObject, string][] = [
    ["without an operation", { "edit-id": "1", target: "/year" }, "400 missing-element"],
    [
      "of an unknown operation",
      { "edit-id": "1", operation: "swap", target: "/year" },
      "400 invalid-value",
    ],
    [
      "that creates nothing",
      { "edit-id": "1", operation: "create", target: "/year" },
      "400 missing-element",
    ],
    [
      "that deletes with a value",
      {
        "edit-id": "1",
        operation: "delete",
        target: "/year",
        value: { "example-jukebox:year": 1 },
      },
      "400 unknown-element",
    ],
    [
      "that merges to a place",
      {
        "edit-id": "1",
        operation: "merge",
        target: "/year",
        where: "first",
        value: { "example-jukebox:year": 1999 },
      },
      "400 unknown-element",
    ],
    [
      "before nothing",
      { "edit-id": "1", operation: "move", target: "/song=1", where: "before" },
      "400 missing-element",
    ],
    [
      "with a member nobody knows",
      { "edit-id": "1", operation: "delete", target: "/year", colour: "red" },
      "400 unknown-element",
    ],
  ]
  for (const [what, edit, fault] of broken)
    it(`${what} is refused, and nothing changes`, async () => {
      const box = jukebox(MUSIC)
      assert.equal(faultIn(await patch(box, ALBUM, [edit])), fault)
      assert.equal(box.datastore.running, MUSIC)
    })

  const failing: [string, string, JsonObject, number][] = [
    ["a target that is no path", ALBUM, { operation: "delete", target: "year" }, 400],
    [
      "a target that the schema does not have",
      ALBUM,
      { operation: "delete", target: "/colour" },
      404,
    ],
    [
      "a value that is another node",
      ALBUM,
      {
        operation: "merge",
        target: "/year",
        value: { "example-jukebox:genre": "example-jukebox:pop" },
      },
      400,
    ],
    [
      "a value with other keys",
      ALBUM,
      { operation: "merge", target: "/song=Rope", value: song("Walk") },
      400,
    ],
    [
      "a value of the wrong type",
      ALBUM,
      { operation: "merge", target: "/year", value: { "example-jukebox:year": "soon" } },
      400,
    ],
    [
      "a move in a list the system orders",
      ALBUM,
      { operation: "move", target: "/song=Rope", where: "first" },
      400,
    ],
    [
      "a point that is no sibling",
      PLAYLIST,
      { operation: "move", target: "/song=1", where: "before", point: "/description" },
      400,
    ],
    [
      "a point that is not there",
      PLAYLIST,
      { operation: "move", target: "/song=1", where: "before", point: "/song=9" },
      400,
    ],
    [
      "the move of nothing",
      PLAYLIST,
      { operation: "move", target: "/song=9", where: "first" },
      409,
    ],
    ["the deletion of nothing", ALBUM, { operation: "delete", target: "/song=Walk" }, 409],
  ]
  for (const [what, target, edit, status] of failing)
    it(`with ${what} fails at that edit: ${status}`, async () => {
      const box = jukebox(MUSIC)
      const answer = await patch(box, target, [{ "edit-id": "only", ...edit }])
      assert.equal(answer.status, status, answer.body)
      const report = statusIn(answer)["edit-status"] as { edit: (JsonObject | undefined)[] }
      assert.equal(report.edit[0]?.["edit-id"], "only")
      assert.equal(box.datastore.running, MUSIC)
    })

  it("is not done when its target is not there, its ids are doubled or its precondition is false", async () => {
    const box = jukebox(MUSIC)
    const one = { "edit-id": "1", operation: "remove", target: "/year" }
    assert.equal(faultIn(await patch(box, `${ALBUM.slice(0, -5)}xx`, [one])), "404 invalid-value")
    assert.equal(faultIn(await patch(box, ALBUM, [one, one])), "400 bad-element")
    const answer = await box.ask("PATCH", ALBUM, {
      headers: { ...MEDIA, "if-match": '"another"' },
      body: { "ietf-yang-patch:yang-patch": { "patch-id": "p", edit: [one] } },
    })
    assert.equal(faultIn(answer), "412 operation-failed")
    assert.equal(box.datastore.running, MUSIC)
  })
})
