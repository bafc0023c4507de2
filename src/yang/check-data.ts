// One instance document held against a schema, whatever it is of: what `keyloom yang check --data` does.

import { QkdError } from "../errors.js"
import type { YangFault } from "./fault.js"
import { decodeJson, parseJson } from "./json.js"
import { isObject } from "./json-text.js"
import type { JsonObject } from "./json-text.js"
import type { Schema, SchemaNode } from "./schema-types.js"
import { compileValidator } from "./validate.js"
import { decodeXml, refuseText } from "./xml.js"
import { childrenOf, parseXml } from "./xml-tree.js"
import type { XmlElement } from "./xml-tree.js"

/** `config`, `data`, `get` as in `ValidationKind`; an operation's input or output; a notification. */
export const DATA_TYPES = ["config", "data", "get", "rpc", "reply", "notif"] as const

export type DataType = (typeof DATA_TYPES)[number]

const NETCONF_NS = "urn:ietf:params:xml:ns:netconf:base:1.0"
const NOTIFICATION_NS = "urn:ietf:params:xml:ns:netconf:notification:1.0"

/** What is wrong with the document, RFC 7951 JSON or XML by its first character; nothing if it is valid. */
export function checkData(schema: Schema, text: string, type: DataType): readonly YangFault[] {
  try {
    // Nothing at all is XML without elements.
    const isXml = /^\ufeff?\s*(<|$)/.test(text)
    switch (type) {
      case "config":
      case "data":
      case "get": {
        const data = isXml
          ? decodeXml(schema, elementsIn(text))
          : decodeJson(schema, parseJson(unmarked(text)))
        return compileValidator(schema, type)(data)
      }
      case "notif": {
        const data = isXml
          ? decodeXml(schema, eventsIn(text), schema.notificationRoot)
          : decodeJson(schema, parseJson(unmarked(text)), schema.notificationRoot)
        return compileValidator(schema, "notification")(data)
      }
      case "rpc":
      case "reply": {
        const part = type === "rpc" ? "input" : "output"
        const data = isXml ? operationXml(schema, text, part) : operationJson(schema, text, part)
        return compileValidator(schema, type === "rpc" ? "rpc-input" : "rpc-output")(data)
      }
    }
  } catch (error) {
    if (!(error instanceof QkdError)) throw error
    return [
      {
        tag: error.tag,
        ...(error.appTag === undefined ? {} : { appTag: error.appTag }),
        path: error.path ?? "",
        message: error.message,
      },
    ]
  }
}

function unmarked(text: string): string {
  return text.startsWith("\ufeff") ? text.slice(1) : text
}

/** Several elements may stand side by side; an envelope of NETCONF's around them is taken off. */
function elementsIn(text: string): readonly XmlElement[] {
  // On the same line, so that lines are counted as in the file.
  const inner = unmarked(text).replace(/^\s*<\?xml\s[^>]*\?>/, "")
  const elements = childrenOf(parseXml(`<data>${inner}</data>`))
  const only = elements.length === 1 ? elements[0] : undefined
  if (only?.ns !== NETCONF_NS) return elements
  return ["data", "config", "rpc", "rpc-reply"].includes(only.name) ? childrenOf(only) : elements
}

function eventsIn(text: string): readonly XmlElement[] {
  const elements = elementsIn(text)
  const only = elements.length === 1 ? elements[0] : undefined
  if (only?.ns !== NOTIFICATION_NS || only.name !== "notification") return elements
  return childrenOf(only).filter((e) => e.name !== "eventTime" || e.ns !== NOTIFICATION_NS)
}

function partOf(
  schema: Schema,
  name: string,
  part: "input" | "output",
): { readonly node: SchemaNode; readonly rpc: SchemaNode } {
  const rpc = schema.rpcs.get(name)
  const node = rpc?.children.get(`${rpc.module}:${part}`)
  if (rpc === undefined || node === undefined)
    throw new QkdError("unknown-element", `no operation ${name}`, { path: `/${name}` })
  return { node, rpc }
}

function operationXml(schema: Schema, text: string, part: "input" | "output"): JsonObject {
  const elements = elementsIn(text)
  const only = elements[0]
  if (only === undefined || elements.length > 1)
    throw new QkdError("bad-element", "exactly one operation is wanted", { path: "/" })
  const module = schema.moduleByNamespace(only.ns)?.name ?? ""
  const { node, rpc } = partOf(schema, `${module}:${only.name}`, part)
  refuseText({ up: undefined, node }, only)
  return { [`${rpc.module}:${rpc.name}`]: decodeXml(schema, childrenOf(only), node) }
}

function operationJson(schema: Schema, text: string, part: "input" | "output"): JsonObject {
  const data = parseJson(unmarked(text))
  if (!isObject(data)) throw new QkdError("invalid-value", "must be a JSON object", { path: "/" })
  const name = Object.keys(data)[0] ?? ""
  const inner = data[name]
  if (Object.keys(data).length !== 1 || inner === undefined)
    throw new QkdError("bad-element", "exactly one operation is wanted", { path: "/" })
  const { node } = partOf(schema, name, part)
  return { [name]: decodeJson(schema, inner, node) }
}
