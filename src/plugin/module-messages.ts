// What a key manager and a module's own process say to each other: JSON headers of frames, a key's bytes beside its
// header. Both ends check the shape: the process runs a maker's code.

import { type AppTag, ERROR_TAGS, QkdError } from "../errors.js"
import { TECHNOLOGIES } from "../model/node.js"
import type { LinkMeasurement, ModuleConfig, ModuleDescription, ModuleTarget } from "./contract.js"

/** To the module's process. */
export type ModuleOrder =
  | {
      readonly op: "open"
      readonly driver: string
      readonly from: string
      readonly target: ModuleTarget
    }
  | { readonly op: "configure"; readonly id: number; readonly desired: ModuleConfig | null }
  | { readonly op: "offered"; readonly blockIds: readonly string[] }
  /** The block before was read: one more may come. */
  | { readonly op: "more" }
  | { readonly op: "close" }

export interface Fault {
  readonly tag: string
  readonly appTag?: string
  readonly message: string
  readonly path?: string
}

type LogLevel = "debug" | "info" | "warn" | "error"

/** From the module's process. `key` has its bytes beside it. */
export type ModuleNews =
  | {
      readonly op: "opened"
      readonly description: ModuleDescription
      /** Whether the module wants to hear what the other end holds. */
      readonly follows: boolean
    }
  | { readonly op: "refused"; readonly fault: Fault }
  | { readonly op: "configured"; readonly id: number; readonly fault?: Fault }
  | { readonly op: "key"; readonly blockId: string }
  | { readonly op: "measurement"; readonly measurement: LinkMeasurement }
  | {
      readonly op: "log"
      readonly level: LogLevel
      readonly message: string
      readonly facts: Readonly<Record<string, string | number | boolean>>
    }
  | { readonly op: "ended"; readonly stream: "keys" | "measurements"; readonly fault?: Fault }
  | { readonly op: "closed" }

type Header = Readonly<Record<string, unknown>>

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"]
const ROLES = ["TRANSMITTER", "RECEIVER", "TRANSCEIVER"] as const

export function faultOf(error: QkdError): Fault {
  const { tag, appTag, message, path } = error
  return {
    tag,
    message,
    ...(appTag !== undefined && { appTag }),
    ...(path !== undefined && { path }),
  }
}

/** Those that a module has a use for. */
const APP_TAGS: readonly AppTag[] = [
  ...(["closed", "timeout", "unsupported", "policy", "pool-empty"] as const),
  ...(["node-unreachable", "no-path", "unknown-sae"] as const),
]

export function errorOf(fault: Fault): QkdError {
  const tag = ERROR_TAGS.find((each) => each === fault.tag) ?? "operation-failed"
  const appTag = APP_TAGS.find((each) => each === fault.appTag)
  return new QkdError(tag, fault.message, {
    ...(appTag !== undefined && { appTag }),
    ...(fault.path !== undefined && { path: fault.path }),
  })
}

/** @throws QkdError `malformed-message`: the process is of no use any more. */
export function readModuleNews(header: Header): ModuleNews {
  const { op } = header
  switch (op) {
    case "opened":
      return {
        op,
        description: description(object(header["description"])),
        follows: header["follows"] === true,
      }
    case "refused":
      return { op, fault: fault(header["fault"]) }
    case "configured":
      return { op, id: finite(header["id"]), ...optionalFault(header) }
    case "key":
      return { op, blockId: text(header["blockId"]) }
    case "measurement":
      return { op, measurement: measurement(object(header["measurement"])) }
    case "log": {
      const level = LEVELS.find((each) => each === header["level"])
      if (level === undefined) throw malformed()
      return { op, level, message: text(header["message"]), facts: facts(header["facts"]) }
    }
    case "ended": {
      const { stream } = header
      if (stream !== "keys" && stream !== "measurements") throw malformed()
      return { op, stream, ...optionalFault(header) }
    }
    case "closed":
      return { op }
    default:
      throw malformed()
  }
}

function description(given: Header): ModuleDescription {
  const technology = TECHNOLOGIES.find((each) => each === given["technology"])
  const role = ROLES.find((each) => each === given["role"])
  if (technology === undefined || role === undefined) throw malformed()
  const { wavelengthRange, maxAbsorptionDb } = given
  return {
    model: text(given["model"]),
    technology,
    role,
    ...(wavelengthRange !== undefined && { wavelengthRange: text(wavelengthRange) }),
    ...(maxAbsorptionDb !== undefined && { maxAbsorptionDb: finite(maxAbsorptionDb) }),
  }
}

function measurement(given: Header): LinkMeasurement {
  const { generating, qber, reason } = given
  if (typeof generating !== "boolean") throw malformed()
  return {
    generating,
    skrBps: finite(given["skrBps"]),
    ...(qber !== undefined && { qber: finite(qber) }),
    ...(reason !== undefined && { reason: text(reason) }),
  }
}

function facts(given: unknown): Readonly<Record<string, string | number | boolean>> {
  const plain: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(object(given)))
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
      plain[name] = value
  return plain
}

function optionalFault(header: Header): { fault?: Fault } {
  return header["fault"] === undefined ? {} : { fault: fault(header["fault"]) }
}

function fault(given: unknown): Fault {
  const { tag, appTag, message, path } = object(given)
  return {
    tag: text(tag),
    message: text(message),
    ...(appTag !== undefined && { appTag: text(appTag) }),
    ...(path !== undefined && { path: text(path) }),
  }
}

function object(value: unknown): Header {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed()
  return { ...value }
}

function text(value: unknown): string {
  if (typeof value !== "string" || value.length > 4096) throw malformed()
  return value
}

function finite(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw malformed()
  return value
}

function malformed(): QkdError {
  return new QkdError("malformed-message", "no word of a module's process")
}
