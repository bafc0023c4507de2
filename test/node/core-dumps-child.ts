// A process with a key in memory that dumps core. Argument: `guarded` or `bare`.

import { Secret } from "../../src/keys/secret.js"
import { leaveMemoryOutOfDumps } from "../../src/node/core-dumps.js"

if (process.argv[2] === "guarded" && !leaveMemoryOutOfDumps()) process.exit(3)
const half = "canary-of-a-core"
const secret = Secret.take(Buffer.concat([Buffer.from(half).reverse(), Buffer.from(half)]))
secret.use(() => {
  process.abort()
})
