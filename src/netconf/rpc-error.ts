// RFC 6241 section 4.3 rpc-error: QkdError to XML and back. One reply may carry several.

import { ERROR_TAGS, QkdError, type AppTag, type ErrorStructure, type ErrorTag } from "../errors.js"
import { childrenOf, escapeAttr, escapeText, textOf, type XmlElement } from "../yang/xml-tree.js"
import { BASE_NS, OWN_INFO_NS, YANG_NS } from "./names.js"

/** The layer at which a fault was found. */
export type ErrorType = "transport" | "rpc" | "protocol" | "application"

/** More faults than this in one reply help nobody. */
const MAX_ERRORS = 64

/** RFC 6241 appendix A: what error-info may hold in the base namespace. */
const BASE_INFO = new Set(["bad-attribute", "bad-element", "bad-namespace", "session-id"])
/** RFC 7950 section 15. */
const YANG_INFO = new Set(["non-unique", "missing-choice"])
/** A name that can be written as it is. */
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9._-]*$/

/** Several faults as one error: itself the first of them, all of them in its cause. */
export function severalErrors(errors: readonly QkdError[]): QkdError {
  const [first] = errors
  if (first === undefined) return new QkdError("operation-failed", "unspecified fault")
  if (errors.length === 1) return first
  return new QkdError(first.tag, first.message, {
    ...(first.appTag === undefined ? {} : { appTag: first.appTag }),
    ...(first.path === undefined ? {} : { path: first.path }),
    ...(first.info === undefined ? {} : { info: first.info }),
    ...(first.structure === undefined ? {} : { structure: first.structure }),
    cause: new AggregateError(errors),
  })
}

/** All faults that an error stands for. */
export function errorsOf(error: QkdError): readonly QkdError[] {
  if (!(error.cause instanceof AggregateError)) return [error]
  const all: QkdError[] = error.cause.errors.filter((e) => e instanceof QkdError)
  return all.length === 0 ? [error] : all
}

/** An instance path as XPath, with the prefixes it uses. */
export interface PathText {
  readonly text: string
  /** Prefix to namespace. */
  readonly prefixes: ReadonlyMap<string, string>
}

/**
 * The rpc-error elements for an error, in the default namespace of the reply.
 *
 * @param pathOf turns a QkdError's path into XPath with namespaces; without it the path is written plain.
 */
export function rpcErrorsXml(
  error: QkdError,
  type: ErrorType,
  pathOf?: (path: string) => PathText,
): string {
  return errorsOf(error)
    .slice(0, MAX_ERRORS)
    .map((each) => rpcErrorXml(each, type, pathOf))
    .join("")
}

function rpcErrorXml(
  error: QkdError,
  type: ErrorType,
  pathOf?: (path: string) => PathText,
): string {
  const out = [
    "<rpc-error>",
    `<error-type>${type}</error-type>`,
    `<error-tag>${error.tag}</error-tag>`,
    "<error-severity>error</error-severity>",
  ]
  if (error.appTag !== undefined)
    out.push(`<error-app-tag>${escapeText(error.appTag)}</error-app-tag>`)
  if (error.path !== undefined) {
    const { text, prefixes } = pathOf?.(error.path) ?? {
      text: error.path,
      prefixes: new Map<string, string>(),
    }
    const declared = [...prefixes].map(([p, ns]) => ` xmlns:${p}="${escapeAttr(ns)}"`).join("")
    out.push(`<error-path${declared}>${escapeText(text)}</error-path>`)
  }
  if (error.message !== "")
    out.push(`<error-message xml:lang="en">${escapeText(error.message)}</error-message>`)
  const info = Object.entries(error.info ?? {}).filter(([name]) => PLAIN_NAME.test(name))
  if (info.length > 0 || error.structure !== undefined)
    out.push(
      "<error-info>",
      ...info.map(([n, v]) => infoXml(n, v)),
      structureXml(error.structure),
      "</error-info>",
    )
  out.push("</rpc-error>")
  return out.join("")
}

function infoXml(name: string, value: string): string {
  const ns = BASE_INFO.has(name) ? "" : YANG_INFO.has(name) ? YANG_NS : OWN_INFO_NS
  return `<${name}${ns === "" ? "" : ` xmlns="${ns}"`}>${escapeText(value)}</${name}>`
}

/** An identity gets a prefix of its own: that of the container's module may not be in scope. */
function structureXml(structure: ErrorStructure | undefined): string {
  if (structure === undefined) return ""
  const { name, namespace, identity, leafs } = structure
  const reason =
    identity === undefined
      ? ""
      : `<${identity.name} xmlns:i="${escapeAttr(identity.namespace)}">i:${escapeText(identity.value.replace(/^.*:/, ""))}</${identity.name}>`
  const others = Object.entries(leafs).map(
    ([leaf, value]) => `<${leaf}>${escapeText(String(value))}</${leaf}>`,
  )
  return `<${name} xmlns="${escapeAttr(namespace)}">${reason}${others.join("")}</${name}>`
}

/** The first child of error-info that has children: a container of some module. */
function parseStructure(info: readonly XmlElement[]): ErrorStructure | undefined {
  const container = info.find((child) => childrenOf(child).length > 0)
  if (container === undefined) return undefined
  const leafs = childrenOf(container).map((leaf): [string, string] => [
    leaf.name,
    textOf(leaf).trim(),
  ])
  const { name, ns } = container
  return { module: "", namespace: ns, name, leafs: Object.fromEntries(leafs) }
}

/** What a reply reports as failed, or undefined when nothing did. Warnings are no failure. */
export function errorOfReply(reply: XmlElement): QkdError | undefined {
  const errors = childrenOf(reply)
    .filter((child) => child.name === "rpc-error" && child.ns === BASE_NS)
    .filter((child) => fieldOf(child, "error-severity") !== "warning")
    .map(parseRpcError)
  return errors.length === 0 ? undefined : severalErrors(errors)
}

function parseRpcError(element: XmlElement): QkdError {
  const tag = fieldOf(element, "error-tag")
  const appTag = fieldOf(element, "error-app-tag")
  const path = fieldOf(element, "error-path")
  const inside = childrenOf(element)
    .filter((child) => child.name === "error-info")
    .flatMap(childrenOf)
  const structure = parseStructure(inside)
  const info = inside
    .filter((child) => childrenOf(child).length === 0)
    .map((child): [string, string] => [child.name, textOf(child).trim()])
  const known = isErrorTag(tag)
  return new QkdError(
    known ? tag : "operation-failed",
    fieldOf(element, "error-message") ?? (known ? tag : `unknown error-tag ${tag ?? "(none)"}`),
    {
      ...(appTag === undefined ? {} : { appTag: foreignAppTag(appTag) }),
      ...(path === undefined ? {} : { path }),
      ...(info.length === 0 ? {} : { info: Object.fromEntries(info) }),
      ...(structure === undefined ? {} : { structure }),
    },
  )
}

function fieldOf(element: XmlElement, name: string): string | undefined {
  const child = childrenOf(element).find((c) => c.name === name && c.ns === BASE_NS)
  return child === undefined ? undefined : textOf(child).trim()
}

function isErrorTag(tag: string | undefined): tag is ErrorTag {
  return (ERROR_TAGS as readonly (string | undefined)[]).includes(tag)
}

/** Servers have app-tags of their own: kept as they are, callers compare with the ones they know. */
function foreignAppTag(tag: string): AppTag {
  return tag as AppTag
}
