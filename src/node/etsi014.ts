// ETSI GS QKD 014 V1.1.1 (REST key delivery) on bare node:https: connections, who calls, limits, and sending.
// What is asked is etsi014-request.ts, what is answered etsi014-delivery.ts and etsi014-answer.ts.
//
//   certificate ── TLS chain ── pin in the policy ── CN = SAE id ──▶ SAE id ──▶ Delivery ──▶ bytes, wiped

import type { IncomingMessage } from "node:http"
import { badRequest, json, plain, requestFaultAnswer, UNAUTHORIZED } from "./etsi014-answer.js"
import type { Answer } from "./etsi014-answer.js"
import { Delivery } from "./etsi014-delivery.js"
import type { DeliveryOptions } from "./etsi014-delivery.js"
import {
  KnownTargets,
  parseKeyIdsBody,
  parseKeyIdsQuery,
  parseKeyRequestBody,
  parseKeyRequestQuery,
  parseStatusQuery,
} from "./etsi014-request.js"
import type { Etsi014Target } from "./etsi014-request.js"
import { hasBody, isJson, listenFace, readText } from "./http-face.js"
import type { Face, FaceLimits, FaceTls } from "./http-face.js"
import { callerOf } from "./sae-identity.js"
import type { SaeIdentity } from "./sae-identity.js"

export interface Etsi014Limits extends Omit<FaceLimits, "maxInFlightPerCaller"> {
  readonly maxInFlightPerSae: number
  readonly maxBodyBytes: number
}

const DEFAULT_LIMITS = {
  maxInFlight: 1024,
  maxInFlightPerSae: 64,
  maxBodyBytes: 65_536,
}

type DeliveryDefaults = Pick<
  DeliveryOptions,
  "defaultKeySizeBits" | "maxKeyCount" | "maxSaeIdCount" | "hideForeignKeys" | "livesHere"
>

export type Etsi014Options = Omit<DeliveryOptions, keyof DeliveryDefaults> &
  Partial<DeliveryDefaults> &
  FaceTls & {
    readonly host: string
    /** Where SAE certificates carry the id; `common-name` when absent. */
    readonly saeIdentity?: SaeIdentity
    /** 0 picks a free one. */
    readonly port: number
    readonly limits?: Partial<Etsi014Limits>
    /** Milliseconds since the epoch. */
    readonly now?: () => number
  }

/**
 * Serves 014. The lowest TLS version is the policy's at start (`minimum.deliveryTls`, else 1.3).
 *
 * @throws QkdError `in-use` when the address is taken.
 */
export function listenEtsi014(options: Etsi014Options): Promise<Face> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const service = new Service(options, limits.maxBodyBytes)
  const { host, port, policy, saeIdentity, log } = options
  const now = options.now ?? Date.now
  return listenFace({
    ...{ name: "014", host, port, tls: options, log },
    minVersion: policy().document.minimum?.deliveryTls ?? "TLSv1.3",
    limits: { ...limits, maxInFlightPerCaller: limits.maxInFlightPerSae },
    callerOf: (peer) => callerOf(peer, policy(), now(), saeIdentity),
    answer: (request, saeId) => service.answer(request, saeId),
    faultAnswer: requestFaultAnswer,
    unauthorized: UNAUTHORIZED,
    busy: json(503, { message: "the KME is busy" }),
  })
}

class Service {
  readonly #maxBodyBytes: number
  readonly #delivery: Delivery
  readonly #targets = new KnownTargets()

  constructor(options: Etsi014Options, maxBodyBytes: number) {
    this.#maxBodyBytes = maxBodyBytes
    this.#delivery = new Delivery({
      policy: options.policy,
      keyManager: options.keyManager,
      desk: options.desk,
      livesHere: options.livesHere ?? ((saeId) => options.policy().standsFor(saeId)),
      audit: options.audit,
      ...(options.auditable !== undefined && { auditable: options.auditable }),
      log: options.log,
      defaultKeySizeBits: options.defaultKeySizeBits ?? 256,
      maxKeyCount: options.maxKeyCount ?? 1024,
      maxSaeIdCount: options.maxSaeIdCount ?? 16,
      hideForeignKeys: options.hideForeignKeys ?? false,
    })
  }

  /** @throws QkdError for faults of the request. */
  answer(request: IncomingMessage, saeId: string): Answer | Promise<Answer> {
    const target = this.#targets.of(request.url ?? "")
    if (target === undefined) return plain(404, "no such resource")
    const { method = "" } = request
    if (method === "GET") return this.#get(request, saeId, target)
    if (method !== "POST" || target.method === "status") {
      const allow = target.method === "status" ? "GET" : "GET, POST"
      return plain(405, "method not allowed", { allow, close: true })
    }
    if (target.query !== undefined) return badRequest("POST takes no query", "/")
    if (!isJson(request.headers["content-type"])) {
      return { ...badRequest("content type shall be application/json"), close: true }
    }
    if (request.headers["content-encoding"] !== undefined)
      return { ...badRequest("bodies shall come without content-encoding"), close: true }
    return readText(request, this.#maxBodyBytes).then((text) => this.#post(saeId, target, text))
  }

  #get(
    request: IncomingMessage,
    saeId: string,
    { method, saeId: other, query }: Etsi014Target,
  ): Answer | Promise<Answer> {
    if (hasBody(request)) return { ...badRequest("GET takes no body"), close: true }
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

  #post(
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
