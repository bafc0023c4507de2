// The express application: headers, who is asking, limits, one route per operation, problems. It owns no socket.

import { randomBytes } from "node:crypto"
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express"
import { rateLimit } from "express-rate-limit"
import helmet from "helmet"
import { asQkdError, QkdError } from "../errors.js"
import { parseJson } from "../yang/json-text.js"
import { type Access, demand } from "./access.js"
import { type Handler, parameterReader } from "./call.js"
import { credentialsOf } from "./credentials.js"
import type { Operation } from "./operation.js"
import { type OperationId, operations } from "./operations.js"
import { letPass } from "./let-pass.js"
import { hostIsOurs, originIsOurs, type OriginRule } from "./origin.js"
import type { NorthLog } from "./ports.js"
import { HttpFault, problemOf } from "./problem.js"

export const MAX_BODY_BYTES = 64 * 1024
const MAX_JSON_DEPTH = 16

export interface RouterOptions {
  readonly handlers: Readonly<Record<OperationId, Handler>>
  readonly access: Access
  readonly cookie: () => string
  readonly origin: OriginRule
  readonly log: NorthLog
  readonly loginsPerMinute: number
  /** Serves the page; asked for what is not under `/api`. */
  readonly page: RequestHandler
}

/** Everything the page may do: nothing from elsewhere, nothing inline, no framing. */
const securityHeaders = (tls: boolean): RequestHandler =>
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
        "require-trusted-types-for": ["'script'"],
      },
    },
    strictTransportSecurity: tls,
    crossOriginEmbedderPolicy: true,
    referrerPolicy: { policy: "no-referrer" },
    xFrameOptions: { action: "deny" },
  })

/** Cookies are sent by the browser, whoever made it ask: so only our own page may use them (T7). */
function refuseForeignPages(
  rule: OriginRule,
): (request: express.Request, byCookie: boolean) => void {
  return (request, byCookie) => {
    const { origin, host } = request.headers
    const site = request.get("Sec-Fetch-Site")
    const foreign =
      (origin !== undefined && !originIsOurs(rule, origin, host)) ||
      (site !== undefined && site !== "same-origin" && site !== "none")
    const changes = !["GET", "HEAD"].includes(request.method)
    if (foreign || (byCookie && changes && origin === undefined)) {
      throw new HttpFault(403, "access-denied", "asked by a page of another origin")
    }
  }
}

function bodyReader(operation: Operation): (request: express.Request) => unknown {
  return (request) => {
    const text: unknown = request.body
    const present = typeof text === "string" && text !== ""
    if (operation.body === undefined) {
      if (present) throw new QkdError("unknown-element", "no body is taken here", { path: "/" })
      return undefined
    }
    if (request.is("application/json") === false) {
      throw new HttpFault(415, "invalid-value", "the body must be application/json", {
        path: "Content-Type",
      })
    }
    if (!present) throw new QkdError("missing-element", "a JSON body is needed", { path: "/" })
    return parseJson(text, { maxBytes: MAX_BODY_BYTES, maxDepth: MAX_JSON_DEPTH })
  }
}

/** What express and its body parser throw, in our tags. */
function asFault(error: unknown): QkdError {
  if (error instanceof QkdError) return error
  const status = error instanceof Error && "status" in error ? error.status : undefined
  if (status === 413) return new QkdError("too-big", `a body has at most ${MAX_BODY_BYTES} bytes`)
  if (status === 415) return new HttpFault(415, "invalid-value", "this encoding is not taken")
  if (status === 400) return new QkdError("malformed-message", "the request is malformed")
  return asQkdError(error)
}

function sendProblem(log: NorthLog): ErrorRequestHandler {
  return async (error: unknown, request, response, next) => {
    if (!response.headersSent) await letPass(request, response)
    if (response.headersSent) {
      next(error)
      return
    }
    const trace = randomBytes(8).toString("hex")
    const problem = problemOf(asFault(error), trace)
    if (problem.status === 500) {
      const cause = error instanceof Error ? (error.stack ?? error.message) : String(error)
      log("error", "request failed", { trace, method: request.method, path: request.path, cause })
    }
    if (problem.status === 401) response.set("WWW-Authenticate", 'Bearer realm="keyloom"')
    response.status(problem.status).type("application/problem+json").send(JSON.stringify(problem))
  }
}

/** All of it as one express application. */
export function buildRouter(options: RouterOptions): Express {
  const { access, origin, handlers } = options
  const app = express()
  app.disable("x-powered-by")
  app.disable("etag")
  app.set("query parser", false)
  app.set("case sensitive routing", true)
  app.set("strict routing", true)
  app.use(securityHeaders(!origin.loopbackOnly))
  app.use((request, _response, next) => {
    if (!hostIsOurs(origin, request.headers.host)) {
      throw new HttpFault(421, "invalid-value", "this host name is not ours", { path: "Host" })
    }
    next()
  })
  const noStore: RequestHandler = (_request, response, next) => {
    response.set("Cache-Control", "no-store")
    next()
  }
  const readText = express.text({ type: () => true, limit: MAX_BODY_BYTES, inflate: false })
  const slowLogins = rateLimit({
    windowMs: 60_000,
    limit: options.loginsPerMinute,
    standardHeaders: "draft-8",
    legacyHeaders: false,
    validate: false,
    handler: () => {
      throw new HttpFault(429, "resource-denied", "too many logins from here: wait a minute")
    },
  })
  const checkPage = refuseForeignPages(origin)
  const methods = new Map<string, string[]>()

  for (const { id, operation } of operations()) {
    const path = `/api/v1${operation.path.replace(/\{(\w+)\}/g, ":$1")}`
    methods.set(path, [...(methods.get(path) ?? []), operation.method.toUpperCase()])
    const readParameters = parameterReader(operation)
    const readBody = bodyReader(operation)
    const gate: RequestHandler = (request, response, next) => {
      // Before a body is read: strangers cost a header's worth of work, no more.
      const shown = credentialsOf(access, request.headers, options.cookie())
      const byCookie = shown.principal?.by === "cookie"
      if (byCookie || operation.access === "open") checkPage(request, byCookie)
      if (operation.access !== "open") demand(shown.principal, operation.access)
      response.locals.shown = shown
      next()
    }
    const handle: RequestHandler = async (request, response) => {
      const shown = credentialsOf(access, request.headers, options.cookie())
      await handlers[id]({
        request,
        response,
        principal: shown.principal,
        sessionExpiresAtMs: shown.expiresAtMs,
        ...readParameters(request),
        params: Object.fromEntries(
          Object.entries(request.params).map(([name, value]) => [name, String(value)]),
        ),
        body: readBody(request),
      })
    }
    const before = id === "openSession" ? [slowLogins] : []
    app[operation.method](path, noStore, ...before, gate, readText, handle)
  }

  for (const [path, allowed] of methods) {
    app.all(path, (_request, response) => {
      const all = allowed.includes("GET") ? [...allowed, "HEAD"] : allowed
      response.set("Allow", all.join(", "))
      throw new HttpFault(405, "operation-not-supported", `only ${all.join(", ")} here`)
    })
  }
  app.use("/api", (request) => {
    throw new HttpFault(404, "invalid-value", `nothing at ${request.originalUrl.slice(0, 200)}`)
  })
  app.use(options.page)
  app.use((request) => {
    throw new HttpFault(404, "invalid-value", `nothing at ${request.path.slice(0, 200)}`)
  })
  app.use(sendProblem(options.log))
  return app
}
