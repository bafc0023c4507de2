// Finds the YANG modules that ship with Keyloom, as text. Compiling them is the pure room's work.

import { readdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { QkdError } from "../errors.js"

/** The package's `yang/` folder, seen from `src/transport` or from `dist/src/transport`. */
function yangFolder(): string {
  const here = path.dirname(fileURLToPath(import.meta.url))
  const root = here.includes(`${path.sep}dist${path.sep}`)
    ? path.resolve(here, "../../..")
    : path.resolve(here, "../..")
  return path.join(root, "yang")
}

/** The folders with modules that ship. */
export function yangFolders(): string[] {
  return ["ietf", "etsi", "own"].map((group) => path.join(yangFolder(), group))
}

/**
 * The text of shipped modules.
 *
 * @param names module names without revision; absent means every module.
 * @throws QkdError `data-missing` when a named module does not ship.
 */
export function loadYangFiles(names?: readonly string[]): { name: string; text: string }[] {
  const found = new Map<string, string>()
  for (const folder of yangFolders()) {
    for (const file of readdirSync(folder)) {
      if (file.endsWith(".yang"))
        found.set(file.replace(/(@.*)?\.yang$/, ""), path.join(folder, file))
    }
  }
  return (names ?? [...found.keys()]).map((name) => {
    const file = found.get(name)
    if (file === undefined)
      throw new QkdError("data-missing", `YANG module ${name} does not ship with Keyloom`)
    return { name, text: readFileSync(file, "utf8") }
  })
}
