// What a server does with each operation, seen by a client in the same process.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import { errorsOf } from "../../src/netconf/rpc-error.js"
import { childrenOf, textOf, writeXml, type XmlElement } from "../../src/yang/xml-tree.js"
import { NS, depot, depotXml, faultOf } from "./fixture.js"

const two = {
  "depot:depot": {
    name: "north",
    shelf: [
      { id: "a", colour: "red", place: 1 },
      { id: "b", colour: "green", place: 2 },
    ],
  },
}
const xmlOf = (elements: readonly XmlElement[]): string => elements.map(writeXml).join("")
const OP = 'xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation'

describe("get and get-config", () => {
  it("give configuration alone, or state with it, entry by entry", async () => {
    const { connect, backend } = depot(two)
    backend.weights = { b: "18446744073709551615", c: "5" }
    const { client } = await connect()
    const config = xmlOf(await client.getConfig("running"))
    assert.match(config, /<name>north<\/name>/)
    assert.doesNotMatch(config, /total|weight/)
    const all = xmlOf(await client.get())
    assert.match(all, /<total>7<\/total>/)
    assert.match(all, /<id>b<\/id>.*<weight>18446744073709551615<\/weight>/)
    assert.equal(all.split("<shelf>").length - 1, 3)
  })

  it("select by subtree filter, and nothing by an empty one", async () => {
    const { client } = await depot(two).connect()
    const filter = depotXml("<shelf><id>b</id></shelf>")
    for (const found of [await client.get(filter), await client.getConfig("running", filter)]) {
      const xml = xmlOf(found)
      assert.match(xml, /<id>b<\/id><colour>green<\/colour>/)
      assert.doesNotMatch(xml, /<id>a|north/)
    }
    assert.deepEqual(await client.get(""), [])
    assert.deepEqual(await client.get('<other xmlns="urn:other"/>'), [])
  })

  it("refuse other filters, other datastores, unknown and doubled parameters", async () => {
    const { client } = await depot(two).connect()
    const fault = (xml: string) => faultOf(client.rpc(xml))
    assert.equal(await fault('<get><filter type="regex" select="/"/></get>'), "bad-attribute")
    assert.equal(await fault("<get><depth>1</depth></get>"), "unknown-element")
    assert.equal(await fault("<get><filter/><filter/></get>"), "bad-element")
    assert.equal(await fault('<get><filter xmlns="urn:x"/></get>'), "unknown-namespace")
    assert.equal(await fault("<get-config/>"), "missing-element")
    const running = (inside: string): string =>
      `<get-config><source><running>${inside}</running></source></get-config>`
    assert.equal(await fault(running(" \n")), "none")
    for (const inside of ["x", "<x/>"]) assert.equal(await fault(running(inside)), "invalid-value")
    assert.equal(await fault("<get-config><source/></get-config>"), "missing-element")
    assert.equal(await faultOf(client.getConfig("candidate")), "operation-not-supported")
    assert.equal(await faultOf(client.getConfig("intended")), "unknown-element")
  })
})

