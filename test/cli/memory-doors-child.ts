// A role that holds keys, as far as its doors go: refuses open ones, then runs until it is asked to stop. With `bare` as
// argument it does neither.

import { fail } from "../../src/cli/fail.js"
import { refuseMemoryDoors } from "../../src/cli/memory-doors.js"
import { untilAsked } from "../../src/cli/until-asked.js"

let asked: Promise<void> = new Promise(() => undefined)
if (process.argv[2] !== "bare") {
  try {
    refuseMemoryDoors()
  } catch (error) {
    fail(error)
  }
  asked = untilAsked().asked
}
process.stdout.write("running\n")
const stay = setInterval(() => undefined, 60_000)
process.stdin.on("data", () => process.stdout.write("still running\n"))
await asked
clearInterval(stay)
process.exit(0)
