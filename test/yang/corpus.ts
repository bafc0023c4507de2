// The modules Debian's packages, ETSI and we ship, as files, with the folders their imports are found in.

import { existsSync, readdirSync } from "node:fs"
import path from "node:path"
import { official } from "./fixture.js"

export interface CorpusModule {
  readonly file: string
  readonly folders: readonly string[]
}

const YUMA = "/usr/share/yuma/modules"
/** libyang's own modules. */
export const LIBYANG = "/usr/share/yang/modules/libyang"
const EXAMPLES = "/usr/share/doc/libyang2-tools/examples"
const OWN = path.resolve(import.meta.dirname, "../../yang")

const yuma = ["ietf", "ietf-derived", "ietf-draft", "netconfcentral", "yuma123", "examples"].map(
  (group) => path.join(YUMA, group),
)
const own = ["ietf", "etsi", "own"].map((group) => path.join(OWN, group))

/** Every folder of the corpus that is there, with the folders that go with it. */
export function corpusFolders(): readonly {
  readonly folder: string
  readonly with: readonly string[]
}[] {
  const etsi = ["", "variants/teraflow", "variants/when-corrected", "v1.1.1"]
  return [
    { folder: LIBYANG, with: [LIBYANG] },
    ...yuma.map((folder) => ({ folder, with: [folder, ...yuma.slice(0, 5), LIBYANG] })),
    { folder: EXAMPLES, with: [EXAMPLES, LIBYANG, path.join(YUMA, "ietf")] },
    ...etsi.map((variant) => {
      const folder = path.join(official, variant)
      const types = variant === "v1.1.1" ? [] : [official]
      return { folder, with: [folder, ...types, path.join(official, "deps")] }
    }),
    ...own.map((folder) => ({ folder, with: own })),
  ].filter(({ folder }) => existsSync(folder))
}

export function corpus(): readonly CorpusModule[] {
  return corpusFolders().flatMap(({ folder, with: folders }) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".yang"))
      .sort()
      .map((name) => ({ file: path.join(folder, name), folders: [...new Set(folders)] })),
  )
}
