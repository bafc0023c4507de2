// The end of a tunnel that starts rotations: runs the steps that rotation.ts asks for. It is the master of the
// keys in ETSI 014's sense, and the client on the id channel.

import { timingSafeEqual } from "node:crypto"
import { asQkdError, QkdError } from "../errors.js"
import type { Secret } from "../keys/secret.js"
import type { Log } from "../node/log.js"
import { unexpected } from "./unexpected.js"
import { combineKeys, type KdfHash, type TunnelKey } from "./combine-keys.js"
import type { Etsi014Client } from "../etsi014/client.js"
import type { IdClient } from "./id-channel.js"
import type { Binding, IdRequest } from "./id-message.js"
import { decapsulate, type KemPair, makeKemPair } from "./kem.js"
import {
  advanceRotation,
  type Alarm,
  type RotationEvent,
  type RotationSettings,
  type RotationState,
  startRotation,
  type Step,
} from "./rotation.js"
import { Pause } from "./pause.js"
import type { Tunnel } from "./tunnel.js"
import type { UsedKeys } from "./used-keys.js"

export interface InitiatorOptions {
  readonly binding: Binding
  readonly settings: RotationSettings
  readonly hash: KdfHash
  readonly tunnel: Tunnel
  readonly kme: Etsi014Client
  readonly ids: IdClient
  readonly used: UsedKeys
  readonly log: Log
  /** How often the tunnel is looked at. */
  readonly pollMs: number
  /** How often the peer is asked how it sees the tunnel. */
  readonly helloMs: number
  readonly now: () => number
}

const KEY_BITS = 256

/** What belongs to the generation being made. */
interface Making {
  keyId: string
  qkd?: Secret
  kem?: KemPair
  made?: TunnelKey
  session?: string
}

export class Initiator {
  readonly #options: InitiatorOptions
  #state: RotationState
  #making: Making = { keyId: "" }
  readonly #pause = new Pause()
  #running: Promise<void> = Promise.resolve()
  #helloAtMs = 0
  #peerUp: boolean | undefined
  #rotations = 0

  constructor(options: InitiatorOptions) {
    this.#options = options
    this.#state = startRotation(options.used.highest, options.now())
  }

  get state(): RotationState {
    return this.#state
  }

  /** Rotations finished since the start. */
  get rotations(): number {
    return this.#rotations
  }

  start(): void {
    this.#running = this.#loop()
  }

  /** The tunnel stands as it is; a rotation in progress is finished or taken back first. */
  async stop(): Promise<void> {
    this.#pause.end()
    await this.#running
    this.#forget()
  }

