// A QKD module in a process of its own: a maker's code shares no memory with the key manager, and its crash is its own.
// Here is the key manager's end; `module-child` is the other. Key bytes cross one private socket between the two.

import { type ChildProcess, spawn } from "node:child_process"
import type { Duplex } from "node:stream"
import { fileURLToPath } from "node:url"
import { QkdError } from "../errors.js"
import { Secret } from "../keys/secret.js"
import { encodeFrame, type Frame, FrameReader } from "../transport/frames.js"
import { Channel } from "./channel.js"
import type {
  Host,
  KeyBlock,
  LinkMeasurement,
  ModuleConfig,
  ModuleDescription,
  QkdModule,
  QkdModuleDriver,
} from "./contract.js"
import { closedError } from "./host.js"
import type { ModuleTarget } from "./contract.js"
import { errorOf, type ModuleNews, type ModuleOrder, readModuleNews } from "./module-messages.js"

const CLOSE_MS = 800
const MAX_REPORTS = 64
/** Blocks that nobody has read yet; the process is asked for far fewer. */
const MAX_HELD = 16
/** What a program needs to run at all; a sealing key or a PIN may stand in the rest. */
const ENVIRONMENT = /^(PATH|HOME|TMPDIR|TZ|LANG|LC_[A-Z]+|LD_LIBRARY_PATH|NODE_EXTRA_CA_CERTS)$/

/** The driver of this name, each of whose modules runs in a process of its own. `from`: where packages are looked up. */
export function inOwnProcess(name: string, from: string = process.cwd()): QkdModuleDriver {
  return {
    name,
    contract: 1,
    open: async (target, host) => {
      const module = new ModuleProcess(name, host)
      try {
        await module.open(from, target)
        return module
      } catch (error) {
        await module.close()
        throw error
      }
    },
  }
}

class ModuleProcess implements QkdModule {
  readonly keys: Channel<KeyBlock>
  readonly measurements = new Channel<LinkMeasurement>()
  offered?: (blockIds: readonly string[]) => void
  readonly #name: string
  readonly #host: Host
  readonly #child: ChildProcess
  readonly #pipe: Duplex
  readonly #ended: Promise<void>
  readonly #configuring = new Map<number, { resolve: () => void; reject: (e: Error) => void }>()
  #opening: { resolve: () => void; reject: (e: Error) => void } | undefined
  #description: ModuleDescription | undefined
  #nextId = 1
  #gone: QkdError | undefined
  #closing: Promise<void> | undefined

  constructor(name: string, host: Host) {
    this.#name = name
    this.#host = host
    this.keys = new Channel<KeyBlock>(() => {
      this.#send({ op: "more" })
    })
    const own = import.meta.url
    const entry = fileURLToPath(
      new URL(own.endsWith(".ts") ? "./module-child.ts" : "./module-child.js", own),
    )
    this.#child = spawn(process.execPath, [...process.execArgv, entry], {
      // What a module prints goes nowhere: it may be anything. It has a log.
      stdio: ["ignore", "ignore", "inherit", "pipe"],
      env: Object.fromEntries(Object.entries(process.env).filter(([key]) => ENVIRONMENT.test(key))),
    })
    this.#pipe = duplex(this.#child.stdio[3])
    const reader = new FrameReader()
    this.#pipe.on("data", (chunk: Buffer) => {
      try {
        for (const frame of reader.take(chunk)) this.#hear(frame)
      } catch (error) {
        this.#end(error instanceof QkdError ? error : gone(this.#name))
        this.#child.kill("SIGKILL")
      }
    })
    this.#pipe.on("error", () => undefined)
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        this.#end(gone(this.#name))
        resolve()
      }
      this.#child.once("exit", end)
      this.#child.once("error", end)
    })
    host.signal.addEventListener("abort", () => void this.close(), { once: true })
  }

  get description(): ModuleDescription {
    if (this.#description === undefined) throw closedError()
    return this.#description
  }

  open(from: string, target: ModuleTarget): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#gone !== undefined) {
        reject(this.#gone)
        return
      }
      this.#opening = { resolve, reject }
      this.#send({ op: "open", driver: this.#name, from, target })
    })
  }

  configure(desired: ModuleConfig | null): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = this.#closing === undefined ? this.#gone : closedError()
      if (over !== undefined) {
        reject(over)
        return
      }
      const id = this.#nextId++
      this.#configuring.set(id, { resolve, reject })
      this.#send({ op: "configure", id, desired })
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.measurements.end()
    for (const { key } of this.keys.abandon()) key.wipe()
    this.#send({ op: "close" })
    const late = setTimeout(() => this.#child.kill("SIGKILL"), CLOSE_MS)
    await this.#ended
    clearTimeout(late)
  }

  #hear({ header, bytes }: Frame): void {
    const news = readModuleNews(header)
    if (news.op === "key") {
      const key = Secret.take(bytes)
      if (this.keys.length >= MAX_HELD) {
        key.wipe()
        throw new QkdError("malformed-message", "a module gives blocks that nobody asked for")
      }
      if (!this.keys.push({ id: news.blockId, key })) key.wipe()
      // Went straight to a reader that was waiting.
      else if (this.keys.length === 0) this.#send({ op: "more" })
      return
    }
    this.#tell(news)
  }

  #tell(news: Exclude<ModuleNews, { readonly op: "key" }>): void {
    switch (news.op) {
      case "opened":
        this.#description = news.description
        if (news.follows)
          this.offered = (blockIds) => {
            this.#send({ op: "offered", blockIds })
          }
        this.#opening?.resolve()
        return
      case "refused":
        this.#opening?.reject(errorOf(news.fault))
        return
      case "configured": {
        const waiting = this.#configuring.get(news.id)
        this.#configuring.delete(news.id)
        if (news.fault === undefined) waiting?.resolve()
        else waiting?.reject(errorOf(news.fault))
        return
      }
      case "measurement":
        this.measurements.pushLatest(news.measurement, MAX_REPORTS)
        return
      case "log":
        if (!this.#host.signal.aborted) this.#host.log(news.level, news.message, news.facts)
        return
      case "ended":
        this[news.stream].end()
        return
      case "closed":
        this.#pipe.end()
    }
  }

  /** Nothing more comes from the process. */
  #end(why: QkdError): void {
    this.#gone ??= why
    this.keys.end()
    this.measurements.end()
    this.#opening?.reject(why)
    const over = this.#closing === undefined ? why : closedError()
    for (const { reject } of this.#configuring.values()) reject(over)
    this.#configuring.clear()
  }

  #send(order: ModuleOrder): void {
    if (this.#gone === undefined) this.#pipe.write(encodeFrame(order))
  }
}

function gone(name: string): QkdError {
  return new QkdError("operation-failed", `the process of module ${name} ended`, {
    appTag: "node-unreachable",
  })
}

function duplex(stream: unknown): Duplex {
  if (typeof stream !== "object" || stream === null || !("write" in stream))
    throw new QkdError("operation-failed", "a module's process has no pipe")
  return stream as Duplex
}
