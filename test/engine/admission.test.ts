// Rate services on a network that changes: no link is ever over, what is promised is kept while there is capacity.

import assert from "node:assert/strict"
import fc from "fast-check"
import { Admission, type Outcome } from "../../src/engine/admission.js"
import { fairShares, type Sharer } from "../../src/engine/fair-share.js"
import { PathGraph } from "../../src/engine/path-graph.js"
import type { AdmissionPolicy, RateTerms } from "../../src/engine/service-terms.js"
import { firstRate, nextRate } from "../../src/engine/steady-rate.js"
import { floorAtMs, stockLater, stockRateBps } from "../../src/engine/stock-horizon.js"
import { NetworkLife } from "./network-life.js"

/** Windhof 0, Kirchberg 1, Betzdorf 2, Mersch 3: a ring, and the link 4 from 0 to 2 across. */
const ring = new PathGraph(4, [0, 1, 2, 3, 0], [1, 2, 3, 0, 2])

function admissionOf(
  rates: readonly number[],
  policy: Partial<AdmissionPolicy> = {},
  graph = ring,
): Admission {
  const capacity = {
    rateBps: Float64Array.from(rates),
    passableNodes: new Uint8Array(graph.nodeCount).fill(1),
  }
  return new Admission(graph, capacity, {
    preempt: true,
    shareReserve: true,
    ...policy,
  })
}

function terms(from: number, to: number, minBps: number, more: Partial<RateTerms> = {}): RateTerms {
  return {
    from,
    to,
    minBps,
    maxBps: minBps,
    priority: 0,
    weight: 1,
    protection: "restore",
    tolerance: 0,
    ...more,
  }
}

function kinds(outcomes: readonly Outcome[]): string[] {
  return outcomes.map(({ id, kind }) => `${id} ${kind}`)
}

/** Numbers from 0 to 1 from a seed (xorshift). */
function randomOf(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 4294967296
  }
}

