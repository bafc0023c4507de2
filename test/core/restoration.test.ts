// Services that are kept whole over failures: backups that are ready, return to the path that was left, and who moves
// first.

import assert from "node:assert/strict"
import { Lab } from "./lab.js"

/** Three ways from a to d. */
const LADDER = ["a-b", "b-d", "a-c", "c-d", "a-e", "e-f", "f-d"]

describe("a service with protection restore", () => {
  it("has a backup that shares no link and no relay with its path, told to nobody", () => {
    const lab = new Lab({ links: LADDER })
    lab.order("a", "d", { minRateBps: 40, protection: "restore" })
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "d"), ["a-b", "b-d"])
    const { backup } = lab.service("a", "d") ?? {}
    assert(backup !== undefined)
    assert.deepEqual(backup.nodes, ["a", "c", "d"])
    assert.equal(backup.disjoint, "node")
    const virtual = lab.desired("c").links.filter((link) => link.type === "VIRT")
    assert.deepEqual(virtual, [])
    assert.deepEqual(
      ["a-b", "a-c"].map((link) => [lab.picture.reservedBps(link), lab.picture.backupBps(link)]),
      [
        [40, 0],
        [0, 40],
      ],
    )
  })

  it("moves to it in the decision that learns of the cut, and has another one ready soon after", () => {
    const lab = new Lab({ links: LADDER })
    lab.order("a", "d", { minRateBps: 40, protection: "restore" })
    lab.confirmAll()
    lab.linkDown("b-d")
    const moving = lab.service("a", "d")
    assert.deepEqual(moving?.next?.nodes, ["a", "c", "d"])
    assert.equal(moving.backup, undefined)
    lab.confirmAll()
    lab.wakeAfter(lab.settings.retryMs)
    assert.deepEqual(lab.pathOf("a", "d"), ["a-c", "c-d"])
    assert.deepEqual(lab.service("a", "d")?.backup?.nodes, ["a", "e", "f", "d"])
  })

  it("takes its backup when the cut comes while its first path is still being set up", () => {
    const lab = new Lab({ links: LADDER })
    lab.order("a", "d", { minRateBps: 40, protection: "restore" })
    assert.deepEqual(lab.service("a", "d")?.next?.nodes, ["a", "b", "d"])
    assert.deepEqual(lab.service("a", "d")?.backup?.nodes, ["a", "c", "d"])
    // A fresh search would now go the longer way, which has more left.
    lab.order("a", "c", { minRateBps: 600 })
    lab.order("c", "d", { minRateBps: 600 })
    lab.linkDown("b-d")
    assert.deepEqual(lab.service("a", "d")?.next?.nodes, ["a", "c", "d"])
    assert.equal(lab.service("a", "d")?.state, "pending")
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "d"), ["a-c", "c-d"])
    lab.wakeAfter(lab.settings.retryMs)
    assert.deepEqual(lab.service("a", "d")?.backup?.nodes, ["a", "e", "f", "d"])
  })

  it("takes its backup when the cut hits both the path it has and the one it is on its way to", () => {
    const links = ["s-a", "a-b", "b-d", "a-c", "c-d", "s-e", "e-d", "s-f", "f-g", "g-d"]
    const lab = new Lab({ links })
    lab.order("s", "d", { minRateBps: 40, protection: "restore", avoidNodes: ["e"] })
    lab.confirmAll()
    const { serviceId = "" } = lab.service("s", "d") ?? {}
    assert.deepEqual(lab.pathOf("s", "d"), ["s-a", "a-b", "b-d"])
    const terms = { minRateBps: 40, protection: "restore", priority: 0, avoidNodes: [] } as const
    lab.submit({ kind: "service-changed", serviceId, terms })
    lab.confirmAll()
    lab.submit({ kind: "service-moved", serviceId, avoidNodes: ["b", "e", "f"], avoidLinks: [] })
    const moving = lab.service("s", "d")
    assert.deepEqual(moving?.path?.nodes, ["s", "a", "b", "d"])
    assert.deepEqual(moving.next?.nodes, ["s", "a", "c", "d"])
    assert.deepEqual(moving.backup?.nodes, ["s", "e", "d"])
    lab.order("s", "e", { minRateBps: 700 })
    lab.order("e", "d", { minRateBps: 700 })
    lab.confirmAll(["c"])
    lab.effects.length = 0
    lab.linkDown("s-a")
    assert.deepEqual(lab.service("s", "d")?.next?.nodes, ["s", "e", "d"])
    const told = lab.effects.flatMap((effect) =>
      effect.kind === "notify" && effect.topic === "service" ? [effect.message] : [],
    )
    assert.deepEqual(told, ["to its backup"])
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("s", "d"), ["s-e", "e-d"])
    assert.equal(lab.service("s", "d")?.leaving.length, 0)
    for (const link of ["a-b", "a-c", "c-d"]) assert.equal(lab.picture.reservedBps(link), 0)
    assert.equal(lab.picture.reservedBps("s-e"), 740)
  })

  it("stays on its path when the cut hits only the one it is on its way to", () => {
    const lab = new Lab({ links: LADDER })
    lab.order("a", "d", { minRateBps: 40, protection: "restore" })
    lab.confirmAll()
    const { serviceId = "" } = lab.service("a", "d") ?? {}
    lab.submit({ kind: "service-moved", serviceId, avoidNodes: ["b"], avoidLinks: [] })
    assert.deepEqual(lab.service("a", "d")?.next?.nodes, ["a", "c", "d"])
    lab.linkDown("c-d")
    lab.confirmAll()
    assert.equal(lab.service("a", "d")?.state, "active")
    assert.deepEqual(lab.pathOf("a", "d"), ["a-b", "b-d"])
    lab.wakeAfter(lab.settings.retryMs)
    assert.deepEqual(lab.service("a", "d")?.backup?.nodes, ["a", "e", "f", "d"])
  })

  it("goes round by a fresh search when its backup is cut as well", () => {
    const lab = new Lab({ links: LADDER })
    lab.order("a", "d", { minRateBps: 40, protection: "restore" })
    lab.confirmAll()
    lab.linkDown("c-d")
    lab.linkDown("b-d")
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "d"), ["a-e", "e-f", "f-d"])
  })

  it("has a new backup when a link of its backup goes down, and when a node of it is taken out", () => {
    const lab = new Lab({ links: LADDER })
    lab.order("a", "d", { minRateBps: 40, protection: "restore" })
    lab.confirmAll()
    lab.linkDown("c-d")
    lab.wakeAfter(lab.settings.retryMs)
    assert.deepEqual(lab.service("a", "d")?.backup?.nodes, ["a", "e", "f", "d"])
    assert.equal(lab.picture.backupBps("a-c"), 0)
    lab.submit({ kind: "node-lost", qkdnId: "e", reason: "connection reset" })
    lab.wakeAfter(lab.settings.retryMs)
    assert.equal(lab.service("a", "d")?.backup, undefined)
    assert.equal(lab.service("a", "d")?.noBackup, "no path beside the one in use")
    lab.status("c-d", "ACTIVE")
    lab.wakeAfter(lab.settings.retryMs)
    assert.deepEqual(lab.service("a", "d")?.backup?.nodes, ["a", "c", "d"])
  })

  it("gives up a backup for which a link has no rate left any more, and takes one that has", () => {
    const lab = new Lab({ links: LADDER })
    lab.order("a", "d", { minRateBps: 400, protection: "restore" })
    lab.confirmAll()
    assert.deepEqual(lab.service("a", "d")?.backup?.nodes, ["a", "c", "d"])
    lab.rate("c-d", 300)
    assert.deepEqual(lab.service("a", "d")?.backup?.nodes, ["a", "e", "f", "d"])
  })

  it("keeps clear of what shares a risk with its path where that is possible", () => {
    const lab = new Lab({
      links: LADDER,
      link: (name) => (["b-d", "c-d"].includes(name) ? { srlg: ["bridge"] } : {}),
    })
    lab.order("a", "d", { protection: "restore" })
    assert.deepEqual(lab.service("a", "d")?.backup?.nodes, ["a", "e", "f", "d"])
  })

  it("takes a backup with a relay in common where there is no other, and says so", () => {
    const lab = new Lab({ links: ["a-b", "a-b-2", "b-c", "b-c-2"] })
    lab.order("a", "c", { protection: "restore" })
    assert.equal(lab.service("a", "c")?.backup?.disjoint, "link")
  })

  it("has at least a way round the links that have one, where its end has but one link", () => {
    const lab = new Lab({ links: ["p-a", "a-b", "b-d", "a-c", "c-d"] })
    lab.order("p", "d", { minRateBps: 40, protection: "restore" })
    lab.confirmAll()
    assert.equal(lab.service("p", "d")?.backup?.disjoint, "part")
    assert.equal(lab.picture.backupBps("p-a"), 0)
    lab.linkDown("b-d")
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("p", "d"), ["p-a", "a-c", "c-d"])
    assert.equal(lab.picture.reservedBps("p-a"), 40)
  })
})

