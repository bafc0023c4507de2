// The three methods of ETSI GS QKD 014 V1.1.1 for a caller whose SAE id is known: status, keys for a peer, keys
// by id. Audit comes before delivery: no audit, no key (threat I3). Knows no HTTP beyond the answer's form.

import { asQkdError, QkdError } from "../errors.js"
import type { KeyTerms } from "../keys/key-terms.js"
import type { SitePolicy } from "../keys/policy.js"
import {
  badRequest,
  faultAnswer,
  json,
  keyContainer,
  KEYS_NOT_FOUND,
  takeFault,
  UNAUTHORIZED,
} from "./etsi014-answer.js"
import type { Answer } from "./etsi014-answer.js"
import type { DeliveryRecord } from "./delivery-record.js"
import { containerExtension, NO_EXTENSIONS } from "./etsi014-extensions.js"
import type { KeyRequest, RequestLimits } from "./etsi014-request.js"
import type { Log } from "./log.js"
import type { ApplicationDesk, EndKey, KeyManager, KeyOrder } from "./ports.js"

/** Called before the keys leave; when it throws, they do not. */
export type Audit = (record: DeliveryRecord) => void | Promise<void>

export interface DeliveryOptions {
  /** The policy in force; asked anew for each request. */
  readonly policy: () => SitePolicy
  readonly keyManager: Pick<KeyManager, "supplyKeys" | "takeKeys" | "deliverableCount"> &
    Partial<Pick<KeyManager, "readyKeys">>
  readonly desk: ApplicationDesk
  /** Whether an SAE lives at this site: keys for it never leave. */
  readonly livesHere: (saeId: string) => boolean
  readonly audit: Audit
  /** Asked before keys are spent; throws when the trail could not tell of them. */
  readonly auditable?: () => void
  readonly log: Log
  /** `key_size` of Get status, as far as the policy's limits allow it. */
  readonly defaultKeySizeBits: number
  /** `max_key_count`: what status tells is cut here, so that it shows a quota and not the shared stock (T5). */
  readonly maxKeyCount: number
  /** `max_SAE_ID_count`: further slaves that a request may name. */
  readonly maxSaeIdCount: number
  /**
   * 400 "not found" instead of the standard's 401 for ids that are others', so that nobody learns whether
   * an id exists. Off: as clause 5.4 has it.
   */
  readonly hideForeignKeys: boolean
}

type Slave = KeyOrder["slaves"][number]
type Whose = Pick<DeliveryRecord, "saeId" | "peerSaeId" | "additionalSaeIds"> & {
  readonly method: "enc_keys" | "dec_keys"
}

/** What a request named: so many keys of a size, or each by its id. */
type Asked =
  | { readonly count: number; readonly keySizeBits: number }
  | { readonly keyIds: readonly string[] }

function isAsAsked(keys: readonly EndKey[], asked: Asked): boolean {
  if (keys.length === 0) return false
  if ("keyIds" in asked) return keys.every(({ keyId }, index) => keyId === asked.keyIds[index])
  if (keys.length > asked.count) return false
  return keys.every(({ key }) => key.lengthBits === asked.keySizeBits)
}