describe("admission of rate services", () => {
  it("never promises more than a link has, after whatever happens", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 30 }),
        fc.boolean(),
        fc.boolean(),
        (seed, preempt, shareReserve) => {
          const random = randomOf(seed)
          const nodes = 5 + Math.floor(random() * 8)
          const links = nodes + Math.floor(random() * nodes)
          const linkA = Array.from({ length: links }, (_, i) => i % nodes)
          const graph = new PathGraph(
            nodes,
            linkA,
            linkA.map((a, i) =>
              i < nodes ? (a + 1) % nodes : (a + 1 + Math.floor(random() * (nodes - 1))) % nodes,
            ),
          )
          const rates = Float64Array.from(linkA, () => Math.floor(random() * 1000))
          const options = { random, about: 40, rateBps: [5, 200], preempt, shareReserve } as const
          const life = new NetworkLife(graph, rates, options)
          for (let i = 0; i < 150; i += 1) {
            life.step()
            life.ledger.check(life.admission, i % 10 === 0)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it("goes round a cut, greater priority first, and comes back to what waits when the link is mended", () => {
    const admission = admissionOf([100, 100, 100, 100, 100])
    for (const [id, priority] of [
      ["ministry", 7],
      ["bank", 1],
      ["archive", 0],
    ] as const)
      admission.arrive(id, terms(0, 2, 80, { priority }))
    assert.deepEqual(admission.service("ministry")?.paths, [[4]])
    assert.deepEqual(kinds(admission.cut(4)), ["archive waiting", "ministry moved"])
    assert.deepEqual(kinds(admission.mend(4)), ["archive restored"])
  })

  it("pushes lesser services aside by policy, and only then", () => {
    const crowd = (policy: Partial<AdmissionPolicy>): string[] => {
      const admission = admissionOf([100, 0, 0, 0, 0], policy)
      admission.arrive("archive", terms(0, 1, 60))
      return kinds(admission.arrive("ministry", terms(0, 1, 70, { priority: 7 })))
    }
    assert.deepEqual(crowd({ preempt: true }), ["ministry admitted", "archive waiting"])
    assert.deepEqual(crowd({ preempt: false }), ["ministry refused"])
  })

  it("lets two reserves for different failures stand on the same rate, where policy says", () => {
    // The reserves of a star's arms meet on the way to its middle.
    const star = new PathGraph(4, [0, 0, 0, 1, 1, 0], [1, 1, 2, 2, 3, 3])
    const held = (shareReserve: boolean): string[] => {
      const admission = admissionOf([40, 0, 60, 60, 40, 60], { shareReserve, preempt: false }, star)
      return [
        ...admission.arrive("a", terms(0, 2, 40, { protection: "reserved" })),
        ...admission.arrive("b", terms(0, 3, 40, { protection: "reserved" })),
      ].map(({ kind }) => kind)
    }
    assert.deepEqual(held(true), ["admitted", "admitted"])
    assert.deepEqual(held(false), ["admitted", "refused"])
    const admission = admissionOf([40, 0, 60, 60, 40, 60], { preempt: false }, star)
    admission.arrive("a", terms(0, 2, 40, { protection: "reserved" }))
    admission.arrive("b", terms(0, 3, 40, { protection: "reserved" }))
    // Whoever fails first gets what was held for both; the other goes on, and has nothing held any more.
    assert.deepEqual(kinds(admission.cut(2)), ["a switched"])
    assert.equal(admission.service("b")?.reserve, undefined)
    assert.deepEqual(admission.service("b")?.paths, [[5]])
  })

  it("switches to the path that was held ready, and holds another where there is one", () => {
    const admission = admissionOf([100, 100, 100, 100, 100])
    admission.arrive("bank", terms(0, 2, 60, { protection: "reserved" }))
    assert.deepEqual(admission.service("bank")?.paths, [[4]])
    assert.deepEqual(kinds(admission.cut(4)), ["bank switched"])
    const bank = admission.service("bank")
    const ways = [bank?.paths[0] ?? [], bank?.reserve?.path ?? []].map((path) => [...path].sort())
    assert.deepEqual(ways.sort(), [
      [0, 1],
      [2, 3],
    ])
  })

  it("sends shares over one more node-disjoint path than relays may be bad, each at the whole rate", () => {
    const admission = admissionOf([100, 100, 100, 100, 100])
    assert.deepEqual(kinds(admission.arrive("t1", terms(1, 3, 60, { tolerance: 1 }))), [
      "t1 admitted",
    ])
    assert.equal(admission.service("t1")?.paths.length, 2)
    const refused = admission.arrive("t2", terms(1, 3, 10, { tolerance: 2 }))
    assert.deepEqual(refused, [
      {
        id: "t2",
        kind: "refused",
        reason: "there are no 3 node-disjoint paths with 10 bit/s free",
      },
    ])
    assert.deepEqual(kinds(admission.arrive("more", terms(1, 2, 50))), ["more refused"])
  })

  it("keeps headroom from those who arrive, for rates that drift away", () => {
    const admission = admissionOf([100, 0, 0, 0, 0], { headroomShare: 0.2, preempt: false })
    assert.deepEqual(kinds(admission.arrive("bank", terms(0, 1, 80))), ["bank admitted"])
    assert.deepEqual(kinds(admission.arrive("archive", terms(0, 1, 1))), ["archive refused"])
    assert.deepEqual(admission.drift(0, 80), [])
    assert.deepEqual(kinds(admission.drift(0, 79)), ["bank waiting"])
    assert.deepEqual(kinds(admission.drift(0, 80)), ["bank restored"])
  })

  it("keeps 1+1 on one path after a cut, and gives it its second again", () => {
    const admission = admissionOf([100, 100, 100, 100, 0])
    admission.arrive("bank", terms(0, 2, 60, { protection: "1+1" }))
    admission.cut(1)
    assert.equal(admission.service("bank")?.paths.length, 1)
    admission.mend(1)
    assert.equal(admission.service("bank")?.paths.length, 2)
  })

  it("moves services off a link that makes less, and the lesser waits where there is no other way", () => {
    const admission = admissionOf([100, 0, 0, 0, 0])
    admission.arrive("archive", terms(0, 1, 40))
    admission.arrive("ministry", terms(0, 1, 50, { priority: 7 }))
    assert.deepEqual(kinds(admission.drift(0, 60)), ["archive waiting"])
    assert.deepEqual(kinds(admission.drift(0, 95)), ["archive restored"])
  })

  it("changes terms where it stands, keeps what it has when they do not fit", () => {
    const admission = admissionOf([100, 0, 0, 0, 0])
    admission.arrive("bank", terms(0, 1, 40))
    assert.deepEqual(kinds(admission.change("bank", terms(0, 1, 90))), ["bank admitted"])
    assert.deepEqual(kinds(admission.change("bank", terms(0, 1, 101))), ["bank refused"])
    assert.equal(admission.service("bank")?.terms.minBps, 90)
    assert.deepEqual(admission.service("bank")?.paths, [[0]])
  })

  for (const [fault, wrong] of [
    ["both ends are one node", { to: 0 }],
    ["minBps is not a whole number of bits per second", { minBps: 0.5 }],
    ["maxBps is not a whole number of bits per second from minBps on", { maxBps: 9 }],
    ["weight is not more than zero", { weight: 0 }],
    ["tolerance is not a whole number", { tolerance: -1 }],
    [
      "shares over disjoint paths have no second set of paths: tolerance goes with protection none or restore",
      { tolerance: 1, protection: "1+1" },
    ],
  ] as const)
    it(`refuses terms that nobody could keep: ${fault}`, () => {
      const admission = admissionOf([100, 100, 100, 100, 100])
      const outcome = admission.arrive("bank", { ...terms(0, 1, 10), ...wrong })
      assert.deepEqual(outcome, [{ id: "bank", kind: "refused", reason: fault }])
      assert.deepEqual([...admission.services()], [])
    })
})

describe("fair sharing of what is left", () => {
  const sharers = fc.array(
    fc.record({
      paths: fc.array(fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 4 }), {
        minLength: 1,
        maxLength: 2,
      }),
      weight: fc.integer({ min: 1, max: 5 }),
      mostBps: fc.integer({ min: 0, max: 500 }),
    }),
    { maxLength: 12 },
  )
  const rooms = fc.array(fc.integer({ min: 0, max: 600 }), { minLength: 6, maxLength: 6 })
  const loadOf = (list: readonly Sharer[], shares: ArrayLike<number>): number[] => {
    const load = [0, 0, 0, 0, 0, 0]
    for (const [number, { paths }] of list.entries())
      for (const link of paths.flat()) load[link] = (load[link] ?? 0) + (shares[number] ?? 0)
    return load
  }

  it("overloads no link, and gives nobody more at the cost of one who has less by weight", () => {
    fc.assert(
      fc.property(sharers, rooms, (list, room) => {
        const shares = fairShares(list, room)
        const load = loadOf(list, shares)
        for (const [link, bps] of load.entries()) assert(bps <= (room[link] ?? 0))
        for (const [number, { paths, weight, mostBps }] of list.entries()) {
          const share = shares[number] ?? 0
          assert(Number.isInteger(share) && share <= mostBps)
          if (share === mostBps) continue
          // Max-min: it is held back by a link that is full, where nobody else has more by weight.
          const level = (share + 1) / weight
          const bottleneck = paths.flat().some((link) => {
            const users = list.flatMap((other, n) =>
              other.paths.flat().includes(link) ? [{ other, share: shares[n] ?? 0 }] : [],
            )
            // Rounding down may leave each path on the link one bit short.
            const lost = users.reduce((sum, { other }) => sum + other.paths.length, 0)
            const full = (load[link] ?? 0) + lost >= (room[link] ?? 0)
            return full && users.every(({ other, share: theirs }) => theirs / other.weight <= level)
          })
          assert(bottleneck, `sharer ${number} could have more`)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe("stock as an asset", () => {
  const terms10 = { floorBits: 10_000, capacityBits: 1_000_000, horizonMs: 3_600_000 }

  it("never falls below the floor when what it gives is worked out anew within the horizon", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1_000_000_000 }),
        fc.array(
          fc.record({
            afterMs: fc.integer({ min: 0, max: terms10.horizonMs }),
            madeBps: fc.integer({ min: 0, max: 5000 }),
          }),
          { maxLength: 50 },
        ),
        (milliBits, steps) => {
          let stock = { milliBits, atMs: 0 }
          for (const { afterMs, madeBps } of steps) {
            const given = madeBps + stockRateBps(stock, terms10)
            const floor = Math.min(stock.milliBits, terms10.floorBits * 1000)
            stock = stockLater(stock, madeBps, given, stock.atMs + afterMs, terms10)
            assert(Number.isSafeInteger(stock.milliBits))
            assert(stock.milliBits >= floor, "the stock fell below the floor")
            assert(stock.milliBits <= terms10.capacityBits * 1000)
          }
        },
      ),
    )
  })

  it("tells when the floor is met, to the millisecond", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10_000_000, max: 1_000_000_000 }),
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 1, max: 5000 }),
        (milliBits, madeBps, falls) => {
          const at = floorAtMs({ milliBits, atMs: 7 }, madeBps, madeBps + falls, terms10)
          assert(at !== undefined)
          const then = (ms: number): number =>
            stockLater({ milliBits, atMs: 7 }, madeBps, madeBps + falls, ms, terms10).milliBits
          assert(then(at) >= terms10.floorBits * 1000)
          assert(then(at + 1) < terms10.floorBits * 1000)
        },
      ),
    )
    assert.equal(floorAtMs({ milliBits: 5, atMs: 0 }, 100, 100, terms10), undefined)
  })
})

