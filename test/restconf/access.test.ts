// Access control (RFC 8341) by RESTCONF: what a user may not read is not there, what he may not do is refused, and no
// header or error tells more.

import assert from "node:assert/strict"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { compileSchema, type Schema } from "../../src/yang/schema.js"
import type { JsonObject } from "../../src/yang/json.js"
import { EXAMPLES } from "./jukebox-module.js"
import { MUSIC, dataOf, faultIn, jukebox, type Jukebox } from "./jukebox.js"

const BOX = "/restconf/data/example-jukebox:jukebox"
const NICK = `${BOX}/library/artist=Nick%20Cave`

let compiled: Schema | undefined

function schema(): Schema {
  compiled ??= compileSchema([
    ...EXAMPLES.filter(({ name }) => name !== "ietf-yang-types"),
    ...loadYangFiles(["ietf-netconf-acm", "ietf-yang-types"]),
  ])
  return compiled
}

const rule = (name: string, more: JsonObject): JsonObject => ({ name, ...more })

/** Alice may do everything; bob may not see Nick Cave or the player, nor change playlists, nor play. */
const RULES: JsonObject = {
  "ietf-netconf-acm:nacm": {
    "write-default": "permit",
    groups: {
      group: [
        { name: "admin", "user-name": ["alice"] },
        { name: "guest", "user-name": ["bob"] },
      ],
    },
    "rule-list": [
      {
        name: "all",
        group: ["admin"],
        rule: [rule("all", { "module-name": "*", action: "permit" })],
      },
      {
        name: "guests",
        group: ["guest"],
        rule: [
          rule("no-nick", {
            path: "/example-jukebox:jukebox/library/artist[name='Nick Cave']",
            action: "deny",
          }),
          rule("no-player", { path: "/example-jukebox:jukebox/player", action: "deny" }),
          rule("no-lists", {
            path: "/example-jukebox:jukebox/playlist",
            "access-operations": "create update delete",
            action: "deny",
          }),
          rule("no-play", { "rpc-name": "play", "module-name": "example-jukebox", action: "deny" }),
          rule("no-events", {
            "notification-name": "event",
            "module-name": "example-mod",
            action: "deny",
          }),
        ],
      },
    ],
  },
}

function house(): Jukebox {
  return jukebox({ ...MUSIC, ...RULES }, { schema: schema() })
}

describe("access control by RESTCONF", () => {
  it("leaves out what may not be read, wherever one asks", async () => {
    const box = house()
    const as = "bob"
    assert.equal(faultIn(await box.ask("GET", NICK, { as })), "404 invalid-value")
    assert.equal(faultIn(await box.ask("GET", `${BOX}/player/gap`, { as })), "404 invalid-value")
    const names = dataOf(await box.ask("GET", `${BOX}/library/artist?depth=1`, { as }))
    assert.deepEqual(names, { "example-jukebox:artist": [{ name: "Foo Fighters" }] })
    const all = (await box.ask("GET", "/restconf/data", { as })).body ?? ""
    assert.doesNotMatch(all, /Nick Cave|"gap"/)
    assert.equal((await box.ask("GET", NICK, { as: "alice" })).status, 200)
  })

  it("tells no default in the place of what is hidden", async () => {
    const box = house()
    const leaf = "/restconf/data/ietf-netconf-acm:nacm/read-default"
    for (const mode of ["report-all", "report-all-tagged"]) {
      const query = `?with-defaults=${mode}`
      assert.equal(faultIn(await box.ask("GET", leaf + query, { as: "bob" })), "404 invalid-value")
      assert.equal((await box.ask("GET", leaf + query, { as: "alice" })).status, 200)
      const all = (await box.ask("GET", `/restconf/data${query}`, { as: "bob" })).body ?? ""
      assert.doesNotMatch(all, /nacm|read-default/)
      assert.match(all, /Foo Fighters/)
    }
  })

  it("lets no entity tag tell of what is hidden", async () => {
    const box = house()
    const tag = async (): Promise<string | undefined> =>
      (await box.ask("HEAD", `${BOX}/library`, { as: "bob" })).headers["ETag"]
    const before = await tag()
    assert.equal((await box.ask("DELETE", `${NICK}/album=Tender%20Prey`)).status, 204)
    assert.equal(await tag(), before)
  })

  it("refuses writes with 403, and does not say whether what is hidden is there", async () => {
    const box = house()
    const { running } = box.datastore
    const playlist = await box.ask("DELETE", `${BOX}/playlist=Foo-One`, { as: "bob" })
    assert.equal(faultIn(playlist), "403 access-denied")
    const put = (name: string): Promise<string> =>
      box
        .ask("POST", `${BOX}/library`, {
          as: "bob",
          body: { "example-jukebox:artist": [{ name }] },
        })
        .then((answer) => (answer.status < 300 ? "done" : faultIn(answer)))
    assert.equal(await put("Nick Cave"), "403 access-denied")
    assert.equal(faultIn(await box.ask("DELETE", NICK, { as: "bob" })), "404 invalid-value")
    assert.equal(box.datastore.running, running)
    assert.equal(await put("New"), "done")
  })

  it("refuses a YANG Patch that touches one thing too many, whole", async () => {
    const box = house()
    const { running } = box.datastore
    const answer = await box.ask("PATCH", BOX, {
      as: "bob",
      headers: { "content-type": "application/yang-patch+json" },
      body: {
        "ietf-yang-patch:yang-patch": {
          "patch-id": "p",
          edit: [
            {
              "edit-id": "1",
              operation: "create",
              target: "/library/artist=New",
              value: { "example-jukebox:artist": [{ name: "New" }] },
            },
            { "edit-id": "2", operation: "delete", target: "/playlist=Foo-One" },
          ],
        },
      },
    })
    assert.equal(answer.status, 403)
    assert.match(answer.body ?? "", /access-denied/)
    assert.equal(box.datastore.running, running)
  })

  it("refuses operations with 403", async () => {
    const box = house()
    const play = (as: string): Promise<number> =>
      box
        .ask("POST", "/restconf/operations/example-jukebox:play", {
          as,
          body: { "example-jukebox:input": { playlist: "Foo-One", "song-number": 1 } },
        })
        .then(({ status }) => status)
    assert.equal(await play("bob"), 403)
    assert.equal(await play("alice"), 204)
    assert.equal(box.backend.calls.length, 1)
  })

  it("tells nobody of events he may not hear", async () => {
    const box = house()
    const heard: Record<string, string[]> = { alice: [], bob: [] }
    for (const [as, texts] of Object.entries(heard)) {
      const answer = await box.ask("GET", "/restconf/streams/NETCONF/json", { as })
      answer.stream?.({ write: (text) => texts.push(text), end: () => undefined })
    }
    box.tell("major")
    assert.deepEqual([heard["alice"]?.length, heard["bob"]?.length], [1, 0])
  })
})
