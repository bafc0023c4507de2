// ETSI GS QKD 014 V1.1.1 (REST key delivery) on bare node:https: connections, who calls, limits, and sending.
// What is asked is etsi014-request.ts, what is answered etsi014-delivery.ts and etsi014-answer.ts.
//
//   certificate ── TLS chain ── pin in the policy ── CN = SAE id ──▶ SAE id ──▶ Delivery ──▶ bytes, wiped

import type { IncomingMessage, ServerResponse } from "node:http"
import { asQkdError, QkdError } from "../errors.js"
import { listenHttps, readBody } from "../transport/https.js"
import type { HttpLimits } from "../transport/https.js"
import type { CertifiedKey } from "../transport/pki.js"
import type { RevocationLists } from "../transport/revocation.js"
import type { MutualTls, PeerIdentity } from "../transport/tls.js"
import { badRequest, json, plain, requestFaultAnswer, UNAUTHORIZED } from "./etsi014-answer.js"
import type { Answer } from "./etsi014-answer.js"
import { Delivery } from "./etsi014-delivery.js"
import type { DeliveryOptions } from "./etsi014-delivery.js"
import {
  parseKeyIdsBody,
  parseKeyIdsQuery,
  parseKeyRequestBody,
  parseKeyRequestQuery,
  parseStatusQuery,
  parseTarget,
} from "./etsi014-request.js"
import type { Etsi014Target } from "./etsi014-request.js"
import { callerOf } from "./sae-identity.js"
import type { SaeIdentity } from "./sae-identity.js"

export interface Etsi014Limits extends HttpLimits {
  /** Requests that are being answered, over all callers. */
  readonly maxInFlight: number
  readonly maxInFlightPerSae: number
  readonly maxBodyBytes: number
}

const DEFAULT_LIMITS = {
  maxInFlight: 1024,
  maxInFlightPerSae: 64,
  maxBodyBytes: 65_536,
}

/** What the server shows and whom it believes; `renew` exchanges it. */
export interface Etsi014Tls {
  readonly identity: CertifiedKey
  /** PEM of the authorities that SAE certificates must chain to. */
  readonly saeAuthorities: readonly string[]
  /** SAE certificates that are no longer good. */
  readonly revocation?: RevocationLists
}

type DeliveryDefaults = Pick<
  DeliveryOptions,
  "defaultKeySizeBits" | "maxKeyCount" | "maxSaeIdCount" | "hideForeignKeys" | "livesHere"
>

export type Etsi014Options = Omit<DeliveryOptions, keyof DeliveryDefaults> &
  Partial<DeliveryDefaults> &
  Etsi014Tls & {
    readonly host: string
    /** Where SAE certificates carry the id; `common-name` when absent. */
    readonly saeIdentity?: SaeIdentity
    /** 0 picks a free one. */
    readonly port: number
    readonly limits?: Partial<Etsi014Limits>
    /** Milliseconds since the epoch. */
    readonly now?: () => number
  }

export interface Etsi014Server {
  readonly port: number
  /**
   * Shows another certificate, believes others, knows newer revocation lists; connections that stand stay, but for
   * those whose certificate is revoked now.
   *
   * @returns how many those were
   * @throws QkdError `invalid-value` for what is unusable; nothing changes then
   */
  renew(tls: Etsi014Tls): number
  close(): Promise<void>
}

/**
 * Serves 014. The lowest TLS version is the policy's at start (`minimum.deliveryTls`, else 1.3).
 *
 * @throws QkdError `in-use` when the address is taken.
 */
export async function listenEtsi014(options: Etsi014Options): Promise<Etsi014Server> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const service = new Service(options, limits)
  const minVersion = options.policy().document.minimum?.deliveryTls ?? "TLSv1.3"
  const mutualTls = ({ identity, saeAuthorities, revocation }: Etsi014Tls): MutualTls => ({
    identity,
    authorities: saeAuthorities,
    minVersion,
    ...(revocation !== undefined && { revocation }),
  })
  const server = await listenHttps({
    host: options.host,
    port: options.port,
    tls: mutualTls(options),
    limits,
    nameless: true,
    handler: (request, response, peer) => {
      void service.handle(request, response, peer)
    },
  })
  return {
    port: server.port,
    renew: (tls) => server.renew(mutualTls(tls)),
    close: () => server.close(),
  }
}

class Service {
  readonly #options: Etsi014Options
  readonly #limits: typeof DEFAULT_LIMITS
  readonly #delivery: Delivery
  readonly #now: () => number
  readonly #inFlight = new Map<string, number>()
  #inFlightTotal = 0
  /** Connections with a request that waits for the answer before it to be sent. */
  readonly #behind = new WeakSet<object>()

