// ETSI 014 at outlets: the node listens and hands each connection to one of them in turn, and none to itself. An outlet
// that ends is started anew, after a pause that grows; meanwhile the others serve, or connections wait.
//
//   SAE ──TCP──▶ node: accepts, hands over ──▶ outlet: TLS, HTTP, who calls ──asks──▶ node: policy, key manager, audit

import { createServer } from "node:net"
import type { Server, Socket } from "node:net"
import tls from "node:tls"
import { asQkdError, QkdError } from "../errors.js"
import type { SitePolicy } from "../keys/policy.js"
import { listen, serverTlsOptions } from "../transport/tls.js"
import { DEFAULT_CONNECTION_LIMITS } from "../transport/tls-guard.js"
import type { ConnectionLimits } from "../transport/tls-guard.js"
import { requestFaultAnswer, UNAUTHORIZED } from "./etsi014-answer.js"
import type { Answer } from "./etsi014-answer.js"
import { ETSI014_LIMITS } from "./etsi014.js"
import type { Etsi014Methods } from "./etsi014-methods.js"
import { mutualTls } from "./http-face.js"
import type { FaceTls } from "./http-face.js"
import type { Log } from "./log.js"
import { plainTls } from "./outlet-messages.js"
import type { OutletChange, OutletQuestion, OutletSetup } from "./outlet-messages.js"
import { OutletProcess } from "./outlet-process.js"
import type { OutletProcessOptions } from "./outlet-process.js"
import { outletTrail } from "./outlet-trails.js"
import type { SaeIdentity } from "./sae-identity.js"

export interface OutletsOptions extends Pick<OutletProcessOptions, "command" | "lots"> {
  readonly count: number
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly tls: FaceTls
  /** The policy in force; asked anew for each outlet that starts. */
  readonly policy: () => SitePolicy
  /** Answer what outlets ask. */
  readonly methods: Etsi014Methods
  readonly saeIdentity: SaeIdentity
  readonly maxSaeIdCount: number
  /** The node's own trail: those of the outlets lie beside it. */
  readonly auditFile: string
  /** Addresses that may connect. */
  readonly from?: ConnectionLimits["from"]
  readonly log: Log
}

/** A process that loads its program on a busy machine. */
const START_MS = 30_000
/** A change that an outlet does not say is in force after so long: it is ended. */
const CHANGE_MS = 1000
const CLOSE_MS = 1000
const RETRY_FIRST_MS = 100
const RETRY_MAX_MS = 10_000
/** An outlet that ran so long had started well: the next is started quickly again. */
const SETTLED_MS = 30_000
/** Connections that wait for an outlet. */
const MAX_WAITING = 256

export class Outlets {
  readonly #options: OutletsOptions
  readonly #server: Server
  /** Those that serve. */
  readonly #up: OutletProcess[] = []
  readonly #all = new Set<OutletProcess>()
  readonly #waiting: Socket[] = []
  readonly #lives: Promise<void>[] = []
  readonly #stop = new AbortController()
  #tls: FaceTls
  /** So many there were. */
  #changes = 0
  #recalled = Promise.resolve()
  #port = 0
  #next = 0

