// Pictures of networks: names never lie on each other or on marks, places follow the map or the links alone, and no name can
// become markup.

import assert from "node:assert/strict"
import fc from "fast-check"
import { SaxesParser } from "saxes"
import { PathGraph } from "../../src/engine/path-graph.js"
import { topologyFromJson } from "../../src/model/topology.js"
import { placeLabels } from "../../src/plan/label-places.js"
import { layOut } from "../../src/plan/map-layout.js"
import { drawLoads } from "../../src/plan/pictures.js"
import { planNetwork } from "../../src/plan/plan-network.js"

interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

function overlap(one: Box, other: Box): boolean {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  )
}

describe("pictures of networks", () => {
  it("put no name on another, on a mark, or beyond the edge", () => {
    const frame = { x: 0, y: 0, width: 300, height: 200 }
    const name = fc.record({
      at: fc.record({ x: fc.integer({ min: 0, max: 300 }), y: fc.integer({ min: 0, max: 200 }) }),
      radius: fc.constantFrom(3, 6, 9),
      width: fc.integer({ min: 10, max: 90 }),
      height: fc.constant(14),
    })
    let placed = 0
    fc.assert(
      fc.property(fc.array(name, { maxLength: 25 }), (names) => {
        const boxes = placeLabels(names, [], frame).flatMap((corner, i): Box[] => {
          const { width = 0, height = 0 } = names[i] ?? {}
          return corner === undefined ? [] : [{ ...corner, width, height }]
        })
        placed += boxes.length
        const marks = names.map(({ at, radius }) => ({
          x: at.x - radius,
          y: at.y - radius,
          width: 2 * radius,
          height: 2 * radius,
        }))
        for (const [i, box] of boxes.entries()) {
          assert(box.x >= 0 && box.y >= 0 && box.x + box.width <= 300 && box.y + box.height <= 200)
          for (const other of [...boxes.slice(i + 1), ...marks]) assert(!overlap(box, other))
        }
      }),
      { numRuns: 300 },
    )
    assert(placed > 1000)
  })

  it("draw a ring as a ring where nobody says where its nodes are", () => {
    const count = 12
    const nodes = Array.from({ length: count }, (_, node) => node)
    const graph = new PathGraph(
      count,
      nodes,
      nodes.map((node) => (node + 1) % count),
    )
    const points = layOut(
      graph,
      nodes.map(() => ({})),
    )
    assert.deepEqual(
      points,
      layOut(
        graph,
        nodes.map(() => ({})),
      ),
      "by chance",
    )
    const between = (a: number, b: number): number => {
      const [one, other] = [points[a], points[b]]
      return Math.hypot((one?.x ?? 0) - (other?.x ?? 0), (one?.y ?? 0) - (other?.y ?? 0))
    }
    const steps = nodes.map((node) => between(node, (node + 1) % count))
    assert(
      Math.max(...steps) < 1.3 * Math.min(...steps),
      `${Math.min(...steps)} to ${Math.max(...steps)}`,
    )
    for (const node of nodes) assert(between(node, (node + 6) % count) > 2 * Math.max(...steps))
  })

  it("put north above and east to the right, and the unplaced beside their neighbours", () => {
    const graph = new PathGraph(4, [0, 1, 2], [1, 2, 3])
    const [north, south, east, beside] = layOut(graph, [
      { lat: 50, lon: 6 },
      { lat: 49, lon: 6 },
      { lat: 49, lon: 7 },
      {},
    ])
    assert((north?.y ?? 0) < (south?.y ?? 0) && (east?.x ?? 0) > (south?.x ?? 0))
    const far = Math.hypot((beside?.x ?? 0) - (east?.x ?? 0), (beside?.y ?? 0) - (east?.y ?? 0))
    assert(far < 0.2 * ((east?.x ?? 0) - (south?.x ?? 0)))
  })

  it("keep names what they are: text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 20 }), (rough) => {
        const topology = topologyFromJson({
          name: `<script>${rough}`,
          nodes: [{ name: `a"'<&>${rough}` }, { name: "b" }],
          links: [{ id: `--> ]]> ${rough}`, a: `a"'<&>${rough}`, b: "b", skrBps: 5 }],
        })
        const svg = drawLoads({
          title: topology.name,
          subtitle: rough,
          topology,
          network: planNetwork(topology),
          allocation: [],
        })
        const parser = new SaxesParser()
        const seen = new Set<string>()
        parser.on("opentag", ({ name }) => seen.add(name))
        parser.on("error", (error) => assert.fail(error.message))
        parser.write(svg).close()
        assert(!seen.has("script"))
      }),
      { numRuns: 60 },
    )
  })
})
