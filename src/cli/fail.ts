// How a command ends badly: one line on standard error, and a status scripts can branch on.

import { QkdError } from "../errors.js"

/** 1: the answer is no or it failed. 2: wrong usage, file or configuration. */
export function fail(error: unknown): never {
  if (error instanceof QkdError) {
    process.stderr.write(`keyloom: ${error.message}\n`)
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
