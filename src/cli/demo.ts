// `keyloom demo`: a network on one machine, started, described in one line, stopped.

import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { startDemo } from "../demo/supervisor.js"
import { QkdError } from "../errors.js"
import { readTopology } from "../model/topology-file.js"
import type { Topology } from "../model/topology.js"
import { untilAsked } from "./until-asked.js"

export interface DemoArguments {
  readonly topology?: string
  readonly dir: string
  readonly port: number
  /** Key streams at every node. */
  readonly etsi004?: boolean
  readonly entry: string
}

export async function runDemo(args: DemoArguments): Promise<void> {
  const stopAsked = untilAsked()
  const dir = path.resolve(args.dir)
  const topology = chooseTopology(args.topology, dir)
  const say = (line: string): void => {
    process.stdout.write(`${line}\n`)
  }
  if (topology !== undefined) {
    say(
      `Keyloom demo: ${topology.name}, ${topology.nodes.length} nodes, ${topology.links.length} links`,
    )
    for (const notice of topology.notices) say(`  ${notice}`)
  }
  const demo = await startDemo({
    dir,
    topology,
    port: args.port,
    faces: { etsi004: args.etsi004 === true },
    entry: args.entry,
    signal: stopAsked.signal,
    say,
  }).catch((error: unknown) => {
    if (stopAsked.signal.aborted) return undefined
    throw error
  })
  if (demo === undefined) process.exit(0)
  const { progress } = demo
  say(
    `Keyloom demo ready: page ${await demo.pageUrl()} (one use, 5 minutes), API ${demo.url}/api/v1, ` +
      `${progress.nodesConnected}/${progress.nodes} nodes connected, ${progress.linksActive}/${progress.links} links active, ` +
      `details in ${path.join(args.dir, "demo.json")}`,
  )
  const { host, port, username } = demo.netconf
  say(`  NETCONF   ssh -p ${port} ${username}@${host} -s netconf`)
  say(`  RESTCONF  ${demo.url}/restconf`)
  const [first] = demo.plan.links
  if (first !== undefined)
    say(
      `  try   npx keyloom demo cut ${first.a.node} ${first.b.node}${dirFlag(args.dir)}   and   npx keyloom demo url${dirFlag(args.dir)}`,
    )
  say("  DEMO: simulated QKD modules. Ctrl-C stops it; the folder keeps its state.")
  await stopAsked.asked
  await demo.stop()
  process.exit(0)
}

/** The file named, else what the folder holds, else the laboratory network that ships. */
function chooseTopology(file: string | undefined, dir: string): Topology | undefined {
  if (file === undefined) {
    if (existsSync(path.join(dir, "plan.json"))) return undefined
    const shipped = shippedExample()
    return readTopology(readFileSync(shipped, "utf8"), path.basename(shipped))
  }
  let text: string
  try {
    text = readFileSync(file, "utf8")
  } catch (error) {
    throw new QkdError("invalid-value", `cannot read ${file}`, { cause: error })
  }
  return readTopology(text, file)
}

function shippedExample(): string {
  const here = path.dirname(fileURLToPath(import.meta.url))
  const root = here.includes(`${path.sep}dist${path.sep}`) ? "../../.." : "../.."
  return path.resolve(here, root, "examples/luxembourg/topology.json")
}

function dirFlag(dir: string): string {
  return dir === ".keyloom/demo" ? "" : ` --dir ${dir}`
}
