// netconfd of yuma123, a NETCONF server written in C, as a node: started on a folder of its own with the ETSI module,
// killed and started again. Sessions go through its own `netconf-subsystem`, the program that sshd would run, over a
// pipe instead of SSH.

import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs"
import { writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { QkdError } from "../../src/errors.js"
import type { NetconfClientSession } from "../../src/netconf/client.js"
import { ClientSession } from "../../src/netconf/client-session.js"
import { systemClock } from "../../src/transport/ssh-clock.js"
import { root } from "./demo.js"

export function netconfdIsThere(): boolean {
  return spawnSync("netconfd", ["--version"]).error === undefined
}

/**
 * The standard's module without `mandatory` at the top: netconfd knows no module with a mandatory leaf in a container
 * without presence, and looks before it applies deviations.
 */
function layModules(folder: string): void {
  mkdirSync(folder, { recursive: true })
  const etsi = path.join(root, "yang/etsi")
  for (const file of readdirSync(etsi)) {
    if (!file.startsWith("etsi-qkd-sdn-node"))
      cpSync(path.join(etsi, file), path.join(folder, file))
    else {
      const text = readFileSync(path.join(etsi, file), "utf8")
      writeFileSync(path.join(folder, file), text.replace(/^\s*mandatory\s+"?true"?;\n/m, ""))
    }
  }
}

export class Netconfd {
  readonly dir = mkdtempSync(path.join(tmpdir(), "keyloom-netconfd-"))
  #server: ChildProcess | undefined
  readonly #subsystems = new Set<ChildProcess>()

  static async start(): Promise<Netconfd> {
    const netconfd = new Netconfd()
    layModules(path.join(netconfd.dir, "modules"))
    await netconfd.start()
    return netconfd
  }

  get #socket(): string {
    return path.join(this.dir, "netconfd.sock")
  }

  get logText(): string {
    return readFileSync(path.join(this.dir, "log"), "utf8")
  }

  /** Starts it with the configuration it has saved, if any, and waits until it answers. */
  async start(): Promise<void> {
    const saved = path.join(this.dir, "startup-cfg.xml")
    if (!existsSync(saved)) writeFileSync(saved, EMPTY)
    rmSync(this.#socket, { force: true })
    const args = [
      `--startup=${saved}`,
      "--module=etsi-qkd-node-types",
      "--module=etsi-qkd-sdn-node",
      `--modpath=${path.join(this.dir, "modules")}:/usr/share/yuma/modules`,
      "--target=candidate",
      "--access-control=off",
      `--ncxserver-sockname=${this.#socket}`,
      "--log-level=debug",
      `--log=${path.join(this.dir, "log")}`,
    ]
    const server = spawn("netconfd", args, {
      cwd: this.dir,
      env: { ...process.env, HOME: this.dir },
      stdio: "ignore",
    })
    this.#server = server
    for (let tries = 0; tries < 300; tries += 1) {
      if (existsSync(this.#socket)) return
      if (server.exitCode !== null) throw new Error(`netconfd ended: ${this.logText}`)
      await pause(100)
    }
    throw new Error("netconfd does not listen")
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server?.exitCode !== null) return
    const ended = new Promise((resolve) => server.once("exit", resolve))
    server.kill("SIGKILL")
    await ended
  }

  /** A session of the test's own, after the pause that netconfd needs (see its device profile). */
  async openSettled(): Promise<NetconfClientSession> {
    const session = await this.open()
    await pause(50)
    return session
  }

  /** A session; it ends when `signal` aborts. */
  async open(signal?: AbortSignal): Promise<NetconfClientSession> {
    const child = spawn("netconf-subsystem", [`--ncxserver-sockname=830@${this.#socket}`], {
      cwd: this.dir,
      env: { ...process.env, HOME: this.dir, USER: "controller", SSH_CONNECTION: SSH },
      stdio: ["pipe", "pipe", "ignore"],
    })
    this.#subsystems.add(child)
    const client = sessionOver(child)
    child.once("exit", () => {
      this.#subsystems.delete(child)
      client.closed("netconf-subsystem ended")
    })
    const abort = (): void => {
      client.abort(new QkdError("operation-failed", "aborted", { appTag: "closed" }))
    }
    signal?.addEventListener("abort", abort, { once: true })
    return client.ready()
  }

  /** Cuts every session without a word. */
  drop(): void {
    for (const child of this.#subsystems) child.kill("SIGKILL")
  }

  async close(): Promise<void> {
    this.drop()
    await this.kill()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

const EMPTY = `<?xml version="1.0" encoding="UTF-8"?>
<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"/>
`

/** What sshd would say: addresses and ports of both sides. */
const SSH = "127.0.0.1 50000 127.0.0.1 830"

function sessionOver(child: ChildProcess): ClientSession {
  const { stdin, stdout } = child
  if (stdin === null || stdout === null) throw new Error("no pipe")
  stdin.on("error", () => undefined)
  const client = new ClientSession(
    {
      send: (bytes) => stdin.write(bytes),
      queuedBytes: () => stdin.writableLength,
      onceDrained: (call) => {
        if (stdin.writableLength === 0) call()
        else stdin.once("drain", call)
      },
      pause: () => stdout.pause(),
      resume: () => stdout.resume(),
      close: () => {
        stdin.end()
        setTimeout(() => child.kill("SIGKILL"), 1000).unref()
      },
    },
    systemClock,
  )
  stdout.on("data", (bytes: Buffer) => {
    client.receive(bytes)
  })
  return client
}
