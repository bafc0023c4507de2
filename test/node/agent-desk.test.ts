// The desk: one question to the controller for a pair, however many SAEs wait.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import type { AppConfig } from "../../src/model/app.js"
import type { NodeEvent } from "../../src/model/node.js"
import { Desk } from "../../src/node/agent-desk.js"
import { clientApp, HandClock } from "./agent-fixtures.js"

class Room {
  readonly clock = new HandClock()
  readonly told: NodeEvent[] = []
  connected = true
  readonly desk = new Desk({
    clock: this.clock,
    timeoutMs: 5000,
    controllerListens: () => this.connected,
    tell: (event) => this.told.push(event),
  })

  ask(sae = "sae-self", peers = ["sae-west"], qos = {}): Promise<AppConfig> {
    return this.desk.request(sae, peers, qos)
  }
}

async function refusal(answer: Promise<unknown>): Promise<QkdError> {
  const error = await answer.then(
    () => assert.fail("it was granted"),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof QkdError)
  return error
}

describe("an SAE's first request for a peer", () => {
  it("asks the controller once for many callers, and all get the application it configures", async () => {
    const room = new Room()
    const answers = Array.from({ length: 50 }, () =>
      room.ask("sae-self", ["sae-west"], { minBps: 100 }),
    )
    assert.deepEqual(room.told, [
      {
        kind: "app-new",
        serverAppId: "sae-self",
        clientAppIds: ["sae-west"],
        appType: "CLIENT",
        priority: 0,
        qos: { minBps: 100 },
      },
    ])
    room.desk.configure([clientApp({ backingQkdlIds: [] })])
    room.clock.pass(1000)
    const app = clientApp()
    room.desk.configure([app])
    for (const answer of answers) assert.equal(await answer, app)
    assert.equal(await room.ask(), app)
    assert.equal(room.told.length, 1)
  })

  it("is granted in either direction of the pair, and never for a third SAE", () => {
    const room = new Room()
    const app = clientApp()
    room.desk.configure([app])
    assert.equal(room.desk.find("sae-self", "sae-west"), app)
    assert.equal(room.desk.find("sae-west", "sae-self"), app)
    assert.equal(room.desk.find("sae-self", "sae-self"), undefined)
    assert.equal(room.desk.find("sae-self", "sae-east"), undefined)
    assert.equal(room.desk.find("sae-east", "sae-west"), undefined)
  })

  it("is met by the SAE's own of several associations, by another's while that has no link or no time", () => {
    const room = new Room()
    const theirs = clientApp({
      ...{ appId: "theirs", serverAppId: "sae-west", clientAppIds: ["sae-east", "sae-self"] },
    })
    const own = clientApp({ appId: "own" })
    room.desk.configure([theirs, own])
    assert.equal(room.desk.find("sae-self", "sae-west"), own)
    assert.equal(room.desk.find("sae-west", "sae-self"), theirs)
    assert.equal(room.desk.find("sae-self", "sae-east"), theirs)
    room.desk.configure([theirs, { ...own, backingQkdlIds: [] }])
    assert.equal(room.desk.find("sae-self", "sae-west"), theirs)
    room.desk.configure([own])
    assert.equal(room.desk.find("sae-self", "sae-east"), undefined)
  })

  it("for a group needs an application that joins all of them", () => {
    const room = new Room()
    room.desk.configure([clientApp()])
    void room.ask("sae-self", ["sae-west", "sae-east"]).catch(() => undefined)
    assert.equal(room.told.length, 1)
    room.desk.close()
  })

  it("ends with the reason the controller gives, at every caller, and is not repeated at once", async () => {
    const room = new Room()
    const answers = [room.ask("sae-self", ["b", "a"]), room.ask("sae-self", ["a", "b"])]
    assert.equal(room.told.length, 1)
    assert.equal(room.desk.refuse("sae-self", ["c"], "no-path", "other"), 0)
    assert.equal(room.desk.refuse("sae-self", ["a", "b"], "no-path", "no path to site B"), 2)
    for (const answer of answers) {
      const error = await refusal(answer)
      assert.equal(error.appTag, "no-path")
      assert.equal(error.message, "no path to site B")
    }
    assert.equal((await refusal(room.ask("sae-self", ["a", "b"]))).appTag, "no-path")
    assert.equal(room.told.length, 1)
    room.clock.pass(500)
    void room.ask("sae-self", ["a", "b"]).catch(() => undefined)
    assert.equal(room.told.length, 2)
    room.desk.close()
  })

  it("ends when the controller does not answer in time", async () => {
    const room = new Room()
    const answer = refusal(room.ask())
    room.clock.pass(4999)
    assert.equal(room.told.length, 1)
    room.clock.pass(1)
    const error = await answer
    assert.equal(error.appTag, "timeout")
    assert.match(error.message, /the controller did not answer/)
  })

  it("ends at once when no controller is connected", async () => {
    const room = new Room()
    room.connected = false
    assert.match((await refusal(room.ask())).message, /no controller is connected/)
    assert.deepEqual(room.told, [])
  })

  it("is refused beyond a bounded number of waiting callers", async () => {
    const room = new Room()
    const waiting = Array.from({ length: 4096 }, () => room.ask().catch(() => undefined))
    assert.equal((await refusal(room.ask())).tag, "resource-denied")
    room.desk.close()
    await Promise.all(waiting)
  })

  it("is sent away when the node stops", async () => {
    const room = new Room()
    const answer = refusal(room.ask())
    room.desk.close()
    assert.equal((await answer).appTag, "closed")
    assert.equal((await refusal(room.ask())).appTag, "closed")
  })

  it("finds no application whose time is over", () => {
    const room = new Room()
    const app = clientApp({ expiresAt: new Date(room.clock.now() + 1000).toISOString() })
    room.desk.configure([app])
    assert.equal(room.desk.find("sae-self", "sae-west"), app)
    room.clock.pass(1000)
    assert.equal(room.desk.find("sae-self", "sae-west"), undefined)
  })
})

describe("a request for more than was agreed", () => {
  it("is served on the old terms and told once in five seconds", async () => {
    const room = new Room()
    const app = clientApp()
    room.desk.configure([app])
    assert.equal(await room.ask("sae-self", ["sae-west"], { minBps: 100 }), app)
    assert.deepEqual(room.told, [])
    for (let i = 0; i < 10; i += 1) await room.ask("sae-self", ["sae-west"], { minBps: 300 })
    assert.deepEqual(room.told, [
      { kind: "app-qos-update", appId: app.appId, priority: 0, qos: { minBps: 300 } },
    ])
    room.clock.pass(5000)
    await room.ask("sae-self", ["sae-west"], { minBps: 300 })
    assert.equal(room.told.length, 2)
  })
})
