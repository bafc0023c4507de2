// What every delivery face over HTTPS shares: who calls, how many at once, one answer at a time on a connection, and
// sending an answer whose bytes are wiped once they have left. What is asked and answered is the face's own.

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http"
import { asQkdError, QkdError } from "../errors.js"
import { listenHttps, readBody } from "../transport/https.js"
import type { HttpLimits } from "../transport/https.js"
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
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
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

/** @throws QkdError `in-use` when the address is taken. */
export async function listenFace(options: FaceOptions): Promise<Face> {
  const service = new Service(options)
  const mutualTls = ({ identity, callerAuthorities, revocation }: FaceTls): MutualTls => ({
    identity,
    authorities: callerAuthorities,
    minVersion: options.minVersion,
    ...(revocation !== undefined && { revocation }),
  })
  const server = await listenHttps({
    host: options.host,
    port: options.port,
    tls: mutualTls(options.tls),
    limits: options.limits,
    nameless: true,
    ...(options.preSharedKeys !== undefined && { preSharedKeys: options.preSharedKeys }),
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
  readonly #options: FaceOptions
  readonly #inFlight = new Map<string, number>()
  #inFlightTotal = 0
  /** Connections with a request that waits for the answer before it to be sent. */
  readonly #behind = new WeakSet<object>()

  constructor(options: FaceOptions) {
    this.#options = options
  }

  /** Never throws: every request is answered or its connection ended. */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    peer: PeerIdentity,
  ): Promise<void> {
    if (response.socket === null && !(await this.#turn(request, response))) return
    const { name, limits, log } = this.#options
    const caller = this.#options.callerOf(peer)
    if (caller === undefined) {
      const { commonName, spkiSha256 } = peer
      log.warn({ commonName, spkiSha256 }, `${name} caller is not known to this site`)
      send(response, { ...this.#options.unauthorized, close: true })
      return
    }
    const mine = this.#inFlight.get(caller) ?? 0
    if (mine >= limits.maxInFlightPerCaller) {
      send(response, plain(429, "too many requests at once", { close: true }))
      return
    }
    if (this.#inFlightTotal >= limits.maxInFlight) {
      send(response, { ...this.#options.busy, close: true })
      return
    }
    this.#inFlight.set(caller, mine + 1)
    this.#inFlightTotal += 1
    try {
      send(response, await this.#options.answer(request, caller))
    } catch (fault) {
      const error = asQkdError(fault)
      if (error.tag === "operation-failed" && error.appTag === undefined) {
        log.error({ caller, cause: error.cause }, `${name} request failed`)
      }
      send(response, this.#options.faultAnswer(error))
    } finally {
      this.#inFlightTotal -= 1
      // Stays at nought: callers are SAEs and peers of the policy, few; a map that shrinks and grows costs each request.
      this.#inFlight.set(caller, (this.#inFlight.get(caller) ?? 1) - 1)
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

export function isJson(contentType: string | undefined): boolean {
  return /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(contentType ?? "")
}

export function hasBody(request: IncomingMessage): boolean {
  const { "content-length": length, "transfer-encoding": coding } = request.headers
  return coding !== undefined || (length !== undefined && length !== "0")
}

/**
 * Headers and body leave together; what they are joined in is wiped (`joinWrites`). The body is wiped once it has been
 * handed to the kernel, or the connection is gone.
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
  response.writeHead(answer.status, headersOf(answer, body?.length ?? 0))
  response.end(body)
}

function headersOf({ contentType, allow }: Answer, length: number): OutgoingHttpHeaders {
  if (contentType !== undefined && allow === undefined)
    return { "cache-control": "no-store", "content-length": length, "content-type": contentType }
  return {
    "cache-control": "no-store",
    "content-length": length,
    ...(contentType === undefined ? {} : { "content-type": contentType }),
    ...(allow === undefined ? {} : { allow }),
  }
}
