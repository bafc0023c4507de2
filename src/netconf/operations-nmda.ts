// get-data and edit-data (RFC 8526 section 3.1): any datastore of RFC 8342 by name. Intended is what running is: nothing
// here expands or holds back configuration.

import { QkdError } from "../errors.js"
import type { DefaultsMode } from "../yang/defaults.js"
import { compileXPathFilter } from "../yang/filter-xpath.js"
import type { Whole } from "../yang/filter.js"
import { isObject, type JsonObject } from "../yang/json-text.js"
import type { Schema } from "../yang/schema.js"
import { limitDepth, selectContent } from "../yang/select.js"
import { encodeXml } from "../yang/xml.js"
import { childrenOf, textOf, type XmlElement } from "../yang/xml-tree.js"
import type { Origin } from "./backend.js"
import { NMDA_NS, ORIGIN_NS } from "./names.js"
import { OK, type Operation, type OperationHost, type OperationTable } from "./operation.js"
import { withOrigins } from "./origins.js"
import {
  choiceOf,
  identifiedStore,
  parametersOf,
  qualifiedOf,
  unacceptable,
  type Parameters,
} from "./parameters.js"
import { defaultsModeOf, reported, selectedBy, type Filter } from "./reading.js"

const GET_DATA = [
  "datastore",
  "subtree-filter",
  "xpath-filter",
  "config-filter",
  "origin-filter",
  "negated-origin-filter",
  "max-depth",
  "with-origin",
  "with-defaults",
]

const getData: Operation = (host, operation, progress) => {
  const origins = ["origin-filter", "negated-origin-filter"]
  const parameters = parametersOf(operation, GET_DATA, ["datastore"], origins)
  const store = storeOf(parameters, [...host.datastores.names, "intended", "operational"])
  const { schema } = host.backend
  const filter = filterOf(schema, parameters)
  const content = contentOf(parameters)
  const depth = depthOf(parameters)
  const mode = defaultsModeOf(parameters)
  const keeps = originFilterOf(schema, operation)
  const annotate = parameters.has("with-origin")
  if (store !== "operational" && (annotate || keeps !== undefined))
    throw unacceptable(annotate ? "with-origin" : "origin-filter", `${store} has no origins`)
  progress.layer = "application"
  const [raw, data] = dataOf(host, store, mode)
  const whole: Whole = (node, value) => limitDepth(node, value, depth)
  const all = filter === undefined ? limitDepth(schema.root, data, depth + 1) : data
  const found = selectedBy(schema, isObject(all) ? all : {}, filter, whole)
  const left = selectContent(schema.root, found, content)
  let told = isObject(left) ? left : {}
  if (annotate || keeps !== undefined)
    told = withOrigins(schema.root, told, {
      used: raw,
      running: host.datastores.config("running", host.caller),
      originOf: (path, guess) => host.backend.originOf?.(path, guess) ?? guess,
      keeps,
      annotate,
    })
  return { body: `<data xmlns="${NMDA_NS}">${encodeXml(schema, told)}</data>` }
}

type Store = OperationHost["datastores"]["names"][number] | "intended" | "operational"

/** As it is, and as it is reported: values in use are all there is to operational (RFC 8342 section 5.3). */
function dataOf(
  host: OperationHost,
  store: Store,
  mode: DefaultsMode | undefined,
): [raw: JsonObject, reported: JsonObject] {
  const { schema } = host.backend
  const readable = (data: JsonObject): JsonObject =>
    host.datastore.access.readable(host.caller, data)
  if (store === "operational") {
    const raw = host.datastore.data(host.caller)
    return [raw, reported(schema, raw, mode ?? "report-all", false, readable)]
  }
  const config = host.datastores.config(store === "intended" ? "running" : store, host.caller)
  return [config, reported(schema, config, mode, true, readable)]
}

/** @throws QkdError `invalid-value` for a datastore that is not there, or not for this. */
function storeOf<T extends string>(parameters: Parameters, possible: readonly T[]): T {
  const element = parameters.get("datastore")
  if (element === undefined) throw unacceptable("datastore", "no datastore")
  return identifiedStore(element, possible)
}

