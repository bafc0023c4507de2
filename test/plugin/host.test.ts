// What a plugin is lent ends when it is taken back, and holds its bounds before that.

import assert from "node:assert/strict"
import { lendDriverHost, lendHost, QkdError } from "../../src/plugin/index.js"
import type { NetconfClientSession } from "../../src/plugin/index.js"

const closed = (error: unknown): boolean => error instanceof QkdError && error.appTag === "closed"

/** A session that never answers and never ends. */
function silentSession(): NetconfClientSession & { farewells: number } {
  const never = <T>(): Promise<T> => new Promise<T>(() => undefined)
  const session = {
    capabilities: [],
    sessionId: 1,
    farewells: 0,
    rpc: never,
    get: never,
    getConfig: never,
    editConfig: never,
    getData: never,
    copyConfig: never,
    deleteConfig: never,
    validate: never,
    commit: never,
    cancelCommit: never,
    discardChanges: never,
    lock: never,
    unlock: never,
    createSubscription: never,
    notifications: {
      [Symbol.asyncIterator]: () => ({ next: never }),
    },
    closedReason: never<QkdError>(),
    close: () => {
      session.farewells += 1
      return never<never>()
    },
  }
  return session
}

describe("a host lent to a plugin", () => {
  it("refuses everything once it is taken back, and wakes who sleeps", async () => {
    const { host, close } = lendHost({ log: () => undefined })
    const sleeping = host.sleep(60_000)
    await close()
    await assert.rejects(sleeping, closed)
    await assert.rejects(host.sleep(1), closed)
    assert.throws(() => host.now(), closed)
    assert.throws(() => host.random(1), closed)
    assert.throws(() => {
      host.log("info", "late")
    }, closed)
    assert.ok(host.signal.aborted)
    await close()
  })

  it("is taken back by its owner's signal too", () => {
    const owner = new AbortController()
    const { host } = lendHost({ log: () => undefined, signal: owner.signal })
    owner.abort()
    assert.ok(host.signal.aborted)
  })

  it("cuts long log texts, bounds their number, and lets plain facts only through", async () => {
    const lines: string[] = []
    let nowMs = 0
    const { host, close } = lendHost({
      log: (_level, message, facts) => lines.push(message + JSON.stringify(facts)),
      now: () => nowMs,
    })
    for (let i = 0; i < 1000; i += 1) host.log("info", "x".repeat(2000))
    assert.equal(lines.length, 200)
    assert.ok(lines.every((line) => line.length < 600))
    nowMs = 5000
    const facts = JSON.parse('{"n":1,"text":"t","object":{"deep":"secret"}}') as Record<
      string,
      string
    >
    host.log("info", "later", facts)
    assert.equal(lines.at(-1), 'later{"n":1,"text":"t"}')
    await close()
  })

  it("gives random bytes of the length asked, within reason", async () => {
    const { host, close } = lendHost({ log: () => undefined })
    assert.equal(host.random(32).length, 32)
    assert.notDeepEqual(host.random(32), host.random(32))
    assert.throws(() => host.random(-1), QkdError)
    assert.throws(() => host.random(1e9), QkdError)
    await close()
  })

  it("ends calls on a session that never answers, at once", async () => {
    const session = silentSession()
    const { host, close } = lendDriverHost({
      log: () => undefined,
      openNetconf: () => Promise.resolve(session),
    })
    const lent = await host.openNetconf()
    const waiting = [lent.get(), lent.rpc("<x/>"), lent.editConfig("running", "")]
    const events = lent.notifications[Symbol.asyncIterator]().next()
    await close()
    for (const call of waiting) await assert.rejects(call, closed)
    assert.equal((await events).done, true)
    assert.equal((await lent.closedReason).appTag, "closed")
    await lent.close()
    assert.equal(session.farewells, 2)
    await assert.rejects(host.openNetconf(), closed)
  })

  it("does not hand over a session that opened too late", async () => {
    const session = silentSession()
    let opened: (session: NetconfClientSession) => void = () => undefined
    const { host, close } = lendDriverHost({
      log: () => undefined,
      openNetconf: () => new Promise((resolve) => (opened = resolve)),
    })
    const opening = host.openNetconf()
    await close()
    opened(session)
    await assert.rejects(opening, closed)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(session.farewells, 1)
  })
})
