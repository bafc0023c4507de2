// The page's pure parts: numbers in words, the scale, layouts, labels.

import assert from "node:assert/strict"
import fc from "fast-check"
import { bits, percent, plural, rate, span } from "../../src/dashboard/format.js"
import { graticule, scaleBar } from "../../src/dashboard/graticule.js"
import { overlaps, place } from "../../src/dashboard/labels.js"
import { fit, latOf, layOut, lonOf, mercator } from "../../src/dashboard/layout.js"
import {
  bandOf,
  fullStockBits,
  stockFill,
  USE_BANDS,
  widthPx,
  widthSamples,
} from "../../src/dashboard/scale.js"
import type { Link, Node } from "../../src/dashboard/types.js"

describe("figures on the page", () => {
  it("have three significant digits and their unit", () => {
    assert.deepEqual([0, 7, 999, 999.6, 1000, 16_904, 999_600, 2_500_000].map(rate), [
      "0 bit/s",
      "7 bit/s",
      "999 bit/s",
      "1.00 kbit/s",
      "1.00 kbit/s",
      "16.9 kbit/s",
      "1.00 Mbit/s",
      "2.50 Mbit/s",
    ])
    assert.equal(rate(undefined), "–")
    assert.equal(bits(15_200_000), "15.2 Mbit")
    assert.deepEqual([0, 0.004, 0.03, 0.57, 2.58].map(percent), [
      "0 %",
      "0.4 %",
      "3.0 %",
      "57 %",
      "258 %",
    ])
    assert.equal(percent(Number.POSITIVE_INFINITY), "–")
    assert.deepEqual([0, 59_000, 60_000, 200_000, 3_600_000, 7_500_000, 90_000_000].map(span), [
      "0 s",
      "59 s",
      "1 min",
      "3 min 20 s",
      "1 h",
      "2 h 5 min",
      "1 d 1 h",
    ])
    assert.deepEqual([plural(1, "link"), plural(2, "link")], ["1 link", "2 links"])
  })
})

describe("the scale of map and legend", () => {
  it("puts every share into the band that names it", () => {
    assert.deepEqual(
      [0, 0.5, 0.51, 0.8, 0.81, 5, Infinity].map((s) => bandOf(s).token),
      [
        "--use-low",
        "--use-low",
        "--use-mid",
        "--use-mid",
        "--use-high",
        "--use-high",
        "--use-high",
      ],
    )
    assert.equal(new Set(USE_BANDS.map((band) => band.token)).size, 3)
  })

  it("draws a greater rate never narrower, within its limits", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (p, q) => {
          const [low, high] = p < q ? [p, q] : [q, p]
          assert.ok(widthPx(low) <= widthPx(high))
          assert.ok(widthPx(low) >= 2 && widthPx(high) <= 9)
        },
      ),
    )
    assert.deepEqual(widthSamples([17_000, 19_000]), [10_000, 100_000])
    assert.deepEqual(widthSamples([41, 19_000]), [10, 1000, 100_000])
    assert.equal(widthSamples([]).length, 2)
  })

  it("fills the tick to the largest stock there is", () => {
    assert.equal(fullStockBits([15_200_000, 3]), 20_000_000)
    assert.equal(fullStockBits([]), 1000)
    assert.equal(stockFill(5, 10), 0.5)
    assert.equal(stockFill(50, 10), 1)
    assert.equal(stockFill(undefined, 10), undefined)
  })
})

function node(qkdnId: string, at?: readonly [number, number]): Node {
  return {
    qkdnId,
    name: qkdnId,
    relay: true,
    driver: "x",
    netconf: { host: "h", port: 1 },
    reach: "connected",
    saeIds: [],
    ...(at === undefined ? {} : { lat: at[0], lon: at[1] }),
  }
}

function link(qkdlId: string, a: string, b: string): Link {
  return {
    qkdlId,
    a: { qkdnId: a, qkdiId: 1 },
    b: { qkdnId: b, qkdiId: 1 },
    enabled: true,
    endA: {},
    endB: {},
    status: "ACTIVE",
    performance: {},
  }
}

