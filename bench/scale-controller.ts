// The controller as `keyloom controller` starts it, for bench/scale.ts: says how much memory it holds when asked.

import { runController } from "../src/cli/controller.js"

export interface MemoryAnswer {
  readonly kind: "memory"
  readonly rssBytes: number
  /** Objects in use and what hangs on them outside the heap, after two collections. */
  readonly usedBytes: number
}

process.on("message", (message: { readonly kind: string }) => {
  if (message.kind !== "memory") return
  globalThis.gc?.()
  globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  process.send?.({
    kind: "memory",
    rssBytes: rss,
    usedBytes: heapUsed + external,
  } satisfies MemoryAnswer)
})
process.once("disconnect", () => process.exit(0))
await runController(process.argv[2] ?? "")
