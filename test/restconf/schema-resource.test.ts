// The schema resource (RFC 8040 section 3.7): YANG texts by GET, and where the YANG library says they are.

import assert from "node:assert/strict"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { compileSchema, type Schema } from "../../src/yang/schema.js"
import { compileValidator } from "../../src/yang/validate.js"
import type { JsonObject } from "../../src/yang/json.js"
import { curlHouse, needCurl } from "./curl.js"
import { EXAMPLES } from "./jukebox-module.js"
import { ACCEPT_XML, ORIGIN, dataOf, faultIn, jukebox, type Jukebox } from "./jukebox.js"

const YANG = "/restconf/yang"
const JUKEBOX = `${YANG}/example-jukebox@2016-08-15`
const LIBRARY = "/restconf/data/ietf-yang-library:yang-library"
const OLD_LIBRARY = "/restconf/data/ietf-yang-library:modules-state"

/** A module with a part of its own, neither with a revision but the part's; not ASCII alone. */
const WHOLE = `module whole { yang-version 1.1; namespace "urn:whole"; prefix w; include part; description "Größe"; }`
const PART = `submodule part { yang-version 1.1; belongs-to whole { prefix w; } revision 2020-02-02; leaf x { type string; } }`

let compiled: Schema | undefined

function schema(): Schema {
  const examples = EXAMPLES.filter(({ name }) => name !== "ietf-yang-types")
  return (compiled ??= compileSchema(
    [
      ...examples,
      { name: "whole", text: WHOLE },
      { name: "part", text: PART },
      ...loadYangFiles([
        "ietf-yang-library",
        "ietf-datastores",
        "ietf-netconf-acm",
        "ietf-yang-types",
        "ietf-inet-types",
      ]),
    ],
    {
      implement: [
        ...examples.map(({ name }) => name),
        "whole",
        "ietf-yang-library",
        "ietf-datastores",
        "ietf-netconf-acm",
      ],
    },
  ))
}

/** Bob may not have the texts; eve may, but is told no address of a module in the old library. */
const RULES: JsonObject = {
  "ietf-netconf-acm:nacm": {
    groups: {
      group: [
        { name: "guest", "user-name": ["bob"] },
        { name: "half", "user-name": ["eve"] },
      ],
    },
    "rule-list": [
      {
        name: "guests",
        group: ["guest"],
        rule: [
          {
            name: "no-texts",
            "module-name": "ietf-netconf-monitoring",
            "rpc-name": "get-schema",
            action: "deny",
          },
        ],
      },
      {
        name: "halves",
        group: ["half"],
        rule: [
          {
            name: "no-addresses",
            path: "/ietf-yang-library:modules-state/module/schema",
            action: "deny",
          },
        ],
      },
    ],
  },
}

function house(): Jukebox {
  return jukebox(RULES, { schema: schema() })
}

/** Every address in a part of the library, by the name it stands beside. */
function addresses(value: unknown, member: "location" | "schema"): Map<string, string> {
  const found = new Map<string, string>()
  const visit = (at: unknown): void => {
    if (Array.isArray(at)) at.forEach(visit)
    else if (typeof at === "object" && at !== null) {
      const entry = at as JsonObject
      const told = entry[member]
      const address: unknown = member === "location" && Array.isArray(told) ? told[0] : told
      const { name } = entry
      if (typeof name === "string" && typeof address === "string") found.set(name, address)
      Object.values(entry).forEach(visit)
    }
  }
  visit(value)
  return found
}

describe("a schema resource", () => {
  const box = house()

  it("is the module's text, as it was read, as application/yang", async () => {
    const answer = await box.ask("GET", JUKEBOX)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers["Content-Type"], "application/yang")
    assert.equal(answer.body, EXAMPLES.find(({ name }) => name === "example-jukebox")?.text)
  })

  it("is there for submodules, for modules without revision, and for the server's own", async () => {
    assert.equal((await box.ask("GET", `${YANG}/part@2020-02-02`)).body, PART)
    assert.equal((await box.ask("GET", `${YANG}/whole`)).body, WHOLE)
    const own = await box.ask("GET", `${YANG}/ietf-restconf-monitoring@2017-01-26`)
    assert.match(own.body ?? "", /^.*module ietf-restconf-monitoring \{/ms)
  })

  for (const name of [
    "",
    "/nix@2020-01-01",
    "/example-jukebox",
    "/example-jukebox@2016-08-16",
    "/example-jukebox@",
    "/whole@",
    "/part",
    "/whole=1",
    "/example-jukebox@2016-08-15/more",
    "/..%2Fpackage.json",
  ])
    it(`is 404 by any other name: yang${name}`, async () => {
      assert.equal(faultIn(await box.ask("GET", `${YANG}${name}`)), "404 invalid-value")
    })

  it("is read, never written", async () => {
    const options = await box.ask("OPTIONS", JUKEBOX)
    assert.equal(options.headers["Allow"], "GET, HEAD, OPTIONS")
    assert.equal((await box.ask("HEAD", JUKEBOX)).headers["Content-Type"], "application/yang")
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const answer = await box.ask(method, JUKEBOX)
      assert.equal(faultIn(answer), "405 operation-not-supported")
      assert.equal(answer.headers["Allow"], "GET, HEAD, OPTIONS")
    }
    assert.equal(faultIn(await box.ask("GET", `${JUKEBOX}?depth=1`)), "400 invalid-value")
  })

  it("is told to whoever accepts YANG, and to nobody else", async () => {
    for (const accept of ["application/yang", "*/*", "text/html, application/*;q=0.1"])
      assert.equal((await box.ask("GET", JUKEBOX, { headers: { accept } })).status, 200, accept)
    for (const accept of ["application/yang-data+json", "application/yin+xml", "*/*;q=0"])
      assert.equal(
        faultIn(await box.ask("GET", JUKEBOX, { headers: { accept } })),
        "406 invalid-value",
      )
  })

  it("is for whom get-schema is", async () => {
    assert.equal((await box.ask("GET", JUKEBOX, { as: null })).status, 401)
    assert.equal(faultIn(await box.ask("GET", JUKEBOX, { as: "bob" })), "403 access-denied")
    const choosy = house()
    Object.assign(choosy.backend, {
      allows: (name: string) => name !== "ietf-netconf-monitoring:get-schema",
    })
    assert.equal(faultIn(await choosy.ask("GET", JUKEBOX)), "403 access-denied")
  })
})

