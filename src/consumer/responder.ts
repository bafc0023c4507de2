// The end of a tunnel that answers rotations: slave of the keys in ETSI 014's sense, server on the id channel. It
// believes nothing: generations only grow, a key id is used once, each message must be about the generation at
// hand, and before its device is touched the initiator has proved that it holds the same key.

import { timingSafeEqual } from "node:crypto"
import { asQkdError, QkdError } from "../errors.js"
import type { Secret } from "../keys/secret.js"
import type { Log } from "../node/log.js"
import { unexpected } from "./unexpected.js"
import { combineKeys, type KdfHash } from "./combine-keys.js"
import type { Etsi014Client } from "../etsi014/client.js"
import type { Binding, IdAnswer, IdRequest, MessageKind } from "./id-message.js"
import { encapsulate } from "./kem.js"
import type { Alarm, Policy } from "./rotation.js"
import { Pause } from "./pause.js"
import type { Tunnel } from "./tunnel.js"
import type { UsedKeys } from "./used-keys.js"

export interface ResponderOptions {
  readonly binding: Binding
  readonly policy: Policy
  readonly hybrid: boolean
  readonly intervalMs: number
  readonly hash: KdfHash
  readonly tunnel: Tunnel
  readonly kme: Etsi014Client
  readonly used: UsedKeys
  readonly log: Log
  readonly pollMs: number
  readonly now: () => number
}

interface Pending {
  readonly generation: number
  readonly kind: MessageKind
  readonly keyId: string
  readonly initiatorTag: Uint8Array
  stage: "offered" | "armed" | "verified"
}

/** So long without a word from the initiator, and it is called unreachable. */
const SILENCE_MS = 10_000

export class Responder {
  readonly #options: ResponderOptions
  readonly #alarms = new Map<Alarm, { sinceMs: number; detail: string }>()
  #pending: Pending | undefined
  #current: { generation: number; kind: MessageKind; sinceMs: number } | undefined
  #up = false
  /** charon or the WireGuard device answered the last look, if there was one. */
  #reachable: boolean | undefined
  /** A look at the tunnel that is under way. */
  #looking: Promise<void> | undefined
  #heardAtMs: number
  #rotations = 0
  readonly #pause = new Pause()
  #running: Promise<void> = Promise.resolve()

  constructor(options: ResponderOptions) {
    this.#options = options
    this.#heardAtMs = options.now()
  }

  get state(): {
    readonly up: boolean
    readonly step: string
    readonly highest: number
    readonly current: { generation: number; kind: MessageKind; sinceMs: number } | undefined
    readonly alarms: ReadonlyMap<Alarm, { sinceMs: number; detail: string }>
  } {
    return {
      up: this.#up,
      step: this.#pending?.stage ?? "idle",
      highest: this.#options.used.highest,
      current: this.#current,
      alarms: this.#alarms,
    }
  }

  get rotations(): number {
    return this.#rotations
  }

  start(): void {
    this.#running = this.#loop()
  }

  async stop(): Promise<void> {
    this.#pause.end()
    await this.#running
  }

