// The methods of ETSI GS QKD 014, GET and POST, once HTTP is as it should be: what is asked is read, and answered by
// Delivery. An outlet answers what it can by itself, and asks the node, where this is, for the rest.

import type { Answer } from "./etsi014-answer.js"
import { Delivery } from "./etsi014-delivery.js"
import type { DeliveryOptions } from "./etsi014-delivery.js"
import {
  parseKeyIdsBody,
  parseKeyIdsQuery,
  parseKeyRequestBody,
  parseKeyRequestQuery,
  parseStatusQuery,
} from "./etsi014-request.js"
import type { Etsi014Target } from "./etsi014-request.js"

/** `saeId` is who calls. All throw QkdError for faults of the request. */
export interface Etsi014Methods {
  get(saeId: string, target: Etsi014Target): Answer | Promise<Answer>
  /** Never `status`. */
  post(saeId: string, target: Etsi014Target, text: string): Answer | Promise<Answer>
}

/** `key_size` of Get status, as far as the policy's limits allow it. */
export const DEFAULT_KEY_SIZE_BITS = 256

type DeliveryDefaults = Pick<
  DeliveryOptions,
  "defaultKeySizeBits" | "maxKeyCount" | "maxSaeIdCount" | "hideForeignKeys" | "livesHere"
>

export type MethodsOptions = Omit<DeliveryOptions, keyof DeliveryDefaults> &
  Partial<DeliveryDefaults>

export class DeliveryMethods implements Etsi014Methods {
  readonly #delivery: Delivery

  constructor(options: MethodsOptions) {
    this.#delivery = new Delivery({
      policy: options.policy,
      keyManager: options.keyManager,
      desk: options.desk,
      livesHere: options.livesHere ?? ((saeId) => options.policy().standsFor(saeId)),
      audit: options.audit,
      ...(options.auditable !== undefined && { auditable: options.auditable }),
      log: options.log,
      defaultKeySizeBits: options.defaultKeySizeBits ?? DEFAULT_KEY_SIZE_BITS,
      maxKeyCount: options.maxKeyCount ?? 1024,
      maxSaeIdCount: options.maxSaeIdCount ?? 16,
      hideForeignKeys: options.hideForeignKeys ?? false,
    })
  }

  get(saeId: string, { method, saeId: other, query }: Etsi014Target): Answer | Promise<Answer> {
    if (method === "status") {
      parseStatusQuery(query)
      return this.#delivery.status(saeId, other)
    }
    if (method === "dec_keys") {
      return this.#delivery.decKeys(saeId, other, parseKeyIdsQuery(query))
    }
    const asked = parseKeyRequestQuery(query, this.#delivery.limits)
    return this.#delivery.encKeys(saeId, other, asked)
  }

  post(
    saeId: string,
    { method, saeId: other }: Etsi014Target,
    text: string,
  ): Answer | Promise<Answer> {
    const { limits } = this.#delivery
    if (method === "dec_keys") {
      const keyIds = parseKeyIdsBody(text, limits.maxKeysPerRequest)
      return this.#delivery.decKeys(saeId, other, keyIds)
    }
    const asked = parseKeyRequestBody(text, limits)
    return this.#delivery.encKeys(saeId, other, asked)
  }
}
