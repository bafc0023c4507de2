// Signs of life, order of news, and connections that get stuck.

import assert from "node:assert/strict"
import type { SouthEvent } from "../../src/controller/ports.js"
import type { LinkState } from "../../src/model/link.js"
import type { NodeConfig } from "../../src/model/node.js"
import { lendDriverHost } from "../../src/plugin/driver-host.js"
import { Fleet } from "../../src/south/fleet.js"
import type { SupervisorTimings } from "../../src/south/node-supervisor.js"
import { FakeNode, fakeDriver } from "./fake-driver.js"

const target = {
  host: "127.0.0.1",
  port: 830,
  username: "n1",
  privateKeyFile: "none",
  hostKeyFingerprint: "SHA256:none",
}
const desired: NodeConfig = { qkdnId: "n1", links: [], apps: [], peers: [] }

function link(qkdlId: string, status: "ACTIVE" | "PASSIVE"): LinkState {
  return {
    type: "PHYS",
    qkdlId,
    enabled: true,
    local: { qkdnId: "n1" },
    remote: { qkdnId: "n2" },
    status,
    appIds: [],
    performance: {},
  }
}

async function until(met: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 60_000
  while (!met() && Date.now() < end) await new Promise((done) => setTimeout(done, 5))
  assert(met(), `never happened: ${what}`)
}

describe("a supervised connection", () => {
  const heard: SouthEvent[] = []
  let fleet: Fleet
  let held: () => Promise<void>
  const kinds = (): string[] => heard.map((event) => event.kind)

  async function connected(
    node: FakeNode,
    timings: Partial<SupervisorTimings> = {},
  ): Promise<void> {
    heard.length = 0
    held = () => Promise.resolve()
    fleet = new Fleet({
      submit: (event) => {
        heard.push(event)
        return held()
      },
      loadDriver: () => Promise.resolve(fakeDriver([node])),
      lend: (_id, _target, signal) =>
        lendDriverHost({
          log: () => undefined,
          signal,
          openNetconf: () => Promise.reject(new Error("not here")),
        }),
      log: () => undefined,
      gatherMs: 60_000,
      timings: {
        connectMs: 100,
        callMs: 60,
        backoffFirstMs: 5,
        backoffMaxMs: 20,
        pollMs: 60_000,
        lifeMs: 60_000,
        brokenMs: 20,
        ...timings,
      },
    })
    fleet.manage("n1", "fake", target)
    await until(() => kinds().includes("node-connected"), "connected")
  }
  afterEach(() => fleet.close())

  it("asks for the small sign of life where the driver offers one, and reads no more than before", async () => {
    const node = new FakeNode("n1")
    node.ping = "answers"
    await connected(node, { lifeMs: 10 })
    await until(() => node.pings >= 3, "three round trips")
    assert.equal(node.reads, 1)
    assert.deepEqual(kinds(), ["node-connected"])
  })

  it("is given up when the sign of life stays out", async () => {
    const node = new FakeNode("n1")
    node.ping = "mute"
    await connected(node, { lifeMs: 10 })
    await until(() => kinds().includes("node-lost"), "lost")
  })

  it("to a busy node, late with its answers but not silent, is kept", async () => {
    const node = new FakeNode("n1")
    node.ping = "mute"
    await connected(node, { lifeMs: 10 })
    const busy = setInterval(() => {
      node.say({ kind: "link-performance", qkdlId: "l1", performance: { skrBps: 1 } })
    }, 10)
    try {
      await until(() => node.pings >= 15, "many round trips")
      assert.equal(kinds().includes("node-lost"), false)
    } finally {
      clearInterval(busy)
    }
  })

  it("does not let a read undo what the node told while it was read", async () => {
    const node = new FakeNode("n1")
    node.links = [link("l1", "ACTIVE"), link("l2", "ACTIVE")]
    await connected(node, { callMs: 2000 })
    let answer: () => void = () => undefined
    node.readGate = new Promise((resolve) => {
      answer = resolve
    })
    node.say({ kind: "resync" })
    await until(() => node.reads === 2, "the read")
    node.say({ kind: "link-down", qkdlId: "l1" })
    await until(() => kinds().includes("node-event"), "the news")
    answer()
    await until(() => kinds().includes("node-read"), "the reading")
    const read = heard.find((event) => event.kind === "node-read")
    assert(read?.kind === "node-read")
    assert.deepEqual(
      read.state.links.map((one) => one.status),
      [undefined, "ACTIVE"],
    )
  })

  it("passes on figures before the news that came after them", async () => {
    const node = new FakeNode("n1")
    await connected(node)
    node.say({ kind: "link-performance", qkdlId: "l1", performance: { skrBps: 900 } })
    node.say({ kind: "link-down", qkdlId: "l1" })
    await until(() => heard.length === 3, "both")
    assert.deepEqual(kinds(), ["node-connected", "performance", "node-event"])
  })

  it("of a node that talks without end takes only its share of the queue", async () => {
    const node = new FakeNode("n1")
    await connected(node)
    const release: (() => void)[] = []
    held = () => new Promise((resolve) => release.push(resolve))
    for (let n = 0; n < 1000; n += 1) node.say({ kind: "link-down", qkdlId: `l${n}` })
    await until(() => release.length >= 200, "its share")
    await new Promise((done) => setTimeout(done, 20))
    assert.equal(release.length, 200)
    held = () => Promise.resolve()
    for (const one of release) one()
    await until(() => heard.length === 1001, "the rest")
  })

  it("makes wishes true although an apply on the one before never came back", async () => {
    const node = new FakeNode("n1")
    await connected(node, { callMs: 1500 })
    node.stuckApply = true
    fleet.sync("n1", desired, 1)
    node.drop()
    node.stuckApply = false
    await until(() => node.connects === 2 && kinds().at(-1) === "node-connected", "connected again")
    fleet.sync("n1", desired, 2)
    await until(() => kinds().includes("node-synced"), "the second wish")
    const synced = heard.find((event) => event.kind === "node-synced")
    assert(synced?.kind === "node-synced" && synced.revision === 2)
  })
})
