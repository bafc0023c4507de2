// Which modules must be implemented because others are: those whose nodes are augmented, deviated or pointed to by
// leafrefs (RFC 7950 section 5.6.5 leaves no choice: a module is implemented to have its nodes there).

import { latestRevision } from "./module-set.js"
import { parseYang } from "./parse.js"
import type { Statement } from "./parse.js"

/** One module or submodule, as far as it speaks of others. */
export interface Outline {
  readonly name: string
  readonly keyword: "module" | "submodule"
  readonly belongsTo?: string
  readonly revision: string
  /** Names and revisions wanted of other modules, in order. */
  readonly imports: readonly Wanted[]
  readonly includes: readonly Wanted[]
  /** Names of modules that its augments, deviations and leafrefs go through. */
  readonly reaches: ReadonlySet<string>
}

export interface Wanted {
  readonly name: string
  readonly revision?: string
  readonly line: number
}

/** @throws QkdError `malformed-message` with file and line when the text is no YANG. */
export function outlineOf(text: string, file: string): Outline {
  const root = parseYang(text, file)
  const prefixes = new Map<string, string>()
  const wanted = (keyword: "import" | "include"): Wanted[] =>
    root.sub
      .filter((s) => s.keyword === keyword)
      .map((s) => {
        const find = (name: string): string | undefined =>
          s.sub.find((sub) => sub.keyword === name)?.argument
        const name = s.argument ?? ""
        const prefix = find("prefix")
        if (prefix !== undefined) prefixes.set(prefix, name)
        const revision = find("revision-date")
        return { name, line: s.line, ...(revision === undefined ? {} : { revision }) }
      })
  const imports = wanted("import")
  const includes = wanted("include")
  const reaches = new Set<string>()
  collect(root, prefixes, reaches)
  const belongs = root.sub.find((s) => s.keyword === "belongs-to")?.argument
  return {
    name: root.argument ?? "",
    keyword: root.keyword === "submodule" ? "submodule" : "module",
    ...(belongs === undefined ? {} : { belongsTo: belongs }),
    revision: latestRevision(root),
    imports,
    includes,
    reaches,
  }
}

function collect(
  statement: Statement,
  prefixes: ReadonlyMap<string, string>,
  into: Set<string>,
): void {
  for (const sub of statement.sub) {
    const isTop = statement.keyword === "module" || statement.keyword === "submodule"
    const names =
      (isTop && (sub.keyword === "augment" || sub.keyword === "deviation")) ||
      sub.keyword === "path"
    if (names)
      for (const match of (sub.argument ?? "").matchAll(/([A-Za-z_][\w.-]*):[A-Za-z_]/g)) {
        const module = prefixes.get(match[1] ?? "")
        if (module !== undefined) into.add(module)
      }
    collect(sub, prefixes, into)
  }
}

/** The chosen modules and all they reach. */
export function implementedBy(
  chosen: readonly string[],
  outlines: readonly Outline[],
): readonly string[] {
  const found = new Set<string>()
  const visit = (name: string): void => {
    if (found.has(name)) return
    found.add(name)
    for (const outline of outlines)
      if (outline.name === name || outline.belongsTo === name) outline.reaches.forEach(visit)
  }
  chosen.forEach(visit)
  return [...found].filter((name) =>
    outlines.some((o) => o.name === name && o.keyword === "module"),
  )
}
