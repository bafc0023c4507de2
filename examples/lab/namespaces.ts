// Two gateways on one machine: two network namespaces, joined by one wire, each with a network of its own behind
// it. Needs root and a TUN device. Everything has a name of this process's own, and goes away at the end.

import { execFile, execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { promisify } from "node:util"

const run = promisify(execFile)

export interface Gateway {
  readonly name: "a" | "b"
  /** The network namespace. */
  readonly namespace: string
  /** Its end of the wire between the gateways. */
  readonly wire: string
  readonly address: string
  /** A host behind it, and its network. */
  readonly inside: string
  readonly network: string
}

/** Why the lab cannot run here; undefined when it can. */
export function whyNoLab(programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return "it takes root, for network namespaces"
  if (!existsSync("/dev/net/tun")) return "there is no /dev/net/tun"
  const missing = ["ip", "ping", "nft", "tcpdump", ...programs].filter((name) => !whereIs(name))
  if (missing.length > 0) return `missing: ${missing.join(", ")}`
  try {
    const name = `klprobe${process.pid}`
    execFileSync("ip", ["netns", "add", name], { stdio: "ignore" })
    try {
      execFileSync("ip", ["-n", name, "tuntap", "add", "dev", "probe0", "mode", "tun"], {
        stdio: "ignore",
      })
    } finally {
      execFileSync("ip", ["netns", "del", name], { stdio: "ignore" })
    }
  } catch {
    return "network namespaces or TUN devices cannot be made here"
  }
  return undefined
}

function whereIs(program: string): boolean {
  return ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].some((dir) => existsSync(`${dir}/${program}`))
}

let made = 0

export class Namespaces {
  readonly a: Gateway
  readonly b: Gateway

  private constructor(id: string) {
    const gateway = (name: "a" | "b", at: number): Gateway => ({
      name,
      namespace: `kl${id}${name}`,
      wire: `kl${id}${name}`,
      address: `10.99.0.${at}`,
      inside: `10.${at}.0.1`,
      network: `10.${at}.0.0/16`,
    })
    this.a = gateway("a", 1)
    this.b = gateway("b", 2)
  }

  static async make(): Promise<Namespaces> {
    made += 1
    const lab = new Namespaces(`${process.pid.toString(36)}${made.toString(36)}`)
    for (const { namespace } of [lab.a, lab.b]) {
      await run("ip", ["netns", "add", namespace])
      await run("ip", ["-n", namespace, "link", "set", "lo", "up"])
      // Without it the wire has IPv6's own neighbour talk as well.
      const quiet = ["sysctl", "-q", "-w", "net.ipv6.conf.default.disable_ipv6=1"]
      await run("ip", ["netns", "exec", namespace, ...quiet])
    }
    await run("ip", [
      ...["link", "add", lab.a.wire, "netns", lab.a.namespace],
      ...["type", "veth", "peer", "name", lab.b.wire, "netns", lab.b.namespace],
    ])
    for (const { namespace, wire, address, inside } of [lab.a, lab.b]) {
      await run("ip", ["-n", namespace, "addr", "add", `${address}/24`, "dev", wire])
      await run("ip", ["-n", namespace, "link", "set", wire, "up"])
      await run("ip", ["-n", namespace, "addr", "add", `${inside}/32`, "dev", "lo"])
    }
    return lab
  }

  /** What a careful administrator has too: from network to network nothing leaves on the bare wire. */
  async guard(): Promise<void> {
    for (const { namespace, wire } of [this.a, this.b])
      await run("ip", [
        ...["netns", "exec", namespace, "nft"],
        `table inet guard { chain out { type filter hook output priority 0; oifname "${wire}" ip daddr { ${this.a.network}, ${this.b.network} } counter drop; }; chain in { type filter hook input priority 0; iifname "${wire}" ip saddr { ${this.a.network}, ${this.b.network} } counter drop; }; }`,
      ])
  }

  /** Cuts the wire, or mends it. */
  async wire(state: "up" | "down"): Promise<void> {
    await run("ip", ["-n", this.a.namespace, "link", "set", this.a.wire, state])
  }

  async remove(): Promise<void> {
    for (const { namespace } of [this.a, this.b])
      await run("ip", ["netns", "del", namespace]).catch(() => undefined)
  }
}
