// A userspace WireGuard over its socket: the cross-platform userspace API (`get=1`, `set=1`, lines of key=value,
// errno). Keys are written and read as bytes and never become strings; what was sent and received is wiped.

import { connect } from "node:net"
import { QkdError } from "../errors.js"
import { Secret } from "../keys/secret.js"
import {
  noInterface,
  type WireguardDevice,
  type WireguardPeer,
  type WireguardPeerTerms,
} from "./wireguard-device.js"
import { unmovedBuffer, unmovedBytes } from "../unmoved.js"

const TIMEOUT_MS = 5000
const MAX_ANSWER_BYTES = 8 * 1024 * 1024
const [NEWLINE, EQUALS] = [0x0a, 0x3d]
const HEX = Buffer.from("0123456789abcdef")

export class UapiDevice implements WireguardDevice {
  readonly #socketFile: string

  constructor(socketFile: string) {
    this.#socketFile = socketFile
  }

  async peer(publicKey: string): Promise<WireguardPeer | undefined> {
    const answer = await this.#exchange(Buffer.from("get=1\n\n"))
    try {
      return readPeer(answer, toHex(publicKey))
    } finally {
      answer.fill(0)
    }
  }

  setPresharedKey(publicKey: string, key: Secret | undefined): Promise<void> {
    return this.#set(`public_key=${toHex(publicKey)}\nupdate_only=true\n`, key, "")
  }

  renew(terms: WireguardPeerTerms, key: Secret | undefined): Promise<void> {
    const name = `public_key=${toHex(terms.publicKey)}\n`
    const rest = [
      ...(terms.endpoint === undefined ? [] : [`endpoint=${terms.endpoint}`]),
      "replace_allowed_ips=true",
      ...terms.allowedIps.map((prefix) => `allowed_ip=${prefix}`),
      `persistent_keepalive_interval=${terms.keepaliveS}`,
    ]
    return this.#set(`${name}remove=true\n${name}`, key, `${rest.join("\n")}\n`)
  }

  remove(publicKey: string): Promise<void> {
    return this.#set(`public_key=${toHex(publicKey)}\nremove=true\n`, undefined, "", false)
  }

  async #set(
    before: string,
    key: Secret | undefined,
    after: string,
    withKey = true,
  ): Promise<void> {
    const keyLine = withKey ? presharedKeyLine(key) : Buffer.alloc(0)
    const head = Buffer.from(`set=1\n${before}`)
    const message = unmovedBytes(head.length + keyLine.length + after.length + 1)
    message.set(head)
    message.set(keyLine, head.length)
    message.set(Buffer.from(`${after}\n`), head.length + keyLine.length)
    keyLine.fill(0)
    const answer = await this.#exchange(message)
    const errno = /(?:^|\n)errno=(-?\d+)/.exec(Buffer.from(answer).toString("latin1"))?.[1]
    if (errno !== "0")
      throw new QkdError(
        "operation-failed",
        `the WireGuard interface refuses: errno ${errno ?? "none"}`,
      )
  }

  /** One operation, one connection. The message is wiped. */
  #exchange(message: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let length = 0
      const socket = connect(this.#socketFile)
      const end = (fault?: QkdError): void => {
        clearTimeout(timer)
        socket.destroy()
        message.fill(0)
        const answer = unmovedBytes(length)
        let at = 0
        for (const chunk of chunks) {
          answer.set(chunk, at)
          at += chunk.length
          chunk.fill(0)
        }
        if (fault === undefined) resolve(answer)
        else {
          answer.fill(0)
          reject(fault)
        }
      }
      const timer = setTimeout(() => {
        end(new QkdError("operation-failed", "no answer from WireGuard", { appTag: "timeout" }))
      }, TIMEOUT_MS)
      socket.on("error", (cause) => {
        end(noInterface(this.#socketFile, cause))
      })
      socket.on("close", () => {
        end(noInterface(this.#socketFile))
      })
      socket.on("data", (chunk: Buffer) => {
        chunks.push(chunk)
        length += chunk.length
        if (length > MAX_ANSWER_BYTES)
          end(new QkdError("too-big", "too long an answer of WireGuard"))
        // An answer ends with an empty line.
        else if (chunk.at(-1) === NEWLINE && endsEmpty(chunks)) end()
      })
      socket.write(message)
    })
  }
}

function endsEmpty(chunks: readonly Buffer[]): boolean {
  const last = chunks.at(-1)
  const before = (last?.length ?? 0) > 1 ? last?.at(-2) : chunks.at(-2)?.at(-1)
  return before === NEWLINE
}

function presharedKeyLine(key: Secret | undefined): Buffer {
  const name = Buffer.from("preshared_key=")
  // In a buffer of its own: small ones from Buffer.from share Node's pool.
  const line = unmovedBuffer(name.length + 64 + 1)
  name.copy(line)
  const write = (bytes: Uint8Array): void => {
    bytes.forEach((byte, i) => {
      line[name.length + 2 * i] = HEX[byte >> 4] ?? 0
      line[name.length + 2 * i + 1] = HEX[byte & 15] ?? 0
    })
  }
  if (key === undefined) write(new Uint8Array(32))
  else key.use(write)
  line[line.length - 1] = NEWLINE
  return line
}

function readPeer(answer: Uint8Array, publicKeyHex: string): WireguardPeer | undefined {
  let found = false
  let handshakeS = 0
  let handshakeNs = 0
  let presharedKey: Secret | undefined
  for (const { name, value } of lines(answer)) {
    const number = (): number => Number(Buffer.from(value).toString("latin1"))
    if (name === "public_key") {
      if (found) break
      found = Buffer.from(value).toString("latin1") === publicKeyHex
    } else if (found && name === "last_handshake_time_sec") handshakeS = number()
    else if (found && name === "last_handshake_time_nsec") handshakeNs = number()
    else if (found && name === "preshared_key") presharedKey = fromHex(value)
  }
  if (!found) return undefined
  const lastHandshakeMs = handshakeS * 1000 + handshakeNs / 1e6
  if (presharedKey?.use((bytes) => bytes.every((byte) => byte === 0)) === true) {
    presharedKey.wipe()
    presharedKey = undefined
  }
  return presharedKey === undefined ? { lastHandshakeMs } : { lastHandshakeMs, presharedKey }
}

/** Views into the answer: nothing is copied. */
function* lines(answer: Uint8Array): Generator<{ name: string; value: Uint8Array }> {
  let start = 0
  while (start < answer.length) {
    let end = answer.indexOf(NEWLINE, start)
    if (end < 0) end = answer.length
    const equals = answer.subarray(start, end).indexOf(EQUALS)
    if (equals > 0)
      yield {
        name: Buffer.from(answer.subarray(start, start + equals)).toString("latin1"),
        value: answer.subarray(start + equals + 1, end),
      }
    start = end + 1
  }
}

function fromHex(text: Uint8Array): Secret {
  const bytes = new Uint8Array(text.length >> 1)
  for (let i = 0; i < bytes.length; i += 1)
    bytes[i] = HEX.indexOf(text[2 * i] ?? 0) * 16 + HEX.indexOf(text[2 * i + 1] ?? 0)
  return Secret.take(bytes)
}

function toHex(publicKey: string): string {
  return Buffer.from(publicKey, "base64").toString("hex")
}
