import assert from "node:assert/strict"
import type { SouthEvent } from "../../src/controller/ports.js"
import { QkdError } from "../../src/errors.js"
import type { NodeConfig } from "../../src/model/node.js"
import { lendDriverHost } from "../../src/plugin/driver-host.js"
import { ConnectGate } from "../../src/south/connect-gate.js"
import { Fleet } from "../../src/south/fleet.js"
import { FakeNode, fakeDriver } from "./fake-driver.js"

const target = (qkdnId: string) => ({
  host: "127.0.0.1",
  port: 830,
  username: qkdnId,
  privateKeyFile: "none",
  hostKeyFingerprint: "SHA256:none",
})
const config = (qkdnId: string, mark: string): NodeConfig => ({
  qkdnId,
  links: [],
  apps: [],
  peers: [{ qkdnId: mark, host: "127.0.0.1", port: 1 }],
})

async function until(met: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 60_000
  while (!met() && Date.now() < end) await new Promise((done) => setTimeout(done, 5))
  assert(met(), `never happened: ${what}`)
}

describe("the fleet", () => {
  let heard: SouthEvent[]
  let fleet: Fleet
  let full: boolean
  const kinds = (): string[] => heard.map((e) => e.kind)

  const launch = (nodes: readonly FakeNode[], loads: () => void = () => undefined): Fleet => {
    heard = []
    full = false
    fleet = new Fleet({
      submit: (event) => {
        if (full) return Promise.reject(new QkdError("resource-denied", "the queue is full"))
        heard.push(event)
        return Promise.resolve()
      },
      loadDriver: () => {
        loads()
        return Promise.resolve(fakeDriver(nodes))
      },
      lend: (_id, _target, signal) =>
        lendDriverHost({
          log: () => undefined,
          signal,
          openNetconf: () => Promise.reject(new Error("not here")),
        }),
      log: () => undefined,
      gatherMs: 10,
      timings: {
        connectMs: 100,
        callMs: 100,
        backoffFirstMs: 5,
        backoffMaxMs: 20,
        pollMs: 60_000,
        brokenMs: 20,
      },
    })
    return fleet
  }
  afterEach(() => fleet.close())

  it("reads a node before it passes on what the node says", async () => {
    const node = new FakeNode("n1")
    launch([node]).manage("n1", "fake", target("n1"))
    await until(() => kinds().includes("node-connected"), "connected")
    node.say({ kind: "link-down", qkdlId: "l1" })
    await until(() => heard.length === 2, "the event")
    assert.deepEqual(kinds(), ["node-connected", "node-event"])
  })

  it("connects again by itself when a connection ends, and says so in order", async () => {
    const node = new FakeNode("n1")
    launch([node]).manage("n1", "fake", target("n1"))
    await until(() => kinds().length === 1, "connected")
    node.drop()
    await until(() => kinds().length === 3, "connected again")
    assert.deepEqual(kinds(), ["node-connected", "node-lost", "node-connected"])
    assert.equal(node.connects, 2)
  })

  it("keeps trying a node that cannot be reached, with its reason", async () => {
    const node = new FakeNode("n1")
    node.failConnect = new QkdError("operation-failed", "connection refused", {
      appTag: "node-unreachable",
    })
    launch([node]).manage("n1", "fake", target("n1"))
    await until(() => node.connects > 2, "tries")
    const [first] = heard
    assert(first?.kind === "node-lost")
    assert.match(first.reason, /connection refused/)
    node.failConnect = undefined
    await until(() => kinds().includes("node-connected"), "connected in the end")
  })

  it("N2: refuses a node that answers under another id", async () => {
    launch([new FakeNode("n1", "somebody-else")]).manage("n1", "fake", target("n1"))
    await until(() => heard.length > 0, "an outcome")
    const [first] = heard
    assert(first?.kind === "node-lost")
    assert.match(first.reason, /somebody-else/)
    assert(!kinds().includes("node-connected"))
  })

  it("makes the newest wish true and skips those overtaken", async () => {
    const node = new FakeNode("n1")
    node.applyMs = 20
    launch([node]).manage("n1", "fake", target("n1"))
    await until(() => kinds().length === 1, "connected")
    for (const revision of [1, 2, 3, 4]) fleet.sync("n1", config("n1", `r${revision}`), revision)
    await until(() => heard.some((e) => e.kind === "node-synced" && e.revision === 4), "synced")
    assert.deepEqual(
      node.applied.map((c) => c.peers[0]?.qkdnId),
      ["r1", "r4"],
    )
    assert.deepEqual(
      heard.flatMap((e) => (e.kind === "node-synced" ? [e.revision] : [])),
      [1, 4],
    )
  })

  it("carries what is provisional as such where the node can take it back, and for good where it cannot", async () => {
    const able = new FakeNode("n1")
    able.holds = true
    const plain = new FakeNode("n2")
    launch([able, plain])
    for (const id of ["n1", "n2"]) fleet.manage(id, "fake", target(id))
    await until(() => kinds().length === 2, "connected")
    for (const id of ["n1", "n2"]) fleet.sync(id, config(id, "x"), 5, 60)
    await until(() => kinds().filter((kind) => kind === "node-synced").length === 2, "synced")
    assert.deepEqual(
      heard
        .flatMap((e) => (e.kind === "node-synced" ? [[e.qkdnId, e.provisional ?? false]] : []))
        .sort(),
      [
        ["n1", true],
        ["n2", false],
      ],
    )
    assert.deepEqual([able.held[0]?.timeoutS, able.applied.length], [60, 0])
    assert.equal(plain.applied.length, 1)
  })

  it("says of a reading what the node had confirmed for good, unless more was asked of it since", async () => {
    const node = new FakeNode("n1")
    launch([node]).manage("n1", "fake", target("n1"))
    await until(() => kinds().length === 1, "connected")
    const wanted = config("n1", "x")
    fleet.sync("n1", wanted, 5)
    await until(() => kinds().includes("node-synced"), "synced")
    node.say({ kind: "resync" })
    await until(() => kinds().includes("node-read"), "read")
    const read = heard.find((e) => e.kind === "node-read")
    assert(read?.kind === "node-read" && read.confirmed === wanted)
    node.stuckApply = true
    fleet.sync("n1", config("n1", "y"), 6)
    node.say({ kind: "resync" })
    await until(() => kinds().filter((kind) => kind === "node-read").length === 2, "read again")
    const later = heard.findLast((e) => e.kind === "node-read")
    assert(later?.kind === "node-read" && later.confirmed === undefined)
  })

  it("asks a connected node what would be written, and says when there is no session", async () => {
    const node = new FakeNode("n1")
    node.holds = true
    launch([node]).manage("n1", "fake", target("n1"))
    await until(() => kinds().length === 1, "connected")
    assert.equal((await fleet.plan("n1", config("n1", "x")))?.payload, "n1")
    await assert.rejects(fleet.plan("nowhere", config("n1", "x")), { tag: "data-missing" })
    node.failConnect = new QkdError("operation-failed", "gone", { appTag: "node-unreachable" })
    node.drop()
    await until(() => kinds().includes("node-lost"), "lost")
    await assert.rejects(fleet.plan("n1", config("n1", "x")), { appTag: "node-unreachable" })
  })

  it("brings a refusal back with the node's own tag, app-tag and path", async () => {
    const node = new FakeNode("n1")
    node.failApply = new QkdError("access-denied", "outside the site's policy", {
      appTag: "policy",
      path: "/qkd_node",
    })
    launch([node]).manage("n1", "fake", target("n1"))
    await until(() => kinds().length === 1, "connected")
    fleet.sync("n1", config("n1", "x"), 7)
    await until(() => kinds().includes("node-sync-failed"), "the refusal")
    const failed = heard.find((e) => e.kind === "node-sync-failed")
    assert.deepEqual(failed, {
      kind: "node-sync-failed",
      qkdnId: "n1",
      revision: 7,
      error: {
        tag: "access-denied",
        appTag: "policy",
        message: "outside the site's policy",
        path: "/qkd_node",
      },
    })
    assert.equal(node.connects, 1, "a refusal costs no connection")
  })

  it("tells a node that its request is refused", async () => {
    const node = new FakeNode("n1")
    launch([node]).manage("n1", "fake", target("n1"))
    await until(() => kinds().length === 1, "connected")
    fleet.refuse("n1", {
      serverAppId: "a",
      clientAppIds: ["b"],
      appTag: "no-path",
      reason: "cut off",
    })
    await until(() => node.refusals.length === 1, "the refusal")
  })

  it("gathers performance reports: one a link, the newest figures, in one event", async () => {
    const node = new FakeNode("n1")
    launch([node]).manage("n1", "fake", target("n1"))
    await until(() => kinds().length === 1, "connected")
    for (let i = 0; i < 50; i += 1) {
      node.say({ kind: "link-performance", qkdlId: `l${i % 2}`, performance: { skrBps: i } })
    }
    await until(() => kinds().includes("performance"), "the reports")
    const gathered = heard.flatMap((e) => (e.kind === "performance" ? e.reports : []))
    const last = new Map(gathered.map((r) => [r.qkdlId, r.performance.skrBps]))
    assert.deepEqual([...last].sort(), [
      ["l0", 48],
      ["l1", 49],
    ])
    assert(gathered.length <= 4)
  })

  it("reads a node again when notifications may be missing", async () => {
    const node = new FakeNode("n1")
    launch([node]).manage("n1", "fake", target("n1"))
    await until(() => kinds().length === 1, "connected")
    node.say({ kind: "resync" })
    await until(() => kinds().includes("node-read"), "the reading")
    assert.equal(node.reads, 2)
  })

  it("reads a node again when an event could not be taken", async () => {
    const node = new FakeNode("n1")
    launch([node]).manage("n1", "fake", target("n1"))
    await until(() => kinds().length === 1, "connected")
    full = true
    node.say({ kind: "link-down", qkdlId: "l1" })
    await new Promise((done) => setTimeout(done, 2))
    full = false
    await until(() => kinds().includes("node-read"), "the reading")
  })

  it("loses a node that no longer answers, though its connection stands", async () => {
    const node = new FakeNode("n1")
    launch([node]).manage("n1", "fake", target("n1"))
    await until(() => kinds().length === 1, "connected")
    node.mute = true
    node.say({ kind: "resync" })
    await until(() => kinds().includes("node-lost"), "the loss")
  })

  it("leaves a node unmanaged when its driver is missing, and goes on with the others", async () => {
    const node = new FakeNode("n2")
    let first = true
    launch([node], () => {
      if (!first) return
      first = false
      throw new QkdError("data-missing", "there is no driver acme")
    })
    fleet.manage("n1", "acme", target("n1"))
    fleet.manage("n2", "fake", target("n2"))
    await until(
      () => kinds().includes("node-unmanaged") && kinds().includes("node-connected"),
      "both outcomes",
    )
    const unmanaged = heard.find((e) => e.kind === "node-unmanaged")
    assert(unmanaged?.kind === "node-unmanaged")
    assert.equal(unmanaged.qkdnId, "n1")
    assert.match(unmanaged.reason, /acme/)
  })

  it("leaves a node unmanaged while its driver breaks, and tries again later", async () => {
    const node = new FakeNode("n1")
    node.failConnect = new TypeError("undefined is not a function")
    launch([node]).manage("n1", "fake", target("n1"))
    await until(() => kinds().includes("node-unmanaged"), "unmanaged")
    node.failConnect = undefined
    await until(() => kinds().includes("node-connected"), "connected in the end")
  })

  it("reports nothing of a node it was told to forget", async () => {
    const node = new FakeNode("n1")
    launch([node]).manage("n1", "fake", target("n1"))
    await until(() => kinds().length === 1, "connected")
    await fleet.forget("n1")
    node.say({ kind: "link-down", qkdlId: "l1" })
    fleet.sync("n1", config("n1", "late"), 9)
    await new Promise((done) => setTimeout(done, 30))
    assert.deepEqual(kinds(), ["node-connected"])
    assert.deepEqual(node.applied, [])
  })
})

describe("the gate before connections", () => {
  it("never lets more through at once than it was told, and everybody in the end", async () => {
    const gate = new ConnectGate(3)
    let now = 0
    let most = 0
    let done = 0
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        gate
          .run(async () => {
            now += 1
            most = Math.max(most, now)
            await new Promise((resolve) => setTimeout(resolve, 1))
            now -= 1
            done += 1
            if (i % 5 === 0) throw new Error("failed on its own account")
          })
          .catch(() => undefined),
      ),
    )
    assert.equal(most, 3)
    assert.equal(done, 20)
  })
})
