// The module host: keeps every QKD module of the node open, tells it what to do, carries its key blocks to the
// key manager and its measurements to the agent. A module that throws or ends is FAILED and tried again; it
// never stops the node. Key bytes pass through, they are not looked at.
//
//   load driver ─▶ open ─▶ configure ◀─ links of the configuration
//                    │ keys ─────────▶ addLinkKey (the next block is asked for once this one is durable)
//                    │ measurements ─▶ agent
//                    ▼ throws, ends, or is to serve another link
//                  close ─▶ wait, longer each time ─▶ open

import { isDeepStrictEqual } from "node:util"
import { asQkdError, QkdError } from "../errors.js"
import type { Secret } from "../keys/secret.js"
import type { LinkConfig } from "../model/link.js"
import type { NetconfClock } from "../netconf/clock.js"
import type {
  Host,
  LinkMeasurement,
  ModuleConfig,
  ModuleDescription,
  ModuleTarget,
  QkdModule,
  QkdModuleDriver,
} from "../plugin/contract.js"
import { lendHost, type LentHost } from "../plugin/host.js"
import { BlockOffers } from "./block-offers.js"
import type { ModuleSetting } from "./config.js"
import type { Log } from "./log.js"

const RETRY_FIRST_MS = 250
const RETRY_MAX_MS = 10_000
/** A module that ran so long had started well: its next retry is quick again. */
const SETTLED_MS = 30_000
/** What a module may take to close before it is left to itself. */
const CLOSE_MS = 1000
/** What a module may take to open before it counts as failed. */
const OPEN_MS = 30_000

export interface ModuleHostOptions {
  readonly modules: readonly ModuleSetting[]
  readonly loadDriver: (setting: ModuleSetting) => Promise<QkdModuleDriver>
  readonly addLinkKey: (qkdlId: string, blockId: string, key: Secret) => Promise<void>
  readonly onUp: (qkdiId: number, description: ModuleDescription) => Promise<void>
  readonly onDown: (qkdiId: number, reason: string) => void
  readonly onMeasurement: (qkdlId: string, measurement: LinkMeasurement) => void
  readonly clock: NetconfClock
  readonly log: Log
}

export class ModuleHost {
  readonly #slots: ReadonlyMap<number, ModuleSlot>
  readonly #offers = new BlockOffers()

