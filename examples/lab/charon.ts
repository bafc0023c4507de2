// strongSwan's IKE daemon in a gateway's namespace, with its own vici socket, and ESP in user space
// (kernel-libipsec): the same daemon and protocol as on a real gateway, whatever the kernel can do.

import { execFile } from "node:child_process"
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { promisify } from "node:util"
import type { Gateway } from "./namespaces.js"
import { LabProcess, until } from "./processes.js"

const run = promisify(execFile)
const PLUGINS =
  "random nonce aes sha1 sha2 hmac kdf pem pkcs1 pkcs8 x509 pubkey constraints curve25519 kernel-libipsec kernel-netlink socket-default vici updown"

export class Charon {
  readonly #gateway: Gateway
  readonly #dir: string
  #process: LabProcess | undefined

  constructor(gateway: Gateway, dir: string) {
    this.#gateway = gateway
    this.#dir = path.join(dir, `charon-${gateway.name}`)
  }

  get viciSocket(): string {
    return path.join(this.#dir, "charon.vici")
  }

  /** Starts it with the IKE preshared key that authenticates the gateways to each other. */
  async start(ikeSecret: string): Promise<void> {
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 })
    rmSync(this.viciSocket, { force: true })
    const file = (name: string, text: string): string => {
      const full = path.join(this.#dir, name)
      writeFileSync(full, text, { mode: 0o600 })
      return full
    }
    const conf = file(
      "strongswan.conf",
      `charon-systemd {
  load = ${PLUGINS}
  plugins { vici { socket = unix://${this.viciSocket} } }
  retransmit_tries = 3
  retransmit_timeout = 1
  filelog { log { path = ${path.join(this.#dir, "charon.log")}
      default = 1
      flush_line = yes } }
  journal { default = -1 }
}
swanctl { load = pem pkcs1 x509 }
`,
    )
    this.#process = LabProcess.start(
      ["ip", "netns", "exec", this.#gateway.namespace, "/usr/sbin/charon-systemd"],
      { logFile: path.join(this.#dir, "out.log"), env: { STRONGSWAN_CONF: conf } },
    )
    await until(() => existsSync(this.viciSocket), "charon opens its vici socket", 15_000)
    const secrets = file("swanctl.conf", `secrets { ike-lab { secret = "${ikeSecret}" } }\n`)
    await this.swanctl("--load-creds", "--file", secrets)
  }

  /** What the administrator's tool says. */
  async swanctl(...args: readonly string[]): Promise<string> {
    const { stdout } = await run("/usr/sbin/swanctl", [
      ...args,
      "--uri",
      `unix://${this.viciSocket}`,
    ])
    return stdout
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.#process?.stop(signal)
  }
}
