// The simulated module holds to the contract of QKD modules.

import simulated from "../../../plugins/simulated/index.js"
import { moduleChecks } from "../../../src/plugin/index.js"
import { makeTestLink } from "./bench.js"

describe("the simulated module", () => {
  for (const check of moduleChecks(simulated, makeTestLink))
    it(check.name, () => check.run()).timeout(60_000)
})
