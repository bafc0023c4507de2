// A second controller for a demo's network, started by hand as an operator would: with the configuration of the first one, from a
// copy of its store or from the store itself.

import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { type Demo, root } from "./demo.js"
import { freePort } from "./free-port.js"

const CONFIG = "keyloom-controller-config:controller"

export interface ControllerProcess {
  /** The demo as this controller has it, for `rest`. */
  readonly demo: Demo
  /** All it printed. */
  said(): string
  /** Whether it came up. */
  isUp(): boolean
  /** Does nothing once it has ended. */
  kill(signal: NodeJS.Signals): void
  /** Resolves with its exit status when it has ended. */
  readonly ended: Promise<number | null>
}

/** The process that runs the demo's own controller. */
export function controllerOf(demo: Demo): number {
  const config = path.join(demo.dir, "controller", "controller.json")
  const lines = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(demo.file.pid)], {
    encoding: "utf8",
  }).split("\n")
  const line = lines.find((one) => one.includes(config))
  if (line === undefined) throw new Error("the controller is not running")
  return Number(line.trim().split(/\s+/)[0])
}

/** A store as it lies there, copied while nobody writes it. @returns the new folder */
export function copyStore(demo: Demo, name: string): string {
  const to = path.join(demo.dir, name)
  cpSync(path.join(demo.dir, "controller", "store"), to, {
    recursive: true,
    filter: (file) => path.basename(file) !== "lock.mdb",
  })
  return to
}

/** @returns a configuration file like the demo's controller's, with a store and ports of its own */
export async function secondConfig(
  demo: Demo,
  storeDir: string,
  changes: object = {},
): Promise<{ readonly file: string; readonly url: string }> {
  const home = path.join(demo.dir, `second-${await freePort()}`)
  mkdirSync(home)
  const first = JSON.parse(
    readFileSync(path.join(demo.dir, "controller", "controller.json"), "utf8"),
  ) as { [CONFIG]: { http: object; netconf: object } }
  const port = await freePort()
  const config = {
    ...first[CONFIG],
    store_dir: storeDir,
    http: { ...first[CONFIG].http, port },
    netconf: { ...first[CONFIG].netconf, port: await freePort() },
    ...changes,
  }
  const file = path.join(home, "controller.json")
  writeFileSync(file, JSON.stringify({ [CONFIG]: config }), { mode: 0o600 })
  return { file, url: `http://127.0.0.1:${port}` }
}

/** Resolves when it is up, or has ended. */
export async function startController(
  demo: Demo,
  { file, url }: { readonly file: string; readonly url: string },
): Promise<ControllerProcess> {
  const child: ChildProcess = spawn(
    process.execPath,
    ["bin/keyloom.js", "controller", "--config", file],
    // With a channel: it ends when these tests do, however they end.
    { cwd: root, stdio: ["ignore", "pipe", "pipe", "ipc"] },
  )
  let text = ""
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
  const up = new Promise<void>((resolve) => {
    const hear = (chunk: Buffer): void => {
      text += chunk.toString("utf8")
      if (text.includes('"controller is up"')) resolve()
    }
    child.stdout?.on("data", hear)
    child.stderr?.on("data", hear)
  })
  await Promise.race([up, ended])
  const { controller } = demo.file
  return {
    kill: (signal) => {
      child.kill(signal)
    },
    demo: { ...demo, file: { ...demo.file, controller: { ...controller, url } } },
    said: () => text,
    isUp: () => text.includes('"controller is up"'),
    ended,
  }
}
