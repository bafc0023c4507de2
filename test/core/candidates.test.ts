// Candidate paths, and the orders that choose among them: deploy exactly this one, move to another.

import assert from "node:assert/strict"
import fc from "fast-check"
import { type Candidates, candidatesFor } from "../../src/core/candidates.js"
import { findPaths } from "../../src/core/path.js"
import { Lab, TERMS } from "./lab.js"

const NOWHERE = { avoidNodes: [], avoidLinks: [] }

function ask(lab: Lab, a: string, b: string, count: number, more = {}): Candidates {
  return candidatesFor(
    lab.picture,
    { aSaeId: `sae-${a}`, bSaeId: `sae-${b}`, terms: { ...TERMS, ...more }, count, ...NOWHERE },
    lab.settings,
  )
}

function names(found: Candidates): string[] {
  return found?.candidates?.map((one) => one.hops.map((hop) => hop.qkdlId).join(" ")) ?? []
}

describe("candidate paths", () => {
  const square = (): Lab =>
    new Lab({ links: ["a-b", "a-b-2", "b-c", "a-d", "d-c", "a-c"], link: () => ({ lengthKm: 10 }) })

  it("come cheapest first, parallel links as paths of their own", () => {
    const found = names(ask(square(), "a", "c", 9))
    assert.equal(found[0], "a-c")
    assert.deepEqual([...found].sort(), ["a-b b-c", "a-b-2 b-c", "a-c", "a-d d-c"])
  })

  it("tell free rate and length, and are as many as were asked for", () => {
    const found = ask(square(), "a", "c", 2)?.candidates ?? assert.fail()
    assert.equal(found.length, 2)
    assert.deepEqual(
      [found[0]?.freeBps, found[0]?.lengthKm, found[0]?.epsilon, found[1]?.lengthKm],
      [900, 10, undefined, 20],
    )
  })

  it("keep the terms", () => {
    assert.deepEqual(names(ask(square(), "a", "c", 9, { maxHops: 1 })), ["a-c"])
    const clear = names(ask(square(), "a", "c", 9, { avoidNodes: ["b"] }))
    assert.deepEqual([...clear].sort(), ["a-c", "a-d d-c"])
  })

  it("go only over links that have the key in store that is asked for, and say which has not", () => {
    const lab = square()
    for (const [link, bits] of [
      ["a-b", 9000],
      ["b-c", 8000],
      ["a-c", 100],
    ] as const)
      lab.stock(link, 1000, bits)
    const more = { aSaeId: "sae-a", bSaeId: "sae-c", terms: TERMS, count: 9, ...NOWHERE }
    const found = (minStockBits: number): Candidates =>
      candidatesFor(lab.picture, { ...more, minStockBits }, lab.settings)
    assert.deepEqual(names(found(5000)), ["a-b b-c"])
    assert.equal(found(5000)?.candidates?.[0]?.stockBits, 8000)
    assert.equal(names(found(0)).length, 4)
    assert.deepEqual(found(8500)?.none, {
      appTag: "no-capacity",
      reason: "no path over links with 8500 bit in store: a - c has 100",
    })
  })

  it("are none for a reason", () => {
    assert.equal(ask(square(), "a", "c", 3, { minRateBps: 5000 })?.none?.appTag, "no-capacity")
    const unknown = ask(square(), "a", "z", 3)?.none
    assert.deepEqual(unknown, {
      appTag: "unknown-sae",
      reason: "peer SAE sae-z is not registered at any node",
    })
    assert.equal(
      candidatesFor(square().picture, { serviceId: "x", count: 1, ...NOWHERE }, square().settings),
      undefined,
    )
  })

  it("mark the one in use, and count its own rate as free", () => {
    const lab = square()
    lab.order("a", "c", { minRateBps: 800 })
    lab.confirmAll()
    const serviceId = lab.service("a", "c")?.serviceId ?? assert.fail()
    const found = candidatesFor(lab.picture, { serviceId, count: 4, ...NOWHERE }, lab.settings)
    assert.deepEqual(found?.candidates?.map((one) => [one.deployed, one.freeBps]).sort(), [
      [false, 900],
      [false, 900],
      [false, 900],
      [true, 900],
    ])
  })

  it("are exactly the cheapest of all paths there are", () => {
    const pairs = ["a-b", "b-c", "c-d", "d-a", "a-c", "b-d", "d-e", "e-b", "a-b-2"]
    fc.assert(
      fc.property(
        fc.subarray(pairs, { minLength: 3 }),
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.integer({ min: 100, max: 5000 }), { minLength: 9, maxLength: 9 }),
        (links, count, rates) => {
          const ends = new Set(links.flatMap((link) => link.split("-").slice(0, 2)))
          if (!ends.has("a") || !ends.has("d")) return
          const lab = new Lab({
            links,
            link: (name) => ({ skrBps: rates[pairs.indexOf(name)] ?? 100 }),
          })
          const { picture } = lab
          picture.graph.refresh(picture, lab.settings)
          const all = everyPath(lab, "a", "d")
          const found = findPaths(picture.graph, { from: "a", to: "d", rateBps: 0 }, count)
          assert.equal(found.length, Math.min(count, all.length))
          const near = (x: number): string => x.toPrecision(9)
          assert.deepEqual(
            found.map((one) => near(one.price)),
            all.slice(0, count).map((one) => near(one)),
          )
          assert.equal(new Set(found.map((one) => JSON.stringify(one.hops))).size, found.length)
        },
      ),
    )
  })
})

