// Two gateways with WireGuard in user space and a consumer each, which reaches its interface by the socket.

import { execFile, execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { promisify } from "node:util"
import {
  type ConsumerPair,
  inNamespaces,
  type LabOptions,
  makeConsumers,
  type TunnelLab,
} from "./consumer-pair.js"
import type { IdRelay } from "./id-relay.js"
import type { Gateway, Namespaces } from "./namespaces.js"
import { LabProcess, until } from "./processes.js"
import { refusedHandshakes, type RefusedHandshakes } from "./wireguard-handshakes.js"

const run = promisify(execFile)
const PORT = 51820

/** A WireGuard interface in a gateway's namespace, and the process that serves it. */
export class WireguardInterface {
  readonly #gateway: Gateway
  readonly #dir: string
  readonly #privateKeyFile: string
  readonly publicKey: string
  #process: LabProcess | undefined

  constructor(gateway: Gateway, dir: string) {
    this.#gateway = gateway
    this.#dir = path.join(dir, `wireguard-${gateway.name}`)
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 })
    const privateKey = execFileSync("wg", ["genkey"])
    this.publicKey = execFileSync("wg", ["pubkey"], { input: privateKey }).toString().trim()
    this.#privateKeyFile = path.join(this.#dir, "private.key")
    writeFileSync(this.#privateKeyFile, privateKey, { mode: 0o600 })
  }

  get name(): string {
    return `w${this.#gateway.namespace}`.slice(0, 15)
  }

  get socket(): string {
    return `/var/run/wireguard/${this.name}.sock`
  }

  /** Since it was made. */
  get refused(): RefusedHandshakes {
    return refusedHandshakes(readFileSync(path.join(this.#dir, "wireguard.log"), "utf8"))
  }

  async start(other: Gateway): Promise<void> {
    rmSync(this.socket, { force: true })
    this.#process = LabProcess.start(
      ["ip", "netns", "exec", this.#gateway.namespace, "wireguard-go", "-f", this.name],
      { logFile: path.join(this.#dir, "wireguard.log"), env: { LOG_LEVEL: "verbose" } },
    )
    await until(() => existsSync(this.socket), "wireguard-go opens its socket", 15_000)
    await this.wg(
      ...["set", this.name, "listen-port", String(PORT), "private-key", this.#privateKeyFile],
    )
    const { namespace } = this.#gateway
    await run("ip", ["-n", namespace, "link", "set", this.name, "up", "mtu", "1380"])
    await run("ip", ["-n", namespace, "route", "add", other.network, "dev", this.name])
  }

  /** What the administrator's tool says. */
  async wg(...args: readonly string[]): Promise<string> {
    const exec = ["netns", "exec", this.#gateway.namespace, "wg", ...args]
    return (await run("ip", exec)).stdout
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.#process?.stop(signal)
    rmSync(this.socket, { force: true })
  }
}

export class WireguardLab implements TunnelLab {
  readonly namespaces: Namespaces
  readonly device: { readonly a: WireguardInterface; readonly b: WireguardInterface }
  readonly consumer: ConsumerPair["consumer"]
  readonly idRelay: IdRelay

  private constructor(
    namespaces: Namespaces,
    device: WireguardLab["device"],
    { consumer, idRelay }: ConsumerPair,
  ) {
    this.namespaces = namespaces
    this.device = device
    this.consumer = consumer
    this.idRelay = idRelay
  }

  /** Gateways with their interfaces, which know no peer yet; no consumer runs. */
  static start(options: LabOptions): Promise<WireguardLab> {
    return inNamespaces(async (namespaces) => {
      const device = {
        a: new WireguardInterface(namespaces.a, options.dir),
        b: new WireguardInterface(namespaces.b, options.dir),
      }
      const pair = await makeConsumers("wireguard", options, (here, there) => ({
        interface: device[here].name,
        device: "uapi",
        peer: {
          public_key: device[there].publicKey,
          endpoint: `${namespaces[there].address}:${PORT}`,
          allowed_ip: [namespaces[there].network],
          persistent_keepalive_s: 5,
        },
      }))
      await Promise.all([device.a.start(namespaces.b), device.b.start(namespaces.a)])
      return new WireguardLab(namespaces, device, pair)
    })
  }

  killGateway(name: "a" | "b"): Promise<void> {
    return this.device[name].stop("SIGKILL")
  }

  async startGateway(name: "a" | "b"): Promise<void> {
    await this.device[name].start(this.namespaces[name === "a" ? "b" : "a"])
  }

  async stop(): Promise<void> {
    await Promise.all([this.consumer.a.stop(), this.consumer.b.stop()])
    await this.idRelay.stop()
    await Promise.all([this.device.a.stop(), this.device.b.stop()])
    await this.namespaces.remove()
  }
}
