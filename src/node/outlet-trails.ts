// Where the audit trails of outlets lie: beside the node's own, each chained by itself. `audit.log` has
// `audit-outlet-1.log` and so on beside it.

import { readdir } from "node:fs/promises"
import path from "node:path"

export function outletTrail(auditFile: string, nth: number): string {
  const { dir, name, ext } = path.parse(auditFile)
  return path.join(dir, `${name}-outlet-${nth}${ext}`)
}

/** The trails of a node, its own first: also of outlets that it no longer has. */
export async function auditTrails(auditFile: string): Promise<string[]> {
  const { dir, name, ext } = path.parse(auditFile)
  const numbers = (await readdir(dir))
    .filter((file) => file.startsWith(`${name}-outlet-`) && file.endsWith(ext))
    .map((file) => file.slice(`${name}-outlet-`.length, file.length - ext.length))
    .filter((number) => /^[1-9][0-9]{0,2}$/.test(number))
    .map(Number)
    .sort((a, b) => a - b)
  return [auditFile, ...numbers.map((nth) => outletTrail(auditFile, nth))]
}
