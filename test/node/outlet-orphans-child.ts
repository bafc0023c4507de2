// A node with two outlets that is about to be killed: tells which processes those are, and waits.

import { OutletSite } from "./outlet-site.js"

const site = new OutletSite()
await site.open()
process.stdout.write(`${JSON.stringify(site.outlets.pids)}\n`)
setInterval(() => undefined, 60_000)