  private constructor(options: OutletsOptions) {
    this.#options = options
    this.#tls = options.tls
    // Nothing is read here.
    this.#server = createServer({ pauseOnConnect: true }, (socket) => {
      this.#accept(socket)
    })
  }

  /**
   * Resolves when all of them serve.
   *
   * @throws QkdError `in-use` when the address is taken, `invalid-value` for unusable TLS material, or why an outlet does
   * not start
   */
  static async open(options: OutletsOptions): Promise<Outlets> {
    const outlets = new Outlets(options)
    if (options.lots !== undefined)
      options.lots.lots.onRecall = () => {
        outlets.#recall()
      }
    outlets.#check(options.tls)
    outlets.#port = await listen(outlets.#server, options.host, options.port)
    try {
      await Promise.all(Array.from({ length: options.count }, (_, nth) => outlets.#begin(nth + 1)))
    } catch (fault) {
      await outlets.close()
      throw fault
    }
    return outlets
  }

  get port(): number {
    return this.#port
  }

  /** How many of them serve now. */
  get serving(): number {
    return this.#up.length
  }

  /** Of the processes that run. */
  get pids(): number[] {
    return [...this.#all].flatMap(({ pid }) => pid ?? [])
  }

  /**
   * As `Face.renew`, at every outlet.
   *
   * @returns how many connections ended, over all of them
   * @throws QkdError `invalid-value` for what is unusable; nothing changes then
   */
  async renew(next: FaceTls): Promise<number> {
    this.#check(next)
    this.#tls = next
    const ended = await this.#change({ op: "renew", tls: plainTls(next) })
    return ended.reduce((sum, each) => sum + each, 0)
  }

  /** Another site policy is in force: resolves when it is at every outlet. */
  async policyChanged(): Promise<void> {
    await this.#recalled
    await this.#change({ op: "policy", policy: this.#options.policy().document })
  }

  /** Resolves when no outlet has keys that lay ready before the last change. */
  async inForce(): Promise<void> {
    await this.#recalled
  }

  #recall(): void {
    const before = this.#recalled
    const now = this.#change({ op: "recall" })
    this.#recalled = Promise.all([before, now]).then(() => undefined)
  }

  /** Ends every connection and every outlet. */
  async close(): Promise<void> {
    this.#stop.abort()
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve()
      })
    })
    for (const socket of this.#waiting.splice(0)) socket.destroy()
    await Promise.all(
      [...this.#all].map(async (outlet) => {
        if (this.#up.includes(outlet)) await outlet.change({ op: "close" }, CLOSE_MS)
        outlet.kill("the node is stopping")
        await outlet.ended
      }),
    )
    await Promise.all(this.#lives)
    await closed
  }

  #check(side: FaceTls): void {
    const { minimum } = this.#options.policy().document
    const options = serverTlsOptions(mutualTls(side, minimum?.deliveryTls ?? "TLSv1.3"))
    try {
      tls.createSecureContext(options)
    } catch (cause) {
      throw new QkdError("invalid-value", `unusable TLS material: ${String(cause)}`, { cause })
    }
  }

  #accept(socket: Socket): void {
    // Before it is handed over, nobody else hears of its end.
    socket.on("error", () => undefined)
    const { from } = this.#options
    if (from?.has(socket.remoteAddress ?? "") === false) {
      socket.destroy()
      return
    }
    this.#hand(socket)
  }

  #hand(socket: Socket): void {
    const outlet = this.#up[this.#next++ % Math.max(1, this.#up.length)]
    if (this.#stopping()) socket.destroy()
    else if (outlet !== undefined) outlet.take(socket)
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(socket)
    else socket.destroy()
  }

  #change(change: OutletChange): Promise<number[]> {
    if (change.op !== "recall") this.#changes += 1
    return Promise.all(this.#up.map((outlet) => outlet.change(change, CHANGE_MS)))
  }

  /** The first start of an outlet; from then on it is kept running. */
  async #begin(nth: number): Promise<void> {
    const first = await this.#started(nth)
    this.#lives.push(this.#live(nth, first))
  }

  async #live(nth: number, first: OutletProcess): Promise<void> {
    const { log } = this.#options
    const { signal } = this.#stop
    let delayMs = RETRY_FIRST_MS
    let outlet: OutletProcess | undefined = first
    while (!this.#stopping()) {
      const beganMs = performance.now()
      if (outlet !== undefined) {
        const reason = await outlet.ended
        if (this.#stopping()) return
        log.error({ outlet: nth, reason }, "an outlet of key delivery ended")
        if (performance.now() - beganMs > SETTLED_MS) delayMs = RETRY_FIRST_MS
      }
      await pause(delayMs, signal)
      delayMs = Math.min(2 * delayMs, RETRY_MAX_MS)
      if (this.#stopping()) return
      outlet = await this.#started(nth).catch((fault: unknown) => {
        log.error(
          { outlet: nth, err: asQkdError(fault) },
          "an outlet of key delivery does not start",
        )
        return undefined
      })
    }
  }

  #stopping(): boolean {
    return this.#stop.signal.aborted
  }

  /** @throws QkdError why it does not start; its process is gone then */
  async #started(nth: number): Promise<OutletProcess> {
    const { command, lots, log } = this.#options
    const outlet = new OutletProcess({
      ...(command !== undefined && { command }),
      ...(lots !== undefined && { lots }),
      answer: (question) => this.#answer(question),
      onEnd: (lostKeys) => {
        if (lostKeys > 0) log.warn({ outlet: nth, lostKeys }, "keys were lost with an outlet")
        const at = this.#up.indexOf(outlet)
        if (at >= 0) this.#up.splice(at, 1)
        this.#all.delete(outlet)
      },
      onLeft: (socket) => {
        this.#hand(socket)
      },
      log,
    })
    this.#all.add(outlet)
    try {
      let told = this.#changes
      await outlet.start({ op: "start", setup: this.#setup(nth) }, START_MS)
      // What has changed meanwhile is in force there before it serves anybody.
      while (told !== this.#changes) {
        told = this.#changes
        const policy = this.#options.policy().document
        await outlet.change({ op: "policy", policy }, CHANGE_MS)
        await outlet.change({ op: "renew", tls: plainTls(this.#tls) }, CHANGE_MS)
      }
    } catch (fault) {
      outlet.kill("it does not start")
      await outlet.ended
      throw fault
    }
    if (!this.#all.has(outlet)) throw new QkdError("operation-failed", await outlet.ended)
    this.#up.push(outlet)
    for (const socket of this.#waiting.splice(0)) outlet.take(socket)
    return outlet
  }

  #setup(nth: number): OutletSetup {
    const { count, policy, saeIdentity, maxSaeIdCount, auditFile } = this.#options
    const share = (whole: number): number => Math.ceil(whole / count)
    return {
      ...{ tls: plainTls(this.#tls), policy: policy().document, saeIdentity, maxSaeIdCount },
      limits: {
        maxInFlight: share(ETSI014_LIMITS.maxInFlight),
        maxInFlightPerSae: share(ETSI014_LIMITS.maxInFlightPerSae),
        maxConnections: share(DEFAULT_CONNECTION_LIMITS.maxConnections),
      },
      auditFile: outletTrail(auditFile, nth),
      nth,
    }
  }

  /** As the node answers at a face of its own. */
  async #answer(question: OutletQuestion): Promise<Answer> {
    const { methods, policy, log } = this.#options
    const { saeId, method, peerSaeId, query, text } = question
    // The policy may have changed on the way.
    if (!policy().ownsSae(saeId)) return UNAUTHORIZED
    const target = { method, saeId: peerSaeId, query }
    try {
      if (text === undefined) return await methods.get(saeId, target)
      return await methods.post(saeId, target, text)
    } catch (fault) {
      const error = asQkdError(fault)
      if (error.tag === "operation-failed" && error.appTag === undefined)
        log.error({ caller: saeId, cause: error.cause }, "014 request failed")
      return requestFaultAnswer(error)
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener("abort", end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener("abort", end)
  })
}
