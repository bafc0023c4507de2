// Checks request bodies, queries and WebSocket messages against the schemas, and says where the first fault is.

import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js"
import formats from "ajv-formats"
import { type ErrorTag, QkdError } from "../errors.js"
import type { RateProfile } from "../model/rate-profile.js"
import { type JsonSchema, SCHEMAS } from "./schemas.js"

const ajv = new Ajv2020({
  strict: true,
  strictRequired: false,
  allErrors: false,
  useDefaults: false,
})
formats.default(ajv)
ajv.addKeyword({ keyword: "components" })
ajv.addSchema({ $id: "keyloom", components: { schemas: SCHEMAS } })

const compiled = new Map<string, ValidateFunction>()

function named(name: string): ValidateFunction {
  let check = compiled.get(name)
  if (check === undefined) {
    check = ajv.compile({ $ref: `keyloom#/components/schemas/${name}` })
    compiled.set(name, check)
  }
  return check
}

/** Compiles a schema that stands alone, such as that of one operation's query. */
export function compile(schema: JsonSchema): ValidateFunction {
  return ajv.compile(schema)
}

const TAG_OF_KEYWORD: Readonly<Partial<Record<string, ErrorTag>>> = {
  additionalProperties: "unknown-element",
  required: "missing-element",
  maxItems: "too-big",
  maxLength: "too-big",
}

function pointerOf(error: ErrorObject): string {
  const params: Readonly<Record<string, unknown>> = error.params
  const inner = params.additionalProperty ?? params.missingProperty
  const escaped =
    typeof inner === "string" ? `/${inner.replace(/~/g, "~0").replace(/\//g, "~1")}` : ""
  return `${error.instancePath}${escaped}`
}

/** The first fault as a QkdError, its `path` a JSON pointer after `prefix`. */
export function faultOf(check: ValidateFunction, prefix = ""): QkdError {
  // In a oneOf the deepest fault is the one that helps.
  const errors = [...(check.errors ?? [])].sort(
    (x, y) => y.instancePath.length - x.instancePath.length,
  )
  const error = errors.find((e) => e.keyword !== "oneOf") ?? errors[0]
  if (error === undefined) return new QkdError("invalid-value", "invalid")
  const path = `${prefix}${pointerOf(error)}`
  const tag = TAG_OF_KEYWORD[error.keyword] ?? "invalid-value"
  const what = tag === "unknown-element" ? "not known here" : (error.message ?? "invalid")
  return new QkdError(tag, `${path === "" ? "the body" : path}: ${what}`, {
    path: path === "" ? "/" : path,
  })
}

/** An order as it arrives. */
export interface OrderBody {
  readonly a: string
  readonly b: string
  readonly minRateBps: number
  readonly maxRateBps?: number
  readonly priority?: number
  readonly ttlS?: number
  readonly avoidNodes?: readonly string[]
  readonly avoidLinks?: readonly string[]
  readonly requireNodes?: readonly string[]
  readonly protection?: "none" | "restore" | "1+1"
  readonly trustTolerance?: number
  readonly revertive?: boolean
  readonly holdOffS?: number
  readonly maxHops?: number
  readonly maxEpsilon?: number
}

/** A bulk order as it arrives. */
export interface BulkOrderBody {
  readonly from: string
  readonly to: string
  readonly volumeBits?: number
  readonly keys?: number
  readonly keySizeBits?: number
  readonly deadline: string
  readonly notBefore?: string
  readonly bestEffort?: boolean
  readonly mostBps?: number
  readonly priority?: number
  readonly ttlS?: number
  readonly avoidNodes?: readonly string[]
  readonly avoidLinks?: readonly string[]
  readonly maxHops?: number
  readonly maxEpsilon?: number
}

/** Maintenance as it is asked for. */
export interface MaintenanceBody {
  readonly link?: string
  readonly node?: string
  readonly begin?: string
  readonly end: string
  readonly reason: string
}

export interface SubscribeBody {
  readonly op: "subscribe"
  readonly id: string
  readonly topics: readonly (Topic | "*")[]
  readonly since?: { readonly epoch: string; readonly seq: number }
}

export type Topic = "node" | "link" | "service" | "order" | "maintenance" | "log"

/** The shapes that code reads after checking. */
interface Shapes {
  readonly Order: OrderBody
  readonly BulkOrderRequest: BulkOrderBody
  readonly MaintenanceRequest: MaintenanceBody
  readonly RateProfile: RateProfile
  readonly ReoptimisationOrder: { readonly dryRun: boolean }
  readonly Login: { readonly code?: string; readonly token?: string }
  readonly Init: { readonly op: "init"; readonly token: string }
  readonly Subscribe: SubscribeBody
  readonly Unsubscribe: { readonly op: "unsubscribe"; readonly id: string }
}

/** @throws QkdError with the path of the first fault when `value` is not a `name`. */
export function assertShape<N extends keyof Shapes>(
  name: N,
  value: unknown,
): asserts value is Shapes[N] {
  const check = named(name)
  if (!check(value)) throw faultOf(check)
}

/** Whether `value` has the shape; for tests and for telling messages apart. */
export function hasShape(name: string, value: unknown): boolean {
  return named(name)(value)
}