function filterOf(schema: Schema, parameters: Parameters): Filter | undefined {
  const subtree = parameters.get("subtree-filter")
  const xpath = parameters.get("xpath-filter")
  if (subtree !== undefined && xpath !== undefined) throw twice("xpath-filter")
  if (subtree !== undefined) return { subtree: childrenOf(subtree) }
  if (xpath === undefined) return undefined
  return { xpath: compileXPathFilter(schema, { text: textOf(xpath), prefixes: xpath.prefixes }) }
}

function contentOf(parameters: Parameters): "all" | "config" | "nonconfig" {
  if (!parameters.has("config-filter")) return "all"
  return choiceOf(parameters, "config-filter", ["true", "false"]) === "true"
    ? "config"
    : "nonconfig"
}

function depthOf(parameters: Parameters): number {
  const element = parameters.get("max-depth")
  const text = element === undefined ? "unbounded" : textOf(element).trim()
  if (text === "unbounded") return Infinity
  const depth = /^\+?[0-9]{1,9}$/.test(text) ? Number(text) : 0
  if (depth < 1 || depth > 65_535)
    throw unacceptable("max-depth", "max-depth is neither 1..65535 nor unbounded")
  return depth
}

/** Undefined when all origins are wanted. @throws QkdError `invalid-value`, `bad-element` for both kinds at once. */
function originFilterOf(
  schema: Schema,
  operation: XmlElement,
): ((origin: Origin) => boolean) | undefined {
  const named = (name: string): XmlElement[] => childrenOf(operation).filter((c) => c.name === name)
  const [wanted, unwanted] = [named("origin-filter"), named("negated-origin-filter")]
  if (wanted.length > 0 && unwanted.length > 0) throw twice("negated-origin-filter")
  const elements = wanted.length > 0 ? wanted : unwanted
  if (elements.length === 0) return undefined
  const covered = new Set(elements.flatMap((element) => coveredBy(schema, element)))
  return (origin) => covered.has(`ietf-origin:${origin}`) === wanted.length > 0
}

/** An origin and those derived from it. */
function coveredBy(schema: Schema, element: XmlElement): string[] {
  const { ns, name } = qualifiedOf(element)
  const module = ns === undefined ? undefined : schema.moduleByNamespace(ns)?.name
  const identity = schema.identities.get(`${module ?? ""}:${name}`)
  const origin = schema.identities.get("ietf-origin:origin")
  if (identity === undefined || origin?.derived.has(identity) !== true)
    throw unacceptable(element.name, `${textOf(element).trim()} is no origin (${ORIGIN_NS})`)
  return [identity, ...identity.derived].map((i) => `${i.module}:${i.name}`)
}

function twice(name: string): QkdError {
  return new QkdError("bad-element", `${name} excludes the other filter`, {
    info: { "bad-element": name },
  })
}

/** All or nothing, like every edit here; a candidate is not validated before its commit. */
const editData: Operation = async (host, operation, progress) => {
  const names = ["datastore", "default-operation", "config"]
  const parameters = parametersOf(operation, names, ["datastore"])
  const writable = host.datastores.names.filter((name) => name !== "startup")
  const target = storeOf(parameters, writable)
  const defaultOperation = choiceOf(parameters, "default-operation", ["merge", "replace", "none"])
  const config = parameters.get("config")
  if (config === undefined)
    throw new QkdError("missing-element", "edit-data wants config", {
      info: { "bad-element": "config" },
    })
  progress.layer = "application"
  const request = { edit: childrenOf(config), defaultOperation, testOnly: false, validated: false }
  await host.datastores.edit(target, request, host.caller, () => host.alive())
  return OK
}

export const NMDA_OPERATIONS: OperationTable = new Map<string, Operation>([
  [`${NMDA_NS} get-data`, getData],
  [`${NMDA_NS} edit-data`, editData],
])
