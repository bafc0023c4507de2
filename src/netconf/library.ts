// The YANG library of a server as data (RFC 8525), and the flat list that came before it (RFC 7895). The set of modules
// of a server never changes while it runs, so both are made once a schema, and nobody is notified.

import { createHash } from "node:crypto"
import type { JsonObject } from "../yang/json.js"
import type { ModuleInfo, Schema } from "../yang/schema.js"
import type { StoreName } from "./datastore-locks.js"
import { LIBRARY_MODULE, NMDA_MODULE, implementsModule } from "./protocol-modules.js"

/** What a server's datastores make possible. */
export interface OfferedStores {
  readonly names: readonly StoreName[]
  readonly canConfirm: boolean
}

export interface Library {
  /** `yang-library` and `modules-state`. */
  readonly data: JsonObject
  readonly contentId: string
  readonly moduleSetId: string
}

/** The name of the one module set and of the one schema. */
const ONLY = "complete"

/** Servers that share a schema and offer the same share their library. */
const made = new WeakMap<Schema, Map<string, Library>>()

export function libraryOf(schema: Schema, stores: OfferedStores): Library {
  const known = made.get(schema) ?? new Map<string, Library>()
  made.set(schema, known)
  const key = JSON.stringify([stores.names, stores.canConfirm])
  const library = known.get(key) ?? makeLibrary(schema, stores)
  known.set(key, library)
  return library
}

function makeLibrary(schema: Schema, stores: OfferedStores): Library {
  const modulesState = modulesStateOf(schema, stores)
  const library = yangLibraryOf(schema, stores)
  const moduleSetId = idOf(modulesState)
  const contentId = idOf(library)
  return {
    contentId,
    moduleSetId,
    data: {
      [`${LIBRARY_MODULE}:yang-library`]: { ...library, "content-id": contentId },
      [`${LIBRARY_MODULE}:modules-state`]: { "module-set-id": moduleSetId, ...modulesState },
    },
  }
}

/** Features in force: of those of RFC 6241 only what this server's datastores make true. */
export function featuresOf(module: ModuleInfo, stores: OfferedStores): readonly string[] {
  if (module.name !== "ietf-netconf") return module.features
  const missing = new Set<string>()
  if (!stores.names.includes("candidate")) missing.add("candidate")
  if (!stores.names.includes("startup")) missing.add("startup")
  if (!stores.canConfirm) missing.add("confirmed-commit")
  return module.features.filter((feature) => !missing.has(feature))
}

function yangLibraryOf(schema: Schema, stores: OfferedStores): JsonObject {
  const datastores = [
    ...stores.names,
    ...(implementsModule(schema, NMDA_MODULE) ? ["intended", "operational"] : []),
  ]
  const used = (m: ModuleInfo): JsonObject => ({
    name: m.name,
    ...(m.revision !== "" && { revision: m.revision }),
    namespace: m.namespace,
    ...submodulesOf(m, false),
    ...listed("feature", featuresOf(m, stores)),
    ...listed("deviation", m.deviations),
  })
  const lent = (m: ModuleInfo): JsonObject => ({
    name: m.name,
    revision: m.revision,
    namespace: m.namespace,
    ...submodulesOf(m, false),
  })
  return {
    "module-set": [
      {
        name: ONLY,
        ...listed("module", schema.modules.filter((m) => m.implemented).map(used)),
        ...listed("import-only-module", schema.modules.filter((m) => !m.implemented).map(lent)),
      },
    ],
    schema: [{ name: ONLY, "module-set": [ONLY] }],
    datastore: datastores.map((name) => ({ name: `ietf-datastores:${name}`, schema: ONLY })),
  }
}

function modulesStateOf(schema: Schema, stores: OfferedStores): JsonObject {
  const revisionOf = (name: string): string => schema.moduleByName(name)?.revision ?? ""
  return {
    module: schema.modules.map((m) => ({
      name: m.name,
      revision: m.revision,
      namespace: m.namespace,
      ...listed("feature", featuresOf(m, stores)),
      ...listed(
        "deviation",
        m.deviations.map((name) => ({ name, revision: revisionOf(name) })),
      ),
      "conformance-type": m.implemented ? "implement" : "import",
      ...submodulesOf(m, true),
    })),
  }
}

/** @param always whether a submodule without revision has an empty one. */
function submodulesOf(module: ModuleInfo, always: boolean): JsonObject {
  const submodules = module.submodules.map(({ name, revision }) => ({
    name,
    ...((always || revision !== "") && { revision }),
  }))
  return listed("submodule", submodules)
}

function listed(member: string, entries: readonly (string | JsonObject)[]): JsonObject {
  return entries.length === 0 ? {} : { [member]: entries }
}

function idOf(content: JsonObject): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 16)
}
