// What services get above their guaranteed rates: shared by weight, bounded by their maxima and by what links have, told
// seldom, less before more, and out of stock for as long as that lasts.

import assert from "node:assert/strict"
import { Lab } from "./lab.js"

/** Three pairs whose keys all pass link `b-c`. */
const TREE = ["a-b", "b-c", "c-d", "e-b", "c-f", "g-b", "c-h"]

function tree(skrBps = 1000, settings: ConstructorParameters<typeof Lab>[1] = {}): Lab {
  const lab = new Lab({ links: TREE, skrBps: 100_000 }, { surplusMarginShare: 0, ...settings })
  lab.rate("b-c", skrBps)
  return lab
}

/** How often somebody was told to do something since the list was last emptied. */
function syncs(lab: Lab): number {
  return lab.effects.filter(({ kind }) => kind === "sync-node").length
}

function drift(lab: Lab, link: string, skrBps: number): void {
  lab.now += 10_000
  lab.rate(link, skrBps)
  lab.share()
}

describe("a service that asks for more than its guaranteed rate", () => {
  it("may take all that its path has left, from when its ends are first told", () => {
    const lab = tree()
    lab.order("a", "d", { minRateBps: 100, maxRateBps: 5000 })
    lab.confirmAll()
    assert.equal(lab.mostOf("a", "d"), 900)
    assert.equal(lab.service("a", "d")?.path?.rateBps, 100, "only its minimum is promised")
  })

  it("is told its maximum, and no more, where there is room for it", () => {
    const lab = tree()
    lab.order("a", "d", { minRateBps: 100, maxRateBps: 300 })
    lab.confirmAll()
    assert.equal(lab.mostOf("a", "d"), 300)
  })

  it("shares what is left with others, by weight of priority", () => {
    const lab = tree()
    lab.order("a", "d", { minRateBps: 100, maxRateBps: 5000, priority: 0 })
    lab.order("e", "f", { minRateBps: 0, maxRateBps: 5000, priority: 1 })
    lab.confirmAll()
    assert.equal(lab.mostOf("e", "f"), 1, "nothing is left until it is shared; 0 would be no bound")
    lab.share()
    lab.share()
    const [one, other] = [lab.mostOf("a", "d") ?? 0, lab.mostOf("e", "f") ?? 0]
    assert.equal(one, 100 + 266)
    assert.equal(other, 533)
  })

  it("leaves to others what it cannot use", () => {
    const lab = tree()
    lab.order("a", "d", { minRateBps: 0, maxRateBps: 100 })
    lab.order("e", "f", { minRateBps: 0, maxRateBps: 5000 })
    lab.order("g", "h", { minRateBps: 0, maxRateBps: 5000 })
    lab.confirmAll()
    lab.share()
    lab.share()
    assert.deepEqual(
      [lab.mostOf("a", "d"), lab.mostOf("e", "f"), lab.mostOf("g", "h")],
      [100, 400, 400],
    )
  })

  it("gives way to a promise at once, and its ends are told with the next sharing", () => {
    const lab = tree()
    lab.order("a", "d", { minRateBps: 100, maxRateBps: 5000 })
    lab.confirmAll()
    lab.order("e", "f", { minRateBps: 700 })
    lab.confirmAll()
    assert.equal(lab.service("e", "f")?.state, "active")
    lab.share()
    assert.equal(lab.mostOf("a", "d"), 200)
  })

  it("gets more only when those who get less have confirmed it", () => {
    const lab = tree()
    lab.order("a", "d", { minRateBps: 0, maxRateBps: 5000 })
    lab.order("e", "f", { minRateBps: 0, maxRateBps: 5000 })
    lab.confirmAll()
    lab.submit({ kind: "surplus-due" })
    assert.equal(lab.mostOf("a", "d"), 450)
    lab.confirmAll(["d"])
    lab.submit({ kind: "surplus-due" })
    assert.equal(lab.mostOf("e", "f"), 1, "d may still go by 900 bit/s")
    lab.confirmAll()
    lab.submit({ kind: "surplus-due" })
    assert.equal(lab.mostOf("e", "f"), 450)
  })

  it("has less on a path that has less, from when its ends are told of it", () => {
    const lab = new Lab({ links: ["a-b", "a-c", "c-b"] }, { surplusMarginShare: 0 })
    lab.rate("a-b", 2000)
    lab.rate("a-c", 300)
    lab.order("a", "b", { minRateBps: 100, maxRateBps: 5000 })
    lab.confirmAll()
    assert.equal(lab.mostOf("a", "b"), 1800)
    lab.linkDown("a-b")
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "b"), ["a-c", "c-b"])
    assert.equal(lab.mostOf("a", "b"), 270)
  })

  it("may take its maximum as before where a controller that did not share has told it so", () => {
    const lab = tree()
    lab.order("a", "d", { minRateBps: 100, maxRateBps: 5000 })
    lab.confirmAll()
    const service = lab.service("a", "d") ?? assert.fail()
    const { surplus: _surplus, ...older } = service
    const change = { kind: "service", id: service.serviceId, value: older } as const
    lab.picture.apply([change], lab.picture.revision + 1)
    assert.equal(lab.mostOf("a", "d"), 5000)
    lab.share()
    assert.equal(lab.mostOf("a", "d"), 900)
  })

  it("is offered no more than its site allows, once a node has refused it", () => {
    const lab = tree(200)
    lab.order("a", "d", { minRateBps: 100, maxRateBps: 5000 })
    lab.confirmAll()
    assert.equal(lab.mostOf("a", "d"), 180)
    drift(lab, "b-c", 200)
    for (let minute = 0; minute < 10; minute += 1) {
      lab.now += 30_000
      lab.rate("b-c", 1000)
    }
    lab.submit({ kind: "surplus-due" })
    assert((lab.mostOf("a", "d") ?? 0) > 890)
    lab.fail("a", "900 bit/s is above the ceiling of 500 bit/s")
    lab.confirmAll()
    assert.equal(lab.mostOf("a", "d"), 180)
    assert.equal(lab.picture.node("a")?.syncFault, undefined)
    lab.share()
    assert.equal(lab.mostOf("a", "d"), 180)
    const { serviceId = "" } = lab.service("a", "d") ?? {}
    const terms = { minRateBps: 100, maxRateBps: 400, priority: 0, avoidNodes: [] }
    lab.submit({ kind: "service-changed", serviceId, terms })
    lab.confirmAll()
    lab.share()
    assert.equal(lab.mostOf("a", "d"), 400)
  })
})

