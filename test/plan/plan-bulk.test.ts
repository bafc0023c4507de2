// Bulk orders as planners write them: rates that change by the clock, services that go first, and a forecast that tells why and
// by when.

import assert from "node:assert/strict"
import { loadLinearPrograms } from "../../src/cli/highs.js"
import type { MakeLinearProgram } from "../../src/engine/linear-program.js"
import { topologyFromJson } from "../../src/model/topology.js"
import { readBulkQuestion } from "../../src/plan/bulk-file.js"
import { type BulkPlan, planBulk } from "../../src/plan/plan-bulk.js"
import { planNetwork } from "../../src/plan/plan-network.js"
import { ServicePlanner } from "../../src/plan/plan-services.js"

const network = planNetwork(
  topologyFromJson({
    name: "line",
    nodes: [{ name: "Windhof" }, { name: "Kirchberg" }, { name: "Betzdorf" }],
    links: [
      { id: "wk", a: "Windhof", b: "Kirchberg", lengthKm: 20, skrBps: 1000 },
      { id: "kb", a: "Kirchberg", b: "Betzdorf", lengthKm: 20, skrBps: 500 },
    ],
  }),
)

const base = {
  startAt: "2026-12-01T00:00:00Z",
  stepS: 600,
  orders: [
    {
      id: "archive",
      from: "Windhof",
      to: "Betzdorf",
      volumeBits: 1_800_000,
      deadline: "2026-12-01T01:00:00Z",
    },
  ],
}

