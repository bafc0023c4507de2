// How V8 treats the long-running roles. A node serves few requests, but each pair of SAEs waits for its first: code that
// has run twenty times should not be interpreted still.

import { setFlagsFromString } from "node:v8"

/** From now on functions get plain machine code at their first call, not after some hundred; the optimiser comes as ever. */
export function compileEarly(): void {
  setFlagsFromString("--always-sparkplug")
}
