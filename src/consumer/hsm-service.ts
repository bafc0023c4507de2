// `keyloom consumer hsm`: one site's token kept filled. Wires makers and takers to token, key manager and line, and goes
// round them.

import { randomBytes } from "node:crypto"
import { renameSync, writeFileSync } from "node:fs"
import path from "node:path"
import { asQkdError, QkdError } from "../errors.js"
import type { HttpsServer } from "../transport/https.js"
import { lockFolder } from "../node/dir-lock.js"
import { readTlsFiles } from "../transport/tls-files.js"
import type { MutualTls } from "../transport/tls.js"
import { Etsi014Client } from "../etsi014/client.js"
import type { HsmPeerSetting, HsmSettings } from "./hsm-config.js"
import { HsmIndex } from "./hsm-index.js"
import { connectLine, listenLine } from "./hsm-line.js"
import { HsmMaker } from "./hsm-maker.js"
import { HsmOrders, type OrderStatus } from "./hsm-orders.js"
import type { KeySource, OrderDesk, Watch } from "./hsm-ports.js"
import { reconcile } from "./hsm-reconcile.js"
import { KeyManagerSource } from "./hsm-source.js"
import { HsmTaker } from "./hsm-taker.js"
import { openToken } from "./token-client.js"
import { TokenHolder } from "./token-holder.js"

const KEY_SIZE_BITS = 256
const TIMEOUT_MS = 15_000
/** The peer answers when its token has taken and proven a batch. */
const LINE_TIMEOUT_MS = 120_000
const BACKOFF_FIRST_MS = 1000
/** So long a round waits for the controller; what it says later is shown later. */
const ORDER_WAIT_MS = 3000

/** What `status` shows of a peer. */
export interface PeerStatus {
  readonly peer: string
  readonly lastRoundAt?: string
  readonly lastFault?: string
  /** Where a controller is told of fillings. */
  readonly order?: OrderStatus
}

export interface HsmStatus {
  readonly site: string
  readonly pid: number
  readonly token: "present" | "away"
  readonly peers: readonly PeerStatus[]
}

export function statusFile(settings: HsmSettings): string {
  return path.join(settings.dir, "status.json")
}

export class HsmService {
  readonly #settings: HsmSettings
  readonly #watch: Watch
  /** Where fillings are ordered, if anywhere. */
  readonly #desk: OrderDesk | undefined
  readonly #index: HsmIndex
  readonly #status = new Map<string, PeerStatus>()
  readonly #closing: (() => unknown)[] = []
  readonly #rounds: Promise<void>[] = []
  readonly #stop = new AbortController()
  #token: TokenHolder | undefined
  #server: HttpsServer | undefined
  #unlock: () => Promise<void> = () => Promise.resolve()
  #failed: (fault: QkdError) => void = () => undefined
  /** Rejects when the service cannot go on: the PIN is wrong. */
  readonly failed: Promise<never>

  private constructor(settings: HsmSettings, watch: Watch, desk: OrderDesk | undefined) {
    this.#desk = desk
    this.#settings = settings
    this.#watch = watch
    this.#index = new HsmIndex(path.join(settings.dir, "index"))
    this.failed = new Promise((_, reject) => {
      this.#failed = reject
    })
    this.failed.catch(() => undefined)
  }

  /** @throws QkdError `in-use` when another process has the folder; of what cannot be opened: token, files, listening address */
  static async start(settings: HsmSettings, watch: Watch, desk?: OrderDesk): Promise<HsmService> {
    const service = new HsmService(settings, watch, desk)
    try {
      await service.#start()
    } catch (fault) {
      await service.stop()
      throw fault
    }
    return service
  }

