// One outlet as its node sees it: a process of its own, a sealed channel to it, and the connections handed over. It lives no
// longer than the channel.

import { type ChildProcess, spawn } from "node:child_process"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { fileURLToPath } from "node:url"
import { QkdError } from "../errors.js"
import { Secret } from "../keys/secret.js"
import type { Frame } from "../transport/frames.js"
import type { Answer } from "./etsi014-answer.js"
import type { Log } from "./log.js"
import { OutletChannel } from "./outlet-channel.js"
import type { OutletLotDesk } from "./outlet-lot-desk.js"
import { sharedMs } from "./outlet-lots.js"
import type { LotPair } from "./outlet-lots.js"
import { errorOf, readOutletNews } from "./outlet-messages.js"
import type { OutletChange, OutletOrder, OutletQuestion } from "./outlet-messages.js"

/** What a program needs to run at all; a sealing key or a PIN may stand in the rest. */
const ENVIRONMENT = /^(PATH|HOME|TMPDIR|TZ|LANG|LC_[A-Z]+|LD_LIBRARY_PATH)$/

export interface OutletProcessOptions {
  /** What is run, where it is not the entry of this package. */
  readonly command?: readonly string[]
  readonly answer: (question: OutletQuestion) => Answer | Promise<Answer>
  /** @param lostKeys that it had and had not said to have given out */
  readonly onEnd: (lostKeys: number) => void
  /** Who decides about lots; without, none are given. */
  readonly lots?: OutletLotDesk
  /** After that: a connection that was to be handed over when the process ended. */
  readonly onLeft: (socket: Socket) => void
  readonly log: Log
}

interface Waiting {
  readonly resolve: (ended: number) => void
  readonly reject: (error: QkdError) => void
  readonly deadline: NodeJS.Timeout
}

export class OutletProcess {
  /** Resolves once the process has ended, with why. */
  readonly ended: Promise<string>
  readonly #options: OutletProcessOptions
  readonly #child: ChildProcess
  readonly #channel: OutletChannel
  readonly #waiting = new Map<number, Waiting>()
  /** Connections to be handed over, one at a time: Node forgets those that it sends together to a process that ends. */
  readonly #queue: Socket[] = []
  #handing = false
  #why: string | undefined
  #over = false
  #nextId = 1

