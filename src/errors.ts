// The one error class of Keyloom. Branch on tags, never on text. Anything that is not a QkdError is a bug.

/** RFC 6241 Appendix A: the closed list of error tags, used on every face. */
export const ERROR_TAGS = [
  "in-use",
  "invalid-value",
  "too-big",
  "missing-attribute",
  "bad-attribute",
  "unknown-attribute",
  "missing-element",
  "bad-element",
  "unknown-element",
  "unknown-namespace",
  "access-denied",
  "lock-denied",
  "resource-denied",
  "rollback-failed",
  "data-exists",
  "data-missing",
  "operation-not-supported",
  "operation-failed",
  "partial-operation",
  "malformed-message",
] as const

export type ErrorTag = (typeof ERROR_TAGS)[number]

/** Keyloom's own refinement of a tag; YANG's own app-tags (RFC 7950 section 15) may appear as well. */
export type AppTag =
  | "no-path"
  | "no-capacity"
  | "pool-empty"
  | "node-unreachable"
  | "policy"
  | "unknown-sae"
  | "unsupported"
  | "timeout"
  | "closed"
  /** No key meets what was asked of it beyond number and size. */
  | "terms"
  /** More than the agreed bandwidth. */
  | "over-rate"
  /** A controller whose term is over (THREATS C3). */
  | "stale-leader"
  // RFC 7950 section 15
  | "must-violation"
  | "data-not-unique"
  | "too-many-elements"
  | "too-few-elements"
  | "instance-required"
  | "missing-choice"
  | "missing-instance"
  /** An identity of a module, where a standard names its errors so (RFC 8640 section 7). */
  | `${string}:${string}`

/** A `yang-data` container of a module (RFC 8040 section 8), carried in error-info. */
export interface ErrorStructure {
  readonly module: string
  readonly namespace: string
  readonly name: string
  /** A leaf that holds an identity, `module:name`, of a module of this namespace. */
  readonly identity?: { readonly name: string; readonly value: string; readonly namespace: string }
  readonly leafs: Readonly<Record<string, string | number>>
}

export interface QkdErrorOptions {
  readonly appTag?: AppTag
  /** Where the fault is: an instance path such as `/qkd_node/qkd_links/qkd_link[qkdl_id='..']`, or a JSON pointer. */
  readonly path?: string
  /** Machine-readable details, RFC 6241 error-info: names to values. Never key material. */
  readonly info?: Readonly<Record<string, string>>
  readonly structure?: ErrorStructure
  readonly cause?: unknown
}

/** The same in every copy of this package: a plugin may bring its own. */
const BRAND = Symbol.for("keyloom.QkdError")

export class QkdError extends Error {
  readonly tag: ErrorTag
  readonly appTag?: AppTag
  readonly path?: string
  readonly info?: Readonly<Record<string, string>>
  readonly structure?: ErrorStructure

  constructor(tag: ErrorTag, message: string, options: QkdErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = "QkdError"
    this.tag = tag
    if (options.appTag !== undefined) this.appTag = options.appTag
    if (options.path !== undefined) this.path = options.path
    if (options.info !== undefined) this.info = options.info
    if (options.structure !== undefined) this.structure = options.structure
  }

  /** `instanceof` holds for errors thrown by another copy of this class too; their tag is still of the closed list. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== QkdError) return Function.prototype[Symbol.hasInstance].call(this, value)
    if (typeof value !== "object" || value === null) return false
    if (Reflect.get(value, BRAND) !== true) return false
    const tag: unknown = Reflect.get(value, "tag")
    return ERROR_TAGS.some((known) => known === tag)
  }

  get [BRAND](): boolean {
    return true
  }
}

/** A QkdError as it is; anything else becomes `operation-failed` without details, its cause kept for the log. */
export function asQkdError(error: unknown): QkdError {
  if (error instanceof QkdError) return error
  return new QkdError("operation-failed", "internal error", { cause: error })
}
