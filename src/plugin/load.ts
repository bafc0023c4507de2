// Finds a plugin by name and loads it: one that ships with Keyloom, or a package on disk. Decides nothing about
// trust: which packages may be named is the site's policy. What goes wrong here concerns the nodes that named
// the plugin and nobody else.

import { readFile, realpath } from "node:fs/promises"
import { createRequire } from "node:module"
import path from "node:path"
import { pathToFileURL } from "node:url"
import { QkdError } from "../errors.js"
import type { NodeDriver, QkdModuleDriver } from "./contract.js"
import { asModuleDriver, asNodeDriver, CONTRACT } from "./shape.js"

export type PluginRole = "node-driver" | "qkd-module"

/** Plugins that ship; they have no privilege beyond a short name. Folders beside `src/`, built along with it. */
const SHIPPED: ReadonlyMap<string, PluginRole> = new Map([
  ["etsi004", "qkd-module"],
  ["etsi015", "node-driver"],
  ["simulated", "qkd-module"],
  ["etsi014", "qkd-module"],
])

/** `etsi015:teraflow`, `etsi015:./acme.json`: the shipped driver with a device profile, by name or file. */
const PROFILED = /^etsi015:(.+)$/

export interface LoadOptions {
  /** Where package names are looked up from; the working folder where absent. */
  readonly from?: string
}

/**
 * Loads a node driver.
 *
 * @param name `etsi015`, `etsi015:` with a device profile (one that ships, or a file that starts with `.` or `/`),
 *   a package name such as `@acme/keyloom-q7`, or a path to a package's folder that starts with `.` or `/`
 * @throws QkdError `data-missing` when there is none, `operation-not-supported` when it does not fit the
 *   contract, `operation-failed` when it breaks while loading.
 */
export async function loadNodeDriver(name: string, options: LoadOptions = {}): Promise<NodeDriver> {
  return asNodeDriver(name, await load(name, "node-driver", options))
}

/** Loads a QKD module driver: `simulated`, a package name or a path. Throws as `loadNodeDriver`. */
export async function loadModuleDriver(
  name: string,
  options: LoadOptions = {},
): Promise<QkdModuleDriver> {
  return asModuleDriver(name, await load(name, "qkd-module", options))
}

async function load(name: string, role: PluginRole, options: LoadOptions): Promise<unknown> {
  const shipped = SHIPPED.get(name)
  if (shipped !== undefined) {
    if (shipped !== role) throw misfit(name, `is a ${shipped}, not a ${role}`)
    return run(name, shippedUrl(name))
  }
  const profile = PROFILED.exec(name)?.[1]
  if (profile !== undefined) {
    if (role !== "node-driver") throw misfit(name, `is a node-driver, not a ${role}`)
    return profiled(name, profile, options.from ?? process.cwd())
  }
  const folder = await packageFolder(name, options.from ?? process.cwd())
  const about = await manifestOf(name, folder, role)
  const base = member(about, "extends")
  if (base !== undefined) return extended(name, base, about)
  return run(name, pathToFileURL(await entryFile(name, folder, about)).href)
}

/** A plugin that is a shipped driver with a maker's profile: data, no code of its own. */
async function extended(name: string, base: unknown, about: unknown): Promise<unknown> {
  if (base !== "etsi015") throw misfit(name, `extends ${String(base)}, which cannot be extended`)
  const id = member(about, "id")
  const title = typeof id === "string" ? id : name
  return driverFrom(name, "withProfile", [title, member(about, "profile")])
}

/** A device profile that ships is named; one of a site's own is a JSON file. */
async function profiled(name: string, profile: string, from: string): Promise<unknown> {
  if (!profile.startsWith(".") && !path.isAbsolute(profile))
    return driverFrom(name, "withShippedProfile", [profile])
  let value: unknown
  try {
    value = JSON.parse(await readFile(path.resolve(from, profile), "utf8"))
  } catch (cause) {
    throw new QkdError("data-missing", `${name}: there is no readable profile`, { cause })
  }
  return driverFrom(name, "withProfile", [name, value])
}

async function driverFrom(
  name: string,
  maker: "withProfile" | "withShippedProfile",
  args: readonly unknown[],
): Promise<unknown> {
  const make = member(await run(name, shippedUrl("etsi015")), maker)
  if (typeof make !== "function") throw misfit(name, "takes no device profile")
  const driver: unknown = Reflect.apply(make, undefined, [...args])
  return { default: driver }
}

function shippedUrl(name: string): string {
  return new URL(`../../plugins/${name}/index.js`, import.meta.url).href
}

async function run(name: string, url: string): Promise<unknown> {
  try {
    const module: unknown = await import(url)
    return module
  } catch (cause) {
    throw new QkdError("operation-failed", `plugin ${name} broke while loading`, { cause })
  }
}

async function packageFolder(name: string, from: string): Promise<string> {
  const missing = (cause: unknown): QkdError =>
    new QkdError("data-missing", `no plugin is called ${name}`, { cause })
  if (name.startsWith(".") || path.isAbsolute(name))
    return realpath(path.resolve(from, name)).catch((cause: unknown) => {
      throw missing(cause)
    })
  if (!/^(@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/.test(name))
    throw new QkdError("invalid-value", `not a plugin's name: ${name}`)
  // A package need not export its package.json, so its folder is looked for, not resolved.
  for (const modules of createRequire(path.join(from, "-")).resolve.paths(name) ?? []) {
    const folder = await realpath(path.join(modules, name)).catch(() => undefined)
    if (folder !== undefined) return folder
  }
  throw missing(undefined)
}

/** The `keyloom` member of the package's package.json, fit for this program and role. */
async function manifestOf(name: string, folder: string, role: PluginRole): Promise<unknown> {
  let manifest: unknown
  try {
    manifest = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"))
  } catch (cause) {
    throw new QkdError("data-missing", `plugin ${name} has no readable package.json`, { cause })
  }
  const about = member(manifest, "keyloom")
  if (about === undefined) throw misfit(name, 'has no member "keyloom" in its package.json')
  const contracts = member(about, "contract")
  if (!Array.isArray(contracts) || !contracts.includes(CONTRACT))
    throw misfit(name, `speaks contracts ${JSON.stringify(contracts)}, this program ${CONTRACT}`)
  if (member(about, "role") !== role)
    throw misfit(name, `is a ${String(member(about, "role"))}, not a ${role}`)
  return about
}

/** The file to load; never one outside the package's folder, by whatever way. */
async function entryFile(name: string, folder: string, about: unknown): Promise<string> {
  const entry = member(about, "entry")
  if (typeof entry !== "string") throw misfit(name, "names no entry")
  const file = await realpath(path.resolve(folder, entry)).catch((cause: unknown) => {
    throw new QkdError("data-missing", `plugin ${name}: its entry is missing`, { cause })
  })
  if (!file.startsWith(folder + path.sep)) throw misfit(name, "has its entry outside its folder")
  return file
}

function misfit(name: string, what: string): QkdError {
  return new QkdError("operation-not-supported", `plugin ${name} ${what}`)
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined
}