describe("the rate of backups", () => {
  // x to y over the left pair, u to v over the right pair; both have only the middle as a way out.
  const links = ["x-l", "l-y", "u-r", "r-v", "x-m", "m-n", "n-y", "u-m", "n-v"]
  const twoOver = (backupRate: "shared" | "dedicated" | "none"): Lab => {
    const lab = new Lab({ links }, { backupRate })
    lab.order("x", "y", { minRateBps: 500, protection: "restore" })
    lab.order("u", "v", { minRateBps: 500, protection: "restore" })
    lab.confirmAll()
    return lab
  }

  it("is kept once for services that no single failure hits together", () => {
    const lab = twoOver("shared")
    assert.equal(lab.picture.backupBps("m-n"), 500)
    assert.notEqual(lab.service("u", "v")?.backup, undefined)
    lab.linkDown("l-y")
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("x", "y"), ["x-m", "m-n", "n-y"])
    lab.wakeAfter(lab.settings.retryMs)
    assert.equal(lab.service("u", "v")?.backup, undefined, "its room is in use now")
    assert.match(lab.service("u", "v")?.noBackup ?? "", /has 500 bit\/s left$/)
  })

  it("is kept for each where policy has it dedicated, and the second finds no room", () => {
    const lab = twoOver("dedicated")
    assert.equal(lab.picture.backupBps("m-n"), 500)
    assert.equal(lab.service("u", "v")?.backup, undefined)
  })

  it("is not kept at all where policy has none", () => {
    const lab = twoOver("none")
    assert.equal(lab.picture.backupBps("m-n"), 0)
    assert.notEqual(lab.service("u", "v")?.backup, undefined)
  })

  it("is kept twice for services that one failure hits together", () => {
    const lab = new Lab({ links: ["a-b", "b-c", "a-d", "d-c"] })
    for (const [n, sae] of ["one", "two"].entries()) {
      const saeIds = ["sae-a", "one", "two"]
      lab.connect("a", { keyManager: keyManager(saeIds) })
      lab.submit({
        kind: "service-ordered",
        aSaeId: sae,
        bSaeId: "sae-c",
        terms: { minRateBps: 100, priority: n, avoidNodes: [], protection: "restore" },
      })
      lab.confirmAll()
    }
    const kept = ["a-b", "a-d"].map((link) => lab.picture.backupBps(link))
    // Both on one side: 200 kept on the other; or one on each: 100 kept on both.
    assert([`0,200`, `200,0`, `100,100`].includes(kept.join()), kept.join())
  })

  it("is out of reach of new services, but not of those that a failure hits", () => {
    const lab = new Lab({ links: ["a-b", "b-c", "a-d", "d-c"] })
    lab.order("a", "c", { minRateBps: 500, protection: "restore" })
    lab.confirmAll()
    const reply = lab.order("a", "d", { minRateBps: 500 })
    assert.equal(reply.ok, true)
    assert.equal(lab.service("a", "d")?.state, "failed")
    lab.linkDown("b-c")
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-d", "d-c"])
  })
})

