// Asks a running controller's REST face: one request with a bearer token, over TLS unless it is on this machine.

import { readFileSync } from "node:fs"
import http from "node:http"
import https from "node:https"
import { QkdError } from "../errors.js"
import { isObject, type JsonValue, parseJson } from "../yang/json-text.js"

export interface ControllerAddress {
  /** As `keyloom demo` prints it; the path is ours. */
  readonly controller: string
  readonly tokenFile: string
  /** PEM certificates of the authority that issued the controller's; the system's where absent. */
  readonly caFile?: string
}

const MAX_BYTES = 256 * 1024 * 1024
const TIMEOUT_MS = 30_000

/**
 * @param resource below `/api/v1`, such as `/network`.
 * @throws QkdError `invalid-value` for an address or file that cannot be, `access-denied`, else `operation-failed`.
 */
export async function readFromController(
  address: ControllerAddress,
  resource: string,
): Promise<JsonValue> {
  return askController(address, resource, { method: "GET" })
}

export interface ControllerRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  /** Sent as JSON. */
  readonly body?: object
  /** The answer may wait so long for the end of what was ordered (RFC 7240). */
  readonly waitS?: number
  /** An answer with this status is no fault: undefined is returned. */
  readonly absent?: 404
}

/**
 * @param resource below `/api/v1`.
 * @returns the JSON of a 200, or of a 201 or 202 where something was ordered; null of a 204.
 * @throws QkdError `invalid-value` for an address or file that cannot be, `access-denied`, else `operation-failed`
 *   with the controller's own words where it has some.
 */
export async function askController(
  address: ControllerAddress,
  resource: string,
  request: ControllerRequest & { readonly absent: 404 },
): Promise<JsonValue | undefined>
export async function askController(
  address: ControllerAddress,
  resource: string,
  request: ControllerRequest,
): Promise<JsonValue>
export async function askController(
  address: ControllerAddress,
  resource: string,
  request: ControllerRequest,
): Promise<JsonValue | undefined> {
  const base = addressOf(address.controller)
  const token = secretOf(address.tokenFile)
  const url = new URL(`/api/v1${resource}`, base)
  const { status, body } = await send(url, token, address.caFile, request)
  if (status === 401)
    throw new QkdError("access-denied", `${base.origin} answers ${status}: the token is not good`)
  if (status === request.absent) return undefined
  const ordered = request.method === "POST" && (status === 201 || status === 202)
  const done = request.method === "DELETE" && status === 204
  const good = status === 200 || ordered || done
  if (!good) {
    const words = wordsOf(body)
    const said = words === undefined ? "" : `: ${words}`
    throw new QkdError(
      status === 403 ? "access-denied" : "operation-failed",
      `${base.origin} answers ${status} to ${url.pathname}${said}`,
    )
  }
  return done ? null : parseJson(body, LIMITS)
}

const LIMITS = { maxBytes: MAX_BYTES, maxDepth: 32 }

/** What a problem document says (RFC 9457); undefined of any other answer. */
function wordsOf(body: string): string | undefined {
  try {
    const problem = parseJson(body, LIMITS)
    return isObject(problem) && typeof problem["detail"] === "string"
      ? problem["detail"]
      : undefined
  } catch {
    return undefined
  }
}

function addressOf(text: string): URL {
  const refuse = (why: string): never => {
    throw new QkdError("invalid-value", `--controller ${text}: ${why}`, { path: "/controller" })
  }
  if (!URL.canParse(text)) return refuse("is not a URL")
  const url = new URL(text)
  if (url.protocol !== "https:" && url.protocol !== "http:") return refuse("is not http or https")
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname)
  if (url.protocol === "http:" && !local)
    return refuse("a token leaves this machine over https only")
  return url
}

function secretOf(file: string): string {
  const token = read(file, "--token-file").trim()
  if (!/^[\x21-\x7e]{1,512}$/.test(token))
    throw new QkdError("invalid-value", `--token-file ${file}: does not hold one token`)
  return token
}

function read(file: string, option: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)
    throw new QkdError("invalid-value", `${option} ${file}: cannot be read: ${why}`, { cause })
  }
}

function send(
  url: URL,
  token: string,
  caFile: string | undefined,
  { method, body, waitS = 0 }: ControllerRequest,
): Promise<{ status: number; body: string }> {
  const ca = caFile === undefined ? {} : { ca: read(caFile, "--ca-file") }
  const { request } = url.protocol === "https:" ? https : http
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown): void => {
      const why = cause instanceof Error ? cause.message : String(cause)
      reject(new QkdError("operation-failed", `${url.origin}: ${why}`, { cause }))
    }
    const headers = {
      Authorization: `Bearer ${token}`,
      Accept: "application/json",
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...(waitS > 0 && { Prefer: `wait=${waitS}` }),
    }
    const timeout = TIMEOUT_MS + waitS * 1000
    const asked = request(url, { method, headers, timeout, ...ca }, (response) => {
      const parts: Buffer[] = []
      let size = 0
      response.on("data", (part: Buffer) => {
        size += part.length
        if (size > MAX_BYTES) asked.destroy(new Error("the answer is too long"))
        else parts.push(part)
      })
      response.on("end", () => {
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(parts).toString("utf8"),
        })
      })
      response.on("error", failed)
    })
    asked.on("timeout", () => asked.destroy(new Error("no answer in time")))
    asked.on("error", failed)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
