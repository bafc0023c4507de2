// Confirmed commits (RFC 6241 section 8.4): confirmed, extended, cancelled, timed out, orphaned.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import type { ConfirmedCommitEvent } from "../../src/netconf/confirmed-commit.js"
import type { JsonObject } from "../../src/yang/json.js"
import { candidateDepot, nameIn, startupDepot, two } from "./candidate-fixture.js"
import { depotXml, faultOf, settle, type Connected } from "./fixture.js"

const MINUTE = 60_000
const rename = (session: Connected, name: string, where = "candidate"): Promise<void> =>
  session.client.editConfig(where, depotXml(`<name>${name}</name>`))

/** Alice has a commit of "south" waiting. */
async function waiting(confirmed: { timeoutS?: number; persist?: string } = {}) {
  const made = candidateDepot()
  const [alice, bob] = [await made.connect(), await made.connect({ username: "bob" })]
  const events: ConfirmedCommitEvent[] = []
  made.server.datastores.onConfirmedCommit((event) => events.push(event))
  await rename(alice, "south")
  await alice.client.commit({ confirmed })
  const name = (): unknown => nameIn(made.server.datastore.running)
  const pass = async (ms: number): Promise<void> => {
    made.clock.pass(ms)
    await settle()
  }
  return { ...made, alice, bob, events, name, pass, kinds: () => events.map((e) => e.event) }
}

