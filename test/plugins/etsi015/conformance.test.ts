// The ETSI 015 driver holds to the contract of node drivers.

import etsi015 from "../../../plugins/etsi015/index.js"
import { driverChecks, startFakeNode } from "../../../src/plugin/index.js"

describe("the ETSI 015 driver", () => {
  for (const check of driverChecks(etsi015, startFakeNode))
    it(check.name, () => check.run()).timeout(60_000)
})
