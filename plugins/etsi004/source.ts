// A QKD module behind its maker's ETSI 004 interface: each chunk of a key stream is a block of link key. The two ends
// need no channel of their own: the id of the stream follows from the link's id and a number, the id of a block from
// stream and index. A stream that the maker has lost is never opened again, since its indices would begin anew.
//
//   end a   stream 1 ── lost ──▶ stream 2 ...          says which is next
//   end b   has 1, 2, 3 ... open until one has a peer  finds it

import {
  asQkdError,
  Channel,
  type Host,
  type KeyBlock,
  type LinkMeasurement,
  type ModuleConfig,
  type ModuleDescription,
  QkdError,
  type QkdModule,
} from "../../src/plugin/index.js"
import type { SourceOptions } from "./options.js"
import { RateMeter } from "./rate-meter.js"
import type { StreamAnswer, StreamClient } from "./stream-client.js"
import { blockIdOf, readState, streamIdOf, writeState } from "./stream-ids.js"
import type { StreamState } from "./stream-ids.js"

/** A little under a second, so that at least one report a second is seen in spite of late timers. */
const REPORT_MS = 800
const MAX_REPORTS = 64
/** Blocks that may wait for the reader; beyond them nothing is asked for. */
const MAX_HELD = 8
/** How long the maker may let a call wait. */
const CALL_MS = 1000
const RETRY_MS = 500
/** Streams that end b looks at. */
const LOOK_AHEAD = 4

export class Etsi004Source implements QkdModule {
  readonly description: ModuleDescription
  readonly keys: Channel<KeyBlock>
  readonly measurements = new Channel<LinkMeasurement>()
  readonly #options: SourceOptions
  readonly #client: StreamClient
  readonly #host: Host
  readonly #meter: RateMeter
  #state: StreamState | undefined
  #running = false
  #loop: Promise<void> = Promise.resolve()
  #trouble: string | undefined = "at rest"
  #wasGenerating = false
  #closed = false
  /** Read from the maker when the reader wanted no more: nobody else can give it. */
  #left: KeyBlock | undefined
  #wake: () => void = () => undefined
  /** The stream that this opening of the module numbered itself, before it was opened. */
  #begun = 0

  constructor(options: SourceOptions, client: StreamClient, host: Host) {
    this.#options = options
    this.#client = client
    this.#host = host
    const { model, technology, end, maxAbsorptionDb, silentMs } = options
    this.description = {
      model,
      technology,
      role: end === "a" ? "TRANSMITTER" : "RECEIVER",
      ...(maxAbsorptionDb !== undefined && { maxAbsorptionDb }),
    }
    this.keys = new Channel<KeyBlock>(() => {
      this.#wake()
    })
    this.#meter = new RateMeter(silentMs, host.now())
    host.signal.addEventListener("abort", () => void this.close(), { once: true })
    void this.#report()
  }

