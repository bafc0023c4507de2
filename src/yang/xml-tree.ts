// XML text to a plain tree of namespaced elements and back. Knows nothing of YANG. Refuses document type
// declarations, so no entity beyond XML's own five exists, and everything beyond its limits.

import { SaxesParser } from "saxes"
import { QkdError } from "../errors.js"

export interface XmlAttribute {
  /** Local name. */
  readonly name: string
  readonly ns: string
  readonly value: string
}

export interface XmlElement {
  /** Local name. */
  readonly name: string
  readonly ns: string
  readonly attrs: readonly XmlAttribute[]
  readonly children: readonly (XmlElement | string)[]
  /** Prefix to namespace in scope here, for values that are qualified names; `""` is the default namespace. */
  readonly prefixes: ReadonlyMap<string, string>
}

export interface XmlLimits {
  readonly maxBytes: number
  readonly maxDepth: number
  /** Elements in the whole document. */
  readonly maxNodes: number
  /** Attributes and namespace declarations of one element. */
  readonly maxAttributes: number
  /** Characters in one attribute value. */
  readonly maxAttributeLength: number
}

/** Enough for a node with 100,000 applications; small enough to survive. */
export const XML_LIMITS: XmlLimits = {
  maxBytes: 64 * 1024 * 1024,
  maxDepth: 128,
  maxNodes: 4_000_000,
  maxAttributes: 64,
  maxAttributeLength: 65_536,
}

const XML_NS = "http://www.w3.org/XML/1998/namespace"
const XMLNS_NS = "http://www.w3.org/2000/xmlns/"
const NO_PREFIXES: ReadonlyMap<string, string> = new Map()

interface OpenElement extends XmlElement {
  readonly attrs: XmlAttribute[]
  readonly children: (XmlElement | string)[]
}

/**
 * Parse one XML document.
 *
 * @throws QkdError `malformed-message` with line and column; `too-big` beyond a limit.
 */
export function parseXml(text: string, limits: XmlLimits = XML_LIMITS): XmlElement {
  if (text.length > limits.maxBytes || byteLength(text) > limits.maxBytes)
    throw new QkdError("too-big", `XML document is larger than ${limits.maxBytes} bytes`)
  const parser = new SaxesParser<{ xmlns: true }>({ xmlns: true })
  const at = (): string => `line ${parser.line} column ${parser.column + 1}`
  const malformed = (what: string): QkdError =>
    new QkdError("malformed-message", `XML ${at()}: ${what}`)
  const tooBig = (what: string): QkdError => new QkdError("too-big", `XML ${at()}: ${what}`)

  const open: OpenElement[] = []
  let root: XmlElement | undefined
  let nodes = 0
  let attributes = 0

  parser.on("error", (error) => {
    throw malformed(error.message.replace(/^\S*?\d+:\d+: /, ""))
  })
  parser.on("doctype", () => {
    throw malformed("document type declarations are refused")
  })
  parser.on("xmldecl", (decl) => {
    if (decl.version !== undefined && decl.version !== "1.0")
      throw malformed(`XML version ${decl.version} is refused`)
    if (decl.encoding !== undefined && !/^(utf-?8|us-ascii)$/i.test(decl.encoding))
      throw malformed(`encoding ${decl.encoding} is refused, UTF-8 is wanted`)
  })
  parser.on("opentagstart", () => {
    attributes = 0
    nodes += 1
    if (nodes > limits.maxNodes) throw tooBig(`more than ${limits.maxNodes} elements`)
    if (open.length >= limits.maxDepth) throw tooBig(`deeper than ${limits.maxDepth} elements`)
  })
  parser.on("attribute", (attribute) => {
    attributes += 1
    if (attributes > limits.maxAttributes)
      throw tooBig(`more than ${limits.maxAttributes} attributes`)
    if (attribute.value.length > limits.maxAttributeLength)
      throw tooBig(`attribute longer than ${limits.maxAttributeLength} characters`)
  })
  parser.on("opentag", (tag) => {
    const attrs: XmlAttribute[] = []
    let declared: Map<string, string> | undefined
    const outer = open.at(-1)?.prefixes ?? NO_PREFIXES
    for (const name in tag.attributes) {
      const attribute = tag.attributes[name]
      if (attribute === undefined) continue
      if (attribute.uri === XMLNS_NS) {
        declared ??= new Map(outer)
        declared.set(attribute.prefix === "" ? "" : attribute.local, attribute.value)
      } else {
        attrs.push({ name: attribute.local, ns: attribute.uri, value: attribute.value })
      }
    }
    open.push({
      name: tag.local,
      ns: tag.uri,
      attrs,
      children: [],
      prefixes: declared ?? outer,
    })
  })
  parser.on("closetag", () => {
    const element = open.pop()
    if (element === undefined) throw malformed("unexpected end tag")
    const parent = open.at(-1)
    if (parent === undefined) root = element
    else parent.children.push(element)
  })
  const addText = (piece: string): void => {
    const parent = open.at(-1)
    if (parent === undefined || piece === "") return
    const last = parent.children.length - 1
    const before = parent.children[last]
    if (typeof before === "string") parent.children[last] = before + piece
    else parent.children.push(piece)
  }
  parser.on("text", addText)
  parser.on("cdata", addText)

  try {
    parser.write(text).close()
  } catch (error) {
    // The parser stumbles over half a character where markup begins.
    if (error instanceof RangeError) throw malformed("half a character")
    throw error
  }
  if (root === undefined) throw malformed("no element")
  return root
}