  constructor(options: OutletProcessOptions) {
    this.#options = options
    const command = options.command ?? [...process.execArgv, entry()]
    this.#child = spawn(process.execPath, command, {
      stdio: ["ignore", "ignore", "inherit", "pipe", "ipc"],
      env: Object.fromEntries(Object.entries(process.env).filter(([key]) => ENVIRONMENT.test(key))),
    })
    this.#channel = new OutletChannel(
      this.#child.stdio[3] as Duplex,
      "node",
      (frame) => {
        this.#hear(frame)
      },
      (fault) => {
        this.kill(fault.message)
      },
    )
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#why ??= how
        this.#channel.end()
        this.#giveUp()
        resolve(this.#why)
        if (this.#over) return
        this.#over = true
        this.#options.onEnd(this.#options.lots?.lots.lostWith(this) ?? 0)
        for (const socket of this.#queue.splice(0)) this.#options.onLeft(socket)
      }
      this.#child.once("exit", (code, signal) => {
        end(`it ended with ${signal ?? code ?? "nothing"}`)
      })
      // Also for connections that could not be handed over: the process has gone then, or is about to.
      this.#child.on("error", (error) => {
        if (this.#child.pid === undefined) end(error.message)
      })
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Hands a connection over. */
  take(socket: Socket): void {
    if (this.#over) {
      this.#options.onLeft(socket)
      return
    }
    this.#queue.push(socket)
    this.#handOver()
  }

  #handOver(): void {
    if (this.#handing || this.#over || !this.#child.connected) return
    const socket = this.#queue.shift()
    if (socket === undefined) return
    this.#handing = true
    this.#child.send({}, socket)
  }

  /**
   * Resolves when the change is in force there, or the process has been ended for not saying so in time: then too nobody is
   * served any more by what was before.
   *
   * @returns how many connections ended because their certificates are revoked now
   */
  async change(change: OutletChange, withinMs: number): Promise<number> {
    try {
      return await this.#tell(change, withinMs)
    } catch (fault) {
      this.kill(fault instanceof Error ? fault.message : String(fault))
      await this.ended
      return 0
    }
  }

  /** @throws QkdError as the outlet says, or that it did not in time; nothing else happens then */
  start(
    change: Extract<OutletChange, { readonly op: "start" }>,
    withinMs: number,
  ): Promise<number> {
    return this.#tell(change, withinMs)
  }

  kill(why: string): void {
    this.#why ??= why
    this.#child.kill("SIGKILL")
  }

  #tell(change: OutletChange, withinMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#channel.ended) {
        reject(over())
        return
      }
      const id = this.#nextId++
      const deadline = setTimeout(() => {
        this.#waiting.delete(id)
        const late = `it did not say within ${withinMs} ms that a change is in force: ${change.op}`
        reject(new QkdError("operation-failed", late, { appTag: "timeout" }))
      }, withinMs)
      this.#waiting.set(id, { resolve, reject, deadline })
      this.#send({ ...change, id })
    })
  }

  /** @throws QkdError `malformed-message`, which ends the channel */
  #hear({ header, bytes }: Frame): void {
    const news = readOutletNews(header)
    switch (news.op) {
      case "fill":
        this.#lend(news.pair, news.count)
        return
      case "used":
        for (const [id, used] of news.lots) this.#options.lots?.lots.used(this, id, used)
        return
      case "back":
        this.#options.lots?.lots.takeBack(this, news.lot, news.used, Secret.copy(bytes))
        return
      case "ask":
        void this.#answer(news.id, news.question)
        return
      case "took":
        this.#handing = false
        this.#handOver()
        return
      case "log":
        this.#options.log[news.level](news.facts, news.message)
        return
      case "done":
        this.#settle(news.id)?.resolve(news.ended)
        return
      case "failed":
        this.#settle(news.id)?.reject(errorOf(news.fault))
    }
  }

  async #answer(id: number, question: OutletQuestion): Promise<void> {
    const { body, ...answer } = await this.#options.answer(question)
    this.#send({ op: "answer", id, ...answer }, ...(body === undefined ? [] : [body]))
    if (answer.wipe === true) body?.fill(0)
  }

  #lend(pair: LotPair, count: number): void {
    const lot = this.#options.lots?.lend(this, { ...pair, count })
    if (lot === undefined) {
      this.#send({ op: "lot", pair })
      return
    }
    const { id, runs, keyIds, keys, fitMs } = lot
    const untilMs = sharedMs() + fitMs
    const given = {
      ...{ id, count: lot.count, untilMs },
      runs: runs.map(({ count, facts }) => ({ count, facts })),
    }
    // Lent one within the other, so that no copy is made but the one that is sealed.
    const send = (nth: number, parts: readonly Uint8Array[]): void => {
      const next = keys[nth]
      if (next === undefined) this.#send({ op: "lot", pair, lot: given }, ...keyIds, ...parts)
      else
        next.use((bytes) => {
          send(nth + 1, [...parts, bytes])
        })
    }
    send(0, [])
    for (const key of keys) key.wipe()
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    clearTimeout(waiting?.deadline)
    return waiting
  }

  #giveUp(): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(over())
  }

  #send(order: OutletOrder, ...parts: readonly Uint8Array[]): void {
    this.#channel.send(order, ...parts)
  }
}

function over(): QkdError {
  return new QkdError("operation-failed", "the outlet has ended", { appTag: "closed" })
}

/** Beside this file in what is installed as well as in what it is made of. */
function entry(): string {
  const own = import.meta.url
  const name = `../cli/node-outlet${own.endsWith(".ts") ? ".ts" : ".js"}`
  return fileURLToPath(new URL(name, own))
}
