// netconfd (Debian, yuma123, in C) with an sshd of its own, for benches: started in a folder that goes with it.

import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir, userInfo } from "node:os"
import path from "node:path"

const NETCONFD = "/usr/sbin/netconfd"
const SUBSYSTEM = "/usr/sbin/netconf-subsystem"
const SSHD = "/usr/sbin/sshd"

export interface Netconfd {
  readonly port: number
  readonly username: string
  readonly hostKeyFingerprint: string
  /** Of netconfd itself and of what sshd runs for its sessions. */
  pids(): number[]
  stop(): void
}

export function hasNetconfd(): boolean {
  return [NETCONFD, SUBSYSTEM, SSHD].every((file) => existsSync(file))
}

/**
 * @param startup XML of the configuration to begin with: `<config>` with its content
 * @param publicKey in OpenSSH's form, of the user this program runs as
 */
export async function startNetconfd(options: {
  readonly module: string
  readonly target: "running" | "candidate"
  readonly startup: string
  readonly publicKey: string
  /** Further arguments. */
  readonly more?: readonly string[]
}): Promise<Netconfd> {
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-netconfd-"))
  const file = (name: string): string => path.join(dir, name)
  const { username } = userInfo()
  const port = await freePort()
  writeFileSync(file("authorized_keys"), `${options.publicKey}\n`, { mode: 0o600 })
  writeFileSync(file("startup-cfg.xml"), options.startup)
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file("host_key")])
  const socket = file("ncx.sock")
  const children: ChildProcess[] = []
  const start = (command: string, args: readonly string[]): ChildProcess => {
    const child = spawn(command, args, { stdio: "ignore", env: { ...process.env, HOME: dir } })
    children.push(child)
    return child
  }
  const netconfd = start(NETCONFD, [
    `--module=${options.module}`,
    `--target=${options.target}`,
    `--startup=${file("startup-cfg.xml")}`,
    // Otherwise each edit writes the whole configuration to a file.
    "--with-startup=true",
    "--access-control=off",
    `--superuser=${username}`,
    `--port=${port}`,
    `--ncxserver-sockname=${socket}`,
    "--log-level=error",
    `--log=${file("netconfd.log")}`,
    ...(options.more ?? []),
  ])
  if (username === "root") mkdirSync("/run/sshd", { recursive: true })
  writeFileSync(
    file("sshd_config"),
    [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${file("host_key")}`,
      `AuthorizedKeysFile ${file("authorized_keys")}`,
      `PidFile ${file("sshd.pid")}`,
      "StrictModes no",
      "UsePAM no",
      "PermitRootLogin yes",
      "MaxSessions 100",
      "MaxStartups 200",
      `Subsystem netconf "${SUBSYSTEM} --ncxserver-sockname=${port}@${socket}"`,
    ].join("\n"),
  )
  const sshd = start(SSHD, ["-D", "-f", file("sshd_config")])
  const stop = (): void => {
    for (const pid of [...descendants(sshd.pid ?? 0), ...descendants(netconfd.pid ?? 0)]) {
      try {
        process.kill(pid, "SIGKILL")
      } catch {
        // Gone already.
      }
    }
    rmSync(dir, { recursive: true, force: true })
  }
  for (let tries = 0; !existsSync(socket); tries++) {
    if (tries === 300 || netconfd.exitCode !== null) {
      const log = existsSync(file("netconfd.log")) ? readFileSync(file("netconfd.log"), "utf8") : ""
      stop()
      throw new Error(`netconfd does not start: ${log.slice(-2000)}`)
    }
    await new Promise((done) => setTimeout(done, 200))
  }
  const shown = execFileSync("ssh-keygen", ["-l", "-E", "sha256", "-f", file("host_key.pub")])
  return {
    port,
    username,
    hostKeyFingerprint: /SHA256:\S+/.exec(shown.toString())?.[0] ?? "",
    pids: () => [...descendants(sshd.pid ?? 0), ...descendants(netconfd.pid ?? 0)],
    stop,
  }
}

/** A process and all it has started. */
function descendants(pid: number): number[] {
  const children = `/proc/${pid}/task/${pid}/children`
  if (pid === 0 || !existsSync(children)) return []
  const own = readFileSync(children, "utf8").trim().split(" ").filter(Boolean).map(Number)
  return [pid, ...own.flatMap(descendants)]
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      probe.close(() => {
        resolve(port)
      })
    })
  })
}
