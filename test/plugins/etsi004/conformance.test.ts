// The module behind a maker's ETSI 004 interface holds to the contract of QKD modules.

import etsi004 from "../../../plugins/etsi004/index.js"
import { moduleChecks } from "../../../src/plugin/index.js"
import { MakersLink } from "./bench.js"

describe("the module behind an ETSI 004 interface", () => {
  for (const check of moduleChecks(etsi004, () => MakersLink.start()))
    it(check.name, () => check.run()).timeout(60_000)
})
