// The most that comes through between two nodes, against the plain way: take away links that have less, as long as both
// still hang together.

import assert from "node:assert/strict"
import fc from "fast-check"
import { PathGraph } from "../../src/engine/path-graph.js"
import { WidestSearch } from "../../src/engine/widest.js"

interface Drawn {
  readonly size: number
  readonly links: readonly { readonly a: number; readonly b: number; readonly has: number }[]
  readonly passable: readonly boolean[]
  readonly forbidden: readonly boolean[]
}

const drawn = fc.integer({ min: 2, max: 9 }).chain((size): fc.Arbitrary<Drawn> => {
  const node = fc.integer({ min: 0, max: size - 1 })
  const link = fc
    .record({ a: node, b: node, has: fc.integer({ min: 0, max: 6 }) })
    .filter(({ a, b }) => a !== b)
  return fc.record({
    size: fc.constant(size),
    links: fc.array(link, { minLength: 1, maxLength: 24 }),
    passable: fc.array(fc.boolean(), { minLength: size, maxLength: size }),
    forbidden: fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }),
  })
})

/** Whether both hang together over links that have so much. */
function joined({ size, links, passable, forbidden }: Drawn, least: number): boolean {
  const reached = new Set([0])
  for (let round = 0; round < size; round += 1)
    for (const [n, { a, b, has }] of links.entries()) {
      if (has < least || forbidden[n] === true) continue
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const)
        if (reached.has(from) && (from === 0 || passable[from] === true)) reached.add(to)
    }
  return reached.has(1)
}

describe("the widest path", () => {
  it("has on its scarcest link what the plain way finds, and never more than the ends have", () => {
    fc.assert(
      fc.property(drawn, (one) => {
        const { size, links, passable, forbidden } = one
        const graph = new PathGraph(
          size,
          links.map(({ a }) => a),
          links.map(({ b }) => b),
        )
        const search = new WidestSearch(graph)
        const has = Float64Array.from(links, (link) => link.has)
        const out = Uint8Array.from(links, (_, n) => (forbidden[n] === true ? 1 : 0))
        const may = Uint8Array.from(passable, Number)
        const best = [6, 5, 4, 3, 2, 1].find((least) => joined(one, least)) ?? 0
        assert.equal(search.width(0, 1, has, out, may), best)
        assert.equal(search.width(0, 1, has, out, may), best, "asked again")
        assert.ok(best <= search.bound(0, 1, has))
      }),
      { numRuns: 3000 },
    )
  })
})
