// What every delivery face over HTTPS shares: who calls, how many at once, one answer at a time on a connection, and
// sending an answer whose bytes are wiped once they have left. What is asked and answered is the face's own.

import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from "node:http"
import { asQkdError, QkdError } from "../errors.js"
import { DEFAULT_HTTP_LIMITS, listenHttps, readBody, serveHttps } from "../transport/https.js"
import type { HandedHttps, HttpLimits, HttpsOptions } from "../transport/https.js"
import { endWiped } from "../transport/joined-writes.js"
import type { CertifiedKey } from "../transport/pki.js"
import type { RevocationLists } from "../transport/revocation.js"
import type { PreSharedKeys } from "../transport/tls-psk.js"
import type { MutualTls, PeerIdentity, TlsVersion } from "../transport/tls.js"
import { plain } from "./etsi014-answer.js"
import type { Answer } from "./etsi014-answer.js"
import type { Log } from "./log.js"

export interface FaceLimits extends HttpLimits {
  /** Requests that are being answered, over all callers. */
  readonly maxInFlight: number
  readonly maxInFlightPerCaller: number
}

/** Requests of one connection that wait for their turn. */
const MAX_WAITING = 32

/** What a face shows and whom it believes; `renew` exchanges it. */
export interface FaceTls {
  readonly identity: CertifiedKey
  /** PEM of the authorities that callers' certificates must chain to. */
  readonly callerAuthorities: readonly string[]
  /** Callers' certificates that are no longer good. */
  readonly revocation?: RevocationLists
}

export interface FaceOptions {
  /** In log lines: `014`, `020`, `SKIP`. */
  readonly name: string
  readonly tls: FaceTls
  readonly minVersion: TlsVersion
  /** Callers may show one of these instead of a certificate. */
  readonly preSharedKeys?: PreSharedKeys
  readonly limits: Partial<HttpLimits> & Pick<FaceLimits, "maxInFlight" | "maxInFlightPerCaller">
  /** The SAE or peer behind a certificate, judged anew at every request; undefined for strangers. */
  readonly callerOf: (peer: PeerIdentity) => string | undefined
  /** @throws QkdError, answered by `faultAnswer` */
  readonly answer: (request: IncomingMessage, caller: string) => Answer | Promise<Answer>
  readonly faultAnswer: (fault: QkdError) => Answer
  /** To strangers; the connection ends. */
  readonly unauthorized: Answer
  readonly busy: Answer
  readonly log: Log
}

export interface Face {
  readonly port: number
  /**
   * Shows another certificate, believes others, knows newer revocation lists; connections that stand stay, but for
   * those whose certificate is revoked now.
   *
   * @returns how many those were
   * @throws QkdError `invalid-value` for what is unusable; nothing changes then
   */
  renew(tls: FaceTls): number
  close(): Promise<void>
}

/** A face that listens nowhere: connections are handed to it. */
export type HandedFace = Omit<Face, "port"> & Pick<HandedHttps, "take">

/**
 * @param listening where; port 0 picks a free one
 * @throws QkdError `in-use` when the address is taken.
 */
export async function listenFace(
  options: FaceOptions & { readonly host: string; readonly port: number },
): Promise<Face> {
  const { host, port } = options
  const server = await listenHttps({ ...httpsOptions(options), host, port })
  return { ...server, renew: (tls) => server.renew(mutualTls(tls, options.minVersion)) }
}

/** @throws QkdError `invalid-value` for unusable TLS material */
export function serveFace(options: FaceOptions): HandedFace {
  const server = serveHttps(httpsOptions(options))
  return { ...server, renew: (tls) => server.renew(mutualTls(tls, options.minVersion)) }
}

export function mutualTls(
  { identity, callerAuthorities, revocation }: FaceTls,
  minVersion: TlsVersion,
): MutualTls {
  const authorities = callerAuthorities
  return { identity, authorities, minVersion, ...(revocation !== undefined && { revocation }) }
}

function httpsOptions(options: FaceOptions): HttpsOptions {
  const service = new Service(options)
  return {
    tls: mutualTls(options.tls, options.minVersion),
    limits: options.limits,
    nameless: true,
    tellsIdleTimeout: true,
    ...(options.preSharedKeys !== undefined && { preSharedKeys: options.preSharedKeys }),
    handler: (request, response, peer) => {
      service.handle(request, response, peer)
    },
  }
}

/** How many requests of a connection wait for the answer before them to be sent. */
const WAITING = Symbol("waiting requests")
type Connection = IncomingMessage["socket"] & { [WAITING]?: number }

/** Requests of one caller that are being answered. */
interface InFlight {
  count: number
}

class Service {
  readonly #options: FaceOptions
  /** Stays when it is at nought: callers are SAEs and peers of the policy, few. */
  readonly #inFlight = new Map<string, InFlight>()
  #inFlightTotal = 0
  /** What clients are told of idle connections. */
  readonly #keepAlive: string

  constructor(options: FaceOptions) {
    this.#options = options
    const { idleTimeoutMs } = { ...DEFAULT_HTTP_LIMITS, ...options.limits }
    this.#keepAlive = `timeout=${Math.floor(idleTimeoutMs / 1000)}`
  }

