// Three sessions, the owner and time at the datastores, in any order: what is refused, what stands, what a restart
// would find, held against a plain reference after every step.

import assert from "node:assert/strict"
import type { CommitOptions } from "../../src/netconf/client.js"
import type { JsonObject } from "../../src/yang/json.js"
import { Dice } from "../core/dice.js"
import { candidateDepot } from "./candidate-fixture.js"
import { Reference, type Content, type Outcome, type Store } from "./datastores-reference.js"
import { depotXml, faultOf, settle, type Connected } from "./fixture.js"

const SEEDS = 12
const STEPS = 250
const STORES: readonly Store[] = ["running", "candidate"]

const contentOf = (config: JsonObject): Content => {
  const { name, limit } = config["depot:depot"] as JsonObject & Content
  return { name, limit }
}

async function story(seed: number): Promise<Map<string, number>> {
  const dice = new Dice(seed)
  const initial = { "depot:depot": { name: "north", limit: 0 } }
  const { connect, server, clock, backend } = candidateDepot(initial)
  const reference = new Reference()
  const sessions: Connected[] = [await connect(), await connect(), await connect()]
  const met = new Map<string, number>()

  async function step(): Promise<string> {
    const at = dice.below(sessions.length)
    const { client, toServer } = sessions[at] ?? assert.fail()
    const id = client.sessionId
    const word = dice.of([undefined, undefined, "p", "q"])
    const store = dice.of(STORES)
    const same = async (
      what: string,
      call: Promise<unknown>,
      expected: Outcome,
    ): Promise<string> => {
      const found = await faultOf(call)
      assert.equal(found, expected, what)
      return `${what} ${found}`
    }
    switch (dice.below(11)) {
      case 0:
      case 1: {
        const name = dice.of(["east", "west", "south"])
        const edit = client.editConfig(store, depotXml(`<name>${name}</name>`))
        return same(`edit ${store}`, edit, reference.edit(id, store, name))
      }
      case 2:
      case 3:
      case 4: {
        const timeoutS = dice.of([5, 60])
        const persist = dice.of([undefined, "p", "q"])
        const confirmed = dice.of([undefined, { timeoutS, ...(persist && { persist }) }])
        const options: CommitOptions = {
          ...(confirmed && { confirmed }),
          ...(word && { persistId: word }),
        }
        const expected = reference.commit(id, clock.now(), confirmed, word)
        return same(confirmed ? "commit confirmed" : "commit", client.commit(options), expected)
      }
      case 5:
        return same(
          "cancel",
          client.cancelCommit(word ? { persistId: word } : {}),
          reference.cancel(id, word),
        )
      case 6:
        return same("discard", client.discardChanges(), reference.discard(id))
      case 7:
        return same(`lock ${store}`, client.lock(store), reference.lock(id, store))
      case 8:
        return same(`unlock ${store}`, client.unlock(store), reference.unlock(id, store))
      case 9: {
        if (dice.below(2) === 0) {
          clock.pass(dice.of([1000, 5000, 60_000]))
          reference.passed(clock.now())
          return "time passes"
        }
        const limit = dice.below(100)
        await server.datastore.update(
          (config) => ({
            "depot:depot": { ...(config["depot:depot"] as JsonObject), limit },
          }),
          { despiteLock: true },
        )
        reference.owner(limit)
        return "owner"
      }
      default:
        toServer.close()
        await settle()
        reference.leave(id)
        sessions[at] = await connect()
        return "a session is gone"
    }
  }

  for (let i = 0; i < STEPS; i++) {
    const what = await step()
    met.set(what, (met.get(what) ?? 0) + 1)
    await settle()
    const where = `seed ${seed}, step ${i}: ${what}`
    assert.deepEqual(contentOf(server.datastore.running), reference.running, where)
    const candidate = server.datastores.candidate
    assert.ok(candidate !== undefined)
    assert.deepEqual(contentOf(candidate.config), reference.candidate ?? reference.running, where)
    assert.equal(candidate.modified, reference.candidate !== undefined, where)
    for (const store of STORES)
      assert.equal(server.datastores.lockHeld(store)?.sessionId, reference.locks.get(store), where)
    const kept = backend.kept && contentOf(backend.kept)
    assert.deepEqual(kept, reference.pending?.before, `what a restart would find: ${where}`)
    assert.equal(clock.pending, reference.pending === undefined ? 0 : 1, where)
  }
  return met
}

describe("datastores under three sessions", function () {
  this.timeout(180_000)

  it("do what a plain reference does, step by step", async () => {
    const met = new Map<string, number>()
    for (let seed = 1; seed <= SEEDS; seed++)
      for (const [what, times] of await story(seed)) met.set(what, (met.get(what) ?? 0) + times)
    // The stories are worth telling: every refusal and every success is among them.
    for (const what of [
      "edit running none",
      "edit candidate in-use",
      "commit none",
      "commit in-use",
      "commit invalid-value",
      "commit confirmed none",
      "commit confirmed in-use",
      "cancel none",
      "cancel operation-failed",
      "cancel invalid-value",
      "discard in-use",
      "lock candidate lock-denied",
      "lock running lock-denied",
      "unlock candidate none",
      "time passes",
      "owner",
      "a session is gone",
    ])
      assert.ok((met.get(what) ?? 0) > 0, `no story has: ${what}`)
  })
})
