// A node's agent in a process of its own, to be killed: commits as told, over NETCONF, and says when all is answered.
// usage: confirm-child.ts DIR STEP..., a step is `confirmed PLACE`, `extend PLACE`, `plain PLACE`, `confirm` or `cancel`.

import { openConfigStore } from "../../src/node/config-store.js"
import { SELF } from "./agent-fixtures.js"
import { AgentSite, nodeXml } from "./agent-site.js"

const persistId = "word"
const [dir = "", ...steps] = process.argv.slice(2)
const site = await AgentSite.open({ store: await openConfigStore(dir) })
const session = await site.client()
for (const step of steps) {
  const [kind, place] = step.split(" ")
  if (place !== undefined)
    await session.editConfig("candidate", nodeXml({ qkdn_id: SELF, qkdn_location_id: place }))
  if (kind === "confirmed") await session.commit({ confirmed: { persist: persistId } })
  else if (kind === "extend") await session.commit({ confirmed: {}, persistId })
  else if (kind === "confirm") await session.commit({ persistId })
  else if (kind === "cancel") await session.cancelCommit({ persistId })
  else await session.commit()
}
process.send?.("done")
// Held open by its listener until it is killed.
