// Bulk orders over one path at a time: no link is promised more than it has, an order gets what its periods say, and no
// schedule delivers more than the linear program that may split orders over paths.

import assert from "node:assert/strict"
import fc from "fast-check"
import { loadLinearPrograms } from "../../src/cli/highs.js"
import { deliverableAlone } from "../../src/engine/bulk-schedule.js"
import { bitsBy, type StreamPeriod, StreamSchedule } from "../../src/engine/bulk-streams.js"
import { PathGraph } from "../../src/engine/path-graph.js"
import { ShortestPaths } from "../../src/engine/shortest.js"

const NODES = 7
const SETUP_S = 2

interface World {
  readonly graph: PathGraph
  readonly times: readonly number[]
  readonly rates: readonly Float64Array[]
}

interface Wish {
  readonly from: number
  readonly to: number
  readonly volumeBits: number
  readonly notBefore: number
}

const world = fc
  .record({
    chords: fc.array(fc.tuple(fc.nat(NODES - 1), fc.nat(NODES - 1)), { maxLength: 6 }),
    spans: fc.array(fc.integer({ min: 5, max: 100 }), { maxLength: 3 }),
    seed: fc.array(fc.nat(2000), { minLength: 60, maxLength: 60 }),
  })
  .map(({ chords, spans, seed }): World => {
    const ring = Array.from({ length: NODES }, (_, n): [number, number] => [n, (n + 1) % NODES])
    const links = [...ring, ...chords.filter(([a, b]) => a !== b)]
    const graph = new PathGraph(
      NODES,
      links.map(([a]) => a),
      links.map(([, b]) => b),
    )
    const times = [0]
    for (const span of spans) times.push((times.at(-1) ?? 0) + span)
    const rates = times.map((_, k) =>
      Float64Array.from(links, (_link, n) => seed[(k * 17 + n) % seed.length] ?? 0),
    )
    return { graph, times, rates }
  })

const wish = fc
  .record({
    from: fc.nat(NODES - 1),
    step: fc.integer({ min: 1, max: NODES - 1 }),
    volumeBits: fc.integer({ min: 1, max: 200_000 }),
    notBefore: fc.nat(50),
  })
  .map(({ from, step, ...rest }): Wish => ({ from, to: (from + step) % NODES, ...rest }))

function scheduleOf({ graph, times, rates }: World): StreamSchedule {
  const options = {
    graph,
    searches: new ShortestPaths(graph),
    setupS: SETUP_S,
    maxRateBps: 1e9,
    worthMoving: 0.2,
  }
  return new StreamSchedule(options, times, rates)
}

function place(schedule: StreamSchedule, order: Wish): StreamPeriod[] {
  return schedule.place({ ...order, passableNodes: new Uint8Array(NODES).fill(1), limits: [] })
}

describe("bulk orders over one path at a time", () => {
  it("never have more of a link than it makes, whatever its rate does over time", () => {
    fc.assert(
      fc.property(world, fc.array(wish, { minLength: 1, maxLength: 6 }), (net, wishes) => {
        const schedule = scheduleOf(net)
        const periods = wishes.flatMap((one) => place(schedule, one))
        const moments = [...net.times, ...periods.map(({ begin }) => begin)]
        for (const moment of moments) {
          const k = net.times.findLastIndex((time) => time <= moment)
          const used = new Float64Array(net.graph.linkCount)
          for (const { begin, end, path, rateBps } of periods)
            if (begin <= moment && moment < end)
              for (const link of path) used[link] = (used[link] ?? 0) + rateBps
          for (const [link, bps] of used.entries())
            assert.ok(bps <= (net.rates[k]?.[link] ?? 0) + 1e-6, `link ${link} at ${moment}`)
        }
      }),
      { numRuns: 200 },
    )
  })

  it("get all of their volume by the end of their last period, nothing before their time, over whole paths", () => {
    fc.assert(
      fc.property(world, fc.array(wish, { minLength: 1, maxLength: 6 }), (net, wishes) => {
        const schedule = scheduleOf(net)
        for (const one of wishes) {
          const periods = place(schedule, one)
          const end = periods.at(-1)?.end ?? Number.POSITIVE_INFINITY
          if (Number.isFinite(end)) {
            const rest = one.volumeBits - bitsBy(periods, end)
            assert.ok(rest >= -1e-3)
            assert.ok(bitsBy(periods, end - 0.01) < one.volumeBits)
            // What is missing is nowhere to be had from then on.
            if (rest > 1e-3)
              assert.deepEqual(place(schedule, { ...one, volumeBits: rest, notBefore: end }), [])
          }
          for (const [n, { begin, path, rateBps }] of periods.entries()) {
            assert.ok(begin >= one.notBefore && begin >= (periods[n - 1]?.end ?? 0))
            assert.ok(Number.isInteger(rateBps) && rateBps >= 1)
            const nodes = net.graph.nodesOf(one.from, path)
            assert.equal(nodes.at(-1), one.to)
            assert.equal(new Set(nodes).size, nodes.length)
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  it("promise no more than an order could have if it were split over all paths", async () => {
    const make = await loadLinearPrograms()
    fc.assert(
      fc.property(world, wish, fc.integer({ min: 60, max: 200 }), (net, one, due) => {
        const periods = place(scheduleOf(net), one)
        const times = [...net.times.filter((time) => time < due), due]
        const bound = deliverableAlone(
          {
            graph: net.graph,
            passableNodes: new Uint8Array(NODES).fill(1),
            times,
            rateBps: net.rates.slice(0, times.length - 1),
            stockBits: new Float64Array(net.graph.linkCount),
            maxStockBits: new Float64Array(net.graph.linkCount),
          },
          { ...one, due, priority: 0 },
          make,
        )
        assert.ok(bitsBy(periods, due) <= bound.bits * (1 + 1e-5) + 1)
      }),
      { numRuns: 40 },
    )
  })

  it("stay on a path that is nearly as good, and leave it for a much better one", () => {
    const graph = new PathGraph(3, [0, 0, 1], [1, 2, 2])
    const options = {
      graph,
      searches: new ShortestPaths(graph),
      setupS: 0,
      maxRateBps: 1e9,
      worthMoving: 0.2,
    }
    const order = {
      from: 0,
      to: 1,
      volumeBits: 1000,
      notBefore: 0,
      passableNodes: new Uint8Array(3).fill(1),
      limits: [],
      standing: [1, 2],
    }
    const near = new StreamSchedule(options, [0], [Float64Array.of(110, 100, 100)])
    assert.deepEqual(near.place(order)[0]?.path, [1, 2])
    const far = new StreamSchedule(options, [0], [Float64Array.of(130, 100, 100)])
    assert.deepEqual(far.place(order)[0]?.path, [0])
  })
})