function keyManager(saeIds: readonly string[]): {
  etsi014Url: string
  relayHost: string
  relayPort: number
  saeIds: readonly string[]
  policyVersion: number
} {
  return { etsi014Url: "https://h", relayHost: "h", relayPort: 1, saeIds, policyVersion: 1 }
}

describe("one cut that hits many services", () => {
  it("moves all of them in one decision, the greatest priority first", () => {
    const lab = new Lab({ links: ["p-a", "q-a", "a-b", "b-y", "b-z", "a-c", "c-b"] })
    lab.order("p", "y", { minRateBps: 500, priority: 1, protection: "restore" })
    lab.order("q", "z", { minRateBps: 400, priority: 7 })
    lab.confirmAll()
    lab.effects.length = 0
    lab.hear("a", { kind: "link-down", qkdlId: "a-b" })
    const order = lab.last.effects.flatMap((effect) =>
      effect.kind === "notify" && effect.topic === "service" ? [effect.id] : [],
    )
    assert.deepEqual(order, [lab.service("q", "z")?.serviceId, lab.service("p", "y")?.serviceId])
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("q", "z"), ["q-a", "a-c", "c-b", "b-z"])
    assert.deepEqual(lab.pathOf("p", "y"), ["p-a", "a-c", "c-b", "b-y"])
  })
})

