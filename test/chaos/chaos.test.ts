// Random changes of a network of real agents, which are killed, cut and started again all the while. The long version
// is bench/chaos.ts.

import assert from "node:assert/strict"
import { randomInt } from "node:crypto"
import { Dice } from "../core/dice.js"
import { Chaos } from "./chaos.js"

describe("a network in chaos", () => {
  for (const transaction of ["confirmed", "desired-state"] as const)
    it(`is as intended afterwards, and no active path was ever half made (${transaction})`, async function () {
      this.timeout(400_000)
      const seed = Number(process.env["KEYLOOM_SEED"] ?? randomInt(2 ** 31))
      const chaos = await Chaos.start(new Dice(seed), { nodes: 9, processes: 3, transaction })
      try {
        await chaos.run(30)
        await chaos.settle()
        assert(chaos.report.pathsLookedAt > 0, "no active path was ever looked at")
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        })
      } finally {
        await chaos.close()
      }
    })
})
