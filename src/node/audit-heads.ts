// Logs leave the site: whoever has a head of an audit trail from there sees any later change of the trail (THREATS I3).

import type { AuditTrail } from "./audit.js"
import type { Log } from "./log.js"

const HEAD_MS = 3_600_000

/** Tells the trail's head now and each hour. @returns what stops that, and tells it once more */
export function tellHeads(
  audit: AuditTrail,
  log: Log,
  facts: { outlet?: number } = {},
): () => void {
  const tell = (): void => {
    log.info({ lines: audit.lines, head: audit.head, ...facts }, "audit trail")
  }
  tell()
  const telling = setInterval(tell, HEAD_MS)
  return () => {
    clearInterval(telling)
    tell()
  }
}