describe("after a failure", () => {
  const away = (terms: { revertive?: boolean; holdOffS?: number }): Lab => {
    const lab = new Lab({ links: ["a-b", "b-d", "a-c", "c-d"] })
    lab.order("a", "d", { protection: "restore", ...terms })
    lab.confirmAll()
    lab.linkDown("b-d")
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "d"), ["a-c", "c-d"])
    return lab
  }

  it("a revertive service returns to its path when that has been whole for its hold-off, not before", () => {
    const lab = away({ revertive: true, holdOffS: 30 })
    lab.now += 5_000
    lab.status("b-d", "ACTIVE")
    for (let s = 0; s < 29; s += 1) {
      lab.wakeAfter(1000)
      lab.confirmAll()
    }
    assert.deepEqual(lab.pathOf("a", "d"), ["a-c", "c-d"])
    lab.wakeAfter(1000)
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "d"), ["a-b", "b-d"])
    assert.equal(lab.service("a", "d")?.home, undefined)
    assert.deepEqual(lab.service("a", "d")?.backup?.nodes, ["a", "c", "d"])
  })

  it("a link that flaps calls nobody back: each fall begins the hold-off anew", () => {
    const lab = away({ revertive: true, holdOffS: 10 })
    lab.effects.length = 0
    for (let n = 0; n < 20; n += 1) {
      lab.status("b-d", "ACTIVE")
      for (let s = 0; s < 8; s += 1) lab.wakeAfter(1000)
      lab.linkDown("b-d")
      lab.wakeAfter(1000)
    }
    assert.equal(lab.notices().includes("service.moving"), false)
    assert.deepEqual(lab.pathOf("a", "d"), ["a-c", "c-d"])
  })

  it("a service that is not to return stays, even where the way back spares relays", () => {
    const lab = new Lab({ links: ["a-b", "b-c", "c-d", "d-a"] })
    lab.order("a", "b", { revertive: false })
    lab.confirmAll()
    lab.linkDown("a-b")
    lab.confirmAll()
    lab.status("a-b", "ACTIVE")
    for (let n = 0; n < 10; n += 1) lab.wakeAfter(60_000)
    lab.confirmAll()
    assert.equal(lab.pathOf("a", "b")?.length, 3)
  })
})
