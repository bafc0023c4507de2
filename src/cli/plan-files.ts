// The files of planning commands: read whole, JSON with line and column of a fault. Judges no content.

import { readFileSync, writeFileSync } from "node:fs"
import { QkdError } from "../errors.js"
import type { Topology } from "../model/topology.js"
import { readTopology } from "../model/topology-file.js"
import { parseJson } from "../yang/json-text.js"

const MAX_BYTES = 256 * 1024 * 1024

/** @param file `-` is standard input. @throws QkdError `invalid-value` when it cannot be read. */
function textOf(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8")
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)
    throw new QkdError("invalid-value", `cannot read ${file}: ${why}`, { cause })
  }
}

/** What was assumed where the file says nothing goes to standard error. */
export function readTopologyFile(file: string): Topology {
  const topology = readTopology(textOf(file), file)
  for (const notice of topology.notices) process.stderr.write(`keyloom: ${notice}\n`)
  return topology
}

/** @throws QkdError `invalid-value` when the file cannot be written. */
export function writePicture(file: string, svg: string): void {
  try {
    writeFileSync(file, svg)
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)
    throw new QkdError("invalid-value", `cannot write ${file}: ${why}`, { cause })
  }
}

/** @throws QkdError `malformed-message` with line and column. */
export function readJsonFile(file: string): unknown {
  try {
    return parseJson(textOf(file), { maxBytes: MAX_BYTES, maxDepth: 16 })
  } catch (error) {
    if (!(error instanceof QkdError) || error.tag === "invalid-value") throw error
    throw new QkdError(error.tag, `${file}: ${error.message}`, { cause: error })
  }
}
