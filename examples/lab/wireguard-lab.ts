// Two gateways with WireGuard in user space and a consumer each. The consumers reach the interfaces by their sockets
// and each other over loopback: on the wire between the gateways there is WireGuard only.

import { execFile, execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { promisify } from "node:util"
import { ConsumerProcess } from "./consumer-process.js"
import { freePort, idCertificates } from "./id-certificates.js"
import { IdRelay } from "./id-relay.js"
import { type KmeAccess, kmeConfig } from "./key-managers.js"
import { type Gateway, Namespaces } from "./namespaces.js"
import { LabProcess, until } from "./processes.js"

const run = promisify(execFile)
export const TUNNEL = "lab"
const PORT = 51820

export interface WireguardLabOptions {
  readonly dir: string
  /** Of the initiator at gateway a, and of the responder at b. */
  readonly access: readonly [KmeAccess, KmeAccess]
  /** Members of the configuration at both ends: policy, interval_s, hybrid, device... */
  readonly terms?: object
}

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

  /** What wireguard-go tells of its handshakes. */
  get log(): string {
    return readFileSync(path.join(this.#dir, "wireguard.log"), "utf8")
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

export class WireguardLab {
  readonly namespaces: Namespaces
  readonly device: { readonly a: WireguardInterface; readonly b: WireguardInterface }
  readonly consumer: { readonly a: ConsumerProcess; readonly b: ConsumerProcess }
  readonly idRelay: IdRelay

  private constructor(
    namespaces: Namespaces,
    device: WireguardLab["device"],
    consumer: WireguardLab["consumer"],
    idRelay: IdRelay,
  ) {
    this.namespaces = namespaces
    this.device = device
    this.consumer = consumer
    this.idRelay = idRelay
  }

  /** Gateways with their interfaces, which know no peer yet; no consumer runs. */
  static async start(options: WireguardLabOptions): Promise<WireguardLab> {
    const { dir, access } = options
    const namespaces = await Namespaces.make()
    try {
      await namespaces.guard()
      const device = {
        a: new WireguardInterface(namespaces.a, dir),
        b: new WireguardInterface(namespaces.b, dir),
      }
      const port = await freePort()
      const idRelay = await IdRelay.start(port)
      const ends = idCertificates(dir, [access[0].saeId, access[1].saeId])
      const consumer = (at: 0 | 1): ConsumerProcess => {
        const [here, there] = at === 0 ? (["a", "b"] as const) : (["b", "a"] as const)
        return new ConsumerProcess("wireguard", path.join(dir, `consumer-${here}`), {
          name: TUNNEL,
          role: at === 0 ? "initiator" : "responder",
          sae_id: access[at].saeId,
          peer_sae_id: access[at === 0 ? 1 : 0].saeId,
          interface: device[here].name,
          device: "uapi",
          ...options.terms,
          kme: kmeConfig(access[at]),
          id_channel: { host: "127.0.0.1", port: at === 0 ? idRelay.port : port, ...ends[at] },
          peer: {
            public_key: device[there].publicKey,
            endpoint: `${namespaces[there].address}:${PORT}`,
            allowed_ip: [namespaces[there].network],
            persistent_keepalive_s: 5,
          },
        })
      }
      await Promise.all([device.a.start(namespaces.b), device.b.start(namespaces.a)])
      return new WireguardLab(namespaces, device, { a: consumer(0), b: consumer(1) }, idRelay)
    } catch (error) {
      await namespaces.remove()
      throw error
    }
  }

  async startDevice(name: "a" | "b"): Promise<void> {
    await this.device[name].start(this.namespaces[name === "a" ? "b" : "a"])
  }

  async stop(): Promise<void> {
    await Promise.all([this.consumer.a.stop(), this.consumer.b.stop()])
    await this.idRelay.stop()
    await Promise.all([this.device.a.stop(), this.device.b.stop()])
    await this.namespaces.remove()
  }
}
