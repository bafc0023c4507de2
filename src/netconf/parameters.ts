// The parameters of base operations, strictly: unknown, doubled and misnamed ones are refused by name. Does not
// carry operations out.

import { QkdError } from "../errors.js"
import { childrenOf, textOf, type XmlElement } from "../yang/xml-tree.js"
import type { StoreName } from "./datastore-locks.js"
import { BASE_NS, DATASTORES_NS, NMDA_NS, WITH_DEFAULTS_NS } from "./names.js"

/** Parameter elements by name. */
export type Parameters = ReadonlyMap<string, XmlElement>

/** Parameters of RFC 6241's operations that another module adds. */
const ADDED: ReadonlyMap<string, string> = new Map([["with-defaults", WITH_DEFAULTS_NS]])

/**
 * @param operation its children are the parameters, all in its own namespace but for those added by other modules;
 *   `filter` may also be in the base namespace, where ncclient puts it for `create-subscription`.
 * @param several those of the allowed that may be there more than once; the first is given.
 * @throws QkdError `unknown-element`, `unknown-namespace`, `bad-element` (twice), `missing-element`.
 */
export function parametersOf(
  operation: XmlElement,
  allowed: readonly string[],
  required: readonly string[] = [],
  several: readonly string[] = [],
): Parameters {
  const found = new Map<string, XmlElement>()
  for (const child of childrenOf(operation)) {
    const info = { "bad-element": child.name }
    const misplaced = child.name === "filter" && child.ns === BASE_NS
    const added = operation.ns === BASE_NS ? ADDED.get(child.name) : undefined
    if (child.ns !== (added ?? operation.ns) && !misplaced)
      throw new QkdError("unknown-namespace", `${child.name} is not of ${operation.name}`, {
        info: { ...info, "bad-namespace": child.ns },
      })
    if (!allowed.includes(child.name))
      throw new QkdError("unknown-element", `${operation.name} has no ${child.name}`, { info })
    if (!found.has(child.name)) found.set(child.name, child)
    else if (!several.includes(child.name))
      throw new QkdError("bad-element", `${child.name} more than once`, { info })
  }
  for (const name of required)
    if (!found.has(name))
      throw new QkdError("missing-element", `${operation.name} wants ${name}`, {
        info: { "bad-element": name },
      })
  return found
}

/** An identity as XML writes it (RFC 7950 section 9.10.3); `ns` is undefined for a prefix that nobody declared. */
export interface QualifiedName {
  readonly ns: string | undefined
  readonly prefixed: boolean
  readonly name: string
}

export function qualifiedOf(element: XmlElement): QualifiedName {
  const text = textOf(element).trim()
  const colon = text.indexOf(":")
  const ns = element.prefixes.get(text.slice(0, Math.max(0, colon)))
  return { ns, prefixed: colon >= 0, name: text.slice(colon + 1) }
}

/** The datastore an identity of ietf-datastores names. @throws QkdError `invalid-value` unless it is one of `possible`. */
export function identifiedStore<T extends string>(element: XmlElement, possible: readonly T[]): T {
  const { ns, name } = qualifiedOf(element)
  const found = ns === DATASTORES_NS ? possible.find((one) => one === name) : undefined
  if (found === undefined)
    throw unacceptable(element.name, `${textOf(element).trim()} is no datastore for this here`)
  return found
}

/** One of `values`, or the first of them when absent. @throws QkdError `invalid-value`. */
export function choiceOf<T extends string>(
  parameters: Parameters,
  name: string,
  values: readonly [T, ...T[]],
): T {
  const element = parameters.get(name)
  if (element === undefined) return values[0]
  const text = textOf(element).trim()
  const value = values.find((v) => v === text)
  if (value === undefined)
    throw new QkdError("invalid-value", `${name} is none of ${values.join(", ")}`, {
      info: { "bad-element": name },
    })
  return value
}

const KNOWN_SOURCES = ["running", "candidate", "startup", "config", "url"] as const

