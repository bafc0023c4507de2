// The candidate datastore (RFC 6241 section 8.3): edited, read, judged, committed, discarded, locked.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import { OWNER } from "../../src/netconf/datastore.js"
import type { NetconfServer } from "../../src/netconf/server.js"
import { writeXml } from "../../src/yang/xml-tree.js"
import { candidateDepot, nameIn, two } from "./candidate-fixture.js"
import { depot, depotXml, faultOf, settle, type Connected } from "./fixture.js"

const rename = (session: Connected, name: string): Promise<void> =>
  session.client.editConfig("candidate", depotXml(`<name>${name}</name>`))

const modified = (server: NetconfServer): boolean | undefined =>
  server.datastores.candidate?.modified

describe("the candidate", () => {
  it("is offered only where the server has it, and refused with its operations elsewhere", async () => {
    const with1 = await candidateDepot().connect()
    assert.ok(with1.client.capabilities.some((c) => c.endsWith(":candidate:1.0")))
    assert.ok(with1.client.capabilities.some((c) => c.endsWith(":confirmed-commit:1.1")))
    const { client } = await depot(two).connect()
    assert.ok(!client.capabilities.some((c) => /candidate|confirmed-commit|startup/.test(c)))
    for (const refused of [
      client.getConfig("candidate"),
      client.editConfig("candidate", ""),
      client.copyConfig("candidate", "running"),
      client.lock("candidate"),
      client.validate("candidate"),
      client.commit(),
      client.discardChanges(),
      client.cancelCommit(),
    ])
      assert.equal(await faultOf(refused), "operation-not-supported")
  })

  it("holds edits until they are committed, and is one for all sessions", async () => {
    const { connect, server, backend } = candidateDepot()
    const [alice, bob] = [await connect(), await connect({ username: "bob" })]
    await rename(alice, "south")
    const seen = (await bob.client.getConfig("candidate")).map(writeXml).join("")
    assert.match(seen, /<name>south<.*<id>a</)
    assert.equal(server.datastore.running, two)
    assert.equal(backend.edits.length, 0)
    await bob.client.commit()
    assert.equal(nameIn(server.datastore.running), "south")
    assert.equal(backend.edits[0]?.caller.username, "bob")
    await bob.client.commit()
    assert.equal(backend.edits.length, 1)
  })

  it("goes back to running with discard-changes, and follows it while nothing was edited", async () => {
    const { connect, server } = candidateDepot()
    const alice = await connect()
    await rename(alice, "south")
    await alice.client.discardChanges()
    await alice.client.discardChanges()
    assert.equal(modified(server), false)
    await alice.client.editConfig("running", depotXml("<name>east</name>"))
    const seen = (await alice.client.getConfig("candidate")).map(writeXml).join("")
    assert.match(seen, /<name>east</)
    await rename(alice, "west")
    await rename(alice, "east")
    assert.equal(modified(server), false)
  })

  it("may be invalid on the way, but not at validate, at commit or where a test was asked for", async () => {
    const { connect, server } = candidateDepot()
    const { client } = await connect()
    const wrong = depotXml("<favourite>z</favourite>")
    for (const testOption of ["test-only", "test-then-set"] as const)
      assert.match(
        await faultOf(client.editConfig("candidate", wrong, { testOption })),
        /instance-required/,
      )
    assert.equal(modified(server), false)
    await client.editConfig("candidate", wrong)
    assert.match(await faultOf(client.validate("candidate")), /instance-required/)
    assert.match(await faultOf(client.commit()), /instance-required/)
    assert.equal(server.datastore.running, two)
    await client.editConfig("candidate", depotXml("<shelf><id>z</id></shelf>"))
    await client.validate("candidate")
    await client.commit()
    assert.match(JSON.stringify(server.datastore.running), /"favourite":"z"/)
  })

  it("takes no wrong types, names and operations even before", async () => {
    const { connect, server } = candidateDepot()
    const { client } = await connect()
    const edit = (children: string) =>
      faultOf(client.editConfig("candidate", depotXml(`<name>x</name>${children}`)))
    assert.equal(await edit("<limit>many</limit>"), "invalid-value")
    assert.equal(await edit("<burn/>"), "unknown-element")
    const gone = '<shelf xmlns:n="urn:ietf:params:xml:ns:netconf:base:1.0" n:operation="delete">'
    assert.equal(await edit(`${gone}<id>none</id></shelf>`), "data-missing")
    assert.equal(modified(server), false)
  })

  it("is refused by the backend at validate and commit with its own tag and path, and stays", async () => {
    const { connect, server, backend } = candidateDepot()
    const alice = await connect()
    await rename(alice, "south")
    const path = "/depot:depot/name"
    backend.refusal = new QkdError("access-denied", "not this", { appTag: "policy", path })
    for (const refused of [alice.client.validate("candidate"), alice.client.commit()])
      await assert.rejects(refused, (error: QkdError) => {
        assert.deepEqual(
          [error.tag, error.appTag, error.path],
          ["access-denied", "policy", "/depot:depot/depot:name"],
        )
        return true
      })
    assert.equal(server.datastore.running, two)
    backend.refusal = undefined
    await alice.client.commit()
    assert.equal(nameIn(server.datastore.running), "south")
  })

  it("keeps what the owner changes by itself, whoever commits later", async () => {
    const { connect, server } = candidateDepot()
    const alice = await connect()
    await rename(alice, "south")
    await server.datastore.update((running) => ({
      "depot:depot": { ...(running["depot:depot"] as object), limit: 9 },
    }))
    await alice.client.commit()
    assert.match(JSON.stringify(server.datastore.running), /"south".*"limit":9/)
  })

  it("is copied from running and inline, whole, and to running", async () => {
    const { connect, server } = candidateDepot()
    const { client } = await connect()
    const inline = `<copy-config><target><candidate/></target><source><config>${depotXml("<name>only</name>")}</config></source></copy-config>`
    await client.rpc(inline)
    assert.deepEqual(server.datastores.config("candidate", OWNER), {
      "depot:depot": { name: "only" },
    })
    await client.copyConfig("running", "candidate")
    assert.deepEqual(server.datastore.running, { "depot:depot": { name: "only" } })
    assert.equal(modified(server), false)
    await client.rpc(inline.replace("only", "other"))
    await client.copyConfig("candidate", "running")
    assert.equal(modified(server), false)
    assert.equal(await faultOf(client.copyConfig("candidate", "candidate")), "invalid-value")
    assert.equal(await faultOf(client.copyConfig("running", "startup")), "operation-not-supported")
    for (const name of ["running", "candidate", "startup"])
      assert.equal(await faultOf(client.deleteConfig(name)), "operation-not-supported")
  })
})

