// The options of a simulated module, checked: what a site's configuration may say of it. Opens nothing.

import { OptionReader } from "../../src/plugin/index.js"
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
const OPTIONAL = ["plantHost", "module", "lossDb", "lengthKm", "rateBps", "epsilon"]

/** @throws QkdError `unknown-element`, `missing-element`, `invalid-value`, with the option's path. */
export function parseOptions(options: Readonly<Record<string, unknown>>): ModuleOptions {
  const given = new OptionReader(options, REQUIRED, OPTIONAL)
  const lossDb = given.number("lossDb", 0, 200)
  const lengthKm = given.number("lengthKm", 0, 2000)
  const rateBps = given.number("rateBps", 0, 1e9)
  const epsilon = given.number("epsilon", 0, 1)
  return {
    plantHost: given.text("plantHost", "127.0.0.1"),
    plantPort: given.port("plantPort"),
    fibreId: given.text("fibreId"),
    end: given.oneOf("end", ["a", "b"]),
    token: given.text("token"),
    seedFile: given.text("seedFile"),
    ...(options["module"] !== undefined && { module: given.text("module") }),
    ...(lossDb !== undefined && { lossDb }),
    ...(lengthKm !== undefined && { lengthKm }),
    ...(rateBps !== undefined && { rateBps }),
    ...(epsilon !== undefined && { epsilon }),
  }
}
