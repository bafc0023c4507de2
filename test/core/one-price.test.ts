// The running controller prices links as plans do: what the benches of allocation measure is what a network gets.

import assert from "node:assert/strict"
import { promisableBps } from "../../src/core/allocate.js"
import { FreeRate } from "../../src/engine/free-rate.js"
import { linkPrice } from "../../src/engine/link-price.js"
import { PathGraph } from "../../src/engine/path-graph.js"
import type { LinkPath } from "../../src/engine/path-question.js"
import { Dice } from "./dice.js"
import { Lab } from "./lab.js"

const NODES = Array.from({ length: 9 }, (_, n) => String.fromCharCode(97 + n))

/** A ring with chords, links of a few rates; beside it the same as a plan has it. */
function network(dice: Dice): { lab: Lab; free: FreeRate; links: readonly string[] } {
  const ring = NODES.map((name, n) => `${name}-${NODES[(n + 1) % NODES.length] ?? ""}`)
  const chords = Array.from({ length: 7 }, (_, n) => `${dice.two(NODES).join("-")}-${n}`)
  const links = [...ring, ...chords]
  const lab = new Lab({ links, link: () => ({ skrBps: dice.of([300, 1000, 2500]) }) })
  const rateBps = Float64Array.from(links, (id) => promisableBps(lab.link(id), lab.settings))
  const ends = links.map((id) => id.split("-").map((name) => NODES.indexOf(name)))
  const graph = new PathGraph(
    NODES.length,
    ends.map(([a = 0]) => a),
    ends.map(([, b = 0]) => b),
  )
  const passableNodes = new Uint8Array(NODES.length).fill(1)
  return { lab, free: new FreeRate(graph, { rateBps, passableNodes }), links }
}

/** Every two nodes once, in any order. */
function pairs(dice: Dice): readonly (readonly [string, string])[] {
  const left = NODES.flatMap((a, n) => NODES.slice(n + 1).map((b) => [a, b] as const))
  const drawn: (readonly [string, string])[] = []
  while (left.length > 0) drawn.push(...left.splice(dice.below(left.length), 1))
  return drawn
}

function priceOf(free: FreeRate, path: LinkPath): number {
  return path.reduce((sum, link) => sum + linkPrice(free.rateOf(link), free.usedShare(link)), 0)
}

describe("a service of the running controller", () => {
  it("takes a path as cheap as the one that a plan in order of arrival gives it, and is refused where that has none", () => {
    let [placed, refused] = [0, 0]
    for (let seed = 1; seed <= 15; seed += 1) {
      const dice = new Dice(seed)
      const { lab, free, links } = network(dice)
      for (const [n, [a, b]] of pairs(dice).entries()) {
        const minRateBps = 10 + dice.below(400)
        const ends = { from: NODES.indexOf(a), to: NODES.indexOf(b) }
        const planned = free.cheapest(ends, minRateBps)
        const reply = lab.order(a, b, { minRateBps, priority: 0, avoidNodes: [] })
        const { next } = (reply.ok && lab.picture.service(reply.id ?? "")) || {}
        assert.equal(next === undefined, planned === undefined, `seed ${seed}, service ${n}`)
        if (next === undefined || planned === undefined) {
          refused += 1
          continue
        }
        placed += 1
        const path = next.hops.map(({ qkdlId }) => links.indexOf(qkdlId))
        const [own, cheapest] = [priceOf(free, path), priceOf(free, planned)]
        assert(Math.abs(own - cheapest) <= 1e-9 * cheapest, `seed ${seed}, service ${n}`)
        free.take({ path, rateBps: minRateBps })
      }
    }
    assert(placed > 300 && refused > 50, `${placed} placed, ${refused} refused`)
  })
})
