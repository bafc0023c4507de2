// One request on its way to a handler, checked against its operation; and the small answers handlers give.

import { createHash } from "node:crypto"
import type { Request, Response } from "express"
import { QkdError } from "../errors.js"
import type { Principal } from "./access.js"
import type { Operation } from "./operation.js"
import { HttpFault } from "./problem.js"
import { compile, faultOf } from "./validate.js"

export interface Call {
  readonly request: Request
  readonly response: Response
  /** Known wherever the operation is not open. */
  readonly principal: Principal | undefined
  readonly sessionExpiresAtMs: number | undefined
  /** Checked: only what the operation names, each as text, once. */
  readonly query: Readonly<Record<string, string>>
  readonly params: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  /** Parsed JSON, duplicates refused; checked against the operation's schema by the handler's own assert. */
  readonly body: unknown
}

export type Handler = (call: Call) => Promise<void> | void

/**
 * Makes the check of one operation's query and headers.
 *
 * The check throws QkdError `unknown-attribute` with path `?name` for a parameter that is not known,
 * `bad-attribute` for one given twice or out of its pattern.
 */
export function parameterReader(
  operation: Operation,
): (request: Request) => Pick<Call, "query" | "headers"> {
  const of = (place: "query" | "header"): ReturnType<typeof compile> =>
    compile({
      type: "object",
      properties: Object.fromEntries(
        operation.parameters.filter((p) => p.in === place).map((p) => [p.name, p.schema]),
      ),
    })
  const checkQuery = of("query")
  const checkHeaders = of("header")
  const known = new Set(operation.parameters.filter((p) => p.in === "query").map((p) => p.name))
  const wanted = operation.parameters.filter((p) => p.in === "header").map((p) => p.name)
  return (request) => {
    const query: Record<string, string> = {}
    for (const [name, value] of new URL(request.url, "http://keyloom").searchParams) {
      if (!known.has(name)) {
        throw new QkdError("unknown-attribute", `no such parameter: ${name}`, { path: `?${name}` })
      }
      if (Object.hasOwn(query, name)) {
        throw new QkdError("bad-attribute", `${name} is given twice`, { path: `?${name}` })
      }
      query[name] = value
    }
    const headers: Record<string, string> = {}
    for (const name of wanted) {
      const value = request.get(name)
      if (value !== undefined) headers[name] = value
    }
    for (const [check, values, mark] of [
      [checkQuery, query, "?"],
      [checkHeaders, headers, ""],
    ] as const) {
      if (check(values)) continue
      const fault = faultOf(check)
      const name = (fault.path ?? "").slice(1)
      throw new QkdError("bad-attribute", fault.message.replace(`/${name}`, name), {
        path: `${mark}${name}`,
      })
    }
    return { query, headers }
  }
}

/** Strong ETag: of the very text that is answered. */
export function etagOf(value: unknown): string {
  const hash = createHash("sha256").update(JSON.stringify(value)).digest("base64url")
  return `"${hash.slice(0, 22)}"`
}

function named(header: string, etag: string): boolean {
  return header.split(",").some((each) => ["*", etag].includes(each.trim().replace(/^W\//, "")))
}

/** One thing with its ETag, or 304. */
export function answerOne(call: Call, value: unknown): void {
  const etag = etagOf(value)
  call.response.set("ETag", etag)
  const seen = call.headers["If-None-Match"]
  if (seen !== undefined && named(seen, etag)) call.response.status(304).end()
  else call.response.json(value)
}

/** @throws HttpFault 412 when If-Match is given and names another state. */
export function demandMatch(call: Call, value: unknown): void {
  const wanted = call.headers["If-Match"]
  if (wanted === undefined || named(wanted, etagOf(value))) return
  throw new HttpFault(412, "operation-failed", "it has changed since it was read", {
    path: "If-Match",
    info: { etag: etagOf(value) },
  })
}

/** The thing, or 404 as RFC 8040 section 7 has it: tag `invalid-value`. */
export function found<T>(value: T | undefined, what: string, id: string): T {
  if (value === undefined) throw new HttpFault(404, "invalid-value", `no ${what} ${id}`)
  return value
}
