// How a controller's file says when it is re-optimised, and within which bounds.

import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { readControllerConfig, type ReoptimiseSetting } from "../../src/cli/controller-config.js"
import { REOPTIMISE_TERMS } from "../../src/engine/reoptimise.js"
import { QkdError } from "../../src/errors.js"

describe("the setting of re-optimisation in the controller's file", () => {
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-reoptimise-"))
  after(() => {
    rmSync(dir, { recursive: true, force: true })
  })

  function read(reoptimise?: object): ReoptimiseSetting {
    const file = path.join(dir, "controller.json")
    const token = [{ name: "t", sha256: "0".repeat(64), role: "operator" }]
    const controller = { store_dir: "s", http: { port: 0 }, token, reoptimise }
    writeFileSync(file, JSON.stringify({ controller }))
    return readControllerConfig(file).reoptimise
  }

  it("is off where nothing is said, with bounds for whoever asks", () => {
    const none = { enabled: false, periodS: 3600, holdOffS: 300, terms: REOPTIMISE_TERMS }
    assert.deepEqual(read(), none)
    assert.deepEqual(read({}), none)
  })

  it("is as it is written", () => {
    const written = {
      ...{ enabled: true, period_s: 900, hold_off_s: 0 },
      ...{ max_moves: 5, least_gain: "1.5" },
    }
    const terms = { maxMoves: 5, moveCost: 1.5 }
    assert.deepEqual(read(written), { enabled: true, periodS: 900, holdOffS: 0, terms })
  })

  it("is refused with its place where it makes no sense", () => {
    for (const [leaf, value] of [
      ["period_s", 9],
      ["hold_off_s", 86_401],
      ["max_moves", 0],
      ["least_gain", "-0.25"],
      ["least_gain", "0.123"],
      ["jitter_s", 1],
    ] as const)
      assert.throws(
        () => read({ [leaf]: value }),
        (error) => error instanceof QkdError && error.path?.endsWith(`/reoptimise/${leaf}`),
        leaf,
      )
  })
})
