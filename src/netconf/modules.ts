// What a server says of its YANG modules: hello capabilities (RFC 6020 section 5.6.4), modules-state (RFC 7895),
// get-schema (RFC 6022 section 3.1). Reads no files: the texts come with the schema.

import { createHash } from "node:crypto"
import { QkdError } from "../errors.js"
import type { ModuleInfo, Schema } from "../yang/schema.js"
import { escapeText, textOf, type XmlElement } from "../yang/xml-tree.js"
import type { StoreName } from "./datastore-locks.js"
import {
  CANDIDATE,
  CONFIRMED_COMMIT,
  MONITORING_NS,
  SERVER_CAPABILITIES,
  STARTUP,
  YANG_LIBRARY_NS,
} from "./names.js"
import { parametersOf, type Parameters } from "./parameters.js"

/** What a server's datastores make possible. */
export interface OfferedStores {
  readonly names: readonly StoreName[]
  readonly canConfirm: boolean
}

/** RFC 7895 section 2.1: changes whenever the set of modules does. */
export function moduleSetId(schema: Schema): string {
  const hash = createHash("sha256")
  for (const m of schema.modules)
    hash.update(JSON.stringify([m.name, m.revision, m.features, m.deviations, m.implemented]))
  return hash.digest("hex").slice(0, 16)
}

/**
 * The capabilities of a server of this schema. YANG 1.1 modules are named too, beside the library: most
 * clients in the field know a server by its hello alone.
 */
export function serverCapabilities(schema: Schema, stores: OfferedStores): string[] {
  const library = `urn:ietf:params:netconf:capability:yang-library:1.0?revision=2016-06-21&module-set-id=${moduleSetId(schema)}`
  const modules = schema.modules.filter((m) => m.implemented).map(moduleCapability)
  const offered: string[] = []
  if (stores.names.includes("candidate")) offered.push(CANDIDATE)
  if (stores.canConfirm) offered.push(CONFIRMED_COMMIT)
  if (stores.names.includes("startup")) offered.push(STARTUP)
  return [...new Set([...SERVER_CAPABILITIES, ...offered, library, ...modules])]
}

function moduleCapability(module: ModuleInfo): string {
  const parameters = [`module=${module.name}`]
  if (module.revision !== "") parameters.push(`revision=${module.revision}`)
  if (module.features.length > 0) parameters.push(`features=${module.features.join(",")}`)
  if (module.deviations.length > 0) parameters.push(`deviations=${module.deviations.join(",")}`)
  return `${module.namespace}?${parameters.join("&")}`
}

/** RFC 7895 `modules-state`, as XML. */
export function modulesStateXml(schema: Schema): string {
  const revisionOf = (name: string): string => schema.moduleByName(name)?.revision ?? ""
  const modules = schema.modules.map((m) =>
    [
      "<module>",
      leaf("name", m.name),
      leaf("revision", m.revision),
      leaf("namespace", m.namespace),
      ...m.features.map((f) => leaf("feature", f)),
      ...m.deviations.map(
        (d) => `<deviation>${leaf("name", d)}${leaf("revision", revisionOf(d))}</deviation>`,
      ),
      leaf("conformance-type", m.implemented ? "implement" : "import"),
      "</module>",
    ].join(""),
  )
  return `<modules-state xmlns="${YANG_LIBRARY_NS}">${leaf("module-set-id", moduleSetId(schema))}${modules.join("")}</modules-state>`
}

/** RFC 6022 section 2.1.3, `schemas`, as XML: the modules whose text get-schema gives. */
export function schemasXml(schema: Schema): string {
  const schemas = schema.modules.map((m) =>
    [
      "<schema>",
      leaf("identifier", m.name),
      leaf("version", m.revision),
      `<format>yang</format>`,
      leaf("namespace", m.namespace),
      `<location>NETCONF</location>`,
      "</schema>",
    ].join(""),
  )
  return `<schemas>${schemas.join("")}</schemas>`
}

/**
 * RFC 6022 section 3.1.
 *
 * @returns the `data` element.
 * @throws QkdError `invalid-value` for a module, revision or format that is not there.
 */
export function getSchemaXml(schema: Schema, operation: XmlElement): string {
  const parameters = parametersOf(operation, ["identifier", "version", "format"], ["identifier"])
  const identifier = trimmed(parameters, "identifier") ?? ""
  const version = trimmed(parameters, "version")
  const format = trimmed(parameters, "format")?.replace(/^[^:]*:/, "") ?? "yang"
  const module = schema.moduleByName(identifier)
  const none = (name: string, what: string): QkdError =>
    new QkdError("invalid-value", what, { info: { "bad-element": name } })
  if (format !== "yang") throw none("format", `no format ${format}, only yang`)
  if (module === undefined) throw none("identifier", `no module ${identifier}`)
  if (version !== undefined && version !== "" && version !== module.revision)
    throw none("version", `no revision ${version} of ${identifier}`)
  return `<data xmlns="${MONITORING_NS}">${escapeText(module.text)}</data>`
}

function trimmed(parameters: Parameters, name: string): string | undefined {
  const element = parameters.get(name)
  return element === undefined ? undefined : textOf(element).trim()
}

function leaf(name: string, value: string): string {
  return `<${name}>${escapeText(value)}</${name}>`
}