  constructor(options: ModuleHostOptions) {
    const offers = this.#offers
    this.#slots = new Map(
      options.modules.map((setting) => [setting.qkdiId, new ModuleSlot(setting, options, offers)]),
    )
  }

  /** Starts opening the modules. Resolves when each was tried once. */
  async start(): Promise<void> {
    await Promise.all([...this.#slots.values()].map((slot) => slot.start()))
  }

  /** The links of the configuration in force; only PHYS ones concern a module. */
  configure(links: readonly LinkConfig[]): void {
    const wanted = new Map<number, ModuleConfig>()
    for (const link of links) {
      if (link.type !== "PHYS" || link.local.qkdiId === undefined) continue
      wanted.set(link.local.qkdiId, {
        enabled: link.enabled,
        qkdlId: link.qkdlId,
        ...(link.role !== undefined && { role: link.role }),
        ...(link.wavelengthChannel !== undefined && { wavelengthChannel: link.wavelengthChannel }),
        ...(link.channelAttenuationDb !== undefined && {
          channelAttenuationDb: link.channelAttenuationDb,
        }),
      })
    }
    for (const [qkdiId, slot] of this.#slots) slot.configure(wanted.get(qkdiId) ?? null)
    this.#offers.keepOnly(new Set([...wanted.values()].map(({ qkdlId }) => qkdlId)))
  }

  /** The other end of this link holds blocks that never came here. */
  offer(qkdlId: string, blockIds: readonly string[]): void {
    this.#offers.add(qkdlId, blockIds)
    for (const slot of this.#slots.values()) slot.offer(qkdlId, blockIds)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#slots.values()].map((slot) => slot.close()))
  }
}

/** One module: its life over any number of openings. */
class ModuleSlot {
  readonly #setting: ModuleSetting
  readonly #options: ModuleHostOptions
  readonly #offers: BlockOffers
  #desired: ModuleConfig | null = null
  #session: ModuleSession | undefined
  #life: Promise<void> | undefined
  readonly #stop = new AbortController()

  constructor(setting: ModuleSetting, options: ModuleHostOptions, offers: BlockOffers) {
    this.#setting = setting
    this.#options = options
    this.#offers = offers
  }

  start(): Promise<void> {
    return new Promise((tried) => {
      this.#life ??= this.#live(tried)
    })
  }

  configure(desired: ModuleConfig | null): void {
    if (isDeepStrictEqual(desired, this.#desired)) return
    this.#desired = desired
    this.#session?.configure(desired)
  }

  offer(qkdlId: string, blockIds: readonly string[]): void {
    if (this.#desired?.qkdlId === qkdlId) this.#session?.offer(blockIds)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#session?.end()
    await this.#life
  }

  #stopped(): boolean {
    return this.#stop.signal.aborted
  }

  async #live(tried: () => void): Promise<void> {
    const { clock, log, onDown } = this.#options
    const { qkdiId, driver } = this.#setting
    let delayMs = RETRY_FIRST_MS
    while (!this.#stopped()) {
      const startedAt = clock.now()
      const reason = await this.#once(tried)
      tried()
      if (this.#stopped()) return
      if (reason === undefined) continue
      log.warn({ qkdiId, driver, reason: reason.message, err: reason.cause }, "a module failed")
      onDown(qkdiId, reason.message)
      if (clock.now() - startedAt > SETTLED_MS) delayMs = RETRY_FIRST_MS
      await this.#pause(delayMs)
      delayMs = Math.min(2 * delayMs, RETRY_MAX_MS)
    }
  }

  /** One opening, from open to close. @returns why it ended; undefined when it is to be opened anew at once */
  async #once(tried: () => void): Promise<QkdError | undefined> {
    const { loadDriver, onUp, log, clock } = this.#options
    const { qkdiId, driver, options } = this.#setting
    const lent = lendHost({
      log: (level, message, facts) => {
        log[level]({ ...facts, qkdiId, driver }, message)
      },
      now: () => clock.now(),
      signal: this.#stop.signal,
    })
    let module: QkdModule | undefined
    try {
      const plugin = await loadDriver(this.#setting)
      module = await this.#open(plugin, { qkdiId, options }, lent)
      await onUp(qkdiId, module.description)
      log.info({ qkdiId, driver, model: module.description.model }, "a module is open")
      this.#session = new ModuleSession(module, this.#options, this.#offers, this.#desired)
      tried()
      return await this.#session.over
    } catch (error) {
      return asQkdError(error)
    } finally {
      this.#session = undefined
      if (module !== undefined) await this.#closeModule(module)
      await lent.close()
    }
  }

  /** A module that does not open in time, or not before the node stops, is closed when it does after all. */
  async #open(
    plugin: QkdModuleDriver,
    target: ModuleTarget,
    lent: LentHost<Host>,
  ): Promise<QkdModule> {
    const opening = plugin.open(target, lent.host)
    const late = new Promise<never>((_, reject) => {
      const give = (why: string): void => {
        cancel()
        reject(new QkdError("operation-failed", why, { appTag: "timeout" }))
      }
      const cancel = this.#options.clock.after(OPEN_MS, () => {
        give(`it did not open within ${OPEN_MS} ms`)
      })
      const stop = (): void => {
        give("the node is stopping")
      }
      lent.host.signal.addEventListener("abort", stop)
      const settled = (): void => {
        cancel()
        lent.host.signal.removeEventListener("abort", stop)
      }
      opening.then(settled, settled)
    })
    try {
      return await Promise.race([opening, late])
    } catch (error) {
      opening.then(
        (module) => this.#closeModule(module),
        () => undefined,
      )
      throw error
    }
  }

  async #closeModule(module: QkdModule): Promise<void> {
    const { clock, log } = this.#options
    await new Promise<void>((done) => {
      const cancel = clock.after(CLOSE_MS, done)
      // It may throw before it promises anything.
      Promise.resolve()
        .then(() => module.close())
        .catch((error: unknown) => {
          log.warn({ qkdiId: this.#setting.qkdiId, err: error }, "a module did not close")
        })
        .finally(() => {
          cancel()
          done()
        })
    })
  }

  #pause(ms: number): Promise<void> {
    return new Promise((done) => {
      const { signal } = this.#stop
      const cancel = this.#options.clock.after(ms, end)
      function end(): void {
        signal.removeEventListener("abort", end)
        cancel()
        done()
      }
      signal.addEventListener("abort", end)
    })
  }
}

/** One opening of a module: its two streams and its configuration, until the first of them fails. */
class ModuleSession {
  /** Why it ended; undefined when it is to be opened anew at once. */
  readonly over: Promise<QkdError | undefined>
  readonly #module: QkdModule
  readonly #options: ModuleHostOptions
  readonly #offers: BlockOffers
  /** The link this opening serves, once there was one. Blocks in flight belong to it and to no other. */
  #qkdlId: string | undefined
  #serving = false
  #ended = false
  #configuring: Promise<void> = Promise.resolve()
  #finish: (reason: QkdError | undefined) => void = () => undefined

  constructor(
    module: QkdModule,
    options: ModuleHostOptions,
    offers: BlockOffers,
    desired: ModuleConfig | null,
  ) {
    this.#module = module
    this.#options = options
    this.#offers = offers
    this.over = new Promise((finish) => {
      this.#finish = finish
    })
    this.configure(desired)
    this.#pipe(this.#carryKeys(), "its key stream ended")
    this.#pipe(this.#carryMeasurements(), "its measurements ended")
  }

  configure(desired: ModuleConfig | null): void {
    if (desired !== null && this.#qkdlId !== undefined && desired.qkdlId !== this.#qkdlId) {
      // Blocks made for the old link may be on their way: a new opening cannot mix them up.
      this.end()
      return
    }
    this.#qkdlId = desired?.qkdlId ?? this.#qkdlId
    this.#serving = desired !== null
    this.#configuring = this.#configuring
      .then(() => (this.#ended ? undefined : this.#module.configure(desired)))
      .then(() => {
        if (desired !== null) this.offer(this.#offers.of(desired.qkdlId))
      })
      .catch((error: unknown) => {
        this.#end(asQkdError(error))
      })
  }

  /** What its maker has under these ids is wanted here. */
  offer(blockIds: readonly string[]): void {
    if (blockIds.length === 0 || this.#ended || !this.#serving) return
    try {
      this.#module.offered?.(blockIds)
    } catch (error) {
      this.#end(asQkdError(error))
    }
  }

  end(): void {
    this.#end(undefined)
  }

  #end(reason: QkdError | undefined): void {
    this.#ended = true
    this.#finish(reason)
  }

  #pipe(stream: Promise<void>, ending: string): void {
    stream
      .then(() => {
        this.#end(new QkdError("operation-failed", ending, { appTag: "closed" }))
      })
      .catch((error: unknown) => {
        this.#end(asQkdError(error))
      })
  }

  async #carryKeys(): Promise<void> {
    for await (const block of this.#module.keys) {
      const qkdlId = this.#qkdlId
      if (this.#ended || !this.#serving || qkdlId === undefined) {
        block.key.wipe()
        if (this.#ended) return
        continue
      }
      this.#offers.came(qkdlId, block.id)
      await this.#options.addLinkKey(qkdlId, block.id, block.key)
    }
  }

  async #carryMeasurements(): Promise<void> {
    for await (const measurement of this.#module.measurements) {
      if (this.#ended) return
      const qkdlId = this.#qkdlId
      if (this.#serving && qkdlId !== undefined) this.#options.onMeasurement(qkdlId, measurement)
    }
  }
}
