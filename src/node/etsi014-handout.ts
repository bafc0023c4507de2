// Handing keys out by ETSI GS QKD 014: the line in the audit trail before they leave (THREATS I3), then the answer, from
// buffers that are wiped. Wherever the keys come from: a node's key manager, or what an outlet was given.

import { asQkdError, QkdError } from "../errors.js"
import { faultAnswer, keyContainer } from "./etsi014-answer.js"
import type { Answer } from "./etsi014-answer.js"
import type { DeliveryRecord } from "./delivery-record.js"
import { containerExtension } from "./etsi014-extensions.js"
import type { Log } from "./log.js"
import type { EndKey } from "./ports.js"

/** Called before the keys leave; when it throws, they do not. */
export type Audit = (record: DeliveryRecord) => void | Promise<void>

export interface HandoutOptions {
  readonly audit: Audit
  readonly log: Log
}

export type Whose = Pick<DeliveryRecord, "saeId" | "peerSaeId" | "additionalSaeIds"> & {
  readonly method: "enc_keys" | "dec_keys"
}

/** What a request named: so many keys of a size, or each by its id. */
export type Asked =
  | { readonly count: number; readonly keySizeBits: number }
  | { readonly keyIds: readonly string[] }

function isAsAsked(keys: readonly EndKey[], asked: Asked): boolean {
  if (keys.length === 0) return false
  if ("keyIds" in asked) return keys.every(({ keyId }, index) => keyId === asked.keyIds[index])
  if (keys.length > asked.count) return false
  return keys.every(({ key }) => key.lengthBits === asked.keySizeBits)
}

export class Handout {
  readonly #options: HandoutOptions

  constructor(options: HandoutOptions) {
    this.#options = options
  }

  /**
   * Audits, encodes, wipes. What the key manager hands out is checked: keys of another request must not leave. One wait,
   * for the line to be durable.
   */
  deliver(whose: Whose, keys: readonly EndKey[], asked: Asked): Answer | Promise<Answer> {
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
    return this.refuse(whose.method, whose.saeId, whose.peerSaeId, fault)
  }

  refuse(method: string, saeId: string, peerSaeId: string, fault: unknown): Answer {
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
