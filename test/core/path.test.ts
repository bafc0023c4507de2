import assert from "node:assert/strict"
import { alg, Graph as Reference } from "@dagrejs/graphlib"
import fc from "fast-check"
import { priceOf } from "../../src/core/allocate.js"
import { type FoundPath, findPath } from "../../src/core/path.js"
import type { PathQuery } from "../../src/core/path-query.js"
import { DEFAULT_SETTINGS } from "../../src/core/settings.js"
import { Picture } from "../../src/core/view.js"
import type { Change, NetworkLink, NetworkNode } from "../../src/model/network.js"
import { nodeEntry } from "./lab.js"

interface LinkSpec {
  readonly a: number
  readonly b: number
  readonly rate: number
  readonly epsilon: number
  readonly up: boolean
}
interface NetSpec {
  readonly relay: readonly boolean[]
  readonly links: readonly LinkSpec[]
}

const net = fc.integer({ min: 2, max: 9 }).chain((size) =>
  fc.record({
    relay: fc.array(
      fc.boolean().chain((x) => (x ? fc.constant(true) : fc.boolean())),
      {
        minLength: size,
        maxLength: size,
      },
    ),
    links: fc.array(
      fc.record({
        a: fc.integer({ min: 0, max: size - 1 }),
        b: fc.integer({ min: 0, max: size - 1 }),
        rate: fc.integer({ min: 0, max: 2000 }),
        epsilon: fc.integer({ min: 1, max: 16 }).map((n) => n / 1024),
        up: fc.integer({ min: 0, max: 5 }).map((n) => n > 0),
      }),
      { maxLength: 22 },
    ),
  }),
)

function pictureOf(spec: NetSpec): Picture {
  const nodes = spec.relay.map((relay, n): Change => {
    const value: NetworkNode = {
      ...nodeEntry(`n${n}`, { relay }),
      reach: "connected",
      interfaces: [],
    }
    return { kind: "node", id: `n${n}`, value }
  })
  const links = spec.links.flatMap((link, n): Change[] => {
    if (link.a === link.b) return []
    const value: NetworkLink = {
      qkdlId: `l${n}`,
      a: { qkdnId: `n${link.a}`, qkdiId: n },
      b: { qkdnId: `n${link.b}`, qkdiId: n },
      epsilon: link.epsilon,
      srlg: [],
      enabled: true,
      endA: { performance: {} },
      endB: { performance: {} },
      status: link.up ? "ACTIVE" : "PASSIVE",
      performance: {},
      capacityBps: link.rate,
    }
    return [{ kind: "link", id: `l${n}`, value }]
  })
  return new Picture(1, [...nodes, ...links])
}

/** The slow, obvious way: graphlib over what remains after the constraints are cut away. */
function referencePrice(spec: NetSpec, query: PathQuery): number {
  const graph = new Reference({ directed: true, multigraph: true })
  const avoided = new Set(query.avoidNodes ?? [])
  spec.relay.forEach((_, n) => graph.setNode(`n${n}`))
  spec.links.forEach((link, n) => {
    if (link.a === link.b || !link.up) return
    const free = Math.floor(link.rate * 0.9)
    if (query.rateBps > 0 && free < query.rateBps) return
    for (const [from, to] of [
      [link.a, link.b],
      [link.b, link.a],
    ] as const) {
      const leaves = `n${from}` === query.from || (spec.relay[from] && !avoided.has(`n${from}`))
      if (leaves) graph.setEdge(`n${from}`, `n${to}`, priceOf(free, free, false), `l${n}`)
    }
  })
  const found = alg.dijkstra(graph, query.from, (edge) => Number(graph.edge(edge)))
  return found[query.to]?.distance ?? Number.POSITIVE_INFINITY
}

/** Every simple path, for bounds that Dijkstra knows nothing of. */
function cheapestByEnumeration(spec: NetSpec, query: PathQuery): number {
  let best = Number.POSITIVE_INFINITY
  const walk = (
    node: number,
    seen: readonly number[],
    price: number,
    hops: number,
    epsilon: number,
  ): void => {
    if (hops > (query.maxHops ?? Number.POSITIVE_INFINITY)) return
    if (epsilon > (query.maxEpsilon ?? Number.POSITIVE_INFINITY)) return
    if (`n${node}` === query.to) {
      best = Math.min(best, price)
      return
    }
    if (`n${node}` !== query.from && spec.relay[node] !== true) return
    for (const link of spec.links) {
      if (link.a === link.b || !link.up) continue
      const free = Math.floor(link.rate * 0.9)
      if (query.rateBps > 0 && free < query.rateBps) continue
      for (const [from, to] of [
        [link.a, link.b],
        [link.b, link.a],
      ] as const) {
        if (from !== node || seen.includes(to)) continue
        const more = price + priceOf(free, free, false)
        walk(to, [...seen, to], more, hops + 1, epsilon + link.epsilon)
      }
    }
  }
  const start = Number(query.from.slice(1))
  walk(start, [start], 0, 0, 0)
  return best
}

