// ETSI GS QKD 014 V1.1.1 (REST key delivery) on bare node:https: connections, who calls, limits, and sending.
// What is asked is etsi014-request.ts, what is answered etsi014-methods.ts, -delivery.ts and -answer.ts.
//
//   certificate ── TLS chain ── pin in the policy ── CN = SAE id ──▶ SAE id ──▶ Delivery ──▶ bytes, wiped

import type { IncomingMessage } from "node:http"
import type { SitePolicy } from "../keys/policy.js"
import { badRequest, json, plain, requestFaultAnswer, UNAUTHORIZED } from "./etsi014-answer.js"
import type { Answer } from "./etsi014-answer.js"
import { DeliveryMethods } from "./etsi014-methods.js"
import type { Etsi014Methods, MethodsOptions } from "./etsi014-methods.js"
import { KnownTargets } from "./etsi014-request.js"
import { hasBody, isJson, listenFace, readText } from "./http-face.js"
import type { Face, FaceLimits, FaceOptions, FaceTls } from "./http-face.js"
import type { Log } from "./log.js"
import { callerOf } from "./sae-identity.js"
import type { SaeIdentity } from "./sae-identity.js"

export interface Etsi014Limits extends Omit<FaceLimits, "maxInFlightPerCaller"> {
  readonly maxInFlightPerSae: number
  readonly maxBodyBytes: number
}

export const ETSI014_LIMITS = {
  maxInFlight: 1024,
  maxInFlightPerSae: 64,
  maxBodyBytes: 65_536,
}

/** What any server of 014 is made of, wherever its keys come from. */
export interface Etsi014FaceOptions {
  readonly tls: FaceTls
  /** The policy in force; asked anew for each request. */
  readonly policy: () => SitePolicy
  readonly methods: Etsi014Methods
  readonly log: Log
  /** Where SAE certificates carry the id; `common-name` when absent. */
  readonly saeIdentity?: SaeIdentity
  readonly limits?: Partial<Etsi014Limits>
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

export type Etsi014Options = MethodsOptions &
  FaceTls &
  Pick<Etsi014FaceOptions, "saeIdentity" | "limits" | "now"> & {
    readonly host: string
    /** 0 picks a free one. */
    readonly port: number
  }

/**
 * Serves 014. The lowest TLS version is the policy's at start (`minimum.deliveryTls`, else 1.3).
 *
 * @throws QkdError `in-use` when the address is taken.
 */
export function listenEtsi014(options: Etsi014Options): Promise<Face> {
  const { host, port } = options
  const face = etsi014Face({ ...options, tls: options, methods: new DeliveryMethods(options) })
  return listenFace({ ...face, host, port })
}

/** The face, to be opened where connections come in. */
export function etsi014Face(options: Etsi014FaceOptions): FaceOptions {
  const limits = { ...ETSI014_LIMITS, ...options.limits }
  const service = new Service(options.methods, limits.maxBodyBytes)
  const { tls, policy, saeIdentity, log } = options
  const now = options.now ?? Date.now
  return {
    ...{ name: "014", tls, log },
    minVersion: policy().document.minimum?.deliveryTls ?? "TLSv1.3",
    limits: { ...limits, maxInFlightPerCaller: limits.maxInFlightPerSae },
    callerOf: (peer) => callerOf(peer, policy(), now(), saeIdentity),
    answer: (request, saeId) => service.answer(request, saeId),
    faultAnswer: requestFaultAnswer,
    unauthorized: UNAUTHORIZED,
    busy: json(503, { message: "the KME is busy" }),
  }
}

class Service {
  readonly #maxBodyBytes: number
  readonly #methods: Etsi014Methods
  readonly #targets = new KnownTargets()

  constructor(methods: Etsi014Methods, maxBodyBytes: number) {
    this.#maxBodyBytes = maxBodyBytes
    this.#methods = methods
  }

  /** @throws QkdError for faults of the request. */
  answer(request: IncomingMessage, saeId: string): Answer | Promise<Answer> {
    const target = this.#targets.of(request.url ?? "")
    if (target === undefined) return plain(404, "no such resource")
    const { method = "" } = request
    if (method === "GET") {
      if (hasBody(request)) return { ...badRequest("GET takes no body"), close: true }
      return this.#methods.get(saeId, target)
    }
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
    return readText(request, this.#maxBodyBytes).then((text) =>
      this.#methods.post(saeId, target, text),
    )
  }
}
