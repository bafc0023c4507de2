// A client of ETSI GS QKD 014 V1.1.1, for consumers of keys and for modules whose maker hands link keys out that way:
// mutual TLS, keys as Secret. Asks once: a lost answer burns its keys, so nothing is ever asked again by itself
// (clause 5.4, one delivery).

import { QkdError } from "../errors.js"
import type { AppTag } from "../errors.js"
import { HttpsClient } from "../transport/https.js"
import type { HttpAnswer, HttpRequest, HttpsClientOptions } from "../transport/https.js"
import { readKeyContainer } from "./key-container.js"
import type { DeliveredKey } from "./key-container.js"

/** Table 9, in our names. */
export interface KmeStatus {
  readonly sourceKmeId: string
  readonly targetKmeId: string
  readonly masterSaeId: string
  readonly slaveSaeId: string
  readonly keySizeBits: number
  readonly storedKeyCount: number
  readonly maxKeyCount: number
  readonly maxKeysPerRequest: number
  readonly maxKeySizeBits: number
  readonly minKeySizeBits: number
  readonly maxSaeIdCount: number
}

const NOT_FOUND = "one or more keys specified are not found on KME"
/** Of what a KME says: it goes on into logs and reports. */
const MAX_MESSAGE = 500
const REASONS: readonly AppTag[] = [
  "no-path",
  "no-capacity",
  "pool-empty",
  "node-unreachable",
  "unknown-sae",
  "timeout",
  "closed",
  "policy",
]

export class Etsi014Client {
  readonly #http: HttpsClient

  /** `host`, `port` of the KME; the SAE's certificate in `tls.identity`, the KME's authority in `tls`. */
  constructor(options: HttpsClientOptions) {
    this.#http = new HttpsClient(options)
  }

  /** Get status (5.2). @throws as `encKeys`. */
  async status(slaveSaeId: string): Promise<KmeStatus> {
    const answer = await this.#ask({ method: "GET", path: path(slaveSaeId, "status") })
    const fields = parseObject(answer.body)
    const text = (name: string): string => {
      const value = fields.get(name)
      if (typeof value !== "string") throw malformed()
      return value
    }
    const count = (name: string): number => {
      const value = fields.get(name)
      if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw malformed()
      return value
    }
    return {
      sourceKmeId: text("source_KME_ID"),
      targetKmeId: text("target_KME_ID"),
      masterSaeId: text("master_SAE_ID"),
      slaveSaeId: text("slave_SAE_ID"),
      keySizeBits: count("key_size"),
      storedKeyCount: count("stored_key_count"),
      maxKeyCount: count("max_key_count"),
      maxKeysPerRequest: count("max_key_per_request"),
      maxKeySizeBits: count("max_key_size"),
      minKeySizeBits: count("min_key_size"),
      maxSaeIdCount: count("max_SAE_ID_count"),
    }
  }

  /**
   * Get key (5.3). The caller owns the secrets and wipes them.
   *
   * @throws QkdError `invalid-value` (400), `access-denied` (401), `resource-denied` with the KME's reason as
   * app-tag where it gives one (503), `malformed-message` for answers that are none, app-tags
   * `node-unreachable` and `timeout` of the connection.
   */
  async encKeys(
    slaveSaeId: string,
    request: { readonly number?: number; readonly keySizeBits?: number } = {},
  ): Promise<DeliveredKey[]> {
    const body = JSON.stringify({ number: request.number, size: request.keySizeBits })
    return this.#keys({ method: "POST", path: path(slaveSaeId, "enc_keys"), body })
  }

  /**
   * Get key with key IDs (5.4): all of them, or none.
   *
   * @throws QkdError `data-missing` when one is unknown or spent; else as `encKeys`.
   */
  async decKeys(masterSaeId: string, keyIds: readonly string[]): Promise<DeliveredKey[]> {
    const body = JSON.stringify({ key_IDs: keyIds.map((key_ID) => ({ key_ID })) })
    return this.#keys({ method: "POST", path: path(masterSaeId, "dec_keys"), body })
  }

  close(): void {
    this.#http.close()
  }

  async #keys(request: HttpRequest): Promise<DeliveredKey[]> {
    const { body } = await this.#ask(request)
    try {
      return readKeyContainer(body)
    } finally {
      body.fill(0)
    }
  }

  /** The answer, when it is 200. */
  async #ask(request: HttpRequest): Promise<HttpAnswer> {
    const answer = await this.#http.request(request)
    if (answer.status === 200) return answer
    throw faultOf(answer)
  }
}

function path(saeId: string, method: string): string {
  return `/api/v1/keys/${encodeURIComponent(saeId)}/${method}`
}

function faultOf({ status, body }: HttpAnswer): QkdError {
  if (status === 401) return new QkdError("access-denied", "the KME does not know this SAE (401)")
  let message = `the KME answered ${status}`
  let appTag: AppTag | undefined
  try {
    const fields = parseObject(body)
    const said = fields.get("message")
    if (typeof said === "string") message = said.slice(0, MAX_MESSAGE)
    const details = JSON.stringify(fields.get("details") ?? [])
    appTag = REASONS.find((reason) => details.includes(`"reason":"${reason}"`))
  } catch {
    // Not an Error body: the status says enough.
  }
  const more = appTag === undefined ? {} : { appTag }
  if (status === 400) {
    return new QkdError(message === NOT_FOUND ? "data-missing" : "invalid-value", message, more)
  }
  if (status === 503) return new QkdError("resource-denied", message, more)
  return new QkdError("operation-failed", message, more)
}

/** Bodies without keys only. */
function parseObject(body: Uint8Array): ReadonlyMap<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body))
  } catch {
    throw malformed()
  }
  if (typeof value !== "object" || value === null) throw malformed()
  return new Map(Object.entries(value))
}

function malformed(): QkdError {
  return new QkdError("malformed-message", "the KME's answer is not what ETSI GS QKD 014 describes")
}
