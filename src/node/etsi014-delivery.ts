// The three methods of ETSI GS QKD 014 V1.1.1 for a caller whose SAE id is known: status, keys for a peer, keys
// by id. Audit comes before delivery: no audit, no key (threat I3). Knows no HTTP beyond the answer's form.

import { asQkdError } from "../errors.js"
import type { KeyTerms } from "../keys/key-terms.js"
import type { SitePolicy } from "../keys/policy.js"
import { badRequest, json, KEYS_NOT_FOUND, takeFault, UNAUTHORIZED } from "./etsi014-answer.js"
import type { Answer } from "./etsi014-answer.js"
import { NO_EXTENSIONS } from "./etsi014-extensions.js"
import { Handout } from "./etsi014-handout.js"
import type { HandoutOptions, Whose } from "./etsi014-handout.js"
import { LimitsUnder } from "./etsi014-request.js"
import type { KeyRequest, RequestLimits } from "./etsi014-request.js"
import type { ApplicationDesk, EndKey, KeyManager, KeyOrder } from "./ports.js"

export interface DeliveryOptions extends HandoutOptions {
  /** The policy in force; asked anew for each request. */
  readonly policy: () => SitePolicy
  readonly keyManager: Pick<KeyManager, "supplyKeys" | "takeKeys" | "deliverableCount"> &
    Partial<Pick<KeyManager, "readyKeys">>
  readonly desk: ApplicationDesk
  /** Whether an SAE lives at this site: keys for it never leave. */
  readonly livesHere: (saeId: string) => boolean
  /** Asked before keys are spent; throws when the trail could not tell of them. */
  readonly auditable?: () => void
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

export class Delivery {
  readonly #options: DeliveryOptions
  readonly #handout: Handout
  readonly #limits: LimitsUnder

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.#handout = new Handout(options)
    this.#limits = new LimitsUnder(options)
  }

  /** What requests are held against now; the default key size lies within the policy's limits. */
  get limits(): RequestLimits {
    return this.#limits.of(this.#options.policy())
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
      return this.#handout.deliver(whose, keys, { count: number, keySizeBits })
    } catch (fault) {
      return this.#handout.refuse("enc_keys", saeId, peerSaeId, fault)
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
      return this.#handout.refuse("enc_keys", saeId, peerSaeId, fault)
    }
    const whose: Whose =
      additionalSaeIds.length === 0
        ? { method: "enc_keys", saeId, peerSaeId }
        : { method: "enc_keys", saeId, peerSaeId, additionalSaeIds }
    return this.#handout.deliver(whose, keys, { count, keySizeBits })
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
      if (found === undefined) return this.#handout.refuse("dec_keys", saeId, masterSaeId, fault)
      log.info({ saeId, peerSaeId: masterSaeId, keyIds, found }, "014 dec_keys refused")
      return found === "not-entitled" && !hideForeignKeys
        ? UNAUTHORIZED
        : badRequest(KEYS_NOT_FOUND)
    }
    const whose = { method: "dec_keys", saeId, peerSaeId: masterSaeId } as const
    return this.#handout.deliver(whose, keys, { keyIds })
  }
}