describe("plan bulk", () => {
  let make: MakeLinearProgram
  before(async () => {
    make = await loadLinearPrograms()
  })

  function ask(value: object): BulkPlan {
    const question = readBulkQuestion({ ...base, ...value }, network)
    const { services = [] } = question
    const options = { online: false, split: false }
    const { allocation } = new ServicePlanner(network, make).allocate(services, options)
    return planBulk(network, question, { services, allocation }, make)
  }

  it("promises what just fits, at the rate that it takes", () => {
    const { orders } = ask({})
    const [archive] = orders
    assert.equal(archive?.met, true)
    assert.equal(archive.completesAt, "2026-12-01T01:00:00.000Z")
    assert.equal(archive.reason, undefined)
    const [span, ...more] = archive.schedule
    assert.equal(more.length, 0)
    const [path] = span?.paths ?? assert.fail("nothing is scheduled")
    assert.deepEqual(path?.nodes, ["Windhof", "Kirchberg", "Betzdorf"])
    assert(Math.abs(path.rateBps - 500) < 0.01)
  })

  it("lets services go first, and says by when it can be done beside them", () => {
    const services = [{ id: "bank", from: "Kirchberg", to: "Betzdorf", rateBps: 200 }]
    const [archive] = ask({ services }).orders
    assert.equal(archive?.met, false)
    // 300 bit/s are left: 6,000 seconds.
    assert.equal(archive.earliestAt, "2026-12-01T01:40:00.000Z")
    assert.match(
      archive.reason ?? "",
      /^even alone only 10(79999|80000) of 1800000 bits come by the deadline: bound by kb$/,
    )
  })

  it("works around maintenance, and uses what pools keep", () => {
    const profile = [
      { at: "2026-12-01T00:10:00Z", skrBps: 0 },
      { at: "2026-12-01T00:40:00Z", skrBps: 1000 },
    ]
    const [stopped] = ask({ links: [{ link: "wk", profile }] }).orders
    assert.equal(stopped?.met, false)
    assert(
      stopped.schedule.every(
        ({ from, to }) => to <= "2026-12-01T00:10:00.000Z" || from >= "2026-12-01T00:40:00.000Z",
      ),
    )
    // Half of the first ten minutes is kept at wk, and all that kb makes meanwhile.
    const links = [
      { link: "wk", profile, maxStockBits: 300_000 },
      { link: "kb", maxStockBits: 900_000 },
    ]
    const [kept] = ask({ links }).orders
    assert.equal(kept?.met, true)
  })

  it("repeats profiles day by day", () => {
    const night = [
      { at: "2026-11-01T00:00:00Z", skrBps: 1000 },
      { at: "2026-11-01T00:30:00Z", skrBps: 0 },
    ]
    const links = [{ link: "wk", profile: night, repeatS: 86_400 }]
    const [archive] = ask({ links, endAt: "2026-12-04T00:00:00Z" }).orders
    assert.equal(archive?.met, false)
    assert.equal(archive.earliestAt?.slice(0, 16), "2026-12-02T00:30")
  })

  it("serves the earlier deadline first, whatever the order in the file, and counts what came before", () => {
    const orders = [
      {
        ...base.orders[0],
        id: "late",
        volumeBits: 1_800_000,
        deadline: "2026-12-01T02:00:00Z",
        deliveredBits: 900_000,
      },
      {
        ...base.orders[0],
        id: "soon",
        volumeBits: undefined,
        keys: 6000,
        keySizeBits: 256,
        deadline: "2026-12-01T01:00:00Z",
      },
    ]
    const plan = ask({ orders: orders.map((one) => JSON.parse(JSON.stringify(one)) as object) })
    assert.deepEqual(
      plan.orders.map(({ id, met, volumeBits }) => [id, met, volumeBits]),
      [
        ["late", true, 1_800_000],
        ["soon", true, 1_536_000],
      ],
    )
    const [late, soon] = plan.orders
    assert((soon?.completesAt ?? "") <= "2026-12-01T01:00:00.000Z")
    assert((late?.completesAt ?? "") > (soon?.completesAt ?? ""))
    const three = [...orders, { ...base.orders[0], id: "more", deadline: "2026-12-01T02:00:00Z" }]
    const [, , more] = ask({
      orders: three.map((one) => JSON.parse(JSON.stringify(one)) as object),
    }).orders
    assert.match(more?.reason ?? "", /^orders of greater priority or earlier deadline take the key/)
  })

  it("keeps its promises when rates drift, planned anew from what was delivered", () => {
    // Every ten minutes kb yields other than was thought; the order is planned anew on what it yields then.
    const drift = [500, 430, 520, 480, 510, 560, 490, 505, 515]
    let deliveredBits = 0
    let promised = ""
    for (const [i, skrBps] of drift.entries()) {
      const at = (step: number): string =>
        new Date(Date.parse(base.startAt) + step * 600_000).toISOString()
      const [order] = ask({
        startAt: at(i),
        orders: [{ ...base.orders[0], deadline: "2026-12-01T01:30:00Z", deliveredBits }],
        links: [{ link: "kb", profile: [{ at: at(0), skrBps }] }],
      }).orders
      const now = order?.schedule.find(({ from }) => from === at(i))
      const rateBps = now?.paths.reduce((sum, one) => sum + one.rateBps, 0) ?? 0
      assert(rateBps <= skrBps * (1 + 1e-9))
      assert.equal(order?.met, true, `at ${at(i)}`)
      promised = order.completesAt ?? ""
      const end = Math.min(Date.parse(at(i + 1)), Date.parse(now?.to ?? at(i)))
      deliveredBits = Math.min(
        1_800_000,
        deliveredBits + (rateBps * (end - Date.parse(at(i)))) / 1000,
      )
      if (deliveredBits >= 1_800_000 * (1 - 2e-6)) break
    }
    assert(deliveredBits >= 1_800_000 * (1 - 2e-6))
    assert(promised <= "2026-12-01T01:10:00.000Z", promised)
  })

  for (const [value, message] of [
    [{ startAt: "tomorrow" }, '/startAt: "tomorrow" is no time of RFC 3339'],
    [{ speed: 1 }, 'orders /: unknown field "speed"'],
    [{ orders: [{ id: "1" }] }, "/orders/0: must have required property 'from'"],
    [
      { orders: [{ ...base.orders[0], to: "Atlantis" }] },
      '/orders/0/to: no node is called "Atlantis"',
    ],
    [{ orders: [{ ...base.orders[0], keys: 2 }] }, "/orders/0: gives either volumeBits, or keys"],
    [
      { orders: [base.orders[0], base.orders[0]] },
      '/orders/1/id: a second order is called "archive"',
    ],
    [
      { orders: [{ ...base.orders[0], deadline: "2026-11-01T00:00:00Z" }] },
      "/orders/0/deadline: is not after startAt",
    ],
    [
      { orders: [{ ...base.orders[0], notBefore: "2026-12-01T01:00:00Z" }] },
      "/orders/0/notBefore: is not before",
    ],
    [
      { orders: [{ ...base.orders[0], deliveredBits: 2e6 }] },
      "/orders/0/deliveredBits: is more than the volume",
    ],
    [{ endAt: "2026-12-01T00:30:00Z" }, "/endAt: is before a deadline"],
    [{ links: [{ link: "zz" }] }, '/links/0/link: no link is called "zz"'],
    [{ links: [{ link: "wk" }, { link: "wk" }] }, "/links/1/link: a second entry"],
    [{ links: [{ link: "wk", repeatS: 60 }] }, "/links/0: repeatS without a profile"],
    [
      {
        links: [
          {
            link: "wk",
            profile: [
              { at: base.startAt, skrBps: 1 },
              { at: base.startAt, skrBps: 2 },
            ],
          },
        ],
      },
      "/links/0/profile/1/at: is not after the entry before",
    ],
    [
      { links: [{ link: "wk", profile: [{ at: base.startAt, skrBps: 1 }], repeatS: 1 }] },
      "/links/0/repeatS: makes more than 2000 changes",
    ],
    [
      { services: [{ id: "1", from: "Windhof", to: "Atlantis", rateBps: 1 }] },
      '/0/to: no node is called "Atlantis"',
    ],
  ] as const)
    it(`refuses with the place of the fault: ${message}`, () => {
      assert.throws(
        () => readBulkQuestion({ ...base, ...value }, network),
        (error: Error) => error.message.includes(message) || assert.fail(error.message),
      )
    })
})
