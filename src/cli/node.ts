// `keyloom node`: one trusted site, or several in one process for a demo.

import { leaveMemoryOutOfDumps } from "../node/core-dumps.js"
import { agentSchema } from "../node/agent-schema.js"
import { type RunningNode, startNode } from "../node/node.js"
import { compileEarly } from "./compile-early.js"
import { exitWhenStopped } from "./exit.js"
import { roleLog } from "./log.js"
import { refuseMemoryDoors } from "./memory-doors.js"
import { readNodeFiles } from "./node-files.js"
import { untilAsked } from "./until-asked.js"
import { programVersion } from "./version.js"

/** @param files configuration files, one a node */
export async function runNodes(files: readonly string[]): Promise<void> {
  refuseMemoryDoors()
  compileEarly()
  const stopAsked = untilAsked()
  const log = roleLog("node")
  if (!leaveMemoryOutOfDumps())
    log.warn({}, "core dumps may hold key material: switch them off for this service")
  const settings = readNodeFiles(files)
  const schema = agentSchema()
  const nodes: RunningNode[] = await Promise.all(
    settings.map((each) =>
      startNode(each, { log: log.child({ node: each.name }), version: programVersion(), schema }),
    ),
  )
  process.on("SIGHUP", () => {
    for (const node of nodes) {
      node.reloadPolicy().catch((error: unknown) => {
        log.error(
          { err: error, node: node.name },
          "the new site policy is refused; the old one stays",
        )
      })
      node.renewTls().then(
        (ended) => {
          log.info({ node: node.name, ended }, "TLS files are read again")
        },
        (error: unknown) => {
          log.error({ err: error, node: node.name }, "new TLS files are refused; the old ones stay")
        },
      )
    }
  })
  process.send?.({ kind: "ready" })
  await stopAsked.asked
  await exitWhenStopped(Promise.all(nodes.map((node) => node.stop())))
}
