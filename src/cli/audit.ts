// Checks the trails of deliveries that nodes have written (THREATS I3), however long they are.

import { createReadStream } from "node:fs"
import { asQkdError, QkdError } from "../errors.js"
import { AuditCheck, AUDIT_ORIGIN } from "../node/audit-check.js"

const NEWLINE = 0x0a

/**
 * Prints what each trail holds and its head.
 *
 * @param options.head one noted earlier, of one of these trails
 * @throws QkdError `operation-failed` for the first line that does not follow, or when no line has that head
 */
export async function verifyAudit(
  files: readonly string[],
  options: { readonly head?: string },
): Promise<void> {
  let isFound = options.head === undefined || options.head === AUDIT_ORIGIN
  for (const file of files) {
    const check = new AuditCheck()
    let at: number | undefined
    const rest = await eachLine(file, (line) => {
      check.take(line)
      if (check.head === options.head) at = check.lines
    })
    process.stdout.write(`${told(file, check)}\n`)
    if (rest > 0)
      process.stdout.write(
        `  and a last line that is cut off: no key left for it, the node takes it away when it starts\n`,
      )
    if (at !== undefined) process.stdout.write(`  line ${at} has the head that was noted\n`)
    isFound ||= at !== undefined
  }
  if (!isFound)
    throw new QkdError(
      "operation-failed",
      "no line has the head that was noted: the trail was cut off or written anew since, or is another",
    )
}

function told(file: string, { lines, head, times }: AuditCheck): string {
  if (times === undefined) return `${file}: empty`
  return `${file}: whole, ${lines} lines from ${times.first} to ${times.last}\n  head ${head}`
}

/** Strict: other bytes that read alike would be a change that the hash does not show. */
function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new QkdError("malformed-message", "a line is not UTF-8")
  }
}

/** @returns how many bytes come after the last line's end */
async function eachLine(file: string, take: (line: string) => void): Promise<number> {
  let pending: Buffer[] = []
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      let from = 0
      for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
        pending.push(chunk.subarray(from, to))
        take(textOf(Buffer.concat(pending)))
        pending = []
        from = to + 1
      }
      if (from < chunk.length) pending.push(chunk.subarray(from))
    }
  } catch (cause) {
    const { tag, message } = asQkdError(cause)
    // The answer is no: that is no wrong use of the command.
    if (tag === "malformed-message")
      throw new QkdError("operation-failed", `${file}: ${message}`, { cause })
    throw new QkdError("invalid-value", `cannot read ${file}`, { cause })
  }
  return pending.reduce((sum, { length }) => sum + length, 0)
}