describe("edit-config", () => {
  it("merges, replaces, creates, deletes and removes", async () => {
    const { connect, server } = depot(two)
    const { client } = await connect()
    const edit = (children: string) => client.editConfig("running", depotXml(children))
    const shelves = () => JSON.stringify(server.datastore.running)
    await edit("<shelf><id>a</id><colour>green</colour></shelf>")
    assert.match(shelves(), /"id":"a","colour":"green","place":1/)
    await edit(`<shelf ${OP}="replace"><id>a</id><colour>red</colour></shelf>`)
    assert.match(shelves(), /"id":"a","colour":"red"}/)
    await edit(`<shelf ${OP}="create"><id>c</id></shelf>`)
    assert.equal(await faultOf(edit(`<shelf ${OP}="create"><id>c</id></shelf>`)), "data-exists")
    await edit(`<shelf ${OP}="delete"><id>c</id></shelf>`)
    assert.equal(await faultOf(edit(`<shelf ${OP}="delete"><id>c</id></shelf>`)), "data-missing")
    await edit(`<shelf ${OP}="remove"><id>c</id></shelf>`)
    await client.editConfig("running", depotXml("<name>south</name>"), {
      defaultOperation: "replace",
    })
    assert.deepEqual(server.datastore.running, { "depot:depot": { name: "south" } })
  })

  it("with default-operation none changes only what says so", async () => {
    const { connect, server } = depot(two)
    const { client } = await connect()
    const none = { defaultOperation: "none" } as const
    await client.editConfig("running", depotXml(`<name ${OP}="replace">east</name>`), none)
    assert.match(JSON.stringify(server.datastore.running), /"name":"east".*"id":"a"/)
    const absent = depotXml(`<shelf><id>z</id><colour ${OP}="merge">red</colour></shelf>`)
    assert.equal(await faultOf(client.editConfig("running", absent, none)), "data-missing")
  })

  it("is all or nothing, whatever error-option says", async () => {
    const { connect, server, backend } = depot(two)
    const { client } = await connect()
    for (const errorOption of [
      "stop-on-error",
      "continue-on-error",
      "rollback-on-error",
    ] as const) {
      const edit = depotXml(`<name>west</name><shelf ${OP}="delete"><id>zz</id></shelf>`)
      const fault = await faultOf(client.editConfig("running", edit, { errorOption }))
      assert.equal(fault, "data-missing")
    }
    assert.equal(server.datastore.running, two)
    assert.equal(backend.edits.length, 0)
  })

  it("test-only asks everybody and changes nothing", async () => {
    const { connect, server, backend } = depot(two)
    const { client } = await connect()
    const test = { testOption: "test-only" } as const
    await client.editConfig("running", depotXml("<name>west</name>"), test)
    assert.equal(server.datastore.running, two)
    assert.deepEqual(backend.log, ["abort"])
    backend.refusal = new QkdError("access-denied", "not this", { appTag: "policy" })
    const refused = client.editConfig("running", depotXml("<name>x</name>"), test)
    assert.equal(await faultOf(refused), "access-denied policy")
  })

  it("is refused by the backend with its own tag, and nothing changes, in prepare and in commit", async () => {
    const { connect, server, backend } = depot(two)
    const { client } = await connect()
    const heard: unknown[] = []
    server.datastore.onChange((next) => heard.push(next))
    backend.refusal = new QkdError("access-denied", "not allowed here", {
      appTag: "policy",
      path: "/depot:depot/shelf[id='a']/colour",
    })
    const edit = () => client.editConfig("running", depotXml("<name>x</name>"))
    await assert.rejects(edit(), (error: QkdError) => {
      assert.equal(error.tag, "access-denied")
      assert.equal(error.appTag, "policy")
      assert.equal(error.message, "not allowed here")
      assert.equal(error.path, "/depot:depot/depot:shelf[depot:id='a']/depot:colour")
      return true
    })
    backend.refusal = undefined
    backend.commitFault = new QkdError("operation-failed", "disk full")
    assert.equal(await faultOf(edit()), "operation-failed")
    assert.equal(server.datastore.running, two)
    backend.commitFault = undefined
    await edit()
    assert.equal(heard.length, 1)
  })

  it("refuses wrong types, unknown elements and namespaces, state, with the path", async () => {
    const { connect, server } = depot(two)
    const { client } = await connect()
    const path = async (children: string): Promise<string> => {
      try {
        await client.editConfig("running", depotXml(children))
      } catch (error) {
        if (error instanceof QkdError) return `${error.tag} ${error.path ?? ""}`
      }
      return "none"
    }
    assert.equal(await path("<limit>101</limit>"), "invalid-value /depot:depot/depot:limit")
    assert.equal(await path("<limit>many</limit>"), "invalid-value /depot:depot/depot:limit")
    assert.match(await path("<nothing/>"), /^unknown-element \/depot:depot/)
    assert.match(await path('<x xmlns="urn:unknown"/>'), /^unknown-namespace \/depot:depot/)
    assert.match(await path("<shelf><colour>red</colour></shelf>"), /^missing-element/)
    assert.notEqual(await path("<total>1</total>"), "none")
    assert.equal(server.datastore.running, two)
  })

  it("refuses what would leave the configuration invalid, naming every fault", async () => {
    const { connect, server } = depot(two)
    const { client } = await connect()
    const edit = depotXml("<favourite>nobody</favourite><shelf><id>c</id><place>1</place></shelf>")
    await assert.rejects(client.editConfig("running", edit), (error: QkdError) => {
      const tags = errorsOf(error).map((e) => `${e.tag} ${e.appTag ?? ""}`)
      assert.deepEqual(tags.sort(), [
        "data-missing instance-required",
        "operation-failed data-not-unique",
      ])
      return true
    })
    assert.equal(server.datastore.running, two)
  })

  it("asks the backend nothing when nothing changes", async () => {
    const { connect, backend } = depot(two)
    const { client } = await connect()
    await client.editConfig("running", depotXml("<name>north</name>"))
    assert.equal(backend.edits.length, 0)
  })

  it("of two sessions are done one after the other, each on what the other left", async () => {
    const { connect, server, backend } = depot(two)
    const [a, b] = [await connect(), await connect()]
    let open: () => void = () => undefined
    backend.gate = new Promise((resolve) => (open = resolve))
    const edits = [
      a.client.editConfig("running", depotXml("<shelf><id>c</id></shelf>")),
      b.client.editConfig("running", depotXml("<shelf><id>d</id></shelf>")),
    ]
    open()
    await Promise.all(edits)
    assert.match(JSON.stringify(server.datastore.running), /"c".*"d"/)
    assert.equal(backend.edits[1]?.previous, backend.edits[0]?.next)
  })

  it("refuses a url, a candidate and an unknown option", async () => {
    const { client } = await depot(two).connect()
    const fault = (body: string) => faultOf(client.rpc(`<edit-config>${body}</edit-config>`))
    const running = "<target><running/></target>"
    assert.equal(await fault(`${running}<url>file:///x</url>`), "operation-not-supported")
    assert.equal(await fault("<target><candidate/></target>"), "operation-not-supported")
    assert.equal(await fault(running), "missing-element")
    const odd = `${running}<default-operation>destroy</default-operation><config/>`
    assert.equal(await fault(odd), "invalid-value")
    assert.equal(await fault("<config/>"), "missing-element")
  })
})

