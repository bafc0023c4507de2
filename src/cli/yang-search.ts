// Finds YANG modules by name or file, with all they import and include: in the folders given, beside the files named,
// in the current folder, and among the modules that ship with Keyloom. Compiles nothing.

import { existsSync, readFileSync, readdirSync, statSync } from "node:fs"
import path from "node:path"
import { QkdError } from "../errors.js"
import { yangFolders } from "../transport/yang-files.js"
import { outlineOf } from "../yang/outline.js"
import type { Outline } from "../yang/outline.js"

export interface FoundModule {
  readonly file: string
  readonly text: string
  readonly outline: Outline
}

export class YangSearch {
  private readonly found = new Map<string, FoundModule>()
  private readonly folders: string[]

  constructor(folders: readonly string[]) {
    this.folders = [...folders.map((folder) => path.resolve(folder))]
    for (const folder of folders)
      if (!existsSync(folder) || !statSync(folder).isDirectory())
        throw new QkdError("invalid-value", `${folder} is not a folder`)
  }

  /** Everything found so far. */
  get modules(): readonly FoundModule[] {
    return [...this.found.values()]
  }

  /**
   * A module named on the command line: a file, or a name with or without `@revision`. With it comes all it needs.
   *
   * @throws QkdError `invalid-value` when there is none, `malformed-message` when it or what it needs is no YANG.
   */
  take(named: string): FoundModule {
    const isFile = named.endsWith(".yang") || named.includes("/")
    let file: string | undefined = isFile ? named : undefined
    if (file === undefined) {
      const [name = "", revision] = named.split("@")
      file = this.locate(name, revision)
    } else {
      const folder = path.dirname(path.resolve(file))
      if (!this.folders.includes(folder)) this.folders.push(folder)
    }
    if (file === undefined || !existsSync(file) || statSync(file).isDirectory())
      throw new QkdError("invalid-value", `${named}: no such module`)
    const module = this.read(file)
    // What is asked of a submodule is asked of its module.
    const { belongsTo } = module.outline
    if (belongsTo === undefined) return module
    const owner = this.locate(belongsTo, undefined)
    if (owner === undefined)
      throw new QkdError("invalid-value", `${named}: its module ${belongsTo} is not there`)
    return this.read(owner)
  }

  private read(file: string): FoundModule {
    const known = this.found.get(path.resolve(file))
    if (known !== undefined) return known
    const text = readFileSync(file, "utf8")
    const module = { file, text, outline: outlineOf(text, file) }
    this.found.set(path.resolve(file), module)
    for (const { name, revision } of [...module.outline.imports, ...module.outline.includes]) {
      // The compiler says better, with file and line, what it misses.
      if (this.has(name, revision)) continue
      const next = this.locate(name, revision)
      if (next !== undefined) this.read(next)
    }
    return module
  }

  private has(name: string, revision: string | undefined): boolean {
    return this.modules.some(
      ({ outline }) =>
        outline.name === name && (revision === undefined || outline.revision === revision),
    )
  }

  /** The newest file of that name in the first folder that has one; with a revision, the one of it. */
  private locate(name: string, revision: string | undefined): string | undefined {
    for (const folder of [...this.folders, process.cwd(), ...yangFolders()]) {
      const files = this.namesIn(folder)
        .filter((file) => file === `${name}.yang` || file.startsWith(`${name}@`))
        .sort()
        .reverse()
      const fitting = files.filter((file) => {
        if (revision === undefined || file === `${name}@${revision}.yang`) return true
        if (file !== `${name}.yang`) return false
        const text = readFileSync(path.join(folder, file), "utf8")
        return outlineOf(text, file).revision === revision
      })
      // `name.yang` sorts behind `name@...`, and is as good.
      const file = fitting[0]
      if (file !== undefined) return path.join(folder, file)
    }
    return undefined
  }

  private readonly listings = new Map<string, readonly string[]>()

  private namesIn(folder: string): readonly string[] {
    let names = this.listings.get(folder)
    if (names === undefined) {
      names = readdirSync(folder).filter((file) => file.endsWith(".yang"))
      this.listings.set(folder, names)
    }
    return names
  }
}