describe("the YANG library by RESTCONF", () => {
  const box = house()

  for (const [target, member] of [
    [LIBRARY, "location"],
    [OLD_LIBRARY, "schema"],
  ] as const)
    it(`tells where each text is to be had: ${member}`, async () => {
      const told = addresses(dataOf(await box.ask("GET", target)), member)
      const all = schema().modules.flatMap((m) => [m, ...m.submodules])
      for (const { name, text } of all) {
        const address = told.get(name) ?? ""
        assert.ok(address.startsWith(`${ORIGIN}/restconf/yang/${name}`), `${name}: ${address}`)
        assert.equal((await box.ask("GET", address.slice(ORIGIN.length))).body, text)
      }
    })

  it("tells it wherever the library is read: whole, one entry, one leaf, by name of a datastore", async () => {
    const url = `${ORIGIN}${JUKEBOX}`
    const entry = `${OLD_LIBRARY}/module=example-jukebox,2016-08-15`
    assert.equal(
      (await box.ask("GET", `${entry}/schema`)).body,
      JSON.stringify({ "ietf-yang-library:schema": url }),
    )
    const xml = await box.ask("GET", entry, { headers: ACCEPT_XML })
    assert.match(xml.body ?? "", new RegExp(`<schema>${url}</schema>`))
    for (const target of [
      "/restconf/data",
      "/restconf/data?with-defaults=report-all",
      "/restconf/ds/ietf-datastores:operational/ietf-yang-library:yang-library",
    ]) {
      const told = addresses(dataOf(await box.ask("GET", target)), "location")
      assert.equal(told.get("example-jukebox"), url, target)
    }
  })

  it("stays valid, each address an absolute URI", async () => {
    const whole = dataOf(
      await box.ask("GET", "/restconf/data?fields=ietf-yang-library:yang-library"),
    )
    const data = whole["ietf-restconf:data"] as JsonObject
    const all = [...addresses(data, "location").values()]
    assert.ok(all.length > 5)
    for (const address of all) assert.equal(new URL(address).href, address)
    assert.deepEqual(compileValidator(schema(), "get")(data), [])
  })

  it("tells no address to whom a rule denies it, and leaves NETCONF's library as it is", async () => {
    const hidden = dataOf(await box.ask("GET", OLD_LIBRARY, { as: "eve" }))
    // The rule is for modules: their parts have leaves of their own.
    assert.deepEqual([...addresses(hidden, "schema").keys()], ["part"])
    assert.match(JSON.stringify(hidden), /example-jukebox/)
    const caller = { sessionId: 1, username: "alice", address: "" }
    const plain = box.datastore.data(caller)["ietf-yang-library:yang-library"]
    assert.ok(plain !== undefined)
    assert.equal(addresses(plain, "location").size, 0)
  })
})

describe("curl and the schema resource", function () {
  this.timeout(180_000)
  before(function () {
    needCurl(this)
  })

  for (const kind of ["tls", "loopback"] as const)
    it(`follows the library's address to the text: ${kind}`, async () => {
      const { curl, origin, close } = await curlHouse(kind, {}, { schema: schema() })
      try {
        const library = await curl("GET", LIBRARY)
        const address = addresses(JSON.parse(library.body), "location").get("whole") ?? ""
        assert.equal(address, `${origin}/restconf/yang/whole`)
        const text = await curl("GET", address)
        assert.equal(text.status, 200)
        assert.equal(text.headers["content-type"], "application/yang")
        assert.equal(text.body, WHOLE)
        const head = await curl("HEAD", address)
        assert.equal(head.headers["content-length"], String(Buffer.byteLength(WHOLE)))
        assert.equal(head.body, "")
        const wrong = await curl("GET", address, "-H", "Authorization: Bearer wrong")
        assert.equal(wrong.status, 401)
        assert.equal((await curl("DELETE", address)).headers["allow"], "GET, HEAD, OPTIONS")
      } finally {
        await close()
      }
    })
})
