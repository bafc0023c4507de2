// The options of a simulated module, checked: what a site's configuration may say of it. Opens nothing.

import { QkdError } from "../../src/plugin/index.js"
import type { FibreEndName } from "./lines.js"

export interface ModuleOptions {
  readonly plantHost: string
  readonly plantPort: number
  readonly fibreId: string
  readonly end: FibreEndName
  /** Shown to the plant. */
  readonly token: string
  /** File with at least 32 random bytes, the same at both ends, made once for each link. */
  readonly seedFile: string
  /** Name of a parameter set; absent or unknown: chosen by loss. */
  readonly module?: string
  /** Overrules what the plant says of the fibre. */
  readonly lossDb?: number
  readonly lengthKm?: number
  /** Mean secret key rate, where it is known better than the model could tell. */
  readonly rateBps?: number
  /** Failure probability of a block, as the maker states it. */
  readonly epsilon?: number
}

const REQUIRED = ["plantPort", "fibreId", "end", "token", "seedFile"]
const KNOWN = [...REQUIRED, "plantHost", "module", "lossDb", "lengthKm", "rateBps", "epsilon"]

/** @throws QkdError `unknown-element`, `missing-element`, `invalid-value`, with the option's path. */
export function parseOptions(options: Readonly<Record<string, unknown>>): ModuleOptions {
  for (const name of Object.keys(options))
    if (!KNOWN.includes(name)) throw fault("unknown-element", name, "is no option of this module")
  for (const name of REQUIRED)
    if (options[name] === undefined) throw fault("missing-element", name, "is missing")
  const end = text(options, "end")
  if (end !== "a" && end !== "b") throw fault("invalid-value", "end", 'must be "a" or "b"')
  const plantPort = number(options, "plantPort", 1, 65_535)
  if (plantPort === undefined || !Number.isInteger(plantPort))
    throw fault("invalid-value", "plantPort", "must be a port number")
  const lossDb = number(options, "lossDb", 0, 200)
  const lengthKm = number(options, "lengthKm", 0, 2000)
  const rateBps = number(options, "rateBps", 0, 1e9)
  const epsilon = number(options, "epsilon", 0, 1)
  return {
    plantHost: options["plantHost"] === undefined ? "127.0.0.1" : text(options, "plantHost"),
    plantPort,
    fibreId: text(options, "fibreId"),
    end,
    token: text(options, "token"),
    seedFile: text(options, "seedFile"),
    ...(options["module"] !== undefined && { module: text(options, "module") }),
    ...(lossDb !== undefined && { lossDb }),
    ...(lengthKm !== undefined && { lengthKm }),
    ...(rateBps !== undefined && { rateBps }),
    ...(epsilon !== undefined && { epsilon }),
  }
}

function text(options: Readonly<Record<string, unknown>>, name: string): string {
  const value = options[name]
  if (typeof value !== "string" || value === "" || value.length > 1024)
    throw fault("invalid-value", name, "must be a text")
  return value
}

function number(
  options: Readonly<Record<string, unknown>>,
  name: string,
  least: number,
  most: number,
): number | undefined {
  const value = options[name]
  if (value === undefined) return undefined
  if (typeof value !== "number" || !(value >= least && value <= most))
    throw fault("invalid-value", name, `must be a number from ${least} to ${most}`)
  return value
}

function fault(
  tag: "unknown-element" | "missing-element" | "invalid-value",
  name: string,
  message: string,
): QkdError {
  return new QkdError(tag, `option ${name} ${message}`, { path: `/options/${name}` })
}
