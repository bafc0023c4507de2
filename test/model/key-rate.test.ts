// The key rate model against published rates, and against what physics demands of any such curve.

import assert from "node:assert/strict"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { entropy2, ratesOf } from "../../src/model/key-rate-physics.js"
import { KEY_RATE_SETS } from "../../src/model/key-rate-sets.js"
import { keyRateSet, rateModel, reachDb } from "../../src/model/key-rate.js"
import { QkdError } from "../../src/errors.js"

const published = fileURLToPath(
  new URL("../../../shared/data/keyrate-published-points.csv", import.meta.url),
)

interface Point {
  readonly system: string
  readonly lossDb?: number
  readonly lengthKm?: number
  readonly rateBps: number
}

function points(): Point[] {
  const rows = readFileSync(published, "utf8").trim().split("\n").slice(1)
  return rows.map((row) => {
    const [system = "", km = "", lossDb = "", rate = ""] = row.split(",")
    return {
      system,
      ...(lossDb !== "" && { lossDb: Number(lossDb) }),
      ...(km !== "" && { lengthKm: Number(km) }),
      rateBps: Number(rate),
    }
  })
}

describe("the key rate model", () => {
  it("meets every published point within a factor of two, with the system's own set", function () {
    if (!existsSync(published)) {
      if (this.test !== undefined) this.test.title += " (skipped: no ../shared)"
      this.skip()
    }
    const all = points()
    assert.ok(all.length >= 10)
    for (const { system, rateBps, ...where } of all) {
      const answer = rateModel({ module: system, ...where })
      assert.equal(answer.set, system)
      const factor = answer.skrBps / rateBps
      assert.ok(
        factor > 0.5 && factor < 2,
        `${system}: ${answer.skrBps} bit/s, published ${rateBps}`,
      )
    }
  })

  it("meets the errors and sifted rate of the DPS field trial (JLT 32, 141)", () => {
    const answer = rateModel({ module: "NTT/NICT DPS 2014", lossDb: 30 })
    assert.ok(Math.abs(answer.qber - 0.026) < 0.002)
    assert.ok(answer.siftedBps > 8000 && answer.siftedBps < 14_000)
  })

  it("meets 6.5 bit/s over 405 km of ultra-low-loss fibre (arXiv:1807.03222)", () => {
    const { skrBps } = rateModel({ module: "long-haul", lengthKm: 405 })
    assert.ok(skrBps > 3.25 && skrBps < 13, `${skrBps} bit/s`)
  })

  it("never rises with the loss, and ends for every system that has dark counts", () => {
    for (const set of KEY_RATE_SETS) {
      let last = Number.POSITIVE_INFINITY
      for (let lossDb = 0; lossDb <= 100; lossDb += 0.5) {
        const { skrBps, qber } = ratesOf(set.physics, lossDb)
        assert.ok(Number.isFinite(skrBps) && skrBps >= 0, `${set.name} at ${lossDb} dB: ${skrBps}`)
        assert.ok(skrBps <= last * 1.0001, `${set.name} rises at ${lossDb} dB`)
        assert.ok(qber >= 0 && qber <= 0.5)
        last = skrBps
      }
      if (set.physics.protocol !== "exponential") assert.equal(last, 0, `${set.name} never ends`)
    }
  })

  it("stays below the repeaterless bound of Pirandola et al. (2017) at every loss", () => {
    for (const { name, physics } of KEY_RATE_SETS) {
      if (physics.protocol === "exponential") continue
      for (let lossDb = 0.5; lossDb <= 80; lossDb += 0.5) {
        const perPulse = -Math.log2(1 - 10 ** (-lossDb / 10))
        const { skrBps } = ratesOf(physics, lossDb)
        assert.ok(skrBps < perPulse * physics.clockHz, `${name} at ${lossDb} dB`)
      }
    }
  })

  it("loses key to every imperfection by itself", () => {
    const set = keyRateSet("Toshiba 2015")
    assert.ok(set?.physics.protocol === "decoy-bb84")
    const plain = set.physics
    const rate = (change: object): number => ratesOf({ ...plain, ...change }, 14.5).skrBps
    const best = rate({})
    for (const worse of [
      { misalignment: plain.misalignment * 2 },
      { afterpulse: plain.afterpulse * 2 },
      { darkPerClock: plain.darkPerClock * 50 },
      { detectorEfficiency: plain.detectorEfficiency / 2 },
      { deadTimeS: 1e-6 },
      { errorCorrection: 1.5 },
      { blockBits: plain.blockBits / 100 },
      { epsilon: 1e-30 },
    ])
      assert.ok(rate(worse) < best * 0.995, JSON.stringify(worse))
  })

  it("gives nothing from blocks so small that their estimates drown in fluctuation", () => {
    const set = keyRateSet("metro")
    assert.ok(set?.physics.protocol === "decoy-bb84")
    assert.equal(ratesOf({ ...set.physics, blockBits: 1000 }, 10).skrBps, 0)
    const large = ratesOf({ ...set.physics, blockBits: 1e12, blockMaxS: 1e12 }, 10)
    assert.ok(large.finiteYield > 0.98 && large.finiteYield <= 1)
  })

  it("takes long links without a named module as ones with cooled detectors", () => {
    assert.equal(rateModel({ lossDb: 25 }).set, "metro")
    assert.equal(rateModel({ lossDb: 26 }).set, "long-haul")
    // The longest link of germany50: 252.3 km at 0.2 dB/km.
    const { skrBps } = rateModel({ lengthKm: 252.3 })
    assert.ok(skrBps > 200 && skrBps < 2000, `${skrBps} bit/s`)
    assert.ok(rateModel({ lossDb: 55 }).skrBps > 50)
  })

  it("knows every module of the topologies by name, whatever the case", () => {
    for (const name of [
      "IDQ Clavis",
      "ThinkQuantum QUKY",
      "MELCO decoy BB84",
      "NEC-NICT BB84",
      "NTT-NICT DPS",
      "TREL decoy BB84",
      "IDQ SARG04",
    ])
      assert.ok(keyRateSet(name.toUpperCase()) !== undefined, name)
    assert.equal(rateModel({ module: "nobody's", lossDb: 5 }).set, "metro")
  })

  it("gives every link of the laboratory, of Madrid and of Tokyo some key", () => {
    const links: [string | undefined, number][] = [
      ["IDQ Clavis", 5.5],
      ["ThinkQuantum QUKY", 5.4],
      [undefined, 11.9],
      ["MELCO decoy BB84", 12],
      ["NEC-NICT BB84", 13.5],
      ["NTT-NICT DPS", 30],
      ["TREL decoy BB84", 14.5],
      ["IDQ SARG04", 6.5],
    ]
    for (const [module, lossDb] of links) {
      const { skrBps } = rateModel({ ...(module !== undefined && { module }), lossDb })
      assert.ok(skrBps > 500, `${module ?? "unnamed"} at ${lossDb} dB: ${skrBps} bit/s`)
    }
  })

  it("says how far a system reaches", () => {
    for (const { name } of KEY_RATE_SETS) {
      const reach = reachDb(name)
      if (reach === 100) continue
      assert.ok(rateModel({ module: name, lossDb: reach }).skrBps > 0, name)
      assert.equal(rateModel({ module: name, lossDb: reach + 0.2 }).skrBps, 0, name)
    }
  })

  it("refuses a link without loss and length, and losses that are none", () => {
    const tag = (wanted: string) => (error: unknown) =>
      error instanceof QkdError && error.tag === wanted
    assert.throws(() => rateModel({}), tag("missing-element"))
    assert.throws(() => rateModel({ lossDb: -1 }), tag("invalid-value"))
    assert.throws(() => rateModel({ lengthKm: Number.NaN }), tag("invalid-value"))
  })

  it("knows the entropy of a coin", () => {
    assert.equal(entropy2(0.5), 1)
    assert.equal(entropy2(0), 0)
    assert.ok(Math.abs(entropy2(0.11) - 0.4999) < 1e-3)
  })
})
