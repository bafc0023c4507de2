// A NETCONF client that says what it likes: ssh2 with the right key, then raw bytes both ways. Knows the framings of
// RFC 6242 well enough to read answers; nothing of Keyloom.

import { readFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import ssh2, { type ClientChannel } from "ssh2"
import type { DemoFile } from "./demo.js"

export const BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
export const NODE_NS = "urn:etsi:qkd:yang:etsi-qkd-node"
export const TYPES_NS = "urn:etsi:qkd:yang:etsi-qkd-node-types"

type Target = DemoFile["nodes"][number]["netconf"]

/** An answer must come, or the session end, within this. */
const PATIENCE_MS = 60_000

export function helloOf(...versions: readonly string[]): string {
  const capabilities = versions.map(
    (v) => `<capability>urn:ietf:params:netconf:base:${v}</capability>`,
  )
  return `<hello xmlns="${BASE}"><capabilities>${capabilities.join("")}</capabilities></hello>]]>]]>`
}

export function rpcOf(operation: string, messageId = "1"): string {
  return `<rpc xmlns="${BASE}" message-id="${messageId}">${operation}</rpc>`
}

export function chunked(message: string): string {
  return `\n#${Buffer.byteLength(message)}\n${message}\n##\n`
}

/** What an rpc-error says, as far as tests compare it. */
export interface RpcError {
  readonly type: string
  readonly tag: string
  readonly appTag: string | undefined
  readonly path: string | undefined
  readonly message: string
}

export function rpcErrorOf(reply: string): RpcError | undefined {
  if (!reply.includes("<rpc-error>")) return undefined
  const of = (name: string): string | undefined =>
    new RegExp(`<${name}[^>]*>([^<]*)</${name}>`).exec(reply)?.[1]?.trim()
  return {
    type: of("error-type") ?? "",
    tag: of("error-tag") ?? "",
    appTag: of("error-app-tag"),
    path: of("error-path"),
    message: of("error-message") ?? "",
  }
}

export class RawNetconf {
  /** What the server sent and nobody has read yet. */
  #heard = Buffer.alloc(0)
  #framing: "delimited" | "chunked" = "delimited"
  #ended = false
  readonly #wakers = new Set<() => void>()

  private constructor(
    private readonly socket: Socket,
    private readonly client: ssh2.Client,
    private readonly channel: ClientChannel,
  ) {
    channel.on("data", (chunk: Buffer) => {
      this.#heard = Buffer.concat([this.#heard, chunk])
      this.#wake()
    })
    const over = (): void => {
      this.#ended = true
      this.#wake()
    }
    channel.on("error", over)
    channel.on("close", over)
    client.on("error", over)
    client.on("close", over)
  }

  /** Logs in and opens the subsystem; sends nothing of NETCONF yet. */
  static async connect(target: Target): Promise<RawNetconf> {
    const socket = connect(target.port, target.host)
    const client = new ssh2.Client()
    const channel = await new Promise<ClientChannel>((resolve, reject) => {
      client.once("error", reject)
      client.once("ready", () => {
        client.subsys("netconf", (error, opened) => {
          if (error === undefined) resolve(opened)
          else reject(error)
        })
      })
      client.connect({
        sock: socket,
        username: target.username,
        privateKey: readFileSync(target.privateKeyFile),
      })
    })
    client.removeAllListeners("error")
    return new RawNetconf(socket, client, channel)
  }

  /** Connects and exchanges hellos. With "1.1" both speak in chunks from then on. */
  static async open(target: Target, version: "1.0" | "1.1" = "1.1"): Promise<RawNetconf> {
    const session = await RawNetconf.connect(target)
    session.write(helloOf(version))
    await session.next()
    if (version === "1.1") session.#framing = "chunked"
    return session
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Bytes as they are. Nobody waits for them: the server may have closed the door. */
  write(bytes: string | Uint8Array): void {
    if (!this.#ended && this.channel.writable) this.channel.write(bytes)
  }

  /** One rpc in proper framing; its reply as text. */
  async ask(operation: string): Promise<string> {
    return this.tell(rpcOf(operation))
  }

  /** One message in proper framing; the next message back. */
  async tell(message: string): Promise<string> {
    this.write(this.#framing === "chunked" ? chunked(message) : `${message}]]>]]>`)
    return this.next()
  }

  /** The next message of the server; rejects when the session ends or nothing comes. */
  async next(): Promise<string> {
    const message = await this.#until(() => this.#take())
    if (message === undefined) throw new Error("the session ended without an answer")
    return message
  }

  /** Resolves with what was still said when the server ends the session. */
  async end(): Promise<string> {
    await this.#until(() => (this.#ended ? true : undefined))
    return this.#heard.toString("utf8")
  }

  close(): void {
    this.client.end()
    this.socket.destroy()
  }

  #take(): string | undefined {
    if (this.#framing === "delimited") {
      const at = this.#heard.indexOf("]]>]]>")
      if (at < 0) return undefined
      const message = this.#heard.subarray(0, at).toString("utf8")
      this.#heard = this.#heard.subarray(at + 6)
      return message
    }
    const parts: Buffer[] = []
    let at = 0
    for (;;) {
      const header = /^\n#(\d+|#)\n/.exec(this.#heard.subarray(at, at + 14).toString("latin1"))
      if (header === null) return undefined
      at += header[0].length
      if (header[1] === "#") break
      const size = Number(header[1])
      if (this.#heard.length < at + size) return undefined
      parts.push(this.#heard.subarray(at, at + size))
      at += size
    }
    this.#heard = this.#heard.subarray(at)
    return Buffer.concat(parts).toString("utf8")
  }

  /** Waits for `ready` to give something; undefined when the session is over, an error when it stays mute. */
  #until<T>(ready: () => T | undefined): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#wakers.delete(look)
      }
      const look = (): void => {
        const got = ready()
        if (got === undefined && !this.#ended) return
        done()
        resolve(got)
      }
      const timer = setTimeout(() => {
        done()
        reject(new Error(`neither an answer nor the end; heard: ${this.#heard.toString("utf8")}`))
      }, PATIENCE_MS)
      this.#wakers.add(look)
      look()
    })
  }

  #wake(): void {
    for (const look of [...this.#wakers]) look()
  }
}