  async #loop(): Promise<void> {
    while (this.#pause.running) {
      await this.#look()
      await this.#tick()
      await this.#pause.wait(this.#options.pollMs)
    }
  }

  /** The time, and all steps that follow from it. */
  async #tick(): Promise<void> {
    if (!this.#pause.running) return
    let run = this.#apply({ type: "tick" })
    while (run !== undefined) {
      const step: Step = run
      let outcome: RotationEvent
      try {
        await this.#perform(step)
        outcome = { type: "done", step }
      } catch (error) {
        const { message, appTag } = asQkdError(error)
        const alarm = alarmOf(step, error)
        this.#options.log.warn(
          {
            step,
            alarm,
            appTag,
            generation: this.#state.attempt?.generation,
            ...unexpected(error),
          },
          `${step} failed: ${message}`,
        )
        outcome = { type: "failed", step, alarm, detail: message }
      }
      run = this.#apply(outcome)
    }
  }

  #apply(event: RotationEvent): Step | undefined {
    const before = this.#state
    const { state, run } = advanceRotation(
      before,
      event,
      this.#options.now(),
      this.#options.settings,
    )
    this.#state = state
    for (const [alarm, { detail }] of state.alarms)
      if (!before.alarms.has(alarm)) this.#options.log.warn({ alarm }, `alarm: ${detail}`)
    for (const alarm of before.alarms.keys())
      if (!state.alarms.has(alarm)) this.#options.log.info({ alarm }, "alarm is over")
    return run
  }

  async #look(): Promise<void> {
    const { tunnel, log } = this.#options
    let up: boolean | undefined
    try {
      up = (await tunnel.look()).up
    } catch (error) {
      const detail = asQkdError(error).message
      log.debug({ detail }, "the tunnel cannot be looked at")
      this.#apply({ type: "unreachable", detail })
    }
    const before = this.#peerUp
    await this.#hello()
    if (up === undefined) return
    // One look in two may fall between the peer's sessions; what it says twice is so.
    const lostThere = this.#peerUp === false && before === false
    this.#apply({ type: "seen", up: up && !lostThere })
  }

  async #hello(): Promise<void> {
    const { now, helloMs, ids } = this.#options
    if (now() < this.#helloAtMs) return
    this.#helloAtMs = now() + helloMs
    try {
      const answer = await ids.ask({ step: "hello", generation: 0, kind: "none", keyId: "" })
      this.#peerUp = answer.up
      this.#apply({
        type: "heard",
        highest: answer.highest ?? 0,
        ready: answer.reachable === true,
      })
    } catch (error) {
      this.#peerUp = undefined
      this.#apply({ type: "unheard", detail: asQkdError(error).message })
    }
  }

  async #perform(step: Step): Promise<void> {
    const { tunnel, ids } = this.#options
    const { generation } = this.#state.attempt ?? { generation: this.#state.highest }
    switch (step) {
      case "ready":
        await ids.ask({ step: "ready", generation: 0, kind: "none", keyId: "" })
        return
      case "take":
        return this.#take(generation)
      case "offer":
        return this.#offer(generation)
      case "install":
        return tunnel.install(generation, this.#made().key)
      case "arm":
        await ids.ask({ ...this.#about("arm"), tag: this.#made().initiatorTag })
        return
      case "switch":
        this.#making.session = await tunnel.switchTo(generation)
        return
      case "verify":
        await ids.ask({ ...this.#about("verify"), session: this.#making.session ?? "" })
        this.#peerUp = true
        return
      case "retire":
        await tunnel.retire(generation)
        await ids.ask(this.#about("retire"))
        this.#finished()
        return
      case "abandon":
        return this.#abandon(generation)
      case "reuse":
        return tunnel.reuse()
      case "bare":
        await ids.ask({ step: "bare", generation, kind: "none", keyId: "" }).catch(() => undefined)
        return tunnel.bare()
    }
  }

  async #take(generation: number): Promise<void> {
    const { kme, used, binding } = this.#options
    this.#forget()
    const keys = await kme.encKeys(binding.responder, { number: 1, keySizeBits: KEY_BITS })
    const [first] = keys
    for (const { key } of keys.slice(1)) key.wipe()
    if (first === undefined) throw new QkdError("resource-denied", "the key manager sent no key")
    this.#making.qkd = first.key
    this.#making.keyId = first.keyId
    used.use(generation, first.keyId)
  }

  async #offer(generation: number): Promise<void> {
    const { used, ids, binding, hash } = this.#options
    const making = this.#making
    const kind = this.#state.attempt?.kind
    if (kind === undefined || kind === "none")
      throw new QkdError("operation-failed", "nothing to offer")
    if (kind === "pqc") {
      this.#forget()
      used.use(generation, "")
    }
    if (kind !== "qkd") this.#making.kem = makeKemPair()
    const { kem } = this.#making
    const request = { ...this.#about("offer"), ...(kem && { kemPublicKey: kem.publicKey }) }
    const answer = await ids.ask(request).catch(async (error: unknown) => {
      // It may have heard of generations that we have forgotten.
      this.#helloAtMs = 0
      await this.#hello()
      throw error
    })
    const ciphertext = answer.kemCiphertext ?? new Uint8Array()
    const shared = kem && decapsulate(ciphertext, kem.secretKey)
    try {
      this.#making.made = combineKeys(
        {
          ...(making.qkd && kind !== "pqc" && { qkd: making.qkd }),
          ...(shared && { kem: shared }),
        },
        {
          ...binding,
          generation,
          kind,
          keyId: this.#making.keyId,
          kemTranscript: kem ? Buffer.concat([kem.publicKey, ciphertext]) : new Uint8Array(),
        },
        hash,
      )
    } finally {
      shared?.wipe()
    }
    const made = this.#made()
    if (answer.tag === undefined || !timingSafeEqual(answer.tag, made.responderTag))
      throw new QkdError("access-denied", "the peer holds another key under the same id", {
        appTag: "instance-required",
      })
  }

  async #abandon(generation: number): Promise<void> {
    const { tunnel, ids } = this.#options
    const about = this.#about("abandon")
    this.#forget()
    // The responder first: where this end begins a handshake again, the other must be back at the old key.
    await ids.ask(about).catch(() => undefined)
    await tunnel.abandon(generation)
    const view = await tunnel.look()
    this.#apply({ type: "seen", up: view.up })
  }

  #about(step: IdRequest["step"]): IdRequest {
    const { attempt } = this.#state
    return {
      step,
      generation: attempt?.generation ?? 0,
      kind: attempt?.kind ?? "none",
      keyId: this.#making.keyId,
    }
  }

  #made(): TunnelKey {
    const { made } = this.#making
    if (made === undefined) throw new QkdError("operation-failed", "there is no key for this step")
    return made
  }

  #finished(): void {
    this.#rotations += 1
    const { attempt, startedAtMs, current } = this.#state
    this.#options.log.info(
      {
        generation: attempt?.generation,
        kind: attempt?.kind,
        keyId: this.#making.keyId,
        // Until both ends had seen the new key carry the tunnel, and until the old one was gone.
        protectedMs: (current?.sinceMs ?? startedAtMs) - startedAtMs,
        tookMs: this.#options.now() - startedAtMs,
      },
      "the tunnel runs on a new key",
    )
    this.#forget()
  }

  #forget(): void {
    const { qkd, kem, made } = this.#making
    qkd?.wipe()
    kem?.secretKey.wipe()
    made?.key.wipe()
    this.#making = { keyId: "" }
  }
}

/** What a step that failed says of the tunnel. */
export function alarmOf(step: Step, error: unknown): Alarm {
  const { tag, appTag } = asQkdError(error)
  if (step === "take") return "no-key"
  if (step === "ready" && tag === "operation-failed" && appTag === undefined) return "peer-fault"
  if (step === "ready") return "peer-unreachable"
  if (step === "offer" && appTag === "instance-required") return "wrong-key"
  if (step === "retire") return "old-key-kept"
  if (step === "offer" || step === "arm" || step === "verify") {
    if (appTag === "node-unreachable" || appTag === "timeout") return "peer-unreachable"
    if (tag === "access-denied") return "peer-unreachable"
    return "peer-refused"
  }
  return "tunnel-fault"
}
