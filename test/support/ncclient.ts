// ncclient, the Python NETCONF client, as a peer: one process per list of calls.

import { spawn } from "node:child_process"
import path from "node:path"
import { type DemoFile, root } from "./demo.js"

export type Call =
  | { op: "edit"; config: string; default?: "merge" | "replace" | "none" }
  | { op: "get-config" }
  | { op: "get"; filter?: string }
  | { op: "rpc"; xml: string }
  | { op: "subscribe" }
  | { op: "notifications"; count: number; seconds: number }

export interface Outcome {
  readonly capabilities?: string[]
  readonly ok?: true
  readonly data?: string
  readonly notifications?: string[]
  readonly error?: {
    tag: string
    app_tag: string | null
    path: string | null
    message: string | null
  }
}

/** Performs the calls in one session; the first outcome is the server's hello. */
export async function ncclient(
  target: DemoFile["nodes"][number]["netconf"],
  calls: readonly Call[],
): Promise<Outcome[]> {
  // Debian's own interpreter: the package lives there, wherever `python3` on the path may lead.
  const child = spawn("/usr/bin/python3", [path.join(root, "test/interop/netconf_edit.py")], {
    stdio: ["pipe", "pipe", "pipe"],
  })
  child.stdin.end(
    JSON.stringify({
      host: target.host,
      port: target.port,
      username: target.username,
      key: target.privateKeyFile,
      calls,
    }),
  )
  let out = ""
  let err = ""
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("utf8")))
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString("utf8")))
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve))
  if (status !== 0) throw new Error(`ncclient ended with status ${status}: ${err}`)
  return JSON.parse(out) as Outcome[]
}
