// The methods of ETSI GS QKD 014 at an outlet: keys for one slave on no terms out of its lots, as a node gives those that
// lie ready; everything else is asked of the node in the caller's own words.

import type { SitePolicy } from "../keys/policy.js"
import { badRequest } from "./etsi014-answer.js"
import type { Answer } from "./etsi014-answer.js"
import { NO_EXTENSIONS } from "./etsi014-extensions.js"
import { Handout } from "./etsi014-handout.js"
import type { HandoutOptions } from "./etsi014-handout.js"
import { DEFAULT_KEY_SIZE_BITS } from "./etsi014-methods.js"
import type { Etsi014Methods } from "./etsi014-methods.js"
import { LimitsUnder, parseKeyRequestBody, parseKeyRequestQuery } from "./etsi014-request.js"
import type { Etsi014Target, KeyRequest } from "./etsi014-request.js"
import type { OutletLots } from "./outlet-lots.js"
import type { OutletQuestion } from "./outlet-messages.js"

export interface OutletMethodsOptions extends HandoutOptions {
  /** The policy in force; asked anew for each request. */
  readonly policy: () => SitePolicy
  /** Asked before keys are spent; throws when the trail could not tell of them. */
  readonly auditable: () => void
  readonly maxSaeIdCount: number
  readonly lots: OutletLots
  /** The node's answer. */
  readonly ask: (question: OutletQuestion) => Promise<Answer>
}

export class OutletMethods implements Etsi014Methods {
  readonly #options: OutletMethodsOptions
  readonly #handout: Handout
  readonly #limits: LimitsUnder

  constructor(options: OutletMethodsOptions) {
    this.#options = options
    this.#handout = new Handout(options)
    const { maxSaeIdCount } = options
    this.#limits = new LimitsUnder({ defaultKeySizeBits: DEFAULT_KEY_SIZE_BITS, maxSaeIdCount })
  }

  get(saeId: string, target: Etsi014Target): Answer | Promise<Answer> {
    const { method, saeId: peerSaeId, query } = target
    const question = { saeId, method, peerSaeId, ...(query !== undefined && { query }) }
    if (method !== "enc_keys") return this.#options.ask(question)
    return this.#encKeys(question, parseKeyRequestQuery(query, this.#limitsNow()))
  }

  post(saeId: string, target: Etsi014Target, text: string): Answer | Promise<Answer> {
    const { method, saeId: peerSaeId } = target
    const question = { saeId, method, peerSaeId, text }
    if (method !== "enc_keys") return this.#options.ask(question)
    return this.#encKeys(question, parseKeyRequestBody(text, this.#limitsNow()))
  }

  #limitsNow(): ReturnType<LimitsUnder["of"]> {
    return this.#limits.of(this.#options.policy())
  }

  #encKeys(question: OutletQuestion, asked: KeyRequest): Answer | Promise<Answer> {
    const { saeId, peerSaeId } = question
    const { number: count, keySizeBits, additionalSaeIds, extensions } = asked
    const { lots, ask, auditable } = this.#options
    if (additionalSaeIds.length > 0 || extensions !== NO_EXTENSIONS) return ask(question)
    if (saeId === peerSaeId) return badRequest("a slave SAE is the caller itself")
    try {
      auditable()
      const keys = lots.take(saeId, peerSaeId, keySizeBits, count)
      if (keys !== undefined) {
        const whose = { method: "enc_keys", saeId, peerSaeId } as const
        return this.#handout.deliver(whose, keys, { count, keySizeBits })
      }
    } catch (fault) {
      return this.#handout.refuse("enc_keys", saeId, peerSaeId, fault)
    }
    return ask(question).then((answer) => {
      if (answer.status === 200) lots.asked(saeId, peerSaeId, keySizeBits, count)
      return answer
    })
  }
}