describe("a confirmed commit", () => {
  it("is in force at once, and undone after ten minutes without a confirmation", async () => {
    const { name, pass, backend, server, kinds } = await waiting()
    assert.equal(name(), "south")
    assert.equal(backend.kept, two)
    await pass(10 * MINUTE - 1)
    assert.equal(name(), "south")
    await pass(1)
    assert.deepEqual(server.datastore.running, two)
    assert.equal(backend.kept, undefined)
    assert.deepEqual(kinds(), ["start", "timeout"])
  })

  it("stays when it was confirmed in time, with what else was committed then", async () => {
    const { alice, name, pass, backend, kinds, server } = await waiting({ timeoutS: 5 })
    await alice.client.editConfig("candidate", depotXml("<limit>7</limit>"))
    await alice.client.commit()
    await pass(10 * MINUTE)
    assert.equal(name(), "south")
    assert.match(JSON.stringify(server.datastore.running), /"limit":7/)
    assert.deepEqual(backend.log, ["keep", "commit", "commit", "forget"])
    assert.deepEqual(kinds(), ["start", "complete"])
  })

  it("is extended by another, which goes back to before the first", async () => {
    const { alice, name, pass, kinds, server } = await waiting({ timeoutS: 60 })
    await pass(50_000)
    await rename(alice, "west")
    await alice.client.commit({ confirmed: { timeoutS: 60 } })
    await pass(50_000)
    assert.equal(name(), "west")
    await pass(10_000)
    assert.deepEqual(server.datastore.running, two)
    assert.deepEqual(kinds(), ["start", "extend", "timeout"])
  })

  it("is undone by cancel-commit, and by nothing of that kind when none waits", async () => {
    const { alice, bob, server, kinds, clock } = await waiting()
    assert.equal(await faultOf(bob.client.cancelCommit()), "operation-failed")
    await alice.client.cancelCommit()
    assert.deepEqual(server.datastore.running, two)
    assert.equal(await faultOf(alice.client.cancelCommit()), "operation-failed")
    assert.equal(await faultOf(alice.client.cancelCommit({ persistId: "x" })), "invalid-value")
    assert.deepEqual(kinds(), ["start", "cancel"])
    assert.equal(clock.pending, 0)
  })

  it("is undone when its session ends, however it ends", async () => {
    for (const end of ["close", "hang up", "kill"]) {
      const { alice, bob, server, kinds } = await waiting()
      if (end === "close") await alice.client.close()
      else if (end === "hang up") alice.toServer.close()
      else
        await bob.client.rpc(
          `<kill-session><session-id>${alice.client.sessionId}</session-id></kill-session>`,
        )
      await settle()
      assert.deepEqual(server.datastore.running, two, end)
      assert.deepEqual(kinds(), ["start", "cancel"])
    }
  })

  it("is undone as well when its session ends while it is being made", async () => {
    const { connect, backend, server, clock } = candidateDepot()
    const alice = await connect()
    await rename(alice, "south")
    let open = (): void => undefined
    backend.commitGate = new Promise((resolve) => {
      open = resolve
    })
    const committed = faultOf(alice.client.commit({ confirmed: {} }))
    await settle()
    alice.toServer.close()
    await settle()
    assert.equal(await committed, "operation-failed closed")
    open()
    await settle()
    assert.deepEqual(server.datastore.running, two)
    assert.deepEqual(backend.log, ["keep", "commit", "commit", "forget"])
    assert.equal(clock.pending, 0)
  })

  it("keeps other sessions from committing and from the lock of running, not from edits of it", async () => {
    const { alice, bob, name, server, pass } = await waiting()
    assert.equal(await faultOf(bob.client.commit()), "in-use")
    assert.equal(await faultOf(bob.client.commit({ confirmed: {} })), "in-use")
    await assert.rejects(bob.client.lock("running"), (error: QkdError) => {
      const owner = String(alice.client.sessionId)
      assert.deepEqual([error.tag, error.info?.["session-id"]], ["lock-denied", owner])
      return true
    })
    await rename(bob, "bobs", "running")
    assert.equal(name(), "bobs")
    // Section 8.4.1: what others did meanwhile goes as well, unless they lock.
    await pass(10 * MINUTE)
    assert.deepEqual(server.datastore.running, two)
    await bob.client.lock("running")
  })

  it("loses nothing that the owner changed by itself meanwhile", async () => {
    const { server, pass, backend } = await waiting()
    const limited = (config: JsonObject): JsonObject => ({
      "depot:depot": { ...(config["depot:depot"] as object), limit: 9 },
    })
    await server.datastore.update(limited)
    assert.deepEqual(backend.kept, limited(two))
    await pass(10 * MINUTE)
    assert.deepEqual(server.datastore.running, limited(two))
  })

  it("does not make the owner's change fail when the way back cannot take it", async () => {
    const { server, pass, reports, name } = await waiting()
    let times = 0
    await server.datastore.update((config) => {
      times += 1
      if (times > 1) throw new QkdError("data-missing", "not in this one")
      return { "depot:depot": { ...(config["depot:depot"] as object), limit: 9 } }
    })
    assert.match(JSON.stringify(server.datastore.running), /"limit":9/)
    assert.equal(reports.filter((r) => r.kind === "rollback-failed").length, 1)
    await pass(10 * MINUTE)
    assert.equal(name(), "north")
  })

  it("that is refused changes nothing and keeps nothing", async () => {
    const { connect, backend, server, clock } = candidateDepot()
    const alice = await connect()
    await rename(alice, "south")
    backend.commitFault = new QkdError("resource-denied", "disk full")
    assert.equal(await faultOf(alice.client.commit({ confirmed: {} })), "resource-denied")
    assert.equal(server.datastore.running, two)
    assert.deepEqual(backend.log, ["keep", "forget"])
    assert.equal(clock.pending, 0)
    backend.commitFault = undefined
    await alice.client.commit()
  })

  it("whose way back is refused is reported, tried again, and can still be confirmed", async () => {
    const { alice, name, pass, backend, reports, server } = await waiting()
    backend.refusal = new QkdError("access-denied", "the way is closed", { appTag: "policy" })
    assert.equal(await faultOf(alice.client.cancelCommit()), "rollback-failed")
    await pass(10 * MINUTE)
    assert.equal(name(), "south")
    assert.equal(reports.at(-1)?.kind, "rollback-failed")
    assert.equal(backend.kept, two)
    backend.refusal = undefined
    await pass(10_000)
    assert.deepEqual(server.datastore.running, two)
    assert.equal(backend.kept, undefined)
  })

  it("waits longer than a timer can, when told to", async () => {
    const { name, pass } = await waiting({ timeoutS: 4_000_000 })
    await pass(2 ** 31)
    assert.equal(name(), "south")
    await pass(4_000_000_000 - 2 ** 31)
    assert.equal(name(), "north")
  })

  it("takes sound parameters only", async () => {
    const { connect } = candidateDepot()
    const { client } = await connect()
    const fault = (inner: string) => faultOf(client.rpc(`<commit><confirmed/>${inner}</commit>`))
    for (const bad of ["0", "-1", "4294967296", "many", "1.5", ""])
      assert.equal(await fault(`<confirm-timeout>${bad}</confirm-timeout>`), "invalid-value", bad)
    assert.equal(await fault("<persist/>"), "invalid-value")
    assert.equal(await fault("<persistent>x</persistent>"), "unknown-element")
    assert.equal(
      await faultOf(client.rpc("<commit><confirmed>yes</confirmed></commit>")),
      "bad-element",
    )
    assert.equal(await faultOf(client.commit({ persistId: "unknown" })), "invalid-value")
  })
})