  /** Port of the line. */
  get port(): number {
    return this.#server?.port ?? 0
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#server?.close()
    for (const close of this.#closing.splice(0)) close()
    await Promise.allSettled(this.#rounds)
    await this.#token?.close()
    await this.#index.close()
    await this.#unlock()
  }

  async #start(): Promise<void> {
    const { token, kme, line, peers } = this.#settings
    const [kmeTls, lineTls] = await Promise.all([readTlsFiles(kme), readTlsFiles(line)])
    this.#unlock = await lockFolder(this.#settings.dir)
    const lockDir = path.join(this.#settings.dir, "token")
    this.#token = await TokenHolder.open({
      open: () => openToken({ ...token, lockDir }),
      ready: async (opened) => {
        const keys = await reconcile(this.#index, opened, this.#watch)
        this.#watch.note("token-open", { label: token.label, keys })
      },
      away: (reason) => {
        this.#watch.alarm("token-away", { label: token.label, reason })
        this.#writeStatus()
      },
      back: () => {
        this.#watch.note("token-back", { label: token.label })
        this.#writeStatus()
      },
      lost: (fault) => {
        this.#failed(fault)
      },
    })
    const client = new Etsi014Client({
      host: kme.host,
      port: kme.port,
      tls: kmeTls,
      timeoutMs: TIMEOUT_MS,
    })
    this.#closing.push(() => {
      client.close()
    })
    const source = new KeyManagerSource(client)
    const answerers = new Map(
      peers.map((peer) => [peer.commonName, this.#taker(peer, source)] as const),
    )
    this.#server = await listenLine({
      host: line.host,
      port: line.port,
      tls: lineTls,
      answerers,
      watch: this.#watch,
    })
    for (const peer of peers) {
      this.#status.set(peer.name, { peer: peer.name })
      this.#rounds.push(this.#go(peer, this.#maker(peer, source, lineTls)))
    }
    this.#writeStatus()
  }

  #taker(peer: HsmPeerSetting, source: KeySource): HsmTaker {
    return new HsmTaker(
      {
        site: this.#settings.site,
        peer: peer.name,
        peerSaeId: peer.saeId,
        saeId: this.#settings.saeId,
        hybrid: peer.hybrid,
        keySizeBits: KEY_SIZE_BITS,
      },
      { index: this.#index, token: this.#held(), source, watch: this.#watch, random: randomBytes },
    )
  }

  #maker(peer: HsmPeerSetting, source: KeySource, tls: MutualTls): HsmMaker {
    const { site, maxTokenKeys } = this.#settings
    const connected = connectLine({
      host: peer.host,
      port: peer.port,
      tls,
      proof: { commonName: peer.commonName },
      timeoutMs: LINE_TIMEOUT_MS,
    })
    this.#closing.push(() => {
      connected.close()
    })
    return new HsmMaker(
      {
        site,
        peer: peer.name,
        peerSaeId: peer.saeId,
        saeId: this.#settings.saeId,
        hybrid: peer.hybrid,
        count: peer.count,
        lowWatermark: peer.lowWatermark,
        keySizeBits: KEY_SIZE_BITS,
        lifetimeMs: peer.lifetimeMs,
        maxTokenKeys,
      },
      {
        index: this.#index,
        token: this.#held(),
        source,
        line: connected,
        watch: this.#watch,
        now: Date.now,
        random: randomBytes,
      },
    )
  }

  /** Round after round, more slowly while they fail. */
  async #go(peer: HsmPeerSetting, maker: HsmMaker): Promise<void> {
    const { roundMs } = this.#settings
    const orders = this.#orders(peer)
    let pauseMs = roundMs
    while (!this.#stopping()) {
      if (orders !== undefined) {
        const asked = orders.tend(maker.missing).then(() => {
          if (!this.#stopping()) this.#showOrder(peer.name, orders.status)
        })
        await Promise.race([asked, this.#pause(ORDER_WAIT_MS)])
        if (this.#stopping()) return
      }
      try {
        const ready = await maker.round()
        if (ready > 0) this.#watch.note("keys-ready", { peer: peer.name, count: ready })
        const { order } = this.#statusOf(peer.name)
        this.#status.set(peer.name, {
          peer: peer.name,
          lastRoundAt: new Date().toISOString(),
          ...(order === undefined ? {} : { order }),
        })
        pauseMs = roundMs
      } catch (error) {
        if (this.#stopping()) return
        const fault = asQkdError(error)
        this.#watch.alarm("round-failed", { peer: peer.name, reason: fault.message })
        this.#status.set(peer.name, { ...this.#statusOf(peer.name), lastFault: fault.message })
        const failedMs = pauseMs === roundMs ? BACKOFF_FIRST_MS : pauseMs * 2
        pauseMs = Math.min(failedMs, Math.max(roundMs - 1, BACKOFF_FIRST_MS))
      }
      this.#writeStatus()
      await this.#pause(pauseMs)
    }
  }

  #orders(peer: HsmPeerSetting): HsmOrders | undefined {
    const { controller, saeId } = this.#settings
    if (this.#desk === undefined || controller === undefined) return undefined
    return new HsmOrders(
      {
        peer: peer.name,
        fromSaeId: saeId,
        toSaeId: peer.saeId,
        keySizeBits: KEY_SIZE_BITS,
        fillWithinMs: controller.fillWithinMs,
      },
      { desk: this.#desk, watch: this.#watch, now: Date.now },
    )
  }

  #showOrder(peer: string, order: OrderStatus | undefined): void {
    if (order === undefined) return
    this.#status.set(peer, { ...this.#statusOf(peer), order })
    this.#writeStatus()
  }

  #stopping(): boolean {
    return this.#stop.signal.aborted
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.#stop
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener("abort", done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal.addEventListener("abort", done)
    })
  }

  #held(): TokenHolder {
    if (this.#token === undefined) throw new QkdError("operation-failed", "the token is not open")
    return this.#token
  }

  #statusOf(peer: string): PeerStatus {
    return this.#status.get(peer) ?? { peer }
  }

  #writeStatus(): void {
    const status: HsmStatus = {
      site: this.#settings.site,
      pid: process.pid,
      token: this.#token?.present === false ? "away" : "present",
      peers: [...this.#status.values()],
    }
    const file = statusFile(this.#settings)
    writeFileSync(`${file}.new`, JSON.stringify(status), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
}