function byteLength(text: string): number {
  return Buffer.byteLength(text, "utf8")
}

/** All character data directly inside the element. */
export function textOf(element: XmlElement): string {
  const { children } = element
  if (children.length === 0) return ""
  if (children.length === 1 && typeof children[0] === "string") return children[0]
  return children.filter((child) => typeof child === "string").join("")
}

/** The child elements, without text. */
export function childrenOf(element: XmlElement): XmlElement[] {
  return element.children.filter((child) => typeof child !== "string")
}

/** The value of one attribute; `ns` is `""` for an attribute without prefix. */
export function attributeOf(element: XmlElement, name: string, ns = ""): string | undefined {
  return element.attrs.find((attr) => attr.name === name && attr.ns === ns)?.value
}

/** An element built by hand; `prefixes` are declared where they are not in scope yet. */
export function xmlElement(
  name: string,
  ns: string,
  children: readonly (XmlElement | string)[] = [],
  attrs: readonly XmlAttribute[] = [],
  prefixes: ReadonlyMap<string, string> = NO_PREFIXES,
): XmlElement {
  return { name, ns, attrs, children, prefixes }
}

/** What XML 1.0 cannot carry even escaped (production 2, Char). */
const NOT_XML =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** What needs nothing done to it, found fast. */
const PLAIN = /^[ !"#$%'-;=?-~]*$/

/** Text safe as element content. What XML cannot carry at all becomes U+FFFD. */
export function escapeText(text: string): string {
  if (PLAIN.test(text)) return text
  return text
    .replace(NOT_XML, "\ufffd")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/\r/g, "&#13;")
}

/** Text safe inside a double-quoted attribute. */
export function escapeAttr(text: string): string {
  return escapeText(text).replace(/"/g, "&quot;").replace(/\t/g, "&#9;").replace(/\n/g, "&#10;")
}

/** The element as XML text, with the namespace declarations it needs and no XML declaration. */
export function writeXml(element: XmlElement): string {
  const out: string[] = []
  writeInto(out, element, "", NO_PREFIXES)
  return out.join("")
}

function writeInto(
  out: string[],
  element: XmlElement,
  defaultNs: string,
  scope: ReadonlyMap<string, string>,
): void {
  let inner = scope
  out.push("<", element.name)
  if (element.ns !== defaultNs) out.push(` xmlns="${escapeAttr(element.ns)}"`)
  const declare = (prefix: string, ns: string): void => {
    out.push(` xmlns:${prefix}="${escapeAttr(ns)}"`)
    inner = new Map(inner).set(prefix, ns)
  }
  if (element.prefixes !== scope) {
    for (const [prefix, ns] of element.prefixes)
      if (prefix !== "" && prefix !== "xml" && inner.get(prefix) !== ns) declare(prefix, ns)
  }
  for (const attr of element.attrs) {
    let name = attr.name
    if (attr.ns === XML_NS) name = `xml:${name}`
    else if (attr.ns !== "") {
      let prefix = [...inner].find(([p, ns]) => ns === attr.ns && p !== "")?.[0]
      if (prefix === undefined) {
        for (let n = 0; prefix === undefined; n++) if (!inner.has(`ns${n}`)) prefix = `ns${n}`
        declare(prefix, attr.ns)
      }
      name = `${prefix}:${name}`
    }
    out.push(` ${name}="${escapeAttr(attr.value)}"`)
  }
  if (element.children.length === 0) {
    out.push("/>")
    return
  }
  out.push(">")
  for (const child of element.children) {
    if (typeof child === "string") out.push(escapeText(child))
    else writeInto(out, child, element.ns, inner)
  }
  out.push("</", element.name, ">")
}
