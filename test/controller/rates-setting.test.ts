// How a controller's file says how the surplus and the stock of links are shared out, and when admission is in overload.

import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { readControllerConfig, settingsOf } from "../../src/cli/controller-config.js"
import { DEFAULT_SETTINGS, type Settings } from "../../src/core/settings.js"
import { QkdError } from "../../src/errors.js"

describe("surplus, stock and overload in the controller's file", () => {
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-rates-"))
  after(() => {
    rmSync(dir, { recursive: true, force: true })
  })

  function read(more: object = {}): Settings {
    const file = path.join(dir, "controller.json")
    const token = [{ name: "t", sha256: "0".repeat(64), role: "operator" }]
    const controller = { store_dir: "s", http: { port: 0 }, token, ...more }
    writeFileSync(file, JSON.stringify({ controller }))
    return settingsOf(readControllerConfig(file))
  }

  it("are what the program says where the file says nothing", () => {
    assert.deepEqual(read(), DEFAULT_SETTINGS)
    assert.deepEqual(read({ surplus: {}, stock: {}, overload: {} }), DEFAULT_SETTINGS)
  })

  it("are as they are written", () => {
    const read1 = read({
      surplus: { beat_s: 30, step_percent: 20, margin_percent: 0 },
      stock: { floor_bits: "5000000000", horizon_s: 3600 },
      overload: { above_percent: 90, below_percent: 85 },
    })
    assert.deepEqual(read1, {
      ...DEFAULT_SETTINGS,
      ...{ surplusBeatMs: 30_000, surplusStepShare: 0.2, surplusMarginShare: 0 },
      ...{ stockFloorBits: 5_000_000_000, stockHorizonMs: 3_600_000 },
      ...{ overloadAbove: 0.9, overloadBelow: 0.85 },
    })
  })

  it("are refused with their place where they make no sense", () => {
    for (const [name, value, place] of [
      ["surplus", { beat_s: 0 }, "/surplus/beat_s"],
      ["surplus", { margin_percent: 101 }, "/surplus/margin_percent"],
      ["stock", { horizon_s: 30 }, "/stock/horizon_s"],
      ["stock", { horizon: 600 }, "/stock/horizon"],
      ["overload", { above_percent: 60 }, "/overload/below_percent"],
    ] as const)
      assert.throws(
        () => read({ [name]: value }),
        (error) => error instanceof QkdError && error.path?.endsWith(place) === true,
        JSON.stringify(value),
      )
    assert.throws(() => read({ surplus: { beat_s: 600 } }), /could come down to the floor/)
  })
})