  /** Never throws: every request is answered or its connection ended. */
  handle(request: IncomingMessage, response: ServerResponse, peer: PeerIdentity): void {
    if (response.socket === null) this.#waitTurn(request, response, peer)
    else this.#serve(request, response, peer)
  }

  #serve(request: IncomingMessage, response: ServerResponse, peer: PeerIdentity): void {
    const { name, limits, log } = this.#options
    const caller = this.#options.callerOf(peer)
    if (caller === undefined) {
      const { commonName, spkiSha256 } = peer
      log.warn({ commonName, spkiSha256 }, `${name} caller is not known to this site`)
      this.#send(response, { ...this.#options.unauthorized, close: true })
      return
    }
    const mine = this.#inFlightOf(caller)
    if (mine.count >= limits.maxInFlightPerCaller) {
      this.#send(response, plain(429, "too many requests at once", { close: true }))
      return
    }
    if (this.#inFlightTotal >= limits.maxInFlight) {
      this.#send(response, { ...this.#options.busy, close: true })
      return
    }
    this.#inFlightTotal += 1
    mine.count += 1
    const end = (answer: Answer): void => {
      this.#inFlightTotal -= 1
      mine.count -= 1
      this.#send(response, answer)
    }
    let answer: Answer | Promise<Answer>
    try {
      answer = this.#options.answer(request, caller)
    } catch (fault) {
      answer = this.#faultAnswer(caller, fault)
    }
    // No promise where none is needed: each turn that one takes is paid by every request.
    if (!(answer instanceof Promise)) end(answer)
    else
      answer.then(end, (fault: unknown) => {
        end(this.#faultAnswer(caller, fault))
      })
  }

  #inFlightOf(caller: string): InFlight {
    let mine = this.#inFlight.get(caller)
    if (mine === undefined) {
      mine = { count: 0 }
      this.#inFlight.set(caller, mine)
    }
    return mine
  }

  #faultAnswer(caller: string, fault: unknown): Answer {
    const { name, log } = this.#options
    const error = asQkdError(fault)
    if (error.tag === "operation-failed" && error.appTag === undefined)
      log.error({ caller, cause: error.cause }, `${name} request failed`)
    return this.#options.faultAnswer(error)
  }

  /**
   * A response that stands behind another has no socket, and would not learn that the connection went away: its keys
   * could not be wiped. So nothing of a request is begun before its turn (RFC 9112 section 9.3.2); who sends ahead without
   * measure loses the connection.
   */
  #waitTurn(request: IncomingMessage, response: ServerResponse, peer: PeerIdentity): void {
    const socket: Connection = request.socket
    const waiting = (socket[WAITING] ?? 0) + 1
    if (waiting > MAX_WAITING) {
      socket.destroy()
      return
    }
    socket[WAITING] = waiting
    // Comes once; never when the connection ends before: then nothing was begun.
    response.on("socket", () => {
      socket[WAITING] = (socket[WAITING] ?? 1) - 1
      if (!socket.destroyed) this.#serve(request, response, peer)
    })
  }

  /**
   * Headers and body leave together; what they are joined in is wiped (`joinWrites`). The body is wiped once it has been
   * joined, handed to the kernel, or the connection is gone.
   */
  #send(response: ServerResponse, answer: Answer): void {
    const { body } = answer
    const secret = answer.wipe === true ? body : undefined
    if (response.destroyed || response.closed) {
      secret?.fill(0)
      return
    }
    if (answer.close === true) response.shouldKeepAlive = false
    const headers = this.#headersOf(answer, body?.length ?? 0)
    if (response.shouldKeepAlive) headers.push("keep-alive", this.#keepAlive)
    response.writeHead(answer.status, headers)
    if (secret === undefined) response.end(body)
    else endWiped(response, secret)
  }

  /** As a list: an object's would be walked by name. */
  #headersOf({ contentType, allow }: Answer, length: number): OutgoingHttpHeader[] {
    const headers: OutgoingHttpHeader[] = ["cache-control", "no-store", "content-length", length]
    if (contentType !== undefined) headers.push("content-type", contentType)
    if (allow !== undefined) headers.push("allow", allow)
    return headers
  }
}

/** A JSON body of at most so many bytes. @throws QkdError `too-big`, or `malformed-message` when it is not UTF-8 */
export async function readText(request: IncomingMessage, maxBytes: number): Promise<string> {
  const bytes = await readBody(request, maxBytes)
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    throw new QkdError("malformed-message", "the body is not UTF-8")
  }
}

/** Parameters mean nothing to JSON (RFC 8259 section 11), but for a charset: other text than UTF-8 is none. */
export function isJson(contentType: string | undefined): boolean {
  const [type = "", ...parameters] = (contentType ?? "").toLowerCase().split(";")
  return type.trim() === "application/json" && parameters.every(leavesUtf8)
}

function leavesUtf8(parameter: string): boolean {
  const [name = "", value = ""] = parameter.split("=", 2)
  return name.trim() !== "charset" || /^\s*"?utf-8"?\s*$/.test(value)
}

export function hasBody(request: IncomingMessage): boolean {
  const { "content-length": length, "transfer-encoding": coding } = request.headers
  return coding !== undefined || (length !== undefined && length !== "0")
}
