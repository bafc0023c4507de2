// The difference of two configurations as the content of `<config>` in an edit-config (RFC 6241 section 7.2, RFC 7950
// sections 7.7.9 and 7.8.6). Names an operation on everything that changes, and on nothing else.

import { diff } from "./diff.js"
import type { Change } from "./diff.js"
import type { Placement } from "./diff-list.js"
import { NETCONF_NS, YANG_NS } from "./edit-operation.js"
import { quoteValue } from "./instance-id.js"
import { isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import type { Schema, SchemaNode } from "./schema-types.js"
import type { Trail } from "./trail.js"
import { elementOf, keyElements } from "./xml-elements.js"
import { xmlElement } from "./xml-tree.js"
import type { XmlAttribute, XmlElement } from "./xml-tree.js"
import { xmlTextOf } from "./xml-values.js"

/**
 * The edit that turns one configuration into the other; with the arguments swapped, the one that undoes it. Send it
 * with the default operation `none` or `merge`: it means the same under both. State is left out.
 *
 * Entries of lists the server orders end up in whatever order it keeps.
 */
export function diffXml(schema: Schema, from: JsonObject, to: JsonObject): readonly XmlElement[] {
  return changesXml(schema, diff(schema, from, to, { configOnly: true }))
}

/** The same for changes that are known. */
export function changesXml(schema: Schema, changes: readonly Change[]): readonly XmlElement[] {
  const root = new Branch(schema, schema.root)
  for (const change of changes) branchAt(root, change.up).change(change)
  return root.children()
}

function branchAt(root: Branch, trail: Trail): Branch {
  if (trail.up === undefined) return root
  return branchAt(root, trail.up).branch(trail.node, trail.entry)
}

/** An object on the way to changes. */
class Branch {
  private readonly parts: (XmlElement | Branch)[] = []
  private readonly containers = new Map<SchemaNode, Branch>()
  private readonly entries = new Map<JsonObject, Branch>()
  /** Lists whose order no `key` or `value` can say, and how they shall be. */
  private readonly reordered = new Map<SchemaNode, readonly JsonValue[]>()
  private attrs: readonly XmlAttribute[] = []
  private prefixes: ReadonlyMap<string, string> = new Map()

  constructor(
    private readonly schema: Schema,
    private readonly node: SchemaNode,
    private readonly entry?: JsonObject,
  ) {
    // Under `none` what is not there is an error, and some servers know no container that nobody has filled.
    if (node.kind === "container" && !node.presence) this.attrs = [operation("merge")]
  }

  branch(node: SchemaNode, entry: JsonObject | undefined): Branch {
    const known = entry === undefined ? this.containers.get(node) : this.entries.get(entry)
    if (known !== undefined) return known
    const made = new Branch(this.schema, node, entry)
    this.parts.push(made)
    if (entry === undefined) this.containers.set(node, made)
    else this.entries.set(entry, made)
    return made
  }

  change({ kind, node, before, after, place }: Change): void {
    if (after === undefined) this.parts.push(this.gone(node, before ?? null))
    else if (kind === "move" && isObject(after)) this.branch(node, after).placed(place)
    else {
      const { attrs, prefixes } = this.steering(kind === "move" ? "merge" : kind, node, place)
      const element = elementOf(this.schema, node, after)
      this.parts.push({ ...element, attrs, prefixes: new Map([...element.prefixes, ...prefixes]) })
    }
    if (place?.where === "after" && anchorText(this.schema, node, place.anchor) === undefined)
      this.reordered.set(node, place.among)
  }

  private placed(place: Placement | undefined): void {
    const { attrs, prefixes } = this.steering("merge", this.node, place)
    this.attrs = attrs
    this.prefixes = prefixes
  }

  children(): XmlElement[] {
    const elements = this.parts.map((part) => (part instanceof Branch ? part.element() : part))
    for (const [node, items] of this.reordered)
      for (const item of items) {
        const { attrs } = this.steering("merge", node, { where: "last" }, true)
        const inside = isObject(item) ? { children: keyElements(this.schema, node, item) } : {}
        const element = isObject(item)
          ? xmlElement(node.name, node.namespace)
          : elementOf(this.schema, node, item)
        elements.push({ ...element, ...inside, attrs })
      }
    return elements
  }

  private element(): XmlElement {
    const { name, namespace } = this.node
    const keys = this.entry === undefined ? [] : keyElements(this.schema, this.node, this.entry)
    return xmlElement(name, namespace, [...keys, ...this.children()], this.attrs, this.prefixes)
  }

  private gone(node: SchemaNode, before: JsonValue): XmlElement {
    const { name, namespace } = node
    const attrs = [operation("delete")]
    if (node.kind === "leaf-list") return { ...elementOf(this.schema, node, before), attrs }
    const keys = node.kind === "list" && isObject(before) ? before : undefined
    const inside = keys === undefined ? [] : keyElements(this.schema, node, keys)
    return xmlElement(name, namespace, inside, attrs)
  }

  private steering(
    what: string,
    node: SchemaNode,
    place: Placement | undefined,
    isLast = false,
  ): { readonly attrs: readonly XmlAttribute[]; readonly prefixes: ReadonlyMap<string, string> } {
    const attrs = [operation(what)]
    const none = new Map<string, string>()
    if (place === undefined) return { attrs, prefixes: none }
    if (place.where !== "after") {
      // Entries are created last unless something else is said; moved ones stay.
      if (place.where === "first" || what === "merge" || isLast)
        attrs.push({ name: "insert", ns: YANG_NS, value: place.where })
      return { attrs, prefixes: none }
    }
    const anchor = anchorText(this.schema, node, place.anchor)
    if (anchor === undefined) return { attrs, prefixes: none }
    attrs.push({ name: "insert", ns: YANG_NS, value: "after" })
    const name = node.kind === "list" ? "key" : "value"
    attrs.push({ name, ns: YANG_NS, value: anchor.text })
    return { attrs, prefixes: anchor.prefixes }
  }
}

function operation(value: string): XmlAttribute {
  return { name: "operation", ns: NETCONF_NS, value }
}

interface Anchor {
  readonly text: string
  readonly prefixes: ReadonlyMap<string, string>
}

/** The `key` or `value` that names an entry; undefined when none can: XPath has no literal with both quotes in it. */
function anchorText(schema: Schema, node: SchemaNode, item: JsonValue): Anchor | undefined {
  if (node.type !== undefined) return xmlTextOf(schema, node.type, item, node.module)
  if (!isObject(item)) return undefined
  const prefixes = new Map<string, string>()
  const values: string[] = []
  for (const key of node.keys ?? []) {
    const leaf = node.members.get(key)
    const value = item[key]
    if (leaf?.type === undefined || value === undefined) return undefined
    const { text, prefixes: needed } = xmlTextOf(schema, leaf.type, value, leaf.module)
    if (text.includes("'") && text.includes('"')) return undefined
    for (const [prefix, namespace] of needed) {
      if ((prefixes.get(prefix) ?? namespace) !== namespace) return undefined
      prefixes.set(prefix, namespace)
    }
    values.push(text)
  }
  let own = schema.moduleByName(node.module)?.prefix ?? "own"
  while ((prefixes.get(own) ?? node.namespace) !== node.namespace) own += "_"
  prefixes.set(own, node.namespace)
  const keys = node.keys ?? []
  return {
    text: keys.map((key, i) => `[${own}:${key}=${quoteValue(values[i] ?? "")}]`).join(""),
    prefixes,
  }
}