describe("the surplus of a network", () => {
  it("is not told anew for a link that drifts by some percent", () => {
    const lab = tree(1000, { surplusMarginShare: 0.05 })
    lab.order("a", "d", { minRateBps: 100, maxRateBps: 5000 })
    lab.order("e", "f", { minRateBps: 100, maxRateBps: 5000 })
    lab.confirmAll()
    lab.share()
    lab.share()
    lab.effects.length = 0
    for (let minute = 0; minute < 60; minute += 1) drift(lab, "b-c", minute % 2 === 0 ? 985 : 1015)
    assert.equal(syncs(lab), 0)
  })

  it("is taken back in part where a link does not bear it, however little that is", () => {
    const lab = tree()
    lab.order("a", "d", { minRateBps: 100, maxRateBps: 5000 })
    lab.order("e", "f", { minRateBps: 100, maxRateBps: 5000 })
    lab.confirmAll()
    lab.share()
    lab.share()
    const before = (lab.mostOf("a", "d") ?? 0) + (lab.mostOf("e", "f") ?? 0)
    for (let time = 0; time < 5; time += 1) drift(lab, "b-c", 950)
    const after = (lab.mostOf("a", "d") ?? 0) + (lab.mostOf("e", "f") ?? 0)
    assert.equal(before, 900)
    assert(after < 875 && after > 840, `${after}`)
  })

  it("follows a link that falls far within one sharing, and one that rises only when it stays", () => {
    const lab = tree()
    lab.order("a", "d", { minRateBps: 100, maxRateBps: 5000 })
    lab.confirmAll()
    drift(lab, "b-c", 500)
    const fallen = lab.mostOf("a", "d") ?? 0
    assert(fallen <= 450, `${fallen}`)
    drift(lab, "b-c", 2000)
    assert((lab.mostOf("a", "d") ?? 0) <= 450 * 1.5)
    for (let time = 0; time < 10; time += 1) drift(lab, "b-c", 2000)
    const risen = lab.mostOf("a", "d") ?? 0
    assert(risen > 1700, `${risen}`)
  })

  it("says what a service may take when that changes", () => {
    const lab = tree()
    lab.order("a", "d", { minRateBps: 100, maxRateBps: 5000 })
    lab.order("e", "f", { minRateBps: 0, maxRateBps: 5000 })
    lab.confirmAll()
    lab.effects.length = 0
    lab.share()
    const told = lab.effects.flatMap((one) => (one.kind === "notify" ? [one] : []))
    assert.deepEqual(
      told.map(({ type, message }) => [type, message]),
      [["service.granted", "takes up to 500 bit/s: 100 guaranteed, 400 of the surplus"]],
    )
  })

  it("is no reason to refuse anybody: rate that is lent is free for promises", () => {
    const lab = tree()
    lab.order("a", "d", { minRateBps: 0, maxRateBps: 5000 })
    lab.confirmAll()
    lab.order("e", "f", { minRateBps: 900 })
    lab.confirmAll()
    assert.equal(lab.service("e", "f")?.state, "active")
  })
})

