// What a module text says of itself and wants of others, for whoever has to find the others. Nothing is compiled.

import { latestRevision } from "./module.js"
import { parseYang } from "./parse.js"
import { argOf, subsOf } from "./statement.js"
import type { Statement } from "./statement.js"

export interface Outline {
  readonly name: string
  readonly keyword: "module" | "submodule"
  /** A submodule's module. */
  readonly belongsTo?: string
  readonly revision: string
  readonly imports: readonly Wanted[]
  readonly includes: readonly Wanted[]
}

export interface Wanted {
  readonly name: string
  readonly revision?: string
}

/** @throws QkdError `malformed-message` with file and line when the text is no YANG. */
export function outlineOf(text: string, file: string): Outline {
  const root = parseYang(text, file)
  const belongsTo = argOf(root, "belongs-to")
  return {
    name: root.argument ?? "",
    keyword: root.keyword === "submodule" ? "submodule" : "module",
    ...(belongsTo === undefined ? {} : { belongsTo }),
    revision: latestRevision(root),
    imports: subsOf(root, "import").map(wanted),
    includes: subsOf(root, "include").map(wanted),
  }
}

function wanted(statement: Statement): Wanted {
  const revision = argOf(statement, "revision-date")
  return { name: statement.argument ?? "", ...(revision === undefined ? {} : { revision }) }
}
