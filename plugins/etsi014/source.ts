// A QKD module behind its maker's ETSI 014 interface. The master's end asks for new keys; the key managers of the two
// sites tell each other which blocks they hold, and the slave's end fetches the same by their ids. So the two ends
// need no channel of their own, and a key that the master's site did not store is never asked for.

import { setTimeout as pause } from "node:timers/promises"
import {
  Channel,
  type DeliveredKey,
  Etsi014Client,
  type Host,
  type KeyBlock,
  type LinkMeasurement,
  type ModuleConfig,
  type ModuleDescription,
  QkdError,
  type QkdModule,
} from "../../src/plugin/index.js"
import { KeyMeter } from "./key-meter.js"
import type { SourceOptions } from "./options.js"

/** A little under a second, so that at least one report a second is seen in spite of late timers. */
const REPORT_MS = 800
const MAX_REPORTS = 64
/** Blocks that may wait for the reader; beyond them nothing is asked for. */
const MAX_HELD = 64
const MAX_WAITING_IDS = 4096
const MAX_KEY_BITS = 8192

export class Etsi014Source implements QkdModule {
  readonly description: ModuleDescription
  readonly keys: Channel<KeyBlock>
  readonly measurements = new Channel<LinkMeasurement>()
  /** Only at the slave's end: the master has every key it asked for. */
  readonly offered?: (blockIds: readonly string[]) => void
  readonly #options: SourceOptions
  readonly #client: Etsi014Client
  readonly #host: Host
  readonly #waiting = new Set<string>()
  #meter: KeyMeter
  #running: AbortController | undefined
  #loop: Promise<void> = Promise.resolve()
  #trouble: string | undefined
  #request: { number: number; keySizeBits: number } | undefined
  #told = false
  #closed = false
  #wake: () => void = () => undefined

  constructor(options: SourceOptions, client: Etsi014Client, host: Host) {
    this.#options = options
    this.#client = client
    this.#host = host
    const { model, technology, side, maxAbsorptionDb } = options
    this.description = {
      model,
      technology,
      role: side === "master" ? "TRANSMITTER" : "RECEIVER",
      ...(maxAbsorptionDb !== undefined && { maxAbsorptionDb }),
    }
    this.keys = new Channel<KeyBlock>(() => {
      this.#wake()
    })
    this.#meter = new KeyMeter(options.silentMs, host.now())
    if (side === "slave")
      this.offered = (blockIds) => {
        this.#take(blockIds)
      }
    host.signal.addEventListener("abort", () => void this.close(), { once: true })
    void this.#report()
  }

  async configure(desired: ModuleConfig | null): Promise<void> {
    if (this.#closed) throw closed()
    const on = desired?.enabled === true
    if (on === (this.#running !== undefined)) return
    if (!on) {
      this.#running?.abort()
      this.#running = undefined
      this.#wake()
      await this.#loop
      this.#tell()
      return
    }
    const running = new AbortController()
    this.#running = running
    this.#trouble = undefined
    this.#meter = new KeyMeter(this.#options.silentMs, this.#host.now())
    this.#loop = this.#loop.then(() => this.#run(running.signal))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#running?.abort()
    this.#running = undefined
    this.#wake()
    this.measurements.end()
    for (const { key } of this.keys.abandon()) key.wipe()
    this.#client.close()
    await this.#loop
  }

  #take(blockIds: readonly string[]): void {
    for (const id of blockIds) this.#waiting.add(id)
    for (const oldest of this.#waiting) {
      if (this.#waiting.size <= MAX_WAITING_IDS) break
      this.#waiting.delete(oldest)
    }
    this.#wake()
  }

  async #run(signal: AbortSignal): Promise<void> {
    const step = this.#options.side === "master" ? () => this.#ask() : () => this.#fetch()
    while (!signal.aborted) {
      const now = this.#host.now()
      if (this.keys.length >= MAX_HELD) {
        this.#meter.holdBack(now)
        await this.#rest(this.#options.pollMs)
        continue
      }
      this.#meter.goOn(now)
      let got: readonly DeliveredKey[] = []
      try {
        got = await step()
        this.#trouble = undefined
      } catch (error) {
        this.#trouble = error instanceof Error ? error.message : String(error)
      }
      // It may have been sent to rest meanwhile.
      if (this.#running?.signal !== signal) {
        // At rest nothing is given: what the master's site never stored, the slave's is never told of.
        for (const { key } of got) key.wipe()
        return
      }
      for (const { keyId, key } of got) {
        this.#meter.took(key.lengthBits, this.#host.now())
        if (!this.keys.push({ id: keyId, key })) key.wipe()
      }
      if (got.length > 0 && !this.#told) this.#tell()
      if (got.length === 0) await this.#rest(this.#options.pollMs)
    }
  }

  async #ask(): Promise<DeliveredKey[]> {
    this.#request ??= await this.#terms()
    return this.#client.encKeys(this.#options.peerSaeId, this.#request)
  }

  /** What to ask for, within what the key manager offers. */
  async #terms(): Promise<{ number: number; keySizeBits: number }> {
    const status = await this.#client.status(this.#options.peerSaeId)
    const { maxKeySizeBits, maxKeysPerRequest } = status
    const longest = Math.min(maxKeySizeBits, MAX_KEY_BITS)
    const keySizeBits = this.#options.keySizeBits ?? longest - (longest % 8)
    const number = Math.max(1, Math.min(this.#options.keysPerRequest, maxKeysPerRequest))
    return { number, keySizeBits }
  }

  async #fetch(): Promise<readonly DeliveredKey[]> {
    const ids = [...this.#waiting].slice(0, this.#options.keysPerRequest)
    if (ids.length === 0) return []
    return this.#fetchSome(ids)
  }

  /**
   * All of them, or those that are there: a request with one unknown id gets none (clause 5.4), so it is halved until
   * the unknown ones stand alone.
   */
  async #fetchSome(ids: readonly string[]): Promise<DeliveredKey[]> {
    try {
      const got = await this.#client.decKeys(this.#options.peerSaeId, ids)
      for (const id of ids) this.#waiting.delete(id)
      return got
    } catch (error) {
      if (!(error instanceof QkdError) || error.tag !== "data-missing") throw error
      if (ids.length === 1) {
        for (const id of ids) this.#waiting.delete(id)
        return []
      }
      const middle = Math.ceil(ids.length / 2)
      const first = await this.#fetchSome(ids.slice(0, middle))
      // What came is given even when the rest does not come.
      const rest = await this.#fetchSome(ids.slice(middle)).catch(() => [])
      return [...first, ...rest]
    }
  }

  /** Until something changes, at most so long. */
  async #rest(ms: number): Promise<void> {
    const woken = new AbortController()
    this.#wake = () => {
      woken.abort()
    }
    await pause(ms, undefined, { signal: woken.signal }).catch(() => undefined)
  }

  async #report(): Promise<void> {
    while (!this.#closed) {
      if (this.#running !== undefined) this.#tell()
      try {
        await this.#host.sleep(REPORT_MS)
      } catch {
        return
      }
    }
  }

  #tell(): void {
    const report: LinkMeasurement =
      this.#running === undefined
        ? { generating: false, skrBps: 0, reason: "at rest" }
        : this.#meter.measurement(this.#host.now(), this.#trouble)
    this.#told = report.generating
    this.measurements.pushLatest(report, MAX_REPORTS)
  }
}

function closed(): QkdError {
  return new QkdError("operation-failed", "the module is closed", { appTag: "closed" })
}
