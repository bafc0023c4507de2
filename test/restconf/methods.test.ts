// Methods on resources: statuses, headers, bodies (RFC 8040 sections 3.3-3.6 and 4).

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import type { JsonObject } from "../../src/yang/json.js"
import { ACCEPT_XML, MUSIC, dataOf, faultIn, jukebox } from "./jukebox.js"

const DATA = "/restconf/data"
const BOX = `${DATA}/example-jukebox:jukebox`
const NICK = `${BOX}/library/artist=Nick%20Cave`
const PREY = `${NICK}/album=Tender%20Prey`

async function allowOf(target: string): Promise<string | undefined> {
  return (await jukebox(MUSIC).ask("OPTIONS", target)).headers["Allow"]
}

describe("OPTIONS", () => {
  it("tells what each kind of resource takes", async () => {
    assert.equal(await allowOf("/restconf"), "GET, HEAD, OPTIONS")
    assert.equal(await allowOf("/restconf/yang-library-version"), "GET, HEAD, OPTIONS")
    assert.equal(await allowOf("/restconf/operations"), "GET, HEAD, OPTIONS")
    assert.equal(await allowOf("/restconf/operations/example-jukebox:play"), "OPTIONS, POST")
    assert.equal(await allowOf(DATA), "GET, HEAD, OPTIONS, PATCH, POST, PUT")
    assert.equal(await allowOf(NICK), "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
    assert.equal(await allowOf(`${PREY}/year`), "DELETE, GET, HEAD, OPTIONS, PATCH, PUT")
    assert.equal(await allowOf(`${PREY}/name`), "GET, HEAD, OPTIONS, PATCH, PUT")
    assert.equal(await allowOf(`${BOX}/library/artist-count`), "GET, HEAD, OPTIONS")
    assert.equal(await allowOf(`${BOX}/library/artist`), "GET, HEAD, OPTIONS")
    assert.equal(
      await allowOf(`${DATA}/example-actions:interfaces/interface=a/reset`),
      "OPTIONS, POST",
    )
    assert.equal(await allowOf("/.well-known/host-meta"), "GET, HEAD, OPTIONS")
  })

  it("goes with Accept-Patch where PATCH does", async () => {
    const box = jukebox(MUSIC)
    const data = await box.ask("OPTIONS", NICK)
    assert.equal(
      data.headers["Accept-Patch"],
      "application/yang-data+json, application/yang-data+xml, application/yang-patch+json, application/yang-patch+xml",
    )
    const state = await box.ask("OPTIONS", `${BOX}/library/artist-count`)
    assert.equal(state.headers["Accept-Patch"], undefined)
  })
})

describe("a method that a resource does not take", () => {
  const cases: readonly [string, string][] = [
    ["DELETE", DATA],
    ["POST", `${PREY}/year`],
    ["DELETE", `${PREY}/name`],
    ["PUT", `${BOX}/library/artist-count`],
    ["DELETE", `${BOX}/library/artist-count`],
    ["GET", "/restconf/operations/example-jukebox:play"],
    ["POST", "/restconf"],
    ["PUT", "/restconf/operations"],
    ["TRACE", DATA],
    ["PROPFIND", NICK],
  ]
  for (const [method, target] of cases)
    it(`is 405 with what it takes: ${method} ${target}`, async () => {
      const answer = await jukebox(MUSIC).ask(method, target, { body: {} })
      assert.equal(faultIn(answer), "405 operation-not-supported")
      assert.match(answer.headers["Allow"] ?? "", /OPTIONS/)
    })
})

describe("POST", () => {
  it("creates at the top of the datastore", async () => {
    const box = jukebox()
    const answer = await box.ask("POST", DATA, { body: { "example-jukebox:jukebox": {} } })
    assert.equal(answer.status, 201)
    assert.equal(
      answer.headers["Location"],
      "https://example.com/restconf/data/example-jukebox:jukebox",
    )
    assert.deepEqual(box.datastore.running, { "example-jukebox:jukebox": {} })
  })

  it("creates one leaf, and one leaf-list entry, told by its value", async () => {
    const box = jukebox({ "example-actions:interfaces": { interface: [{ name: "e" }] } })
    const at = `${DATA}/example-actions:interfaces/interface=e`
    const tag = await box.ask("POST", at, { body: { "example-actions:tag": ["a/b"] } })
    assert.equal(tag.status, 201)
    assert.match(tag.headers["Location"] ?? "", /interface=e\/tag=a%2Fb$/)
    const second = await box.ask("POST", `${at}?insert=first`, {
      body: { "example-actions:tag": ["x"] },
    })
    assert.equal(second.status, 201)
    const leaf = await box.ask("POST", at, { body: { "example-actions:strands": 12 } })
    assert.match(leaf.headers["Location"] ?? "", /interface=e\/strands$/)
    assert.deepEqual(dataOf(await box.ask("GET", at)), {
      "example-actions:interface": [{ name: "e", tag: ["x", "a/b"], strands: 12 }],
    })
  })

  it("is 404 where the parent is not there", async () => {
    const answer = await jukebox(MUSIC).ask("POST", `${BOX}/library/artist=Nobody`, {
      body: { "example-jukebox:album": [{ name: "None" }] },
    })
    assert.equal(faultIn(answer), "404 invalid-value")
  })

  const refused: readonly [string, JsonObject | string, string][] = [
    ["nothing", "", "400 malformed-message"],
    ["no JSON", "{", "400 malformed-message"],
    ["an array", "[]", "400 malformed-message"],
    [
      "two members",
      { "example-jukebox:album": [], "example-jukebox:name": "x" },
      "400 malformed-message",
    ],
    [
      "a member twice",
      '{"example-jukebox:album":[],"example-jukebox:album":[]}',
      "400 malformed-message",
    ],
    ["a name without module", { album: [{ name: "a" }] }, "400 unknown-element"],
    ["a module nobody knows", { "nobody:album": [{ name: "a" }] }, "400 unknown-namespace"],
    ["a node that is not its child", { "example-jukebox:radio": 1 }, "400 unknown-element"],
    ["two entries", { "example-jukebox:album": [{ name: "a" }, { name: "b" }] }, "400 bad-element"],
    ["no entry", { "example-jukebox:album": [] }, "400 bad-element"],
    ["an entry that is no array", { "example-jukebox:album": { name: "a" } }, "400 invalid-value"],
    [
      "an entry without its key",
      { "example-jukebox:album": [{ year: 1999 }] },
      "400 missing-element",
    ],
    [
      "a value of the wrong type",
      { "example-jukebox:album": [{ name: "a", year: "x" }] },
      "400 invalid-value",
    ],
    [
      "a member nobody knows",
      { "example-jukebox:album": [{ name: "a", colour: 1 }] },
      "400 unknown-element",
    ],
    ["what is there", { "example-jukebox:album": [{ name: "Tender Prey" }] }, "409 data-exists"],
  ]
  for (const [what, body, fault] of refused)
    it(`of ${what} is ${fault}, and nothing changes`, async () => {
      const box = jukebox(MUSIC)
      const headers = { "content-type": "application/yang-data+json" }
      assert.equal(faultIn(await box.ask("POST", NICK, { body, headers })), fault)
      assert.equal(box.datastore.running, MUSIC)
    })

  it("of state is refused", async () => {
    const box = jukebox(MUSIC)
    const answer = await box.ask("POST", `${BOX}/library`, {
      body: { "example-jukebox:song-count": 3 },
    })
    assert.equal(faultIn(answer), "400 unknown-element")
  })

  it("names the place of a fault in the data", async () => {
    const answer = await jukebox(MUSIC).ask("POST", NICK, {
      body: { "example-jukebox:album": [{ name: "a", year: 1 }] },
    })
    const { error } = dataOf(answer)["ietf-restconf:errors"] as { error: JsonObject[] }
    assert.equal(
      error[0]?.["error-path"],
      "/example-jukebox:jukebox/library/artist[name='Nick Cave']/album[name='a']/year",
    )
  })
})

describe("PUT", () => {
  it("creates with 201, replaces with 204, and leaves nothing of what was there", async () => {
    const box = jukebox(MUSIC)
    const album = (more: JsonObject): JsonObject => ({
      "example-jukebox:album": [{ name: "New", ...more }],
    })
    const first = await box.ask("PUT", `${NICK}/album=New`, { body: album({ year: 2000 }) })
    assert.equal(first.status, 201)
    assert.match(first.headers["Location"] ?? "", /album=New$/)
    const second = await box.ask("PUT", `${NICK}/album=New`, {
      body: album({ admin: { label: "x" } }),
    })
    assert.equal(second.status, 204)
    assert.deepEqual(
      dataOf(await box.ask("GET", `${NICK}/album=New`)),
      album({ admin: { label: "x" } }),
    )
  })

  it("of what is there already changes nothing and asks nobody", async () => {
    const box = jukebox(MUSIC)
    const body = { "example-jukebox:year": 1988 }
    assert.equal((await box.ask("PUT", `${PREY}/year`, { body })).status, 204)
    assert.deepEqual(box.backend.edits, [])
  })

  it("moves an entry where insert says", async () => {
    const box = jukebox(MUSIC)
    const song = dataOf(await box.ask("GET", `${BOX}/playlist=Foo-One/song=3`))
    const put = await box.ask("PUT", `${BOX}/playlist=Foo-One/song=3?insert=first`, { body: song })
    assert.equal(put.status, 204)
    const order = dataOf(await box.ask("GET", `${BOX}/playlist=Foo-One/song?depth=1`))
    assert.deepEqual(order["example-jukebox:song"], [{ index: 3 }, { index: 1 }, { index: 2 }])
  })

  it("takes a leaf-list entry and a key that stays as it is", async () => {
    const box = jukebox({ "example-actions:interfaces": { interface: [{ name: "e" }] } })
    const at = `${DATA}/example-actions:interfaces/interface=e`
    const zone = await box.ask("PUT", `${at}/zone=7`, { body: { "example-actions:zone": [7] } })
    assert.equal(zone.status, 201)
    const name = await box.ask("PUT", `${at}/name`, { body: { "example-actions:name": "e" } })
    assert.equal(name.status, 204)
    const other = await box.ask("PUT", `${at}/name`, { body: { "example-actions:name": "f" } })
    assert.equal(faultIn(other), "400 invalid-value")
  })

  it("puts the data of another case away", async () => {
    const box = jukebox({ "example-actions:interfaces": { interface: [{ name: "e", pairs: 4 }] } })
    const at = `${DATA}/example-actions:interfaces/interface=e`
    await box.ask("PUT", `${at}/strands`, { body: { "example-actions:strands": 2 } })
    assert.deepEqual(dataOf(await box.ask("GET", at)), {
      "example-actions:interface": [{ name: "e", strands: 2 }],
    })
  })

  const refused: readonly [string, string, JsonObject, string][] = [
    [
      "another node than the target",
      `${PREY}/year`,
      { "example-jukebox:genre": "example-jukebox:pop" },
      "400 invalid-value",
    ],
    [
      "keys other than the URI's",
      PREY,
      { "example-jukebox:album": [{ name: "Other" }] },
      "400 invalid-value",
    ],
    [
      "a parent that is not there",
      `${BOX}/library/artist=No/album=A`,
      { "example-jukebox:album": [{ name: "A" }] },
      "409 data-missing",
    ],
    ["a datastore without its frame", DATA, { "example-jukebox:jukebox": {} }, "400 invalid-value"],
    [
      "a mandatory leaf left out",
      `${BOX}/playlist=Foo-One/song=1`,
      { "example-jukebox:song": [{ index: 1 }] },
      "409 data-missing",
    ],
    [
      "a must that does not hold",
      `${DATA}/example-actions:interfaces/pair=a,b`,
      { "example-actions:pair": [{ from: "a", to: "b", cost: 5 }] },
      "412 operation-failed must-violation",
    ],
  ]
  for (const [what, target, body, fault] of refused)
    it(`with ${what} is ${fault}, and nothing changes`, async () => {
      const box = jukebox(MUSIC)
      assert.equal(faultIn(await box.ask("PUT", target, { body })), fault)
      assert.equal(box.datastore.running, MUSIC)
    })
})

describe("PATCH", () => {
  it("is 404 where the target is not there: it never creates", async () => {
    const box = jukebox(MUSIC)
    for (const [target, body] of [
      [`${NICK}/album=None`, { "example-jukebox:album": [{ name: "None" }] }],
      [`${PREY}/genre`, { "example-jukebox:genre": "example-jukebox:pop" }],
    ] as const)
      assert.equal(faultIn(await box.ask("PATCH", target, { body })), "404 invalid-value")
    assert.equal(box.datastore.running, MUSIC)
  })

  it("of a default is kept as it was set, and can be deleted once", async () => {
    const box = jukebox({ "example:interfaces": { interface: [{ name: "eth0" }] } })
    const mtu = `${DATA}/example:interfaces/interface=eth0/mtu`
    assert.equal(faultIn(await box.ask("GET", mtu)), "404 invalid-value")
    assert.equal(
      (await box.ask("GET", `${mtu}?with-defaults=report-all`)).body,
      '{"example:mtu":1500}',
    )
    assert.equal((await box.ask("PUT", mtu, { body: { "example:mtu": 1500 } })).status, 201)
    assert.equal((await box.ask("GET", mtu)).body, '{"example:mtu":1500}')
    assert.equal(faultIn(await box.ask("GET", `${mtu}?with-defaults=trim`)), "404 invalid-value")
    assert.equal((await box.ask("DELETE", mtu)).status, 204)
    assert.equal(faultIn(await box.ask("DELETE", mtu)), "404 invalid-value")
  })
})

describe("what the backend says", () => {
  it("reaches the client as it is: tag, app-tag, words", async () => {
    const box = jukebox(MUSIC)
    box.backend.refusal = new QkdError("operation-failed", "no room", { appTag: "no-capacity" })
    const answer = await box.ask("DELETE", PREY)
    assert.equal(faultIn(answer), "412 operation-failed no-capacity")
    assert.match(answer.body ?? "", /no room/)
    box.backend.refusal = new QkdError("access-denied", "policy", { appTag: "policy" })
    assert.equal(faultIn(await box.ask("DELETE", PREY)), "403 access-denied policy")
    assert.equal(box.datastore.running, MUSIC)
  })

  it("when it is a bug is told as nothing but that, and handed out for the log", async () => {
    const box = jukebox(MUSIC)
    box.backend.bug = new TypeError("secret details")
    const answer = await box.ask("DELETE", PREY, { headers: ACCEPT_XML })
    assert.equal(answer.status, 500)
    assert.doesNotMatch(answer.body ?? "", /secret/)
    assert.equal(answer.bug, box.backend.bug)
  })

  it("a lock of a NETCONF session is 409 in-use, and names the session", async () => {
    const box = jukebox(MUSIC)
    await box.datastore.lock(42, 0)
    const answer = await box.ask("DELETE", PREY)
    assert.equal(faultIn(answer), "409 in-use")
    assert.match(answer.body ?? "", /"ietf-netconf:session-id":"42"/)
    assert.equal((await box.ask("GET", PREY)).status, 200)
    await box.datastore.unlock(42)
    assert.equal((await box.ask("DELETE", PREY)).status, 204)
  })
})
