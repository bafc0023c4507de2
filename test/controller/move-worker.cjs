// The planner's thread from the sources: a thread does not take the loader of TypeScript from its parent.

"use strict"

import("tsx/esm/api").then(({ tsImport }) =>
  tsImport("../../src/cli/move-worker.ts", `file://${__filename}`),
)
