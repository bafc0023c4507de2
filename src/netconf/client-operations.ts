// The operations a client sends, as XML, and what it takes for success in a reply. Pure text: sends nothing.

import { QkdError } from "../errors.js"
import { childrenOf, escapeAttr, escapeText, type XmlElement } from "../yang/xml-tree.js"
import type {
  CommitOptions,
  EditConfigOptions,
  GetDataOptions,
  ReadOptions,
  SubscriptionOptions,
} from "./client.js"
import { BASE_NS, NOTIFICATION_NS } from "./names.js"

/** RFC 6243 section 4: the parameter augments get, get-config and copy-config. */
const WITH_DEFAULTS_NS = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
/** RFC 8526. */
const NMDA_NS = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"
/** RFC 8342: identities of datastores. */
const DATASTORES_NS = "urn:ietf:params:xml:ns:yang:ietf-datastores"

export function getXml(filterXml: string | undefined, options: ReadOptions = {}): string {
  return `<get>${filter(filterXml, options)}${withDefaults(options, WITH_DEFAULTS_NS)}</get>`
}

export function getConfigXml(
  source: string,
  filterXml: string | undefined,
  options: ReadOptions = {},
): string {
  const inside = `<source>${datastore(source)}</source>${filter(filterXml, options)}`
  return `<get-config>${inside}${withDefaults(options, WITH_DEFAULTS_NS)}</get-config>`
}

/** RFC 8526 section 3.1.1. Its with-defaults comes by `uses`, so it is of the operation's own module. */
export function getDataXml(store: string, options: GetDataOptions = {}): string {
  const { filterXml, xpath, configFilter, maxDepth, withOrigin } = options
  assertOneFilter(filterXml, xpath)
  const inside = [
    `<datastore xmlns:ds="${DATASTORES_NS}">ds:${named(store)}</datastore>`,
    filterXml === undefined ? "" : `<subtree-filter>${filterXml}</subtree-filter>`,
    xpath === undefined
      ? ""
      : `<xpath-filter${prefixes(xpath.namespaces)}>${escapeText(xpath.select)}</xpath-filter>`,
    leaf("config-filter", configFilter === undefined ? undefined : String(configFilter)),
    leaf("max-depth", maxDepth?.toString()),
    withOrigin === true ? "<with-origin/>" : "",
    leaf("with-defaults", options.withDefaults),
  ]
  return `<get-data xmlns="${NMDA_NS}">${inside.join("")}</get-data>`
}

export function editConfigXml(
  target: string,
  configXml: string,
  options: EditConfigOptions = {},
): string {
  const inside = [
    `<target>${datastore(target)}</target>`,
    leaf("default-operation", options.defaultOperation),
    leaf("test-option", options.testOption),
    leaf("error-option", options.errorOption),
    `<config>${configXml}</config>`,
  ]
  return `<edit-config>${inside.join("")}</edit-config>`
}

export function copyConfigXml(target: string, source: string): string {
  return `<copy-config><target>${datastore(target)}</target><source>${datastore(source)}</source></copy-config>`
}

export function deleteConfigXml(target: string): string {
  return `<delete-config><target>${datastore(target)}</target></delete-config>`
}

export function lockXml(operation: "lock" | "unlock", target: string): string {
  return `<${operation}><target>${datastore(target)}</target></${operation}>`
}

export function validateXml(source: string): string {
  return `<validate><source>${datastore(source)}</source></validate>`
}

/**
 * RFC 6241 section 8.4.5.
 *
 * @throws QkdError `invalid-value` for a timeout that is no whole number of seconds from 1 to 4294967295.
 */
export function commitXml({ confirmed, persistId }: CommitOptions = {}): string {
  const timeoutS = confirmed?.timeoutS
  if (
    timeoutS !== undefined &&
    !(Number.isInteger(timeoutS) && timeoutS >= 1 && timeoutS < 2 ** 32)
  )
    throw new QkdError("invalid-value", "confirm-timeout is not 1..4294967295")
  const inside =
    confirmed === undefined
      ? ""
      : `<confirmed/>${leaf("confirm-timeout", timeoutS?.toString())}${leaf("persist", confirmed.persist)}`
  return `<commit>${inside}${leaf("persist-id", persistId)}</commit>`
}

export function cancelCommitXml(persistId: string | undefined): string {
  return `<cancel-commit>${leaf("persist-id", persistId)}</cancel-commit>`
}

export function createSubscriptionXml(options: SubscriptionOptions): string {
  const inside = [
    leaf("stream", options.stream),
    filter(options.filterXml, {}),
    leaf("startTime", options.startTime),
    leaf("stopTime", options.stopTime),
  ]
  return `<create-subscription xmlns="${NOTIFICATION_NS}">${inside.join("")}</create-subscription>`
}

/** The children of `data`. @throws QkdError `malformed-message` when there is none. */
export function dataOf(reply: XmlElement): readonly XmlElement[] {
  const data = childrenOf(reply).find(
    (child) => child.name === "data" && (child.ns === BASE_NS || child.ns === NMDA_NS),
  )
  if (data === undefined) throw new QkdError("malformed-message", "reply without data")
  return childrenOf(data)
}

/** Never take a reply that says neither ok nor error for success. */
export function assertOk(reply: XmlElement): void {
  if (!childrenOf(reply).some((child) => child.name === "ok" && child.ns === BASE_NS))
    throw new QkdError("malformed-message", "reply without ok")
}

function leaf(name: string, value: string | undefined): string {
  return value === undefined ? "" : `<${name}>${escapeText(value)}</${name}>`
}

function withDefaults({ withDefaults: mode }: ReadOptions, ns: string): string {
  return mode === undefined ? "" : `<with-defaults xmlns="${ns}">${mode}</with-defaults>`
}

function filter(filterXml: string | undefined, { xpath }: ReadOptions): string {
  assertOneFilter(filterXml, xpath)
  if (filterXml !== undefined) return `<filter type="subtree">${filterXml}</filter>`
  if (xpath === undefined) return ""
  // RFC 6241 section 8.9.5.1: prefixes are the namespace declarations in scope of the filter element.
  return `<filter type="xpath"${prefixes(xpath.namespaces)} select="${escapeAttr(xpath.select)}"/>`
}

function assertOneFilter(filterXml: string | undefined, xpath: ReadOptions["xpath"]): void {
  if (filterXml !== undefined && xpath !== undefined)
    throw new QkdError("invalid-value", "a subtree filter or an XPath, not both")
}

function prefixes(namespaces: Readonly<Record<string, string>>): string {
  return Object.entries(namespaces)
    .map(([prefix, ns]) => ` xmlns:${named(prefix)}="${escapeAttr(ns)}"`)
    .join("")
}

function datastore(name: string): string {
  return `<${named(name)}/>`
}

/** A name of ours that becomes part of the XML as it is. */
function named(name: string): string {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new QkdError("invalid-value", `not a name: ${name}`)
  return name
}