describe("the lock of the candidate", () => {
  it("is not given while there are changes, whoever made them", async () => {
    const { connect } = candidateDepot()
    const [alice, bob] = [await connect(), await connect({ username: "bob" })]
    await rename(alice, "south")
    await assert.rejects(bob.client.lock("candidate"), (error: QkdError) => {
      assert.deepEqual([error.tag, error.info?.["session-id"]], ["lock-denied", "0"])
      return true
    })
    assert.equal(await faultOf(alice.client.lock("candidate")), "lock-denied")
    await bob.client.discardChanges()
    await bob.client.lock("candidate")
    await assert.rejects(alice.client.lock("candidate"), (error: QkdError) => {
      assert.equal(error.info?.["session-id"], String(bob.client.sessionId))
      return true
    })
  })

  it("keeps others from editing, discarding, copying and committing, not from reading", async () => {
    const { connect, backend } = candidateDepot()
    const [alice, bob] = [await connect(), await connect({ username: "bob" })]
    await alice.client.lock("candidate")
    await rename(alice, "south")
    for (const refused of [
      rename(bob, "x"),
      bob.client.discardChanges(),
      bob.client.copyConfig("candidate", "running"),
      bob.client.commit(),
    ])
      assert.equal(await faultOf(refused), "in-use")
    assert.equal((await bob.client.getConfig("candidate")).length, 1)
    assert.equal(backend.edits.length, 0)
    await alice.client.commit()
  })

  it("takes the changes with it when it is given back or its session ends", async () => {
    const { connect, server } = candidateDepot()
    const [alice, bob] = [await connect(), await connect({ username: "bob" })]
    await alice.client.lock("candidate")
    await rename(alice, "south")
    await alice.client.unlock("candidate")
    assert.equal(modified(server), false)
    await alice.client.lock("candidate")
    await rename(alice, "south")
    alice.toServer.close()
    await settle()
    assert.equal(modified(server), false)
    await bob.client.lock("candidate")
    assert.equal(await faultOf(bob.client.unlock("running")), "operation-failed")
  })

  it("of running in other hands stops a commit; changes without a lock outlive their session", async () => {
    const { connect, server } = candidateDepot()
    const [alice, bob] = [await connect(), await connect({ username: "bob" })]
    await rename(alice, "south")
    await bob.client.lock("running")
    assert.equal(await faultOf(alice.client.commit()), "in-use")
    await alice.client.close()
    await settle()
    await bob.client.commit()
    assert.equal(nameIn(server.datastore.running), "south")
  })
})