describe("the rate that promises are counted with", () => {
  it("does not flap with measurements that go up and down by a tenth", () => {
    const random = randomOf(5)
    let rate = firstRate(1000, 0)
    let changes = 0
    for (let s = 1; s < 24 * 3600; s += 1) {
      const before = rate.countedBps
      rate = nextRate(rate, 900 + 200 * random(), s * 1000)
      if (rate.countedBps !== before) changes += 1
    }
    assert(changes <= 1, `${changes} changes in a day`)
  })

  it("follows a loss within the smoothing time, and a gain only when it has stayed", () => {
    let rate = firstRate(1000, 0)
    for (let s = 1; s <= 120; s += 1) rate = nextRate(rate, 500, s * 1000)
    assert(rate.countedBps <= 600)
    const low = rate.countedBps
    for (let s = 121; s <= 300; s += 1) rate = nextRate(rate, 1000, s * 1000)
    assert(rate.countedBps <= low, "it rose before its time")
    for (let s = 301; s <= 700; s += 1) rate = nextRate(rate, 1000, s * 1000)
    assert(rate.countedBps > 950)
  })

  it("takes a clock that goes back as standing still", () => {
    const rate = nextRate(nextRate(firstRate(1000, 5000), 500, 60_000), 900, 1000)
    assert.equal(rate.atMs, 60_000)
    assert(rate.smoothedBps > 600 && rate.smoothedBps < 900)
  })
})