describe("a persistent confirmed commit", () => {
  it("outlives its session, and is confirmed by whoever knows its word", async () => {
    const { alice, bob, name, pass, kinds } = await waiting({ persist: "secret 1" })
    await alice.client.close()
    await settle()
    assert.equal(name(), "south")
    assert.equal(await faultOf(bob.client.commit()), "in-use")
    assert.equal(await faultOf(bob.client.commit({ persistId: "guess" })), "invalid-value")
    await bob.client.commit({ persistId: "secret 1" })
    await pass(10 * MINUTE)
    assert.equal(name(), "south")
    assert.deepEqual(kinds(), ["start", "complete"])
  })

  it("wants its word of its own session too, to confirm and to cancel", async () => {
    const { alice, bob, server } = await waiting({ persist: "word" })
    assert.equal(await faultOf(alice.client.commit()), "in-use")
    assert.equal(await faultOf(alice.client.cancelCommit()), "operation-failed")
    assert.equal(await faultOf(bob.client.cancelCommit({ persistId: "no" })), "invalid-value")
    await bob.client.cancelCommit({ persistId: "word" })
    assert.deepEqual(server.datastore.running, two)
  })

  it("is extended under its word, keeps it, and may get a new one", async () => {
    const { bob, name, pass, server } = await waiting({ persist: "one", timeoutS: 60 })
    await pass(50_000)
    await rename(bob, "west")
    await bob.client.commit({ confirmed: { timeoutS: 60 }, persistId: "one" })
    await bob.client.close()
    await settle()
    assert.equal(name(), "west")
    await pass(60_000)
    assert.deepEqual(server.datastore.running, two)
  })

  it("denies the lock of running in nobody's name once its session is gone", async () => {
    const { alice, bob, pass } = await waiting({ persist: "word" })
    await alice.client.close()
    await settle()
    await assert.rejects(bob.client.lock("running"), (error: QkdError) => {
      assert.deepEqual([error.tag, error.info?.["session-id"]], ["lock-denied", "0"])
      return true
    })
    await pass(10 * MINUTE)
    await bob.client.lock("running")
  })
})

describe("startup", () => {
  it("is copied to and from, validated, deleted and locked, but not edited", async () => {
    const { connect, backend, server } = startupDepot()
    const { client } = await connect()
    assert.ok(client.capabilities.some((c) => c.endsWith(":startup:1.0")))
    assert.ok(client.capabilities.some((c) => c.endsWith(":confirmed-commit:1.1")))
    const edit = depotXml("<name>east</name>")
    assert.equal(await faultOf(client.editConfig("startup", edit)), "operation-not-supported")
    await client.editConfig("running", edit)
    assert.equal(backend.stored, two)
    await client.copyConfig("startup", "running")
    assert.equal(nameIn(backend.stored), "east")
    assert.equal((await client.getConfig("startup")).length, 1)
    await client.validate("startup")
    await client.deleteConfig("startup")
    assert.equal(backend.stored, undefined)
    assert.equal(await faultOf(client.deleteConfig("startup")), "data-missing")
    assert.deepEqual(await client.getConfig("startup"), [])
    await client.lock("startup")
    assert.equal(server.datastores.lockHeld("startup")?.sessionId, client.sessionId)
    assert.equal(server.datastores.lockHeld("running"), undefined)
    await client.unlock("startup")
  })

  it("takes no invalid configuration, and none from others while it is locked", async () => {
    const { connect, backend } = startupDepot()
    const [alice, bob] = [await connect(), await connect({ username: "bob" })]
    await alice.client.editConfig("candidate", depotXml("<favourite>z</favourite>"))
    const copied = alice.client.copyConfig("startup", "candidate")
    assert.match(await faultOf(copied), /instance-required/)
    await alice.client.lock("startup")
    assert.equal(await faultOf(bob.client.copyConfig("startup", "running")), "in-use")
    assert.equal(await faultOf(bob.client.deleteConfig("startup")), "in-use")
    assert.equal(backend.stored, two)
  })
})