export class Delivery {
  readonly #options: DeliveryOptions
  /** Of the policy that was in force when they were last asked for. */
  #limits: { readonly of: SitePolicy; readonly limits: RequestLimits } | undefined

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  /** What requests are held against now; the default key size lies within the policy's limits. */
  get limits(): RequestLimits {
    const { defaultKeySizeBits, maxSaeIdCount } = this.#options
    const policy = this.#options.policy()
    if (this.#limits?.of === policy) return this.#limits.limits
    const { limits: own } = policy.document
    const { minKeySizeBits, maxKeySizeBits } = own
    const size = Math.min(Math.max(defaultKeySizeBits, minKeySizeBits), maxKeySizeBits)
    const limits = { ...own, defaultKeySizeBits: size, maxSaeIdCount }
    this.#limits = { of: policy, limits }
    return limits
  }

  /**
   * Get status (5.2, 6.1). A peer never asked for has no keys yet; that is no error, since the first Get key
   * sets up its path.
   */
  status(saeId: string, peerSaeId: string): Answer {
    const { desk, keyManager, maxKeyCount, livesHere } = this.#options
    const policy = this.#options.policy()
    const { limits } = this
    const app = desk.find(saeId, peerSaeId)
    const keySizeBits = limits.defaultKeySizeBits
    const here = livesHere(peerSaeId) && peerSaeId !== saeId
    const stored = app === undefined ? 0 : keyManager.deliverableCount(app.appId, keySizeBits)
    return json(200, {
      source_KME_ID: policy.qkdnId,
      target_KME_ID: app?.remoteQkdnId ?? policy.homeOf(peerSaeId) ?? "",
      master_SAE_ID: saeId,
      slave_SAE_ID: peerSaeId,
      key_size: keySizeBits,
      // Keys between SAEs of one site are drawn here: there are always more.
      stored_key_count: here ? maxKeyCount : Math.min(stored, maxKeyCount),
      max_key_count: maxKeyCount,
      max_key_per_request: limits.maxKeysPerRequest,
      max_key_size: limits.maxKeySizeBits,
      min_key_size: limits.minKeySizeBits,
      max_SAE_ID_count: limits.maxSaeIdCount,
    })
  }

  /**
   * Get key (5.3). For a peer never seen before it waits until the controller has set up the path. All slaves of a
   * group get the same keys (6.2, annex B).
   */
  encKeys(saeId: string, peerSaeId: string, request: KeyRequest): Answer | Promise<Answer> {
    const { number, keySizeBits, additionalSaeIds } = request
    if (saeId === peerSaeId || additionalSaeIds.includes(saeId))
      return badRequest("a slave SAE is the caller itself")
    if (additionalSaeIds.includes(peerSaeId))
      return badRequest("an additional slave SAE is the one in the path")
    try {
      this.#options.auditable?.()
      const keys = this.#ready(saeId, peerSaeId, request)
      if (keys === undefined) return this.#encKeysMade(saeId, peerSaeId, request)
      const whose = { method: "enc_keys", saeId, peerSaeId } as const
      return this.#deliver(whose, keys, { count: number, keySizeBits })
    } catch (fault) {
      return this.#refuse("enc_keys", saeId, peerSaeId, fault)
    }
  }

  /** Keys that lie ready for one slave, on no terms: without waiting for anything. */
  #ready(saeId: string, peerSaeId: string, request: KeyRequest): EndKey[] | undefined {
    const { number: count, keySizeBits, additionalSaeIds, extensions } = request
    if (additionalSaeIds.length > 0 || extensions !== NO_EXTENSIONS) return undefined
    const slave = this.#joined(saeId, peerSaeId)
    if (slave === undefined) return undefined
    const { keyManager } = this.#options
    return keyManager.readyKeys?.({ masterSaeId: saeId, slaves: [slave], count, keySizeBits })
  }

