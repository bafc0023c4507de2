// The parameters of base operations, strictly: unknown, doubled and misnamed ones are refused by name. Does not
// carry operations out.

import { QkdError } from "../errors.js"
import { childrenOf, textOf, type XmlElement } from "../yang/xml-tree.js"
import { BASE_NS } from "./names.js"

/** Parameter elements by name. */
export type Parameters = ReadonlyMap<string, XmlElement>

/**
 * @param operation its children are the parameters, all in its own namespace; `filter` may also be in the base
 *   namespace, where ncclient puts it for `create-subscription`.
 * @throws QkdError `unknown-element`, `unknown-namespace`, `bad-element` (twice), `missing-element`.
 */
export function parametersOf(
  operation: XmlElement,
  allowed: readonly string[],
  required: readonly string[] = [],
): Parameters {
  const found = new Map<string, XmlElement>()
  for (const child of childrenOf(operation)) {
    const info = { "bad-element": child.name }
    const misplaced = child.name === "filter" && child.ns === BASE_NS
    if (child.ns !== operation.ns && !misplaced)
      throw new QkdError("unknown-namespace", `${child.name} is not of ${operation.name}`, {
        info: { ...info, "bad-namespace": child.ns },
      })
    if (!allowed.includes(child.name))
      throw new QkdError("unknown-element", `${operation.name} has no ${child.name}`, { info })
    if (found.has(child.name))
      throw new QkdError("bad-element", `${child.name} more than once`, { info })
    found.set(child.name, child)
  }
  for (const name of required)
    if (!found.has(name))
      throw new QkdError("missing-element", `${operation.name} wants ${name}`, {
        info: { "bad-element": name },
      })
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

const OTHER_DATASTORES = ["candidate", "startup", "url"]

/**
 * The element named by `source` or `target`; `running` is the only datastore here.
 *
 * @param also what else this parameter may hold, such as `config`.
 * @throws QkdError `operation-not-supported` for a datastore that needs a capability we do not offer.
 */
export function datastoreOf(
  parameters: Parameters,
  name: "source" | "target",
  also: readonly string[] = [],
): XmlElement {
  const parameter = parameters.get(name)
  const [chosen, second] = parameter === undefined ? [] : childrenOf(parameter)
  if (chosen === undefined || second !== undefined)
    throw new QkdError("missing-element", `${name} wants exactly one datastore`, {
      info: { "bad-element": name },
    })
  const info = { "bad-element": chosen.name }
  if (chosen.ns !== BASE_NS)
    throw new QkdError("unknown-namespace", `${chosen.name} is not of NETCONF`, {
      info: { ...info, "bad-namespace": chosen.ns },
    })
  if (chosen.name === "running" || also.includes(chosen.name)) return chosen
  if (OTHER_DATASTORES.includes(chosen.name))
    throw new QkdError("operation-not-supported", `no ${chosen.name} here, only running`, { info })
  throw new QkdError("unknown-element", `no datastore ${chosen.name}`, { info })
}

/**
 * The elements of a subtree filter, or undefined without a filter.
 *
 * @throws QkdError `bad-attribute` for another kind of filter: `:xpath` is not offered (section 8.9).
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