  constructor(options: Etsi014Options, limits: typeof DEFAULT_LIMITS) {
    this.#options = options
    this.#limits = limits
    this.#now = options.now ?? Date.now
    this.#delivery = new Delivery({
      policy: options.policy,
      keyManager: options.keyManager,
      desk: options.desk,
      livesHere: options.livesHere ?? ((saeId) => options.policy().ownsSae(saeId)),
      audit: options.audit,
      ...(options.auditable !== undefined && { auditable: options.auditable }),
      log: options.log,
      defaultKeySizeBits: options.defaultKeySizeBits ?? 256,
      maxKeyCount: options.maxKeyCount ?? 1024,
      maxSaeIdCount: options.maxSaeIdCount ?? 16,
      hideForeignKeys: options.hideForeignKeys ?? false,
    })
  }

  /** Never throws: every request is answered or its connection ended. */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    peer: PeerIdentity,
  ): Promise<void> {
    if (!(await this.#turn(request, response))) return
    const { policy, saeIdentity } = this.#options
    const saeId = callerOf(peer, policy(), this.#now(), saeIdentity)
    if (saeId === undefined) {
      const { commonName, spkiSha256 } = peer
      this.#options.log.warn({ commonName, spkiSha256 }, "014 caller is not an SAE of this site")
      send(response, { ...UNAUTHORIZED, close: true })
      return
    }
    const mine = this.#inFlight.get(saeId) ?? 0
    if (mine >= this.#limits.maxInFlightPerSae) {
      send(response, plain(429, "too many requests at once", { close: true }))
      return
    }
    if (this.#inFlightTotal >= this.#limits.maxInFlight) {
      send(response, { ...json(503, { message: "the KME is busy" }), close: true })
      return
    }
    this.#inFlight.set(saeId, mine + 1)
    this.#inFlightTotal += 1
    try {
      send(response, await this.#answer(request, saeId))
    } catch (fault) {
      const error = asQkdError(fault)
      if (error.tag === "operation-failed" && error.appTag === undefined) {
        this.#options.log.error({ saeId, cause: error.cause }, "014 request failed")
      }
      send(response, requestFaultAnswer(error))
    } finally {
      this.#inFlightTotal -= 1
      const left = (this.#inFlight.get(saeId) ?? 1) - 1
      if (left === 0) this.#inFlight.delete(saeId)
      else this.#inFlight.set(saeId, left)
    }
  }

  /**
   * A response that stands behind another has no socket, and would not learn that the connection went away: its keys
   * could not be wiped. A fast client's next request may be here before Node has let go of the answer to the last one, so
   * one waits; who sends several ahead loses the connection.
   *
   * @returns whether it is to be answered
   */
  async #turn(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    if (response.socket !== null) return true
    const { socket } = request
    if (this.#behind.has(socket)) {
      socket.destroy()
      return false
    }
    this.#behind.add(socket)
    const mine = await new Promise<boolean>((resolve) => {
      const gone = (): void => {
        resolve(false)
      }
      socket.once("close", gone)
      response.once("socket", () => {
        socket.off("close", gone)
        resolve(true)
      })
    })
    this.#behind.delete(socket)
    return mine
  }

  /** @throws QkdError for faults of the request. */
  async #answer(request: IncomingMessage, saeId: string): Promise<Answer> {
    const target = parseTarget(request.url ?? "")
    if (target === undefined) return plain(404, "no such resource")
    const allowed = target.method === "status" ? ["GET"] : ["GET", "POST"]
    if (!allowed.includes(request.method ?? "")) {
      return plain(405, "method not allowed", { allow: allowed.join(", "), close: true })
    }
    if (request.method === "GET") return this.#get(request, saeId, target)
    if (target.query !== undefined) return badRequest("POST takes no query", "/")
    if (!isJson(request.headers["content-type"])) {
      return { ...badRequest("content type shall be application/json"), close: true }
    }
    return this.#post(saeId, target, await this.#text(request))
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

  #post(saeId: string, { method, saeId: other }: Etsi014Target, text: string): Promise<Answer> {
    const { limits } = this.#delivery
    if (method === "dec_keys") {
      const keyIds = parseKeyIdsBody(text, limits.maxKeysPerRequest)
      return this.#delivery.decKeys(saeId, other, keyIds)
    }
    const asked = parseKeyRequestBody(text, limits)
    return this.#delivery.encKeys(saeId, other, asked)
  }

  /** Clause 5.1: UTF-8. Request bodies hold ids and numbers, never keys. */
  async #text(request: IncomingMessage): Promise<string> {
    const bytes = await readBody(request, this.#limits.maxBodyBytes)
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
    } catch {
      throw new QkdError("malformed-message", "the body is not UTF-8")
    }
  }
}

function isJson(contentType: string | undefined): boolean {
  return /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(contentType ?? "")
}

function hasBody(request: IncomingMessage): boolean {
  const { "content-length": length, "transfer-encoding": coding } = request.headers
  return coding !== undefined || (length !== undefined && length !== "0")
}

/**
 * Headers first, then the body in a write of its own: written together, TLS would copy both into memory that
 * nobody wipes. The body is wiped once it has been handed to the kernel, or the connection is gone.
 */
function send(response: ServerResponse, answer: Answer): void {
  const { body } = answer
  const wipe = (): void => {
    if (answer.wipe === true) body?.fill(0)
  }
  if (response.destroyed || response.closed) {
    wipe()
    return
  }
  response.once("close", wipe)
  if (answer.close === true) response.shouldKeepAlive = false
  response.writeHead(answer.status, {
    "cache-control": "no-store",
    "content-length": body?.length ?? 0,
    ...(answer.contentType === undefined ? {} : { "content-type": answer.contentType }),
    ...(answer.allow === undefined ? {} : { allow: answer.allow }),
  })
  response.flushHeaders()
  response.end(body)
}
