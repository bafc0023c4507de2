// A role with a log, for standard-output.test.ts. It says so, waits for a byte and then, in one go, logs and exits.

import { readSync } from "node:fs"
import { roleLog } from "../../src/cli/log.js"

const lines = Number(process.argv[2])
const log = roleLog("test")
log.info({}, "up")
setTimeout(() => {
  readSync(0, Buffer.alloc(1))
  for (let line = 0; line < lines; line += 1) log.info({ line }, "one of the last")
  process.exit(7)
}, 50)
