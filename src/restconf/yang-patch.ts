// The YANG Patch document (RFC 8072 section 2): what is asked, strictly read from JSON or XML. Applying it is
// `yang-patch-apply.ts`.

import { QkdError } from "../errors.js"
import { isArray, isObject, type JsonValue } from "../yang/json-text.js"
import { childrenOf, textOf, type XmlElement } from "../yang/xml-tree.js"
import { documentNamed, type Document } from "./body.js"
import { RestconfFault } from "./fault.js"
import { YANG_PATCH_NS } from "./names.js"

export const PATCH_OPERATIONS = [
  "create",
  "delete",
  "insert",
  "merge",
  "move",
  "replace",
  "remove",
] as const
export type PatchOperation = (typeof PATCH_OPERATIONS)[number]
const PLACES = ["before", "after", "first", "last"] as const

export interface PatchEdit {
  readonly editId: string
  readonly operation: PatchOperation
  /** Path below the target of the request, percent-encoded; `/` for that itself. */
  readonly target: string
  readonly point?: string
  readonly where: (typeof PLACES)[number]
  /** The target node, undecoded. */
  readonly value?: Document
}

export interface YangPatch {
  readonly patchId: string
  readonly edits: readonly PatchEdit[]
}

/** What stands in a patch or an edit, by name: texts, and content not read yet. */
type Fields = ReadonlyMap<string, JsonValue | XmlElement>

/** @throws QkdError `unknown-element`, `missing-element`, `invalid-value`, `bad-element`, `data-exists`. */
export function readYangPatch(document: Document): YangPatch {
  if (!documentNamed(document, "ietf-yang-patch", YANG_PATCH_NS, "yang-patch"))
    throw new RestconfFault(400, "invalid-value", "the body must be ietf-yang-patch:yang-patch")
  const { fields, lists } =
    document.encoding === "json"
      ? jsonFields(document.value, ["patch-id", "comment"], "edit")
      : xmlFields(document.element, ["patch-id", "comment"], "edit")
  textIn(fields, "comment", false)
  const edits = lists.map((edit) =>
    readEdit(
      isElement(edit)
        ? xmlFields(edit, EDIT_MEMBERS).fields
        : jsonFields(edit, EDIT_MEMBERS).fields,
    ),
  )
  const seen = new Set<string>()
  for (const { editId } of edits) {
    if (seen.has(editId)) throw fault("bad-element", `edit ${editId} is there twice`, "edit-id")
    seen.add(editId)
  }
  return { patchId: textIn(fields, "patch-id", true) ?? "", edits }
}

const EDIT_MEMBERS = ["edit-id", "operation", "target", "point", "where", "value"]

function readEdit(fields: Fields): PatchEdit {
  const editId = textIn(fields, "edit-id", true) ?? ""
  const operation = oneOf(fields, "operation", PATCH_OPERATIONS)
  if (operation === undefined) throw missing("operation")
  const target = textIn(fields, "target", true) ?? ""
  const where = oneOf(fields, "where", PLACES)
  const point = textIn(fields, "point", false)
  const value = valueIn(fields)
  const places = operation === "insert" || operation === "move"
  if (!places && where !== undefined)
    throw fault("unknown-element", `where is not for ${operation}`, "where")
  const anchored = where === "before" || where === "after"
  if (anchored && point === undefined) throw missing("point")
  if (!anchored && point !== undefined)
    throw fault("unknown-element", "point is for before and after", "point")
  const carries = !["delete", "move", "remove"].includes(operation)
  if (carries && value === undefined) throw missing("value")
  if (!carries && value !== undefined)
    throw fault("unknown-element", `value is not for ${operation}`, "value")
  return {
    editId,
    operation,
    target,
    where: where ?? "last",
    ...(point === undefined ? {} : { point }),
    ...(value === undefined ? {} : { value }),
  }
}

/** The one node inside `value`. */
function valueIn(fields: Fields): Document | undefined {
  const value = fields.get("value")
  if (value === undefined) return undefined
  if (isElement(value)) {
    const [element, more] = childrenOf(value)
    if (element === undefined || more !== undefined)
      throw fault("bad-element", "value must hold exactly one node", "value")
    return { encoding: "xml", element }
  }
  const names = isObject(value) ? Object.keys(value) : []
  const [name] = names
  if (!isObject(value) || name === undefined || names.length > 1)
    throw fault("bad-element", "value must hold exactly one node", "value")
  return { encoding: "json", name, value: value[name] ?? null }
}

function isElement(value: JsonValue | XmlElement): value is XmlElement {
  return typeof value === "object" && value !== null && "prefixes" in value && "attrs" in value
}

function jsonFields(
  value: JsonValue,
  names: readonly string[],
  list?: string,
): { fields: Fields; lists: readonly JsonValue[] } {
  if (!isObject(value)) throw fault("bad-element", "must be a JSON object", list ?? "edit")
  const fields = new Map<string, JsonValue>()
  let lists: readonly JsonValue[] = []
  for (const [written, inner] of Object.entries(value)) {
    const name = written.replace(/^ietf-yang-patch:/, "")
    if (name === list) {
      if (!isArray(inner)) throw fault("bad-element", `${name} must be a JSON array`, name)
      lists = inner
    } else if (names.includes(name)) fields.set(name, inner)
    else throw fault("unknown-element", `unknown member ${name}`, name)
  }
  return { fields, lists }
}

function xmlFields(
  element: XmlElement,
  names: readonly string[],
  list?: string,
): { fields: Fields; lists: readonly XmlElement[] } {
  const fields = new Map<string, JsonValue | XmlElement>()
  const lists: XmlElement[] = []
  for (const child of childrenOf(element)) {
    const { name } = child
    if (child.ns !== YANG_PATCH_NS) throw fault("unknown-namespace", `${name} is of no patch`, name)
    if (name === list) lists.push(child)
    else if (!names.includes(name)) throw fault("unknown-element", `unknown element ${name}`, name)
    else if (fields.has(name)) throw fault("bad-element", `${name} is there twice`, name)
    else fields.set(name, name === "value" ? child : textOf(child))
  }
  return { fields, lists }
}

function textIn(fields: Fields, name: string, wanted: boolean): string | undefined {
  const value = fields.get(name)
  if (value === undefined && wanted) throw missing(name)
  if (value !== undefined && typeof value !== "string")
    throw fault("invalid-value", `${name} must be a string`, name)
  return value
}

function oneOf<T extends string>(
  fields: Fields,
  name: string,
  values: readonly T[],
): T | undefined {
  const text = textIn(fields, name, false)?.trim()
  if (text === undefined) return undefined
  const found = values.find((value) => value === text)
  if (found === undefined)
    throw fault("invalid-value", `${name} is none of ${values.join(", ")}`, name)
  return found
}

function missing(name: string): QkdError {
  return fault("missing-element", `${name} is missing`, name)
}

function fault(
  tag:
    | "missing-element"
    | "unknown-element"
    | "unknown-namespace"
    | "bad-element"
    | "invalid-value",
  message: string,
  name: string,
): QkdError {
  return new QkdError(tag, `yang-patch: ${message}`, { info: { "bad-element": name } })
}
