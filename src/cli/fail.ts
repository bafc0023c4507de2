// How a command ends badly: one line on standard error, and a status scripts can branch on.

import { QkdError } from "../errors.js"
import { REPLACED_STATUS } from "./exit.js"

/** 1: the answer is no or it failed. 2: wrong usage, file or configuration. 3: another controller leads. */
export function fail(error: unknown): never {
  if (error instanceof QkdError) {
    process.stderr.write(`keyloom: ${error.message}\n`)
    if (error.appTag === "stale-leader") process.exit(REPLACED_STATUS)
    const wrongInput = [
      "invalid-value",
      "malformed-message",
      "unknown-element",
      "missing-element",
      "bad-element",
      "too-big",
    ]
    process.exit(wrongInput.includes(error.tag) ? 2 : 1)
  }
  process.stderr.write(
    `keyloom: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  process.exit(1)
}