function find(spec: NetSpec, query: PathQuery): FoundPath | undefined {
  const picture = pictureOf(spec)
  picture.graph.refresh(picture, DEFAULT_SETTINGS)
  return findPath(picture.graph, query)
}

function assertSamePrice(found: FoundPath | undefined, price: number): void {
  if (found === undefined) assert.equal(price, Number.POSITIVE_INFINITY)
  else
    assert(Math.abs(found.price - price) <= 1e-12 * Math.max(1, price), `${found.price} ${price}`)
}

describe("key path computation", () => {
  const last = (spec: NetSpec): string => `n${spec.relay.length - 1}`

  it("costs as little as the graph library's own search finds", () => {
    fc.assert(
      fc.property(net, fc.integer({ min: 0, max: 900 }), fc.boolean(), (spec, rateBps, avoid) => {
        const query: PathQuery = {
          from: "n0",
          to: last(spec),
          rateBps,
          avoidNodes: avoid && spec.relay.length > 2 ? ["n1"] : [],
        }
        assertSamePrice(find(spec, query), referencePrice(spec, query))
      }),
      { numRuns: 1500 },
    )
  })

  it("is the cheapest within bounds on hops and epsilon, against every path there is", () => {
    fc.assert(
      fc.property(
        net,
        fc.integer({ min: 1, max: 5 }),
        fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
        (spec, maxHops, epsilon) => {
          const query: PathQuery = {
            from: "n0",
            to: last(spec),
            rateBps: 0,
            maxHops,
            ...(epsilon === undefined ? {} : { maxEpsilon: epsilon / 1024 }),
          }
          assertSamePrice(find(spec, query), cheapestByEnumeration(spec, query))
        },
      ),
      { numRuns: 600 },
    )
  })

  it("gives hops that join the ends, over links that exist, through relays only", () => {
    fc.assert(
      fc.property(net, (spec) => {
        const found = find(spec, { from: "n0", to: last(spec), rateBps: 10 })
        if (found === undefined) return
        assert.equal(found.hops[0]?.from, "n0")
        assert.equal(found.hops.at(-1)?.to, last(spec))
        found.hops.forEach((hop, n) => {
          assert.equal(hop.from, found.nodes[n])
          assert.equal(hop.to, found.nodes[n + 1])
          const link = spec.links[Number(hop.qkdlId.slice(1))]
          assert.deepEqual(
            [hop.from, hop.to].sort(),
            [`n${link?.a ?? ""}`, `n${link?.b ?? ""}`].sort(),
          )
          assert(link?.up && Math.floor(link.rate * 0.9) >= 10)
        })
        assert.equal(new Set(found.nodes).size, found.nodes.length)
        for (const id of found.nodes.slice(1, -1)) assert(spec.relay[Number(id.slice(1))])
      }),
      { numRuns: 600 },
    )
  })

  it("tells parallel links apart and takes the freer one", () => {
    const link = { a: 0, b: 1, epsilon: 0.01, up: true }
    const spec = {
      relay: [true, true],
      links: [
        { ...link, rate: 100 },
        { ...link, rate: 900 },
      ],
    }
    assert.equal(find(spec, { from: "n0", to: "n1", rateBps: 0 })?.hops[0]?.qkdlId, "l1")
    const other = find(spec, { from: "n0", to: "n1", rateBps: 0, avoidLinks: ["l1"] })
    assert.equal(other?.hops[0]?.qkdlId, "l0")
  })

  it("counts what the asker itself holds on a link as free", () => {
    const spec = { relay: [true, true], links: [{ a: 0, b: 1, epsilon: 0, up: true, rate: 100 }] }
    const query = { from: "n0", to: "n1", rateBps: 120 }
    assert.equal(find(spec, query), undefined)
    assert.notEqual(find(spec, { ...query, credit: new Map([["l0", 30]]) }), undefined)
  })
})
