// Selecting parts of instance data: NETCONF subtree filters (RFC 6241 section 6), configuration without state.

import { findEntry, keyOf } from "./list-index.js"
import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import type { Schema, SchemaNode } from "./schema-types.js"
import { take } from "./tags.js"
import { Misfit, lexicalOf } from "./values.js"
import { childrenOf, textOf } from "./xml-tree.js"
import type { XmlElement } from "./xml-tree.js"
import { valueOf } from "./xml-values.js"

export { withDefaults } from "./defaults.js"

/** What becomes of the value of a node that is selected with all below it. */
export type Whole = (node: SchemaNode, value: JsonValue) => JsonValue

/** One element of a filter at one schema node: what is asked of each entry alike, worked out once. */
interface Asked {
  /** Of each content match: the leaves it may mean and the text each must have. */
  readonly contents: readonly (readonly Wanted[])[]
  readonly isContentMatch: boolean
  /** Only content matches, or nothing inside: the whole object (RFC 6241 sections 6.2.4, 6.2.5). */
  readonly isWhole: boolean
}

interface Wanted {
  readonly leaf: SchemaNode
  readonly text: string
}

class Selecting {
  readonly #asked = new Map<SchemaNode, Map<XmlElement, Asked>>()

  constructor(
    readonly schema: Schema,
    readonly whole: Whole,
  ) {}

  asked(node: SchemaNode, filter: XmlElement): Asked {
    const ofNode = this.#asked.get(node) ?? new Map<XmlElement, Asked>()
    this.#asked.set(node, ofNode)
    const known = ofNode.get(filter)
    if (known !== undefined) return known
    const inner = childrenOf(filter)
    const contents = inner.filter(isContentMatch)
    const made: Asked = {
      contents: contents.map((element) => this.#wanted(node, element)),
      isContentMatch: isContentMatch(filter),
      isWhole: contents.length === inner.length,
    }
    ofNode.set(filter, made)
    return made
  }

  #wanted(node: SchemaNode, element: XmlElement): Wanted[] {
    return childrenNamed(this.schema, node, element).flatMap((leaf) => {
      const text = wantedText(this.schema, leaf, element)
      return text === undefined ? [] : [{ leaf, text }]
    })
  }
}

/**
 * What the filter selects, keys of list entries always included (RFC 6241 section 6.2).
 *
 * @param filter the children of `<filter>`; none selects nothing. Names the schema does not know select nothing.
 * @param whole left as it is, by default.
 */
export function filterSubtree(
  schema: Schema,
  data: JsonObject,
  filter: readonly XmlElement[],
  whole: Whole = (_node, value) => value,
): JsonObject {
  return selectMembers(new Selecting(schema, whole), schema.root, data, filter)
}

/** A filter element with text: it selects by value. */
function isContentMatch(element: XmlElement): boolean {
  return childrenOf(element).length === 0 && textOf(element).trim() !== ""
}

/** The data child a filter element speaks of; an element without namespace fits any (section 6.2.1). */
function childrenNamed(schema: Schema, node: SchemaNode, element: XmlElement): SchemaNode[] {
  // No instance data carries attributes, so an attribute match selects nothing.
  if (element.attrs.length > 0) return []
  if (element.ns === "") return [...node.members.values()].filter((m) => m.name === element.name)
  const module = schema.moduleByNamespace(element.ns)?.name
  if (module === undefined) return []
  const member = module === node.module ? element.name : `${module}:${element.name}`
  const found = node.members.get(member)
  return found === undefined ? [] : [found]
}

/** The text of the values a content match fits; undefined for none. */
function wantedText(schema: Schema, node: SchemaNode, element: XmlElement): string | undefined {
  const wanted = valueOf(schema, node, { ...element, children: [textOf(element).trim()] })
  return wanted instanceof Misfit ? undefined : lexicalOf(wanted)
}

function matches(
  node: SchemaNode,
  text: string | undefined,
  value: JsonValue | undefined,
): boolean {
  if (value === undefined || text === undefined) return false
  return node.kind === "leaf-list" && isArray(value)
    ? value.some((item) => lexicalOf(item) === text)
    : lexicalOf(value) === text
}

/** Do all content matches of one filter element hold for an object? */
function contentHolds({ contents }: Asked, object: JsonObject): boolean {
  return contents.every((any) =>
    any.some(({ leaf, text }) => matches(leaf, text, object[leaf.member])),
  )
}

/** An entry is handed on as a list of one: a node's value is what its list is. */
function wholeObject(by: Selecting, node: SchemaNode, object: JsonObject): JsonObject {
  const made = by.whole(node, node.kind === "list" ? [object] : object)
  const [first] = isArray(made) ? made : [made]
  return isObject(first) ? first : object
}

