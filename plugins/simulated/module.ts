// A simulated QKD module: one end of a simulated fibre. Rests until it is configured; with light and a proven
// other end it makes key at the modelled rate and says how it goes. What a block is made of: `key-session`.

import type {
  Host,
  KeyBlock,
  LinkMeasurement,
  ModuleConfig,
  ModuleDescription,
  ModuleRole,
  QkdModule,
  RateAnswer,
} from "../../src/plugin/index.js"
import { Channel, QkdError, rateModel, type Secret } from "../../src/plugin/index.js"
import { Detection, type Expected } from "./detection.js"
import { FibreEnd } from "./fibre-end.js"
import { NONCE_BYTES } from "./key-session.js"
import type { Light } from "./lines.js"
import { LinkSession, MAX_BLOCK_BYTES, MIN_BLOCK_BYTES } from "./link-session.js"
import type { ModuleOptions } from "./options.js"

/** A little under a second, so that at least one report a second is seen in spite of late timers. */
const STEP_MS = 800
/** Key is first distilled this long after the light. */
const FIRST_STEP_MS = 300
/** Reports nobody reads are not kept for ever. */
const MAX_REPORTS = 64
/** Distillation memory: what is made while the reader holds back, beyond this, is never made. */
const MAX_HELD_S = 4

interface Configured {
  readonly qkdlId: string
  readonly role: Exclude<ModuleRole, "TRANSCEIVER">
}

export class SimulatedModule implements QkdModule {
  readonly description: ModuleDescription
  readonly keys: Channel<KeyBlock>
  readonly measurements = new Channel<LinkMeasurement>()
  readonly #options: ModuleOptions
  readonly #seed: Secret
  readonly #host: Host
  #configured: Configured | undefined
  #fibre: FibreEnd | undefined
  #session: LinkSession | undefined
  #light: Light = { on: false }
  /** Why there is no light, or no key in spite of it. */
  #trouble = "at rest"
  #detection = new Detection()
  #heldBits = 0
  #lastStepMs = 0
  #lastMeasured: { skrBps: number; qber: number } | undefined
  #generating = false
  #closed = false
  /** Grows with every configuration: what an earlier one left running finds itself outdated. */
  #era = 0

  constructor(options: ModuleOptions, seed: Secret, description: ModuleDescription, host: Host) {
    this.#options = options
    this.#seed = seed
    this.#host = host
    this.description = description
    this.keys = new Channel<KeyBlock>(() => this.#session?.resume())
    host.signal.addEventListener("abort", () => void this.close(), { once: true })
  }

  configure(desired: ModuleConfig | null): Promise<void> {
    if (this.#closed) {
      return Promise.reject(
        new QkdError("operation-failed", "the module is closed", { appTag: "closed" }),
      )
    }
    const wanted = desired?.enabled === true ? this.#configuredFrom(desired) : undefined
    const { qkdlId, role } = this.#configured ?? {}
    if (wanted?.qkdlId === qkdlId && wanted?.role === role) return Promise.resolve()
    this.#leave("at rest")
    this.#configured = wanted
    if (wanted === undefined) this.#tell()
    else this.#enter(wanted)
    return Promise.resolve()
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.#closed = true
    this.#leave("closed")
    for (const block of this.keys.abandon()) block.key.wipe()
    this.measurements.abandon()
    this.#seed.wipe()
    return Promise.resolve()
  }

  #configuredFrom(desired: ModuleConfig): Configured {
    const { role } = desired
    // A module that can do both does what its end of the fibre was planned for.
    const own = this.#options.end === "a" ? "TRANSMITTER" : "RECEIVER"
    return {
      qkdlId: desired.qkdlId,
      role: role === undefined || role === "TRANSCEIVER" ? own : role,
    }
  }

