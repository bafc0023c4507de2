// Reads an audit trail as an auditor does: every line must follow the one before, by number and by hash. Lines of any
// number, one at a time.

import { hash } from "node:crypto"
import { QkdError } from "../errors.js"
import { isObject, parseJson } from "../yang/json-text.js"

/** What the first line is chained to. */
export const AUDIT_ORIGIN = "0".repeat(64)

/** What the next line is chained to, and what stands for all lines up to this one. */
export function auditDigest(line: string): string {
  return hash("sha256", line, "hex")
}

export class AuditCheck {
  #head = AUDIT_ORIGIN
  #lines = 0
  #times: { readonly first: string; last: string } | undefined

  get head(): string {
    return this.#head
  }

  get lines(): number {
    return this.#lines
  }

  /** Of the first and of the last line, as they stand there. */
  get times(): { readonly first: string; readonly last: string } | undefined {
    return this.#times
  }

  /**
   * The next line, without its end.
   *
   * @throws QkdError `malformed-message` when it is not the one that was written there
   */
  take(line: string): void {
    const nth = this.#lines + 1
    const time = timeOf(line, nth, this.#head)
    if (time === undefined)
      throw new QkdError("malformed-message", `audit line ${nth} does not follow the one before`)
    this.#lines = nth
    this.#head = auditDigest(line)
    if (this.#times === undefined) this.#times = { first: time, last: time }
    else this.#times.last = time
  }
}

/** Undefined when it is no line of that number after a line of that hash. */
function timeOf(line: string, seq: number, previous: string): string | undefined {
  try {
    const entry = parseJson(line)
    if (!isObject(entry) || entry["seq"] !== seq || entry["previous"] !== previous) return undefined
    const { time } = entry
    return typeof time === "string" ? time : undefined
  } catch {
    return undefined
  }
}

/**
 * Checks a whole trail.
 *
 * @returns the head and the number of lines
 * @throws QkdError `malformed-message` naming the first line that was changed, removed or added
 */
export function verifyAuditTrail(text: string): { readonly head: string; readonly lines: number } {
  const check = new AuditCheck()
  for (const line of text.split("\n").slice(0, -1)) check.take(line)
  const { head, lines } = check
  return { head, lines }
}
