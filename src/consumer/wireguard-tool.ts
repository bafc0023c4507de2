// Any WireGuard interface, in the kernel too, through the program `wg`. The preshared key goes to it by its standard
// input, never as an argument nor through a file.

import { spawn } from "node:child_process"
import { QkdError } from "../errors.js"
import { readBase64, writeBase64 } from "../keys/base64.js"
import type { Secret } from "../keys/secret.js"
import {
  noInterface,
  type WireguardDevice,
  type WireguardPeer,
  type WireguardPeerTerms,
} from "./wireguard-device.js"
import { unmovedBuffer, unmovedBytes } from "../unmoved.js"

const TIMEOUT_MS = 5000

export class WgToolDevice implements WireguardDevice {
  readonly #interface: string
  readonly #prefix: readonly string[]

  /** @param namespace named network namespace that the interface is in */
  constructor(name: string, namespace?: string) {
    this.#interface = name
    this.#prefix = namespace === undefined ? [] : ["ip", "netns", "exec", namespace]
  }

  async peer(publicKey: string): Promise<WireguardPeer | undefined> {
    const times = await this.#wg(["show", this.#interface, "latest-handshakes"])
    const time = valueOf(times, publicKey)
    if (time === undefined) return undefined
    const lastHandshakeMs = 1000 * Number(Buffer.from(time).toString("latin1"))
    const keys = await this.#wg(["show", this.#interface, "preshared-keys"])
    try {
      const key = valueOf(keys, publicKey)
      // `(none)` where there is none.
      return key?.length === 44
        ? { lastHandshakeMs, presharedKey: readBase64(key) }
        : { lastHandshakeMs }
    } finally {
      keys.fill(0)
    }
  }

  async setPresharedKey(publicKey: string, key: Secret | undefined): Promise<void> {
    await this.#wg(["set", this.#interface, "peer", publicKey, ...keyBy(key)], key)
  }

  async renew(terms: WireguardPeerTerms, key: Secret | undefined): Promise<void> {
    const { publicKey, endpoint, allowedIps, keepaliveS } = terms
    await this.#wg(
      [
        ...["set", this.#interface, "peer", publicKey, "remove", "peer", publicKey],
        ...keyBy(key),
        ...(endpoint === undefined ? [] : ["endpoint", endpoint]),
        ...["allowed-ips", allowedIps.join(",")],
        ...["persistent-keepalive", String(keepaliveS)],
      ],
      key,
    )
  }

  async remove(publicKey: string): Promise<void> {
    await this.#wg(["set", this.#interface, "peer", publicKey, "remove"])
  }

  /** What wg prints; its words of complaint never hold a key that it was given by standard input. */
  #wg(args: readonly string[], key?: Secret): Promise<Uint8Array> {
    const command = [...this.#prefix, "wg", ...args]
    const input = key === undefined ? Buffer.alloc(0) : toBase64(key)
    return new Promise((resolve, reject) => {
      // What Node gives a child as standard input is a socket, which wg cannot open by name; cat's pipe it can.
      const child = spawn("/bin/sh", ["-c", 'cat | "$@"', "sh", ...command], {
        stdio: ["pipe", "pipe", "pipe"],
        timeout: TIMEOUT_MS,
      })
      const out: Buffer[] = []
      let complaint = ""
      child.stdout.on("data", (chunk: Buffer) => out.push(chunk))
      child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString("utf8")))
      child.once("error", (cause) => {
        reject(noInterface(this.#interface, cause))
      })
      child.stdin.on("error", () => undefined)
      child.once("close", (status) => {
        input.fill(0)
        const all = unmovedBytes(out.reduce((sum, chunk) => sum + chunk.length, 0))
        let at = 0
        for (const chunk of out) {
          all.set(chunk, at)
          at += chunk.length
          chunk.fill(0)
        }
        if (status === 0) resolve(all)
        else if (/No such device|Unable to access interface/.test(complaint))
          reject(noInterface(this.#interface, new Error(complaint.trim())))
        else reject(new QkdError("operation-failed", `wg ${args[0] ?? ""}: ${complaint.trim()}`))
      })
      child.stdin.end(input)
    })
  }
}

/** wg reads /dev/null as no key. */
function keyBy(key: Secret | undefined): string[] {
  return ["preshared-key", key === undefined ? "/dev/null" : "/dev/stdin"]
}

/** The value in a line `PUBLIC-KEY<tab>VALUE`; a view. */
function valueOf(output: Uint8Array, publicKey: string): Uint8Array | undefined {
  const at = Buffer.from(output.buffer, output.byteOffset, output.length).indexOf(`${publicKey}\t`)
  if (at < 0) return undefined
  const start = at + publicKey.length + 1
  const end = output.indexOf(0x0a, start)
  return output.subarray(start, end < 0 ? output.length : end)
}

/** 32 bytes as 44 letters and a newline, in a buffer of their own. */
function toBase64(key: Secret): Buffer {
  const line = unmovedBuffer(45)
  key.use((bytes) => writeBase64(bytes, line, 0))
  line[44] = 0x0a
  return line
}
