#!/usr/bin/env node
// Starts the built program; says what to do when there is no build yet.
import { existsSync } from "node:fs"

const entry = new URL("../dist/src/main.js", import.meta.url)
if (!existsSync(entry)) {
  process.stderr.write("keyloom: not built yet; run `npm run build` first\n")
  process.exit(2)
}
await import(entry.href)