  #enter(configured: Configured): void {
    this.#era += 1
    this.#trouble = "waiting for light"
    const { plantHost, plantPort, fibreId, end, token } = this.#options
    this.#fibre = new FibreEnd(
      { host: plantHost, port: plantPort },
      { fibreId, end, token },
      this.#host,
      {
        light: (light) => {
          this.#shine(light, configured)
        },
        line: (line) => {
          this.#session?.heard(line)
          this.#tellChange()
        },
        detached: (reason) => {
          this.#darken(reason)
        },
      },
    )
    void this.#keepStepping(this.#era)
  }

  #leave(reason: string): void {
    this.#era += 1
    this.#darken(reason)
    this.#fibre?.close()
    this.#fibre = undefined
  }

  #shine(light: Light, { qkdlId, role }: Configured): void {
    this.#darken("no light")
    this.#light = light
    if (!light.on) return
    const { end, fibreId } = this.#options
    this.#lastStepMs = this.#host.now()
    this.#session = new LinkSession({
      end,
      fibreId,
      qkdlId,
      role,
      seed: this.#seed,
      nonce: this.#host.random(NONCE_BYTES),
      send: (line) => this.#fibre?.send(line),
      unread: () => this.keys.length,
      give: (block) => {
        if (!this.keys.push(block)) block.key.wipe()
      },
      measured: (skrBps, qber) => {
        this.#lastMeasured = { skrBps, qber }
      },
    })
  }

  /** No light: whatever was agreed is over. Told at once. */
  #darken(reason: string): void {
    this.#session?.end()
    this.#session = undefined
    this.#light = { on: false }
    this.#lastMeasured = undefined
    this.#heldBits = 0
    this.#trouble = reason
    this.#tellChange()
  }

  async #keepStepping(era: number): Promise<void> {
    try {
      await this.#host.sleep(FIRST_STEP_MS)
      while (this.#era === era) {
        this.#step()
        this.#tell()
        await this.#host.sleep(STEP_MS)
      }
    } catch (error) {
      // Abort ends the steps; anything else is a fault of ours, and no key must come of it.
      if (this.#host.signal.aborted || this.#era !== era) return
      this.#host.log("error", "simulated module failed", { fibreId: this.#options.fibreId })
      this.#leave(error instanceof Error ? error.message : "internal error")
    }
  }

  /** Transmitter: makes what the time since the last step yields, and announces it in blocks. */
  #step(): void {
    const session = this.#session
    if (session?.state.kind !== "proven" || this.#configured?.role !== "TRANSMITTER") return
    const now = this.#host.now()
    const seconds = Math.min(Math.max((now - this.#lastStepMs) / 1000, 0), 5)
    this.#lastStepMs = now
    const expected = this.#expected()
    const made = this.#detection.step(expected, seconds, () => this.#uniform())
    const most = Math.max(expected.skrBps * MAX_HELD_S, 2 * MIN_BLOCK_BYTES * 8)
    this.#heldBits = Math.min(this.#heldBits + made.bits, most)
    this.#lastMeasured = { skrBps: made.skrBps, qber: made.qber }
    session.report(made.skrBps, made.qber)
    while (this.#heldBits >= MIN_BLOCK_BYTES * 8 && session.room) {
      const lengthBytes = Math.min(Math.floor(this.#heldBits / 8), MAX_BLOCK_BYTES)
      this.#heldBits -= lengthBytes * 8
      session.announce(lengthBytes)
    }
  }

  #expected(): Expected {
    const { module, lengthKm, rateBps } = this.#options
    const lossDb = this.#options.lossDb ?? this.#light.lossDb
    const modelled: RateAnswer = rateModel({
      ...(module !== undefined && { module }),
      ...(lossDb !== undefined && { lossDb }),
      lengthKm: lengthKm ?? 0,
    })
    if (rateBps === undefined) return modelled
    const perClick = modelled.skrBps > 0 ? modelled.skrBps / modelled.siftedBps : 1 / 3
    return { skrBps: rateBps, siftedBps: rateBps / perClick, qber: modelled.qber }
  }

  #uniform(): number {
    const bytes = this.#host.random(4)
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32
  }

  #report(): LinkMeasurement {
    const state = this.#session?.state
    if (state?.kind !== "proven") {
      const reason =
        state === undefined
          ? this.#trouble
          : state.kind === "refused"
            ? state.reason
            : "meeting the other end"
      return { generating: false, skrBps: 0, reason }
    }
    const expected = this.#expected()
    if (expected.skrBps <= 0) {
      const qber = expected.qber
      return { generating: false, skrBps: 0, qber, reason: "too much loss for any key" }
    }
    const { skrBps, qber } = this.#lastMeasured ?? expected
    return { generating: true, skrBps, qber }
  }

  #tell(): void {
    if (this.#closed) return
    const report = this.#report()
    this.#generating = report.generating
    this.measurements.pushLatest(report, MAX_REPORTS)
  }

  #tellChange(): void {
    if (this.#report().generating !== this.#generating) this.#tell()
  }
}