/** One object under several filter elements of its name: what any of them selects; undefined for nothing. */
function selectObject(
  by: Selecting,
  node: SchemaNode,
  object: JsonObject,
  filters: readonly XmlElement[],
): JsonObject | undefined {
  const active = filters.filter((filter) => {
    const asked = by.asked(node, filter)
    // Text where elements are wanted matches nothing.
    return !asked.isContentMatch && contentHolds(asked, object)
  })
  if (active.length === 0) return undefined
  if (active.some((filter) => by.asked(node, filter).isWhole)) return wholeObject(by, node, object)
  const inner = selectMembers(by, node, object, active.flatMap(childrenOf))
  const named = Object.keys(inner).length > 0
  if (!named) return undefined
  const keys: Record<string, JsonValue> = {}
  for (const key of node.keys ?? []) {
    const value = object[key]
    if (value !== undefined) keys[key] = value
  }
  return { ...keys, ...inner }
}

function selectMembers(
  by: Selecting,
  node: SchemaNode,
  object: JsonObject,
  elements: readonly XmlElement[],
): JsonObject {
  const wanted = new Map<SchemaNode, XmlElement[]>()
  for (const element of elements)
    for (const child of childrenNamed(by.schema, node, element)) {
      const found = wanted.get(child)
      if (found === undefined) wanted.set(child, [element])
      else found.push(element)
    }
  const selected: Record<string, JsonValue> = {}
  for (const [child, filters] of wanted) {
    const value = object[child.member]
    if (value === undefined) continue
    const found = selectChild(by, child, value, filters)
    if (found !== undefined) take(object, child.member, found, selected)
  }
  return selected
}

function selectChild(
  by: Selecting,
  child: SchemaNode,
  value: JsonValue,
  filters: readonly XmlElement[],
): JsonValue | undefined {
  if (filters.some((f) => f.children.length === 0 || isBlank(f))) return by.whole(child, value)
  if (child.kind === "list" && isArray(value)) return selectEntries(by, child, value, filters)
  if (child.kind === "leaf-list" && isArray(value)) {
    const texts = contentTexts(by, child, filters)
    const items = value.filter((item) => texts.some((text) => matches(child, text, [item])))
    return items.length === 0 ? undefined : items
  }
  if (child.kind === "leaf")
    return contentTexts(by, child, filters).some((text) => matches(child, text, value))
      ? value
      : undefined
  return isObject(value) ? selectObject(by, child, value, filters) : undefined
}

function contentTexts(
  by: Selecting,
  node: SchemaNode,
  filters: readonly XmlElement[],
): (string | undefined)[] {
  return filters.filter(isContentMatch).map((filter) => wantedText(by.schema, node, filter))
}

function isBlank(element: XmlElement): boolean {
  return childrenOf(element).length === 0 && textOf(element).trim() === ""
}

function selectEntries(
  by: Selecting,
  list: SchemaNode,
  entries: readonly JsonValue[],
  filters: readonly XmlElement[],
): JsonValue | undefined {
  const keyed = filters.map((filter) => keyIn(by.schema, list, filter))
  const candidates = keyed.includes(undefined)
    ? entries
    : [...new Set(keyed.map((key) => findEntry(list, entries, key ?? "")))]
        .filter((at) => at >= 0)
        .sort((a, b) => a - b)
        .map((at) => entries[at] ?? null)
  const found: JsonValue[] = []
  for (const entry of candidates) {
    const selected = isObject(entry) ? selectObject(by, list, entry, filters) : undefined
    if (selected !== undefined) found.push(selected)
  }
  return found.length === 0 ? undefined : found
}

/** The key text of the one entry a filter element can match; undefined when it does not name all keys. */
function keyIn(schema: Schema, list: SchemaNode, filter: XmlElement): string | undefined {
  const keys = list.keys ?? []
  if (keys.length === 0) return undefined
  const entry: Record<string, JsonValue> = {}
  for (const key of keys) {
    const leaf = list.members.get(key)
    const element = childrenOf(filter).find((e) => e.name === key && isContentMatch(e))
    if (leaf === undefined || element === undefined) return undefined
    const value = valueOf(schema, leaf, { ...element, children: [textOf(element).trim()] })
    if (value instanceof Misfit) return undefined
    entry[key] = value
  }
  return keyOf(list, entry)
}

/** Schema nodes with state somewhere below. */
const stateBelow = new WeakMap<SchemaNode, boolean>()

function hasState(node: SchemaNode): boolean {
  const known = stateBelow.get(node)
  if (known !== undefined) return known
  let found = false
  for (const child of node.members.values())
    if (!child.config || hasState(child)) {
      found = true
      break
    }
  stateBelow.set(node, found)
  return found
}

/** The data without its state; parts without any are shared. Containers left empty go, unless they have presence. */
export function configOnly(schema: Schema, data: JsonObject): JsonObject {
  return withoutState(schema.root, data)
}

function withoutState(node: SchemaNode, object: JsonObject): JsonObject {
  if (!hasState(node)) return object
  const kept: Record<string, JsonValue> = {}
  for (const member in object) {
    const child = node.members.get(member)
    const value = object[member]
    if (child?.config !== true || value === undefined) continue
    if (child.kind === "list" && isArray(value))
      kept[member] = value.map((entry) => (isObject(entry) ? withoutState(child, entry) : entry))
    else if (child.kind === "container" && isObject(value)) {
      const inner = withoutState(child, value)
      if (child.presence || Object.keys(inner).length > 0) kept[member] = inner
    } else kept[member] = value
  }
  return kept
}
