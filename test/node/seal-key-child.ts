// One rotation of a node's sealing key, in a process that may be killed. Says when it begins.

import { readFileSync } from "node:fs"
import { rotateSealingKey, type SealKeyPlace } from "../../src/node/seal-key.js"

const place = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as SealKeyPlace
process.send?.("begun")
await rotateSealingKey(place, process.env)
process.disconnect()
