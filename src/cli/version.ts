// The version this program was built as.

import { readFileSync } from "node:fs"

export function programVersion(): string {
  const up = import.meta.url.includes("/dist/") ? "../../../package.json" : "../../package.json"
  const text = readFileSync(new URL(up, import.meta.url), "utf8")
  return (JSON.parse(text) as { version: string }).version
}
