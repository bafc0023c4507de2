// The link board: status, figures, and which changes are told.

import assert from "node:assert/strict"
import type { NodeEvent } from "../../src/model/node.js"
import { LinkBoard } from "../../src/node/link-board.js"
import type { PoolFigures } from "../../src/node/ports.js"
import {
  clientApp,
  EAST,
  nodeConfig,
  physLink,
  pool,
  RELAY,
  relayLink,
  TO_EAST,
  TO_WEST,
  WEST,
} from "./agent-fixtures.js"

const START = 1_000_000

class Bench {
  readonly board = new LinkBoard()
  readonly pools = new Map<string, PoolFigures>([
    [TO_WEST, pool(0)],
    [TO_EAST, pool(0)],
  ])
  now = START

  constructor(config = nodeConfig()) {
    this.configure(config)
  }

  configure(config: ReturnType<typeof nodeConfig>): NodeEvent[] {
    return this.board.configure(config, this.now, (id) => this.pools.get(id))
  }

  generate(skrBps: number, qber = 0.02, qkdlId = TO_WEST): NodeEvent[] {
    return this.board.measured(qkdlId, { generating: true, skrBps, qber }, this.now)
  }

  stop(reason: string, qkdlId = TO_WEST): NodeEvent[] {
    return this.board.measured(qkdlId, { generating: false, skrBps: 0, reason }, this.now)
  }

  /** Half-second ticks, measurements once a second; everything that was told. */
  run(seconds: number, skrBps: (second: number) => number): NodeEvent[] {
    const told: NodeEvent[] = []
    for (let half = 0; half < 2 * seconds; half += 1) {
      this.now += 500
      if (half % 2 === 0) told.push(...this.generate(skrBps(half / 2)))
      told.push(...this.board.tick(this.now, (id) => this.pools.get(id)))
    }
    return told
  }

  status(qkdlId = TO_WEST): string | undefined {
    return this.board.now(qkdlId)?.status
  }
}

function kinds(events: readonly NodeEvent[]): string[] {
  return events.map((event) => event.kind)
}

