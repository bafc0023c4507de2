// RESTCONF and NETCONF on one datastore: each sees at once what the other did, and the same edits by either make the
// same tree.

import assert from "node:assert/strict"
import fc from "fast-check"
import type { RestconfAnswer } from "../../src/restconf/message.js"
import { parseXml } from "../../src/yang/xml-tree.js"
import type { JsonObject } from "../../src/yang/json.js"
import { faultOf } from "../netconf/fixture.js"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { compileSchema } from "../../src/yang/schema.js"
import { EXAMPLES } from "./jukebox-module.js"
import { MUSIC, XML_BODY, dataOf, jukebox, type Jukebox } from "./jukebox.js"

const ACTIONS_NS = "https://example.com/ns/example-actions"
const BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
const DATA = "/restconf/data/example-actions:interfaces"
const BOB = { sessionId: 7, username: "bob", address: "192.0.2.7" }

describe("one datastore behind both", () => {
  it("shows a session's edit to RESTCONF at once, and the other way round", async () => {
    const box = jukebox(MUSIC)
    const edit = parseXml(
      `<c><interfaces xmlns="${ACTIONS_NS}"><interface><name>eth0</name></interface></interfaces></c>`,
    ).children.filter((c) => typeof c !== "string")
    await box.datastore.edit({ edit, defaultOperation: "merge", testOnly: false }, BOB)
    assert.equal((await box.ask("GET", `${DATA}/interface=eth0`)).status, 200)
    assert.equal((await box.ask("DELETE", `${DATA}/interface=eth0`)).status, 204)
    assert.equal(box.datastore.running["example-actions:interfaces"], undefined)
  })

  it("tells a NETCONF listener of changes who made a change by RESTCONF", async () => {
    const box = jukebox(MUSIC)
    const heard: string[] = []
    box.datastore.onChange((_next, _previous, caller) => {
      heard.push(`${caller.username} ${caller.sessionId} ${caller.address}`)
    })
    await box.ask("DELETE", "/restconf/data/example-jukebox:jukebox/player/gap", { as: "carol" })
    assert.deepEqual(heard, ["carol 0 192.0.2.1"])
  })

  it("tells every subscriber who changed what (RFC 6470): a user without a session has session-id 0", async () => {
    const borrowed = ["ietf-netconf", "ietf-netconf-acm", "ietf-inet-types", "ietf-yang-types"]
    const examples = EXAMPLES.filter(({ name }) => name !== "ietf-yang-types")
    const schema = compileSchema(
      [...examples, ...loadYangFiles(["ietf-netconf-notifications", ...borrowed])],
      { implement: [...examples.map(({ name }) => name), "ietf-netconf-notifications"] },
    )
    const box = jukebox(MUSIC, { schema })
    const heard: string[] = []
    const stream = await box.ask("GET", "/restconf/streams/NETCONF/json")
    stream.stream?.({ write: (text) => heard.push(text), end: () => undefined })
    await box.ask("DELETE", "/restconf/data/example-jukebox:jukebox/player/gap", { as: "carol" })
    assert.equal(heard.length, 1)
    assert.match(
      heard[0] ?? "",
      /"ietf-netconf-notifications:netconf-config-change":\{"changed-by":\{"username":"carol","session-id":0,"source-host":"192.0.2.1"\},"datastore":"running","edit":\[\{"target":"\/example-jukebox:jukebox\/player.*","operation":"delete"\}\]\}/,
    )
  })

  it("keeps both in one line: an edit under way is over before the next begins", async () => {
    const box = jukebox(MUSIC)
    const gap = "/restconf/data/example-jukebox:jukebox/player/gap"
    const put = (gapValue: string): Promise<RestconfAnswer> =>
      box.ask("PUT", gap, { body: { "example-jukebox:gap": gapValue } })
    const lock = box.datastore.lock(7, 0)
    const late = put("1.0")
    await lock
    assert.equal((await late).status, 409)
    await box.datastore.unlock(7)
    assert.equal((await put("1.0")).status, 204)
    assert.equal(await faultOf(box.datastore.unlock(7)), "operation-failed")
  })
})

type Operation = "create" | "replace" | "merge" | "delete"

interface Edit {
  readonly operation: Operation
  readonly encoding: "json" | "xml"
  readonly node: "interface" | "tag" | "zone" | "pairs" | "strands" | "pair" | "cost"
  readonly key: string
  readonly other: string
  readonly number: number
}

const anyEdit: fc.Arbitrary<Edit> = fc.record({
  operation: fc.constantFrom("create", "replace", "merge", "delete"),
  encoding: fc.constantFrom("json", "xml"),
  node: fc.constantFrom("interface", "tag", "zone", "pairs", "strands", "pair", "cost"),
  key: fc.constantFrom("a", "b", "c/d", "é,="),
  other: fc.constantFrom("", "x", "y z"),
  number: fc.integer({ min: 1, max: 9 }),
})

