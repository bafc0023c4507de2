// Errors as HTTP says them: one table from the RFC 6241 tag to the status (RFC 8040 section 7), and RFC 9457
// problem documents. It never invents an error and never shows the text of a bug.

import { asQkdError, QkdError, type AppTag, type ErrorTag } from "../errors.js"

/**
 * RFC 8040 section 7: the statuses a tag may have, the usual one first. Marked additions are HTTP's own
 * situations that RFC 6241 has no tag for.
 */
export const STATUS_OF_TAG: Readonly<Record<ErrorTag, readonly number[]>> = {
  "in-use": [409],
  // 415: media type; 421: foreign host name; 422: idempotency key used for another body
  "invalid-value": [400, 404, 406, 415, 421, 422],
  "too-big": [413, 400, 431],
  // 428: If-Match wanted
  "missing-attribute": [400, 428],
  "bad-attribute": [400],
  "unknown-attribute": [400],
  "missing-element": [400],
  "bad-element": [400],
  "unknown-element": [400],
  "unknown-namespace": [400],
  "access-denied": [403, 401],
  "lock-denied": [409],
  // 429: too many; 503: full
  "resource-denied": [409, 429, 503],
  "rollback-failed": [500],
  "data-exists": [409],
  "data-missing": [409],
  "operation-not-supported": [501, 405],
  // 504: what was waited for did not come
  "operation-failed": [500, 409, 412, 504],
  "partial-operation": [500],
  "malformed-message": [400],
}

/** Where our own refinement says more than the tag: a refusal of the network is no fault of the server. */
const STATUS_OF_APP_TAG: Readonly<Partial<Record<AppTag, number>>> = {
  "no-path": 409,
  "no-capacity": 409,
  "pool-empty": 409,
  "node-unreachable": 504,
  timeout: 504,
}

/** RFC 9457, with members `tag`, `appTag`, `path`, `info` and `trace`. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly tag: ErrorTag
  readonly appTag?: AppTag
  /** Where the fault is: a JSON pointer into the body, `?name` for a query parameter, or an instance path. */
  readonly path?: string
  readonly info?: Readonly<Record<string, string>>
  /** Names this answer in the server's log. */
  readonly trace?: string
}

/** An error that already knows which of its tag's statuses it means. */
export class HttpFault extends QkdError {
  readonly status: number

  constructor(
    status: number,
    tag: ErrorTag,
    message: string,
    options: ConstructorParameters<typeof QkdError>[2] = {},
  ) {
    super(tag, message, options)
    if (!STATUS_OF_TAG[tag].includes(status)) throw new RangeError(`${tag} is never ${status}`)
    this.status = status
  }
}

/** The status of an error: its own, that of its app-tag where the tag allows it, else the tag's usual one. */
export function statusOf(error: QkdError): number {
  if (error instanceof HttpFault) return error.status
  const allowed = STATUS_OF_TAG[error.tag]
  const refined = error.appTag === undefined ? undefined : STATUS_OF_APP_TAG[error.appTag]
  if (refined !== undefined && allowed.includes(refined)) return refined
  return allowed[0] ?? 500
}

/** The document for any error; of a bug it says only that there was one. */
export function problemOf(error: unknown, trace?: string): Problem {
  const fault = asQkdError(error)
  return {
    type: `urn:keyloom:problem:${fault.appTag ?? fault.tag}`,
    title: (fault.appTag ?? fault.tag).replaceAll("-", " "),
    status: statusOf(fault),
    detail: fault.message,
    tag: fault.tag,
    ...(fault.appTag === undefined ? {} : { appTag: fault.appTag }),
    ...(fault.path === undefined ? {} : { path: fault.path }),
    ...(fault.info === undefined ? {} : { info: fault.info }),
    ...(trace === undefined ? {} : { trace }),
  }
}