describe("the map's layout", () => {
  it("is Mercator, and its inverse", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -84, max: 84, noNaN: true }),
        fc.double({ min: -180, max: 180, noNaN: true }),
        (lat, lon) => {
          const { x, y } = mercator(lat, lon)
          assert.ok(Math.abs(latOf(y) - lat) < 1e-9)
          assert.ok(Math.abs(lonOf(x) - lon) < 1e-9)
        },
      ),
    )
    assert.ok(mercator(50, 6).y < mercator(49, 6).y, "north is up")
  })

  it("is the same whatever the order, and keeps nodes apart, where coordinates are missing", () => {
    const nodes = Array.from({ length: 12 }, (_, i) => node(`n${String(i).padStart(2, "0")}`))
    const links = nodes.map((n, i) => link(`l${i}`, n.qkdnId, nodes[(i + 1) % 12]?.qkdnId ?? ""))
    const one = layOut(nodes, links)
    const two = layOut([...nodes].reverse(), links)
    assert.equal(one.geographic, false)
    assert.deepEqual([...one.points], [...two.points])
    const points = [...one.points.values()]
    points.forEach((p, i) => {
      for (const q of points.slice(i + 1)) assert.ok(Math.hypot(p.x - q.x, p.y - q.y) > 0.05)
    })
  })

  it("puts a site without coordinates beside its neighbours", () => {
    const nodes = [node("a", [49, 6]), node("b", [50, 7]), node("c")]
    const { points, geographic } = layOut(nodes, [link("l", "b", "c")])
    assert.ok(geographic)
    const [a, b, c] = ["a", "b", "c"].map((id) => points.get(id) ?? { x: 0, y: 0 })
    assert.ok(a !== undefined && b !== undefined && c !== undefined)
    const far = (p: { x: number; y: number }): number => Math.hypot(p.x - c.x, p.y - c.y)
    assert.ok(far(b) < far(a) && far(b) > 0)
  })

  it("shows every point within the padding", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            x: fc.double({ min: -3, max: 3, noNaN: true }),
            y: fc.double({ min: -3, max: 3, noNaN: true }),
          }),
          { minLength: 1, maxLength: 20 },
        ),
        (points) => {
          const { k, x, y } = fit(points, { width: 700, height: 500 }, { x: 90, y: 70 })
          for (const p of points) {
            const [sx, sy] = [p.x * k + x, p.y * k + y]
            assert.ok(sx > 89 && sx < 611 && sy > 69 && sy < 431)
          }
        },
      ),
    )
  })

  it("has a graticule at round degrees and a scale bar that is right", () => {
    const size = { width: 700, height: 500 }
    const points = [mercator(49.6475, 5.96), mercator(49.6935, 6.33)]
    const view = fit(points, size, { x: 96, y: 76 })
    const { meridians, parallels } = graticule(view, size)
    assert.ok(meridians.some((line) => line.text === "6.1° E"))
    assert.ok(parallels.every((line) => line.text.endsWith("N")))
    const bar = scaleBar(view, size)
    const [a, b] = points
    assert.ok(a !== undefined && b !== undefined)
    // Windhof to Betzdorf: 0.37 degrees of longitude and 0.046 of latitude, 27.1 km.
    const px = Math.hypot(a.x - b.x, a.y - b.y) * view.k
    const km = (px / bar.px) * Number.parseFloat(bar.text)
    assert.ok(Math.abs(km - 27.1) < 0.3, `${km} km`)
  })
})

describe("labels", () => {
  it("never cover one another or what is taken, unless they must be shown", () => {
    const box = fc.record({
      x: fc.integer({ min: 0, max: 300 }),
      y: fc.integer({ min: 0, max: 300 }),
      w: fc.integer({ min: 5, max: 80 }),
      h: fc.integer({ min: 5, max: 30 }),
    })
    fc.assert(
      fc.property(
        fc.array(fc.array(box, { minLength: 1, maxLength: 4 }), { maxLength: 20 }),
        fc.array(box, { maxLength: 5 }),
        (wishes, taken) => {
          const within = { x: 0, y: 0, w: 300, h: 300 }
          const chosen = place(
            wishes.map((places, i) => ({ id: String(i), places, must: false })),
            taken,
            [],
            within,
          )
          const all = [...chosen.values()]
          all.forEach((p, i) => {
            for (const q of [...all.slice(i + 1), ...taken]) assert.ok(!overlaps(p, q))
            assert.ok(p.x + p.w <= 300 && p.y + p.h <= 300)
          })
        },
      ),
    )
    const covered = { x: 0, y: 0, w: 10, h: 10 }
    const must = place([{ id: "m", places: [covered], must: true }], [covered], [], covered)
    assert.ok(must.has("m"))
  })
})