/** Prices of all simple paths, by trying them all. */
function everyPath(lab: Lab, from: string, to: string): number[] {
  const { graph } = lab.picture
  const prices: number[] = []
  const go = (here: string, seen: readonly string[], price: number): void => {
    if (here === to) {
      prices.push(price)
      return
    }
    for (const id of lab.picture.linkIds()) {
      const link = lab.link(id)
      const next =
        link.a.qkdnId === here ? link.b.qkdnId : link.b.qkdnId === here ? link.a.qkdnId : ""
      if (next === "" || seen.includes(next)) continue
      go(next, [...seen, next], price + (graph.price[graph.linkNumber(id) ?? -1] ?? 0))
    }
  }
  go(from, [from], 0)
  return prices.sort((x, y) => x - y)
}

describe("an order of a path", () => {
  const ready = (terms = {}): { lab: Lab; serviceId: string } => {
    const lab = new Lab({ links: ["a-b", "b-c", "a-d", "d-c", "a-c"], noRelay: [] })
    lab.order("a", "c", terms)
    lab.confirmAll()
    return { lab, serviceId: lab.service("a", "c")?.serviceId ?? assert.fail() }
  }
  const deploy = (lab: Lab, serviceId: string, ...qkdlIds: string[]) =>
    lab.submit({ kind: "path-deployed", serviceId, qkdlIds })
  const move = (
    lab: Lab,
    serviceId: string,
    avoidNodes: string[] = [],
    avoidLinks: string[] = [],
  ) => lab.submit({ kind: "service-moved", serviceId, avoidNodes, avoidLinks })

  it("makes it so beside the standing path, which then leaves", () => {
    const { lab, serviceId } = ready()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-c"])
    assert(deploy(lab, serviceId, "a-d", "d-c").ok)
    assert.deepEqual(lab.pathOf("a", "c"), ["a-c"], "until the other one stands")
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-d", "d-c"])
    assert.deepEqual(lab.service("a", "c")?.leaving, [])
  })

  it("changes nothing when it is the path in use", () => {
    const { lab, serviceId } = ready()
    assert(deploy(lab, serviceId, "a-c").ok)
    assert.deepEqual(lab.last.changes, [])
  })

  const wrong: [string, string[], string, string | undefined, RegExp][] = [
    ["a link that is not there", ["a-b", "x"], "data-missing", "/qkdlIds/1", /no link x/],
    [
      "links that do not meet",
      ["a-b", "d-c"],
      "invalid-value",
      "/qkdlIds/1",
      /does not go on from b/,
    ],
    ["a way back", ["a-b", "a-b"], "invalid-value", "/qkdlIds/1", /comes back to a/],
    ["another end", ["a-b"], "invalid-value", "/qkdlIds", /ends at b, not at c/],
    ["no link at all", [], "invalid-value", "/qkdlIds", /ends at a, not at c/],
  ]
  for (const [what, links, tag, path, message] of wrong) {
    it(`refuses ${what}, with the place`, () => {
      const { lab, serviceId } = ready()
      const reply = deploy(lab, serviceId, ...links)
      assert(!reply.ok)
      assert.deepEqual([reply.tag, reply.path], [tag, path])
      assert.match(reply.message, message)
      assert.deepEqual(lab.last.changes, [])
    })
  }

  it("refuses a dark link, a node that is away and too little rate", () => {
    const { lab, serviceId } = ready({ minRateBps: 500 })
    lab.order("a", "d", { minRateBps: 600 })
    lab.confirmAll()
    const narrow = deploy(lab, serviceId, "a-d", "d-c")
    assert(!narrow.ok)
    assert.deepEqual([narrow.appTag, narrow.path], ["no-capacity", "/qkdlIds/0"])
    lab.linkDown("b-c")
    const dark = deploy(lab, serviceId, "a-b", "b-c")
    assert(!dark.ok)
    assert.deepEqual([dark.appTag, dark.path], ["no-path", "/qkdlIds/1"])
    lab.submit({ kind: "node-lost", qkdnId: "b", reason: "reset" })
    const away = deploy(lab, serviceId, "a-b", "b-c")
    assert(!away.ok)
    assert.match(away.message, /b is unreachable: reset/)
  })

  it("refuses what the terms forbid", () => {
    const { lab, serviceId } = ready({ avoidNodes: ["b"], maxHops: 1 })
    for (const links of [
      ["a-b", "b-c"],
      ["a-d", "d-c"],
    ]) {
      const reply = deploy(lab, serviceId, ...links)
      assert(!reply.ok)
      assert.equal(reply.tag, "invalid-value")
    }
  })

  it("moves to the next best path, or clear of what it names", () => {
    const { lab, serviceId } = ready()
    assert(move(lab, serviceId).ok)
    lab.confirmAll()
    assert.equal(lab.pathOf("a", "c")?.length, 2)
    assert(move(lab, serviceId, ["d"], ["a-c"]).ok)
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-b", "b-c"])
    const none = move(lab, serviceId, ["b", "d"], ["a-c"])
    assert(!none.ok)
    assert.equal(none.appTag, "no-path")
  })

  it("says when there is nowhere else, no such thing or an end named", () => {
    const lab = new Lab({ links: ["a-b"] })
    lab.order("a", "b")
    lab.confirmAll()
    const serviceId = lab.service("a", "b")?.serviceId ?? assert.fail()
    const only = move(lab, serviceId)
    assert(!only.ok)
    assert.match(only.message, /none but the one in use/)
    for (const [nodes, links, tag, path] of [
      [["z"], [], "data-missing", "/avoidNodes/0"],
      [["a"], [], "invalid-value", "/avoidNodes/0"],
      [[], ["z"], "data-missing", "/avoidLinks/0"],
    ] as const) {
      const reply = move(lab, serviceId, [...nodes], [...links])
      assert(!reply.ok)
      assert.deepEqual([reply.tag, reply.path], [tag, path])
    }
    const gone = move(lab, "z")
    assert(!gone.ok)
    assert.equal(gone.tag, "data-missing")
  })
})
