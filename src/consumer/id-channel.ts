// The channel on which key ids travel between the two ends of a tunnel: HTTPS with certificates on both sides, one
// POST a message. The certificate says who speaks, the message says in which role; both must be the configured
// peer. Carries no key: what it protects is that both ends use the same one, and that nobody else can say which.

import type { IncomingMessage, ServerResponse } from "node:http"
import { asQkdError, QkdError } from "../errors.js"
import { HttpsClient, listenHttps, readBody, type HttpsServer } from "../transport/https.js"
import type { MutualTls, PeerIdentity } from "../transport/tls.js"
import {
  type Binding,
  type IdAnswer,
  type IdRequest,
  readAnswer,
  readRequest,
  writeAnswer,
  writeRefusal,
  writeRequest,
} from "./id-message.js"

const PATH = "/v1/tunnel-keys"
const MAX_BODY_BYTES = 8192

/** How the other end is known: by the name in its certificate, and by its key where pins are given. */
export interface IdPeer {
  readonly name: string
  /** SHA-256 of SubjectPublicKeyInfo, lower-case hex. */
  readonly pins?: readonly string[]
}

export interface IdChannelOptions {
  readonly host: string
  readonly port: number
  readonly tls: MutualTls
  readonly peer: IdPeer
  readonly binding: Binding
}

/** The initiator's end. */
export class IdClient {
  readonly #http: HttpsClient
  readonly #binding: Binding

  constructor(options: IdChannelOptions & { readonly timeoutMs: number }) {
    const { name, pins } = options.peer
    this.#http = new HttpsClient({
      host: options.host,
      port: options.port,
      tls: options.tls,
      proof: { commonName: name, ...(pins && { pins }) },
      maxConnections: 2,
      maxBodyBytes: MAX_BODY_BYTES,
      timeoutMs: options.timeoutMs,
    })
    this.#binding = options.binding
  }

  /**
   * @throws QkdError app-tags `node-unreachable`, `timeout`; `access-denied` when peer or answer are not the right
   * ones; `operation-failed` with the peer's reason when it refuses.
   */
  async ask(request: IdRequest): Promise<IdAnswer> {
    const body = writeRequest(this.#binding, request)
    const answer = await this.#http.request({ method: "POST", path: PATH, body })
    if (answer.status !== 200)
      throw new QkdError("access-denied", `the peer answered ${answer.status} to ${request.step}`)
    return readAnswer(Buffer.from(answer.body).toString("utf8"), this.#binding, request)
  }

  close(): void {
    this.#http.close()
  }
}

/**
 * The responder's end. `answer` is asked for messages of the configured peer only, one at a time, and refuses by
 * throwing.
 */
export async function listenForIds(
  options: IdChannelOptions & {
    readonly answer: (request: IdRequest) => Promise<IdAnswer>
    /** Told of every message that was not the peer's. */
    readonly onStranger?: (peer: PeerIdentity, why: string) => void
  },
): Promise<HttpsServer> {
  let turn: Promise<unknown> = Promise.resolve()
  const serve = async (request: IncomingMessage, response: ServerResponse, peer: PeerIdentity) => {
    const { name, pins } = options.peer
    if (peer.commonName !== name || (pins && !pins.includes(peer.spkiSha256))) {
      options.onStranger?.(peer, "not the peer's certificate")
      send(response, 403, "")
      return
    }
    if (request.method !== "POST" || request.url !== PATH) {
      send(response, 404, "")
      return
    }
    let message: IdRequest
    try {
      const body = await readBody(request, MAX_BODY_BYTES)
      message = readRequest(body.toString("utf8"), options.binding)
    } catch (error) {
      options.onStranger?.(peer, asQkdError(error).message)
      send(response, 400, "")
      return
    }
    try {
      // One after the other: what a message changes at the tunnel must be whole before the next is judged.
      const answered = turn.then(() => options.answer(message))
      turn = answered.catch(() => undefined)
      send(response, 200, writeAnswer(options.binding, message, await answered))
    } catch (error) {
      send(response, 200, writeRefusal(options.binding, message, asQkdError(error).message))
    }
  }
  return listenHttps({
    host: options.host,
    port: options.port,
    tls: options.tls,
    handler: (request, response, peer) => {
      serve(request, response, peer).catch(() => {
        response.destroy()
      })
    },
  })
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  })
  response.end(body)
}
