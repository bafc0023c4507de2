// RESTCONF on a socket: takes a request of Node's apart, asks the pure server, writes its answer. Decides nothing but
// how long and how much; what is served stands in `src/restconf`, on which port in `restconf-server.ts` or `http.ts`.

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http"
import { QkdError } from "../errors.js"
import { RestconfFault } from "../restconf/fault.js"
import type { RestconfAnswer, RestconfRequest } from "../restconf/message.js"
import type { Restconf } from "../restconf/restconf.js"
import { readBody } from "../transport/https.js"
import { letPass } from "./let-pass.js"
import { hostIsOurs, type OriginRule } from "./origin.js"
import type { NorthLog } from "./ports.js"
import type { Identify, Identity } from "./restconf-identity.js"
import { OpenStreams, STREAM_LIMITS, type StreamLimits } from "./restconf-streams.js"

export interface RestconfFaceOptions {
  readonly restconf: Restconf
  readonly identify: Identify
  readonly origin: OriginRule
  readonly log?: NorthLog
  readonly streamLimits?: Partial<StreamLimits>
}

/** A part of an HTTP server's paths. */
export interface RestconfFace {
  /** Whether a request is for here. */
  owns(request: IncomingMessage): boolean
  /** Answers it; throws nothing. */
  serve(request: IncomingMessage, response: ServerResponse): void
  /** Ends what would go on for ever. */
  close(): void
}

const READING = ["GET", "HEAD", "OPTIONS"]
const WITH_BODY = ["POST", "PUT", "PATCH"]

export function restconfFace(options: RestconfFaceOptions): RestconfFace {
  const { restconf, log = () => undefined } = options
  const streams = new OpenStreams({ ...STREAM_LIMITS, ...options.streamLimits }, log)
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const identity = options.identify(request)
    const asked = requestOf(options, request, identity)
    let answer: RestconfAnswer
    try {
      refuseEarly(options, request, identity)
      const body = WITH_BODY.includes(asked.method)
        ? await readBody(request, restconf.maxBodyBytes)
        : asked.body
      answer = await restconf.handle({ ...asked, body })
      if (answer.stream !== undefined) streams.refuseBeyond(identity)
    } catch (thrown) {
      if (thrown instanceof QkdError && thrown.appTag === "closed") return
      answer = restconf.refusal(thrown, asked)
    }
    if (answer.bug !== undefined) {
      const cause = answer.bug instanceof Error ? answer.bug.stack : undefined
      log("error", "RESTCONF request failed", { method: asked.method, cause: cause ?? "unknown" })
    }
    if (answer.status >= 400) await letPass(request, response)
    if (answer.stream !== undefined && asked.method === "GET")
      streams.open(response, answer, identity)
    else send(response, asked.method, answer)
  }
  return {
    owns: ({ url = "" }) =>
      isBelow(url, restconf.root) ||
      isBelow(url, "/.well-known/host-meta") ||
      isBelow(url, "/.well-known/host-meta.json"),
    serve: (request, response) => {
      serve(request, response).catch((error: unknown) => {
        log("error", "RESTCONF answer failed", { cause: String(error) })
        response.destroy()
      })
    },
    close: () => {
      streams.close()
    },
  }
}

function isBelow(url: string, root: string): boolean {
  return url === root || (url.startsWith(root) && ["/", "?"].includes(url.charAt(root.length)))
}

/** What can be refused before a body is read: strangers cost a header's worth of work, no more. */
function refuseEarly(
  { origin, restconf }: RestconfFaceOptions,
  request: IncomingMessage,
  identity: Identity | undefined,
): void {
  const { method = "", headers, url = "" } = request
  if (!hostIsOurs(origin, headers.host))
    throw new RestconfFault(400, "invalid-value", "this host name is not ours")
  if (!WITH_BODY.includes(method) && READING.includes(method)) return
  if (identity === undefined && !url.startsWith("/.well-known/"))
    throw new RestconfFault(401, "access-denied", "a bearer token or a certificate is needed")
  // What may be called is access control's to say: an observer, too, may compute paths.
  const isCall = method === "POST" && url.startsWith(`${restconf.root}/operations/`)
  if (identity?.mayChange === false && !isCall)
    throw new RestconfFault(403, "access-denied", "this role may read only")
  const coding = headers["content-encoding"]
  if (coding !== undefined && coding.toLowerCase() !== "identity")
    throw new RestconfFault(415, "invalid-value", "a body must come as it is, not compressed")
}

function requestOf(
  { origin }: RestconfFaceOptions,
  request: IncomingMessage,
  identity: Identity | undefined,
): RestconfRequest {
  const scheme = origin.loopbackOnly ? "http" : "https"
  return {
    method: request.method ?? "",
    target: request.url ?? "",
    origin: `${scheme}://${request.headers.host ?? "localhost"}`,
    headers: flat(request.headers),
    body: new Uint8Array(0),
    caller: identity?.caller,
  }
}

function flat(headers: IncomingHttpHeaders): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : value,
    ]),
  )
}

function send(response: ServerResponse, method: string, answer: RestconfAnswer): void {
  if (response.destroyed) return
  const { status, headers, body } = answer
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.setHeader("X-Content-Type-Options", "nosniff")
  const bytes = body === undefined ? undefined : Buffer.from(body, "utf8")
  if (status !== 204 && status !== 304)
    response.setHeader("Content-Length", String(bytes?.length ?? 0))
  response.writeHead(status)
  response.end(method === "HEAD" ? undefined : bytes)
}
