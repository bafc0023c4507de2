// The doors that Node.js itself has into a running program (THREATS I1): the inspector, through which whoever reaches its
// port reads all memory; snapshots and profiles of the heap, and reports with the whole environment, which it writes to
// files when it gets a signal or fails. A program that holds keys does not start with one of them open.

import inspector from "node:inspector"
import { QkdError } from "../errors.js"

/** The rest of the name may follow: `--inspect-brk`, `--report-on-signal`. */
const DOORS = ["--inspect", "--heapsnapshot-", "--heap-prof", "--report-"]

/**
 * For the roles that hold keys, before they read anything. SIGUSR1, which opens the inspector later, is closed by
 * `untilAsked`.
 *
 * @throws QkdError `operation-not-supported`, naming the option and where it stands
 */
export function refuseMemoryDoors(
  execArgv: readonly string[] = process.execArgv,
  nodeOptions = process.env["NODE_OPTIONS"] ?? "",
): void {
  const places = [
    ["on the command line", execArgv],
    ["in NODE_OPTIONS", nodeOptions.split(/\s+/)],
  ] as const
  for (const [place, options] of places) {
    const door = options.find(isDoor)
    if (door !== undefined) throw refusal(`${nameOf(door)} ${place}`)
  }
  if (inspector.url() !== undefined) throw refusal("an open inspector")
}

function isDoor(option: string): boolean {
  const name = nameOf(option)
  return DOORS.some((door) => name.startsWith(door))
}

/** As Node.js reads it: without a value, quotes and a difference between `_` and `-`. */
function nameOf(option: string): string {
  return option.replaceAll(/["']/g, "").replace(/=.*/s, "").replaceAll("_", "-")
}

function refusal(what: string): QkdError {
  return new QkdError(
    "operation-not-supported",
    `a program that holds keys does not run with ${what}: it gives memory or environment away`,
  )
}