describe("the stock of a link", () => {
  const settings = { stockFloorBits: 100_000, stockHorizonMs: 600_000 }

  it("is lent above its floor for a horizon, on top of the rate", () => {
    const lab = tree(1000, settings)
    lab.stock("b-c", 1000, 100_000 + 1_200_000)
    lab.order("a", "d", { minRateBps: 0, maxRateBps: 50_000 })
    lab.confirmAll()
    assert.equal(lab.mostOf("a", "d"), 900 + 1_000, "at first for twice as long")
  })

  it("never comes down to its floor, though all that is lent is taken all the time", () => {
    const lab = tree(1000, settings)
    let stockBits = 2_000_000
    lab.stock("b-c", 1000, stockBits)
    lab.order("a", "d", { minRateBps: 0, maxRateBps: 50_000 })
    lab.confirmAll()
    let told = 0
    for (let seconds = 0; seconds < 6 * 3600; seconds += 10) {
      stockBits += (1000 - (lab.mostOf("a", "d") ?? 0)) * 10
      assert(stockBits >= settings.stockFloorBits, `${stockBits} bits after ${seconds} s`)
      lab.now += 10_000
      lab.stock("b-c", 1000, Math.floor(stockBits))
      lab.effects.length = 0
      lab.share()
      told += syncs(lab)
    }
    assert(told / 2 < 30, `its ends were told ${told / 2} times`)
    assert((lab.mostOf("a", "d") ?? 0) >= 850)
  })

  it("does not count while one of its ends cannot be heard", () => {
    const lab = tree(1000, settings)
    lab.stock("b-c", 1000, 1_300_000)
    lab.order("a", "d", { minRateBps: 0, maxRateBps: 50_000 })
    lab.confirmAll()
    assert.equal(lab.mostOf("a", "d"), 1900)
    lab.submit({ kind: "node-lost", qkdnId: "c", reason: "connection reset" })
    lab.share()
    assert.equal(lab.mostOf("a", "d"), 900)
  })

  it("is promised to nobody, and a refusal says so", () => {
    const lab = tree(1000, settings)
    lab.stock("b-c", 1000, 100_000 + 600_000)
    lab.request("a", "d", 1200)
    assert.match(
      lab.refusals()[0]?.reason ?? "",
      /best is 900 bit\/s over a - b - c - d; stock would add 1000 bit\/s for 600 s, which is lent and never promised/,
    )
  })
})
