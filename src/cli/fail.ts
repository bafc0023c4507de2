// How a command ends badly: one line on standard error, and a status scripts can branch on.

import { QkdError } from "../errors.js"
import { EXIT_STATUS } from "../exit-status.js"

export function fail(error: unknown): never {
  if (error instanceof QkdError) {
    process.stderr.write(`keyloom: ${error.message}\n`)
    if (error.appTag === "stale-leader") process.exit(EXIT_STATUS.replaced)
    const wrongInput = [
      "invalid-value",
      "malformed-message",
      "unknown-element",
      "missing-element",
      "bad-element",
      "too-big",
    ]
    process.exit(wrongInput.includes(error.tag) ? EXIT_STATUS.wrongInput : EXIT_STATUS.failed)
  }
  process.stderr.write(
    `keyloom: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  process.exit(EXIT_STATUS.failed)
}