interface Spelled {
  /** Below the interfaces container. */
  readonly uri: string
  readonly parent: string
  readonly json: JsonObject
  /** The node alone, as a document. */
  readonly xml: string
  /** The same from the top, `@` standing for the operation attribute. */
  readonly whole: string
}

/** One edit in all the words there are for it. */
function spell({ node, key, other, number }: Edit): Spelled {
  const at = `/interface=${encodeURIComponent(key)}`
  const inside = (inner: string): string =>
    `<interfaces xmlns="${ACTIONS_NS}"><interface><name>${key}</name>${inner}</interface></interfaces>`
  const leaf = (name: string, value: string | number): Spelled => ({
    uri: `${at}/${name}`,
    parent: at,
    json: { [`example-actions:${name}`]: value },
    xml: `<${name} xmlns="${ACTIONS_NS}">${String(value)}</${name}>`,
    whole: inside(`<${name}@>${String(value)}</${name}>`),
  })
  const pair = `/pair=${encodeURIComponent(key)},${encodeURIComponent(other)}`
  const keys = `<from>${key}</from><to>${other}</to>`
  switch (node) {
    case "interface":
      return {
        uri: at,
        parent: "",
        json: { "example-actions:interface": [{ name: key, zone: [number] }] },
        xml: `<interface xmlns="${ACTIONS_NS}"><name>${key}</name><zone>${number}</zone></interface>`,
        whole: `<interfaces xmlns="${ACTIONS_NS}"><interface@><name>${key}</name><zone>${number}</zone></interface></interfaces>`,
      }
    case "tag":
    case "zone": {
      const value = node === "tag" ? other : number
      return {
        ...leaf(node, value),
        uri: `${at}/${node}=${encodeURIComponent(String(value))}`,
        json: { [`example-actions:${node}`]: [value] },
      }
    }
    case "pairs":
    case "strands":
      return leaf(node, number)
    case "pair":
      return {
        uri: pair,
        parent: "",
        json: { "example-actions:pair": [{ from: key, to: other, cost: number }] },
        xml: `<pair xmlns="${ACTIONS_NS}">${keys}<cost>${number}</cost></pair>`,
        whole: `<interfaces xmlns="${ACTIONS_NS}"><pair@>${keys}<cost>${number}</cost></pair></interfaces>`,
      }
    case "cost":
      return {
        ...leaf("cost", number),
        uri: `${pair}/cost`,
        parent: pair,
        whole: `<interfaces xmlns="${ACTIONS_NS}"><pair>${keys}<cost@>${number}</cost></pair></interfaces>`,
      }
  }
}

const METHOD = { create: "POST", replace: "PUT", merge: "PATCH", delete: "DELETE" } as const

async function byRestconf(box: Jukebox, edit: Edit): Promise<boolean> {
  const { uri, parent, json, xml } = spell(edit)
  const target = DATA + (edit.operation === "create" ? parent : uri)
  const answer = await box.ask(
    METHOD[edit.operation],
    target,
    edit.encoding === "json" ? { body: json } : { headers: XML_BODY, body: xml },
  )
  return answer.status < 300
}

async function byNetconf(box: Jukebox, edit: Edit): Promise<boolean> {
  const attribute = ` xmlns:nc="${BASE}" nc:operation="${edit.operation}"`
  const config = parseXml(`<config>${spell(edit).whole.replace("@", attribute)}</config>`)
  const children = config.children.filter((child) => typeof child !== "string")
  // The way to the node must be there, as a URI's must: none creates nothing.
  const request = { edit: children, defaultOperation: "none", testOnly: false } as const
  return (await faultOf(box.datastore.edit(request, BOB))) === "none"
}

describe("a sequence of edits", () => {
  it("makes the same tree by RESTCONF and by edit-config, step by step", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyEdit, { maxLength: 25 }), async (edits) => {
        const one = jukebox({})
        const two = jukebox({})
        for (const edit of edits) {
          const uri = DATA + spell(edit).uri
          const there = (await one.ask("GET", `${uri}?content=config`)).status === 200
          // RESTCONF's PATCH never creates (RFC 8040 section 4.6.1), edit-config's merge does.
          if (edit.operation === "merge" && !there) continue
          const done = await byRestconf(one, edit)
          assert.equal(done, await byNetconf(two, edit), JSON.stringify(edit))
          assert.deepEqual(one.datastore.running, two.datastore.running, JSON.stringify(edit))
        }
        const told = dataOf(await one.ask("GET", "/restconf/data?content=config"))
        assert.deepEqual(told["ietf-restconf:data"], two.datastore.running)
      }),
      { numRuns: 60 },
    )
  }).timeout(120_000)
})