  /** For the id channel, which asks for one message at a time. @throws QkdError to refuse */
  async answer(request: IdRequest): Promise<IdAnswer> {
    this.#heardAtMs = this.#options.now()
    this.#clear("peer-unreachable")
    try {
      return await this.#act(request)
    } catch (error) {
      const { step, generation } = request
      this.#options.log.warn(
        { step, generation, ...unexpected(error) },
        `${step} is refused: ${asQkdError(error).message}`,
      )
      throw error
    }
  }

  async #act(request: IdRequest): Promise<IdAnswer> {
    const { tunnel, used, policy } = this.#options
    switch (request.step) {
      case "hello":
        if (this.#reachable === undefined) await this.#look()
        return {
          highest: used.highest,
          reachable: this.#reachable === true,
          up: this.#up,
          ...(this.#current && { current: this.#current.generation }),
        }
      case "ready":
        await this.#look()
        if (this.#reachable === true) return {}
        throw new QkdError(
          "resource-denied",
          this.#alarms.get("tunnel-fault")?.detail ?? "the tunnel here cannot be looked at",
        )
      case "offer":
        return this.#offer(request)
      case "arm": {
        const pending = this.#matching(request, "offered")
        if (request.tag === undefined || !timingSafeEqual(request.tag, pending.initiatorTag)) {
          this.#raise("wrong-key", "the initiator holds another key under the same id")
          throw new QkdError("access-denied", "the keys differ")
        }
        this.#clear("wrong-key")
        await tunnel.arm(request.generation)
        pending.stage = "armed"
        return {}
      }
      case "verify": {
        const pending = this.#matching(request, "armed")
        await tunnel.verify(request.generation, request.session ?? "")
        pending.stage = "verified"
        this.#nowOn(pending.generation, pending.kind)
        return {}
      }
      case "retire": {
        const { generation, kind, keyId } = this.#matching(request, "verified")
        await tunnel.retire(generation)
        this.#pending = undefined
        this.#rotations += 1
        this.#options.log.info({ generation, kind, keyId }, "the tunnel runs on a new key")
        return {}
      }
      case "abandon":
        if (this.#pending?.generation === request.generation) await this.#abandon()
        return {}
      case "bare":
        if (policy !== "preferred")
          throw new QkdError("access-denied", `the policy here is ${policy}`, { appTag: "policy" })
        if (!this.#up) {
          await tunnel.bare()
          this.#nowOn(request.generation, "none")
        }
        return {}
    }
  }

  async #offer(request: IdRequest): Promise<IdAnswer> {
    const { binding, hash, tunnel, used, policy, hybrid } = this.#options
    const { generation, kind, keyId } = request
    const wanted = hybrid ? "hybrid" : "qkd"
    const allowed = kind === wanted || (kind === "pqc" && hybrid && policy === "preferred")
    if (!allowed)
      throw new QkdError("access-denied", `the policy here takes no ${kind} key`, {
        appTag: "policy",
      })
    if (this.#pending !== undefined) await this.#abandon()
    // On the disk before anything is fetched: whatever happens next, neither comes again.
    used.use(generation, keyId)
    let qkd: Secret | undefined
    let kem: ReturnType<typeof encapsulate> | undefined
    try {
      if (kind !== "pqc") qkd = await this.#fetch(keyId)
      if (kind !== "qkd") kem = encapsulate(request.kemPublicKey ?? new Uint8Array())
      const made = combineKeys(
        { ...(qkd && { qkd }), ...(kem && { kem: kem.shared }) },
        {
          ...binding,
          generation,
          kind,
          keyId,
          kemTranscript: kem
            ? Buffer.concat([request.kemPublicKey ?? new Uint8Array(), kem.ciphertext])
            : new Uint8Array(),
        },
        hash,
      )
      try {
        await tunnel.install(generation, made.key)
      } finally {
        made.key.wipe()
      }
      const { initiatorTag, responderTag } = made
      this.#pending = { generation, kind, keyId, initiatorTag, stage: "offered" }
      return { tag: responderTag, ...(kem && { kemCiphertext: kem.ciphertext }) }
    } finally {
      qkd?.wipe()
      kem?.shared.wipe()
    }
  }

  async #fetch(keyId: string): Promise<Secret> {
    const { kme, binding } = this.#options
    try {
      const keys = await kme.decKeys(binding.initiator, [keyId])
      const [first] = keys
      if (keys.length !== 1 || first?.keyId.toLowerCase() !== keyId.toLowerCase()) {
        for (const { key } of keys) key.wipe()
        throw new QkdError("malformed-message", "the key manager answered about another key")
      }
      this.#clear("no-key")
      return first.key
    } catch (error) {
      const { message } = asQkdError(error)
      this.#raise("no-key", message)
      throw new QkdError("resource-denied", `no key from the key manager here: ${message}`)
    }
  }

  /** The generation at hand, which `request` must be about in every part, and at that stage. */
  #matching({ step, generation, kind, keyId }: IdRequest, stage: Pending["stage"]): Pending {
    const pending = this.#pending
    if (
      pending?.generation !== generation ||
      pending.kind !== kind ||
      pending.keyId !== keyId ||
      pending.stage !== stage
    )
      throw new QkdError("access-denied", `${step} is not about the generation at hand`)
    return pending
  }

  async #abandon(): Promise<void> {
    const pending = this.#pending
    if (pending === undefined) return
    this.#pending = undefined
    await this.#options.tunnel.abandon(pending.generation)
  }

  #nowOn(generation: number, kind: MessageKind): void {
    this.#up = true
    this.#current = { generation, kind, sinceMs: this.#options.now() }
    for (const alarm of ["tunnel-down", "key-overdue"] as const) this.#clear(alarm)
    if (kind === "pqc") this.#raise("pqc-only", "no QKD key: the tunnel's key is of ML-KEM alone")
    else this.#clear("pqc-only")
    if (kind === "none") this.#raise("unprotected", "the tunnel runs without a key of ours")
    else this.#clear("unprotected")
  }

  async #loop(): Promise<void> {
    while (this.#pause.running) {
      await this.#look()
      await this.#pause.wait(this.#options.pollMs)
    }
  }

  /** One at a time: the initiator may ask for one beside those that are due. */
  #look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #lookOnce(): Promise<void> {
    const { tunnel, now, intervalMs, policy } = this.#options
    try {
      this.#up = (await tunnel.look()).up
      this.#reachable = true
      this.#clear("tunnel-fault")
    } catch (error) {
      this.#up = false
      this.#reachable = false
      this.#raise("tunnel-fault", asQkdError(error).message)
    }
    if (this.#up) this.#clear("tunnel-down")
    else this.#raise("tunnel-down", "no session with the key asked for")
    const silent = now() - this.#heardAtMs > SILENCE_MS
    if (silent) this.#raise("peer-unreachable", "the initiator has not been heard of")
    if (this.#current && now() - this.#current.sinceMs > 2 * intervalMs)
      this.#raise("key-overdue", "the tunnel's key is older than two intervals")
    // Nobody will tell: what the policy permits is decided at each end.
    if (!this.#up && silent && this.#pending === undefined)
      if (policy === "preferred") await tunnel.bare().catch(() => undefined)
  }

  #raise(alarm: Alarm, detail: string): void {
    if (!this.#alarms.has(alarm)) this.#options.log.warn({ alarm }, `alarm: ${detail}`)
    const sinceMs = this.#alarms.get(alarm)?.sinceMs ?? this.#options.now()
    this.#alarms.set(alarm, { sinceMs, detail })
  }

  #clear(alarm: Alarm): void {
    if (this.#alarms.delete(alarm)) this.#options.log.info({ alarm }, "alarm is over")
  }
}
