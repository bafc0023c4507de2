// Holds the import table of docs/ARCHITECTURE.md and forbids circles.

import assert from "node:assert/strict"
import { readdirSync, readFileSync, statSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))

/** Which rooms of `src/` a room may import from, itself aside. */
const table: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  unmoved: [],
  yang: ["errors"],
  netconf: ["yang", "errors"],
  restconf: ["netconf", "yang", "errors"],
  model: ["yang", "errors"],
  engine: ["errors"],
  core: ["engine", "model", "errors"],
  plan: ["engine", "model", "errors"],
  controller: ["core", "engine", "model", "errors"],
  store: ["controller/ports", "model", "errors"],
  south: ["controller/ports", "plugin", "netconf", "transport", "model", "errors"],
  north: ["controller", "restconf", "netconf", "yang", "core", "model", "transport", "errors"],
  keys: ["model", "errors", "unmoved"],
  etsi014: ["keys", "transport", "errors", "unmoved"],
  pkcs11: ["transport", "errors", "unmoved"],
  node: [
    "keys",
    "plugin",
    "netconf",
    "yang",
    "model",
    "transport",
    "pkcs11",
    "config",
    "errors",
    "unmoved",
  ],
  transport: ["netconf", "errors", "unmoved"],
  plugin: ["etsi014", "keys", "netconf", "yang", "model", "transport", "errors", "unmoved"],
  consumer: [
    "etsi014",
    "keys",
    "transport",
    "pkcs11",
    "model",
    "yang",
    "config",
    "node/log",
    "node/dir-lock",
    "errors",
    "unmoved",
  ],
  config: ["yang", "errors"],
  "exit-status": [],
  demo: [
    "keys",
    "yang",
    "model",
    "transport",
    "node/dir-lock",
    "plugins/simulated/fibre",
    "exit-status",
    "errors",
  ],
  cli: ["*"],
  main: ["*"],
}

/** Rooms that decide and never do: no module of Node's with effects. */
const pureRooms = ["yang", "netconf", "restconf", "model", "engine", "core", "plan", "keys"]
/** Types and pure helpers only. */
const pureBuiltins = ["node:crypto", "node:buffer", "node:util"]

function filesUnder(dir: string): string[] {
  return readdirSync(dir).flatMap((name) => {
    const full = path.join(dir, name)
    if (statSync(full).isDirectory()) return filesUnder(full)
    return full.endsWith(".ts") || full.endsWith(".tsx") ? [full] : []
  })
}

interface Import {
  readonly from: string
  readonly to: string
  readonly typeOnly: boolean
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, "utf8")
  const found: Import[] = []
  for (const m of text.matchAll(
    /^\s*(?:import|export)\s+(type\s+)?[^"';]*?from\s+"([^"]+)"|^\s*import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm,
  )) {
    found.push({ from: file, to: m[2] ?? m[3] ?? m[4] ?? "", typeOnly: m[1] !== undefined })
  }
  return found
}

function resolveRelative(from: string, to: string): string {
  return path.relative(root, path.resolve(path.dirname(from), to)).replace(/\.js$/, ".ts")
}

/** `src/yang/xml.ts` is room `yang`; `src/errors.ts` is room `errors`. */
function roomOf(file: string): string {
  const parts = path.relative(path.join(root, "src"), path.resolve(root, file)).split(path.sep)
  return (parts[0] ?? "").replace(/\.tsx?$/, "")
}

const sources = filesUnder(path.join(root, "src")).filter(
  (f) => !f.includes(`${path.sep}dashboard${path.sep}`),
)
const all = sources.flatMap(importsOf)

describe("the house", () => {
  it("lets a room import only from the rooms its table names", () => {
    const faults: string[] = []
    for (const { from, to } of all) {
      if (!to.startsWith(".")) continue
      const room = roomOf(from)
      const target = resolveRelative(from, to)
      const targetRoom = roomOf(target)
      const allowed = table[room]
      if (allowed === undefined) {
        faults.push(`${path.relative(root, from)}: room ${room} is not in the table`)
        continue
      }
      if (room === targetRoom || allowed.includes("*")) continue
      const named = target.replace(/^src\//, "").replace(/\.ts$/, "")
      if (allowed.includes(targetRoom) || allowed.includes(named)) continue
      faults.push(`${path.relative(root, from)} imports ${named}`)
    }
    assert.deepEqual(faults, [])
  })

  it("has no circle of imports, of types neither", () => {
    const graph = new Map<string, string[]>()
    for (const { from, to } of [
      ...all,
      ...filesUnder(path.join(root, "plugins")).flatMap(importsOf),
    ]) {
      if (!to.startsWith(".")) continue
      const key = path.relative(root, from)
      graph.set(key, [...(graph.get(key) ?? []), resolveRelative(from, to)])
    }
    const state = new Map<string, "open" | "done">()
    const circles: string[] = []
    const visit = (file: string, trail: readonly string[]): void => {
      if (state.get(file) === "done") return
      if (state.get(file) === "open") {
        circles.push([...trail.slice(trail.indexOf(file)), file].join(" -> "))
        return
      }
      state.set(file, "open")
      for (const next of graph.get(file) ?? []) visit(next, [...trail, file])
      state.set(file, "done")
    }
    for (const file of graph.keys()) visit(file, [])
    assert.deepEqual(circles, [])
  })

  it("keeps clock, files and sockets out of the pure rooms", () => {
    const faults = all
      .filter(
        ({ from, to, typeOnly }) =>
          !typeOnly &&
          pureRooms.includes(roomOf(from)) &&
          to.startsWith("node:") &&
          !pureBuiltins.includes(to),
      )
      .map(({ from, to }) => `${path.relative(root, from)} imports ${to}`)
    assert.deepEqual(faults, [])
  })

  it("gives the controller's rooms no way to key material", () => {
    const blind = ["core", "controller", "store", "north"]
    const reach = new Map<string, Set<string>>()
    const direct = new Map<string, string[]>()
    for (const { from, to, typeOnly } of all) {
      if (!to.startsWith(".") || typeOnly) continue
      const key = path.relative(root, from)
      direct.set(key, [...(direct.get(key) ?? []), resolveRelative(from, to)])
    }
    const closure = (file: string): Set<string> => {
      const known = reach.get(file)
      if (known !== undefined) return known
      const set = new Set<string>()
      reach.set(file, set)
      for (const next of direct.get(file) ?? []) {
        set.add(next)
        for (const far of closure(next)) set.add(far)
      }
      return set
    }
    const faults = sources
      .filter((f) => blind.includes(roomOf(f)))
      .flatMap((f) =>
        [...closure(path.relative(root, f))]
          .filter((t) => t.startsWith("src/keys/"))
          .map((t) => `${path.relative(root, f)} reaches ${t}`),
      )
    assert.deepEqual(faults, [])
  })

  it("lets a plugin import the published entry only", () => {
    const faults = filesUnder(path.join(root, "plugins")).flatMap((file) =>
      importsOf(file)
        .filter(({ to }) => to.startsWith("."))
        .map(({ to }) => resolveRelative(file, to))
        .filter((target) => !target.startsWith("plugins/") && target !== "src/plugin/index.ts")
        .map((target) => `${path.relative(root, file)} imports ${target}`),
    )
    assert.deepEqual(faults, [])
  })
})
