// The status of an error (RFC 8040 section 7). The table says which statuses a tag may have; where it leaves a
// choice the thrower decides.

import { QkdError, type ErrorTag, type QkdErrorOptions } from "../errors.js"

/** Usual one first. 415 and 406 are HTTP's own; RFC 8040 section 5.2 gives them no tag, `invalid-value` is nearest. */
const STATUS_OF_TAG: Readonly<Record<ErrorTag, readonly number[]>> = {
  "in-use": [409],
  "invalid-value": [400, 404, 406, 415],
  "too-big": [413, 400, 414],
  "missing-attribute": [400],
  "bad-attribute": [400],
  "unknown-attribute": [400],
  "missing-element": [400],
  "bad-element": [400],
  "unknown-element": [400],
  "unknown-namespace": [400],
  "access-denied": [403, 401],
  "lock-denied": [409],
  // 503: full for now (streams)
  "resource-denied": [409, 503],
  "rollback-failed": [500],
  "data-exists": [409],
  "data-missing": [409],
  "operation-not-supported": [501, 405],
  "operation-failed": [500, 412],
  "partial-operation": [500],
  "malformed-message": [400],
}

/** An error that knows which of its tag's statuses it means. */
export class RestconfFault extends QkdError {
  readonly status: number
  /** More headers, such as `Allow` beside 405. */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    tag: ErrorTag,
    message: string,
    options: QkdErrorOptions & { readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(tag, message, options)
    if (!STATUS_OF_TAG[tag].includes(status)) throw new RangeError(`${tag} is never ${status}`)
    this.status = status
    this.headers = options.headers ?? {}
  }
}

/**
 * The status of an error. `operation-failed` is 412 where the request asked for what cannot be (a `must` that does
 * not hold, a network without the capacity), and 500 only where the server is at fault: so whatever carries an
 * app-tag or was foreseen as a refusal is the client's.
 */
export function statusOf(error: QkdError): number {
  if (error instanceof RestconfFault) return error.status
  if (error.tag === "operation-failed" && error.appTag !== undefined) return 412
  return STATUS_OF_TAG[error.tag][0] ?? 500
}

/** 404: there is no such resource (section 7 has `invalid-value` for it). */
export function notFound(message: string, path?: string): RestconfFault {
  return new RestconfFault(404, "invalid-value", message, path === undefined ? {} : { path })
}

/** 400 for what stands in the URI. */
export function badUri(message: string): RestconfFault {
  return new RestconfFault(400, "invalid-value", message)
}

/** 405 with the methods that are allowed. */
export function notAllowed(method: string, allow: readonly string[]): RestconfFault {
  return new RestconfFault(405, "operation-not-supported", `${method} is not for this resource`, {
    headers: { Allow: allow.join(", ") },
  })
}