/**
 * The element named by `source` or `target`.
 *
 * @param possible what this operation can do something with here, of datastores and `config`.
 * @throws QkdError `operation-not-supported` for another datastore of RFC 6241.
 */
export function datastoreOf<T extends StoreName | "config">(
  parameters: Parameters,
  name: "source" | "target",
  possible: readonly T[],
): XmlElement & { readonly name: T } {
  const parameter = parameters.get(name)
  const [chosen, second] = parameter === undefined ? [] : childrenOf(parameter)
  if (chosen === undefined || second !== undefined)
    throw new QkdError("missing-element", `${name} wants exactly one datastore`, {
      info: { "bad-element": name },
    })
  const info = { "bad-element": chosen.name }
  // RFC 8526 sections 3.2 and 3.3: by an identity instead of an element.
  if (chosen.ns === NMDA_NS && chosen.name === "datastore")
    return { ...chosen, name: identifiedStore(chosen, possible.filter(isStore)) }
  if (chosen.ns !== BASE_NS)
    throw new QkdError("unknown-namespace", `${chosen.name} is not of NETCONF`, {
      info: { ...info, "bad-namespace": chosen.ns },
    })
  const found = possible.find((one) => one === chosen.name)
  // Names of datastores are leaves of type empty.
  if (
    found !== undefined &&
    isStore(found) &&
    (childrenOf(chosen).length > 0 || textOf(chosen).trim() !== "")
  )
    throw unacceptable(chosen.name, `${chosen.name} holds nothing`)
  if (found !== undefined) return { ...chosen, name: found }
  if (KNOWN_SOURCES.some((known) => known === chosen.name))
    throw new QkdError("operation-not-supported", `${chosen.name} cannot be this ${name} here`, {
      info,
    })
  throw new QkdError("unknown-element", `no datastore ${chosen.name}`, { info })
}

function isStore<T extends string>(name: T): name is Exclude<T, "config"> {
  return name !== "config"
}

/** A string that must not be empty. @throws QkdError `invalid-value`. */
export function tokenOf(parameters: Parameters, name: string): string | undefined {
  const element = parameters.get(name)
  if (element === undefined) return undefined
  const text = textOf(element)
  if (text === "") throw unacceptable(name, `${name} is empty`)
  return text
}

/** @throws QkdError `invalid-value` unless it is `least`..4294967295. */
export function uint32Of(parameters: Parameters, name: string, least: number): number | undefined {
  const element = parameters.get(name)
  if (element === undefined) return undefined
  const text = textOf(element).trim()
  const value = /^\+?[0-9]{1,20}$/.test(text) ? Number(text) : -1
  if (value < least || value > 4_294_967_295)
    throw unacceptable(name, `${name} is not ${least}..4294967295`)
  return value
}

/** A parameter whose value this server cannot take. */
export function unacceptable(name: string, what: string): QkdError {
  return new QkdError("invalid-value", what, { info: { "bad-element": name } })
}

/**
 * The elements of a subtree filter, or undefined without a filter.
 *
 * @throws QkdError `bad-attribute` for another kind of filter.
 */
export function subtreeOf(parameters: Parameters): XmlElement[] | undefined {
  const filter = parameters.get("filter")
  if (filter === undefined) return undefined
  const type = filter.attrs.find((a) => a.name === "type" && (a.ns === "" || a.ns === BASE_NS))
  if (type !== undefined && type.value !== "subtree")
    throw new QkdError("bad-attribute", `filter type ${type.value} is not supported`, {
      info: { "bad-attribute": "type", "bad-element": "filter" },
    })
  return childrenOf(filter)
}

const DATE_AND_TIME =
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$/

/** An RFC 3339 time in milliseconds since the epoch. @throws QkdError `bad-element`. */
export function timeOf(parameters: Parameters, name: string): number | undefined {
  const element = parameters.get(name)
  if (element === undefined) return undefined
  const text = textOf(element).trim()
  const ms = DATE_AND_TIME.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms))
    throw new QkdError("bad-element", `${name} is not a date and time`, {
      info: { "bad-element": name },
    })
  return ms
}