describe("a node's links", () => {
  it("wait before they generate, are active while they do, and passive on what is left", () => {
    const bench = new Bench()
    assert.equal(bench.status(), "PENDING")
    bench.generate(1000)
    assert.equal(bench.status(), "ACTIVE")
    bench.pools.set(TO_WEST, pool(4096))
    bench.board.tick(bench.now, (id) => bench.pools.get(id))
    bench.now += 2000
    bench.stop("no light")
    assert.equal(bench.status(), "PASSIVE")
    bench.pools.set(TO_WEST, pool(0))
    bench.now += 2000
    const told = bench.board.tick(bench.now, (id) => bench.pools.get(id))
    assert.equal(bench.status(), "OFF")
    assert.deepEqual(
      told.filter(({ kind }) => kind === "alarm"),
      [
        {
          kind: "alarm",
          resource: { kind: "link", qkdlId: TO_WEST, status: "OFF" },
          message: "no key left",
          severity: "MAJOR",
        },
      ],
    )
  })

  it("tell that they are down with the reason, then their status, and their return as an event", () => {
    const bench = new Bench()
    assert.deepEqual(kinds(bench.generate(1000)), ["event"])
    bench.now += 2000
    assert.deepEqual(bench.stop("fibre cut"), [
      { kind: "link-down", qkdlId: TO_WEST, reason: "fibre cut" },
      {
        kind: "event",
        resource: { kind: "link", qkdlId: TO_WEST, status: "OFF" },
        message: "fibre cut",
        severity: "MINOR",
      },
    ])
    assert.deepEqual(bench.stop("fibre cut"), [])
    bench.now += 2000
    assert.deepEqual(bench.generate(1000), [
      {
        kind: "event",
        resource: { kind: "link", qkdlId: TO_WEST, status: "ACTIVE" },
        message: "keys are being generated",
        severity: "MINOR",
      },
    ])
  })

  it("tell a flapping link's state at most once a second, and the last state in the end", () => {
    const bench = new Bench()
    bench.generate(1000)
    const told: NodeEvent[] = []
    for (let i = 0; i < 50; i += 1) {
      bench.now += 100
      told.push(...(i % 2 === 0 ? bench.stop("flapping") : bench.generate(1000)))
    }
    bench.stop("flapping")
    bench.now += 1000
    told.push(...bench.board.tick(bench.now, (id) => bench.pools.get(id)))
    const states = told.filter(({ kind }) => kind === "event")
    assert.ok(states.length >= 1 && states.length <= 7, `${states.length} states in 6 s`)
    const last = states.at(-1)
    assert.ok(last?.kind === "event" && last.resource.status === "OFF")
  })

  it("do not count as generating once the module is silent", () => {
    const bench = new Bench()
    bench.generate(1000)
    bench.now += 5001
    const told = bench.board.tick(bench.now, () => pool(0))
    assert.ok(told.some((e) => e.kind === "link-down" && e.reason === "the module is silent"))
    assert.notEqual(bench.status(), "ACTIVE")
  })

  it("switched off are off without being reported as down", () => {
    const bench = new Bench()
    bench.generate(1000)
    bench.now += 2000
    const told = bench.configure(
      nodeConfig({ links: [physLink(TO_WEST, 1, WEST, { enabled: false })] }),
    )
    assert.deepEqual(kinds(told), ["event"])
    assert.equal(bench.status(), "OFF")
    assert.equal(bench.board.now(TO_WEST)?.performance.skrBps, 0)
  })

  it("average their rate, and take what authentication costs off it", () => {
    const bench = new Bench()
    for (let s = 0; s < 60; s += 1) {
      bench.now += 1000
      bench.generate(s % 2 === 0 ? 900 : 1100)
      bench.pools.set(TO_WEST, pool(1000, BigInt(100 * s)))
      bench.board.tick(bench.now, (id) => bench.pools.get(id))
    }
    const performance = bench.board.now(TO_WEST)?.performance
    const skr = performance?.skrBps ?? 0
    assert.ok(skr > 940 && skr < 1060, `skr ${skr}`)
    const cost = skr - (performance?.eskrBps ?? 0)
    assert.ok(Math.abs(cost - 100) < 5, `authentication ${cost} bit/s`)
  })

  it("do not take the first tags, which come all at once, for a rate", () => {
    const bench = new Bench()
    bench.generate(4000)
    bench.pools.set(TO_WEST, pool(1000, 0n))
    bench.board.tick(bench.now, (id) => bench.pools.get(id))
    bench.now += 500
    bench.pools.set(TO_WEST, pool(1000, 4096n))
    const told = bench.board.tick(bench.now, (id) => bench.pools.get(id))
    const eskrBps = bench.board.now(TO_WEST)?.performance.eskrBps ?? 0
    // 4096 bits, averaged over five seconds.
    assert.ok(eskrBps > 3000 && eskrBps < 3500, `${eskrBps} bit/s after authentication`)
    assert.equal(kinds(told).includes("link-overloaded"), false)
  })

  it("say when the store will be empty while it shrinks, and nothing while it grows", () => {
    const bench = new Bench()
    let consumed = 0n
    for (let s = 0; s < 60; s += 1) {
      bench.now += 1000
      bench.generate(100)
      consumed += 600n
      bench.pools.set(TO_WEST, pool(50_000, 0n, consumed))
      bench.board.tick(bench.now, (id) => bench.pools.get(id))
    }
    const seconds = bench.board.now(TO_WEST)?.stock?.timeToEmptyS ?? 0
    assert.ok(Math.abs(seconds - 100) <= 3, `empty in ${seconds} s`)
    for (let s = 0; s < 60; s += 1) {
      bench.now += 1000
      bench.generate(100)
      bench.board.tick(bench.now, (id) => bench.pools.get(id))
    }
    assert.equal(bench.board.now(TO_WEST)?.stock?.timeToEmptyS, undefined)
  })

  it("show period by period what was made, used and passed on, the latest hour of it", () => {
    const bench = new Bench()
    const figures = (bits: bigint): PoolFigures => ({
      stockBits: 1,
      generatedBits: 10n * bits,
      consumedBits: 5n * bits,
      authenticationBits: bits,
      relayedBits: 2n * bits,
      expiredBits: 3n * bits,
    })
    for (let minute = 0; minute <= 70; minute += 1) {
      // In the third minute nothing happens.
      bench.pools.set(TO_WEST, figures(BigInt(minute < 3 ? minute : minute - 1)))
      bench.board.tick(bench.now, (id) => bench.pools.get(id))
      bench.now += 60_000
    }
    const periods = bench.board.now(TO_WEST)?.stock?.periods ?? []
    assert.equal(periods.length, 60)
    assert.deepEqual(periods.at(-1), {
      startTime: new Date(START + 69 * 60_000).toISOString(),
      endTime: new Date(START + 70 * 60_000).toISOString(),
      ...{ generatedBits: 10, consumedBits: 5, authenticationBits: 1, relayedBits: 2 },
      expiredBits: 3,
    })
  })

  it("send figures at most once a second when they move much, every five seconds when little, else not", () => {
    const perf = (events: NodeEvent[]): number =>
      events.filter(({ kind }) => kind === "link-performance").length
    const wild = new Bench()
    const wildly = perf(wild.run(20, (s) => (Math.floor(s / 2) % 2 === 0 ? 1000 : 3000)))
    assert.ok(wildly >= 10 && wildly <= 21, `${wildly} in 20 s of change`)
    const calm = new Bench()
    calm.run(20, () => 1000)
    assert.equal(perf(calm.run(30, () => 1000)), 0)
    const slow = new Bench()
    slow.run(20, () => 1000)
    const slowly = perf(slow.run(20, (s) => 1000 + s))
    assert.ok(slowly >= 3 && slowly <= 5, `${slowly} in 20 s of drift`)
  })

  it("tell a stock that moved by a quarter", () => {
    const bench = new Bench()
    bench.pools.set(TO_WEST, pool(10_000))
    bench.run(20, () => 1000)
    bench.pools.set(TO_WEST, pool(7_400))
    bench.now += 1000
    const told = bench.board.tick(bench.now, (id) => bench.pools.get(id))
    const update = told.find((event) => event.kind === "link-performance")
    assert.ok(update?.kind === "link-performance")
    assert.equal(update.performance.stockBits, 7_400)
  })

  it("carry the promises of applications and of the virtual links above them", () => {
    const bench = new Bench(
      nodeConfig({
        links: [physLink(TO_WEST, 1, WEST), physLink(TO_EAST, 2, EAST), relayLink()],
        apps: [clientApp()],
      }),
    )
    assert.equal(bench.board.now(TO_WEST)?.performance.expectedConsumptionBps, 500)
    assert.equal(bench.board.now(TO_EAST)?.performance.expectedConsumptionBps, 400)
    assert.deepEqual(bench.board.now(TO_WEST)?.appIds, [clientApp().appId])
  })

  it("are overloaded once when more is promised than they yield, and again when it grows", () => {
    const config = nodeConfig({ apps: [clientApp({ qos: { minBps: 800 } })] })
    const bench = new Bench(config)
    const told = bench.run(10, () => 700)
    const over = told.filter(({ kind }) => kind === "link-overloaded")
    assert.equal(over.length, 1)
    bench.now += 1000
    const more = bench.configure({ ...config, apps: [clientApp({ qos: { minBps: 900 } })] })
    assert.deepEqual(kinds(more), ["link-overloaded"])
    assert.equal(kinds(bench.run(10, () => 2000)).includes("link-overloaded"), false)
  })

  it("that are virtual are as good as the worst physical link below", () => {
    const bench = new Bench(
      nodeConfig({ links: [physLink(TO_WEST, 1, WEST), physLink(TO_EAST, 2, EAST), relayLink()] }),
    )
    bench.generate(1000, 0.02, TO_WEST)
    assert.equal(bench.status(RELAY), "PENDING")
    bench.generate(300, 0.02, TO_EAST)
    assert.equal(bench.status(RELAY), "ACTIVE")
    assert.equal(bench.board.now(RELAY)?.performance.skrBps, 300)
    bench.now += 2000
    bench.pools.set(TO_EAST, pool(1000))
    bench.board.tick(bench.now, (id) => bench.pools.get(id))
    bench.stop("cut", TO_EAST)
    assert.equal(bench.status(RELAY), "PASSIVE")
  })

  it("forget a link that is removed, whatever its module still says", () => {
    const bench = new Bench()
    bench.configure(nodeConfig({ links: [physLink(TO_EAST, 2, EAST)] }))
    assert.equal(bench.board.now(TO_WEST), undefined)
    assert.deepEqual(bench.generate(1000), [])
  })
})