  async configure(desired: ModuleConfig | null): Promise<void> {
    if (this.#closed)
      throw new QkdError("operation-failed", "the module is closed", { appTag: "closed" })
    const on = desired?.enabled === true
    if (on === this.#running) return
    this.#running = on
    this.#wake()
    // What is under way ends before anything else begins.
    await this.#loop
    this.#trouble = on ? "looking for the stream" : "at rest"
    this.#meter.darken()
    this.#tell()
    if (on) this.#loop = this.#run()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#running = false
    this.#wake()
    this.#client.close()
    for (const block of this.keys.abandon()) block.key.wipe()
    this.measurements.abandon()
    // Its last answer may still hold a key.
    await this.#loop
    this.#left?.key.wipe()
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    while (this.#running) {
      try {
        const ksid = await this.#stream()
        if (ksid !== undefined) await this.#read(ksid)
      } catch (fault) {
        const { message, appTag } = asQkdError(fault)
        this.#dark(message)
        if (!this.#closed) this.#log("no stream", message, appTag)
      }
      await this.#pause(RETRY_MS)
    }
  }

  /** Id of the stream to read. Undefined: not yet. */
  #stream(): Promise<string | undefined> {
    return this.#options.end === "a" ? this.#begin() : this.#find()
  }

  async #begin(): Promise<string | undefined> {
    let state = await this.#stateNow()
    if (state.number === 0) state = await this.#become({ number: 1, met: false }, true)
    const ksid = streamIdOf(this.#options.linkId, state.number)
    const { status, error } = await this.#open(ksid)
    const isNew = this.#begun === state.number
    this.#begun = 0
    // Ours from before, or this very call began it: no chunk of that number was ever read.
    if (status === 5 || ((status === 0 || status === 1) && isNew)) return ksid
    if (status === 0 || status === 1) {
      await this.#shut(ksid)
      await this.#lost(state)
    } else this.#dark(reasonOf(status, error))
    return undefined
  }

  /** What it opens in vain stays open: the far end may come to it at any moment. */
  async #find(): Promise<string | undefined> {
    const { linkId } = this.#options
    const first = Math.max(1, (await this.#stateNow()).number)
    for (let next = first; next < first + LOOK_AHEAD && this.#running; next++) {
      const ksid = streamIdOf(linkId, next)
      const { status, error } = await this.#open(ksid)
      if (status !== 0 && status !== 1 && status !== 5) {
        this.#dark(reasonOf(status, error))
        return undefined
      }
      const answer = await this.#client.call("GET_KEY", { key_stream_id: ksid }, CALL_MS)
      if (answer.status === undefined || answer.status === 3) continue
      await this.#become({ number: next, met: true }, false)
      if (answer.status === 0) await this.#took(ksid, answer)
      for (let old = first; old < next; old++) await this.#shut(streamIdOf(linkId, old))
      return ksid
    }
    this.#dark("the far end has no stream")
    return undefined
  }

  /** Until the stream is lost, or is wanted no more. */
  async #read(ksid: string): Promise<void> {
    while (this.#running) {
      if (this.#left !== undefined) this.#give(this.#left)
      if (this.keys.length >= MAX_HELD) {
        this.#meter.holdBack(this.#host.now())
        await this.#pause(RETRY_MS)
        continue
      }
      this.#meter.goOn(this.#host.now())
      const answer = await this.#client.call("GET_KEY", { key_stream_id: ksid }, CALL_MS)
      const { status, error } = answer
      if (status === 0) await this.#took(ksid, answer)
      else if (status === 2 || status === 6) this.#dry(status)
      else {
        this.#dark(reasonOf(status, error))
        const state = await this.#stateNow()
        const gone = error !== undefined || (status === 3 && state.met)
        if (gone) {
          await this.#shut(ksid)
          await this.#lost(state)
          return
        }
        await this.#pause(RETRY_MS)
      }
    }
  }

  async #took(ksid: string, { index, key }: StreamAnswer): Promise<void> {
    if (key === undefined || index === undefined) {
      key?.wipe()
      throw new QkdError("malformed-message", "the maker's key manager sent no chunk")
    }
    const block = { id: blockIdOf(ksid, index), key }
    const now = this.#host.now()
    this.#meter.came(key.lengthBits, now)
    this.#trouble = undefined
    this.#left = block
    const state = await this.#stateNow()
    if (!state.met) await this.#become({ ...state, met: true }, false)
    if (this.#running) this.#give(block)
    if (!this.#wasGenerating) this.#tell()
  }

  #give(block: KeyBlock): void {
    this.#left = undefined
    if (!this.keys.push(block)) block.key.wipe()
  }

  #dry(status: number): void {
    this.#trouble = reasonOf(status, undefined)
    this.#tellChange()
  }

  #dark(reason: string): void {
    this.#trouble = reason
    this.#meter.darken()
    this.#tellChange()
  }

  #open(ksid: string): Promise<StreamAnswer> {
    const { source, destination, chunkBytes, ttlS, minBps } = this.#options
    const qos = { key_chunk_size: chunkBytes, min_bps: minBps, timeout: CALL_MS, ttl: ttlS }
    return this.#client.call("OPEN_CONNECT", { source, destination, qos, key_stream_id: ksid })
  }

  /** Whatever it is answered: it may be gone already. */
  async #shut(ksid: string): Promise<void> {
    await this.#client.call("CLOSE", { key_stream_id: ksid })
  }

  /** The next stream has another id, and so have its blocks. */
  async #lost({ number }: StreamState): Promise<void> {
    this.#log("the maker has lost a stream", `stream ${number}`)
    await this.#become({ number: number + 1, met: false }, true)
  }

  async #become(state: StreamState, isBegun: boolean): Promise<StreamState> {
    await writeState(this.#options.stateFile, state)
    this.#state = state
    if (isBegun) this.#begun = state.number
    return state
  }

  async #stateNow(): Promise<StreamState> {
    this.#state ??= await readState(this.#options.stateFile)
    return this.#state
  }

  #log(message: string, reason: string, appTag?: string): void {
    const facts = { linkId: this.#options.linkId, reason, ...(appTag && { appTag }) }
    this.#host.log("info", message, facts)
  }

  #pause(ms: number): Promise<void> {
    if (!this.#running) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #report(): Promise<void> {
    try {
      while (!this.#closed) {
        if (this.#running || this.#wasGenerating) this.#tell()
        await this.#host.sleep(REPORT_MS)
      }
    } catch {
      // The host was taken back.
    }
  }

  #tell(): void {
    if (this.#closed) return
    const report = this.#meter.measurement(this.#host.now(), this.#trouble)
    this.#wasGenerating = report.generating
    this.measurements.pushLatest(report, MAX_REPORTS)
  }

  #tellChange(): void {
    const now = this.#meter.measurement(this.#host.now(), this.#trouble)
    if (now.generating !== this.#wasGenerating) this.#tell()
  }
}

const REASONS: Readonly<Record<number, string>> = {
  2: "the maker has no key",
  3: "the far end has not opened the stream",
  4: "the maker has no connection",
  5: "the stream's id is in use",
  6: "the maker gave no key in time",
  7: "the maker does not offer the stream's terms",
}

function reasonOf(status: number | undefined, error: string | undefined): string {
  return REASONS[status ?? -1] ?? error ?? `the maker answered with status ${status ?? "none"}`
}