describe("validate", () => {
  it("judges running and a given configuration, and changes nothing", async () => {
    const { connect, server, backend } = depot(two)
    const { client } = await connect()
    const validate = (source: string) =>
      faultOf(client.rpc(`<validate><source>${source}</source></validate>`))
    assert.equal(await validate("<running/>"), "none")
    assert.equal(await validate(`<config>${depotXml("<name>ok</name>")}</config>`), "none")
    assert.equal(
      await validate(`<config>${depotXml("<favourite>x</favourite>")}</config>`),
      "data-missing instance-required",
    )
    assert.equal(server.datastore.running, two)
    assert.equal(backend.edits.length, 0)
  })
})

describe("operations of modules", () => {
  it("are decoded, validated and handed to the backend with who asked", async () => {
    const { connect, backend } = depot(two)
    const { client } = await connect()
    const reply = await client.rpc(`<empty-shelf xmlns="${NS}"><id>a</id></empty-shelf>`)
    assert.deepEqual(
      childrenOf(reply).map((c) => [c.ns, c.name, textOf(c)]),
      [[NS, "taken", "3"]],
    )
    const pong = await client.rpc(`<ping xmlns="${NS}"/>`)
    assert.deepEqual(
      childrenOf(pong).map((c) => c.name),
      ["ok"],
    )
    assert.deepEqual(backend.log, [
      'depot:empty-shelf {"id":"a"} by alice',
      "depot:ping {} by alice",
    ])
  })

  it("are refused with bad input, unknown names and namespaces, or when forbidden", async () => {
    const { connect, backend } = depot(two)
    const { client } = await connect()
    const fault = (xml: string) => faultOf(client.rpc(xml))
    assert.match(await fault(`<empty-shelf xmlns="${NS}"/>`), /missing/)
    assert.equal(
      await fault(`<empty-shelf xmlns="${NS}"><id>a</id><x/></empty-shelf>`),
      "unknown-element",
    )
    assert.equal(await fault(`<burn xmlns="${NS}"/>`), "unknown-element")
    assert.equal(await fault('<burn xmlns="urn:none"/>'), "unknown-namespace")
    assert.equal(await fault("<burn/>"), "unknown-element")
    for (const name of ["commit", "discard-changes", "cancel-commit"])
      assert.equal(await fault(`<${name}/>`), "operation-not-supported")
    backend.forbidden = new Set(["depot:ping", "get"])
    assert.equal(await fault(`<ping xmlns="${NS}"/>`), "access-denied")
    assert.equal(await fault("<get/>"), "access-denied")
    assert.deepEqual(backend.log, [])
  })

  it("that fail by a bug are answered without details, and the owner is told", async () => {
    const { connect, reports } = depot(two)
    const { client } = await connect()
    await assert.rejects(
      client.rpc(`<empty-shelf xmlns="${NS}"><id>bug</id></empty-shelf>`),
      (error: QkdError) => error.tag === "operation-failed" && !error.message.includes("details"),
    )
    const bug = reports.find((r) => r.kind === "bug")
    assert.match(String(bug?.error), /a bug with details/)
    assert.equal(await faultOf(client.get()), "none")
  })
})
