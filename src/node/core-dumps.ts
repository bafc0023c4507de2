// Keeps key material out of core dumps, as far as a process can: Linux lets it say which kinds of memory a dump holds,
// and with none of them a dump has registers and little else, whoever collects it (a pipe of the kernel's
// core_pattern ignores the limit on the size of core files). Children inherit it.

import { readFileSync, writeFileSync } from "node:fs"

const FILTER = "/proc/self/coredump_filter"

/** True when dumps of this process hold none of its memory from now on. Harmless elsewhere than on Linux. */
export function leaveMemoryOutOfDumps(): boolean {
  try {
    writeFileSync(FILTER, "0x0")
    return Number.parseInt(readFileSync(FILTER, "latin1"), 16) === 0
  } catch {
    return false
  }
}