  /** Where a path may have to be set up, or keys be made. */
  async #encKeysMade(saeId: string, peerSaeId: string, request: KeyRequest): Promise<Answer> {
    const { number: count, keySizeBits, additionalSaeIds, extensions } = request
    let keys: EndKey[]
    try {
      const slaves = await this.#allJoined(saeId, peerSaeId, additionalSaeIds)
      const order = { masterSaeId: saeId, slaves, count, keySizeBits }
      keys = await this.#supply(order, extensions.mandatory, extensions.optional)
    } catch (fault) {
      return this.#refuse("enc_keys", saeId, peerSaeId, fault)
    }
    const whose: Whose =
      additionalSaeIds.length === 0
        ? { method: "enc_keys", saeId, peerSaeId }
        : { method: "enc_keys", saeId, peerSaeId, additionalSaeIds }
    return this.#deliver(whose, keys, { count, keySizeBits })
  }

  /** The associations with the slaves. Of one slave that is known, at once. */
  #allJoined(
    saeId: string,
    peerSaeId: string,
    additionalSaeIds: readonly string[],
  ): Slave[] | Promise<Slave[]> {
    const only = additionalSaeIds.length === 0 ? this.#joined(saeId, peerSaeId) : undefined
    if (only !== undefined) return [only]
    const { desk } = this.#options
    return Promise.all(
      [peerSaeId, ...additionalSaeIds].map(async (slave) => {
        const known = this.#joined(saeId, slave)
        if (known !== undefined) return known
        const { appId } = await desk.request(saeId, [slave], {})
        return { saeId: slave, appId }
      }),
    )
  }

  /** The association with a slave, where it stands; SAEs of one site need none. */
  #joined(saeId: string, slave: string): Slave | undefined {
    const { desk, livesHere } = this.#options
    if (livesHere(slave)) return { saeId: slave }
    const app = desk.find(saeId, slave)
    return app === undefined ? undefined : { saeId: slave, appId: app.appId }
  }

  /** With what is wished for where that can be had, else without. */
  async #supply(
    order: Omit<KeyOrder, "terms">,
    mandatory: KeyTerms,
    optional: KeyTerms,
  ): Promise<EndKey[]> {
    const { keyManager } = this.#options
    if (Object.keys(optional).length > 0) {
      try {
        return await keyManager.supplyKeys({ ...order, terms: { ...optional, ...mandatory } })
      } catch (fault) {
        if (asQkdError(fault).appTag !== "terms") throw fault
      }
    }
    const { masterSaeId, slaves, count, keySizeBits } = order
    return keyManager.supplyKeys({ masterSaeId, slaves, count, keySizeBits, terms: mandatory })
  }

  /** Get key with key IDs (5.4): all or none, each once. */
  async decKeys(saeId: string, masterSaeId: string, keyIds: readonly string[]): Promise<Answer> {
    const { keyManager, log, hideForeignKeys } = this.#options
    let keys: EndKey[]
    try {
      this.#options.auditable?.()
      keys = await keyManager.takeKeys(saeId, masterSaeId, keyIds)
    } catch (fault) {
      const found = takeFault(asQkdError(fault))
      if (found === undefined) return this.#refuse("dec_keys", saeId, masterSaeId, fault)
      log.info({ saeId, peerSaeId: masterSaeId, keyIds, found }, "014 dec_keys refused")
      return found === "not-entitled" && !hideForeignKeys
        ? UNAUTHORIZED
        : badRequest(KEYS_NOT_FOUND)
    }
    const whose = { method: "dec_keys", saeId, peerSaeId: masterSaeId } as const
    return this.#deliver(whose, keys, { keyIds })
  }

  /**
   * Audits, encodes, wipes. What the key manager hands out is checked: keys of another request must not leave. One wait,
   * for the line to be durable.
   */
  #deliver(whose: Whose, keys: readonly EndKey[], asked: Asked): Answer | Promise<Answer> {
    try {
      if (!isAsAsked(keys, asked))
        throw new QkdError(
          "operation-failed",
          "the key manager handed out other keys than asked for",
        )
      const keyIds = keys.map(({ keyId }) => keyId)
      const told = this.#options.audit(recordOf(whose, keyIds, keys[0]?.key.lengthBits ?? 0))
      if (!(told instanceof Promise)) return this.#give(whose, keys)
      return told.then(
        () => this.#give(whose, keys),
        (fault: unknown) => this.#withhold(whose, keys, fault),
      )
    } catch (fault) {
      return this.#withhold(whose, keys, fault)
    }
  }

  #give(whose: Whose, keys: readonly EndKey[]): Answer {
    try {
      const body = keyContainer(keys, containerExtension(keys))
      for (const { key } of keys) key.wipe()
      return { status: 200, contentType: "application/json", body, wipe: true }
    } catch (fault) {
      return this.#withhold(whose, keys, fault)
    }
  }

  #withhold(whose: Whose, keys: readonly EndKey[], fault: unknown): Answer {
    for (const { key } of keys) key.wipe()
    return this.#refuse(whose.method, whose.saeId, whose.peerSaeId, fault)
  }

  #refuse(method: string, saeId: string, peerSaeId: string, fault: unknown): Answer {
    const answer = faultAnswer(fault)
    const { tag, appTag, message, cause } = asQkdError(fault)
    const facts = { saeId, peerSaeId, status: answer.status, tag, appTag, reason: message }
    if (appTag === undefined && tag !== "resource-denied")
      this.#options.log.error({ ...facts, cause }, `014 ${method} failed`)
    else this.#options.log.info(facts, `014 ${method} refused`)
    return answer
  }
}

/** Members in the order of the trail. */
function recordOf(whose: Whose, keyIds: readonly string[], keySizeBits: number): DeliveryRecord {
  const { method, saeId, peerSaeId, additionalSaeIds } = whose
  if (additionalSaeIds === undefined) return { method, saeId, peerSaeId, keyIds, keySizeBits }
  return { method, saeId, peerSaeId, additionalSaeIds, keyIds, keySizeBits }
}
