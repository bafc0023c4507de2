// NETCONF edit-config (RFC 6241 section 7.2) on RFC 7951 data. Checks names, types and what each operation demands;
// the outcome as a whole is validate's business.

import { QkdError } from "../errors.js"
import { isDefault } from "./defaults.js"
import { clearOtherCases } from "./edit-cases.js"
import { conditionalMembers, settleConditions } from "./edit-conditions.js"
import type { Reached } from "./edit-conditions.js"
import { NETCONF_NS, isSetToDefault, operationOf, placeOf } from "./edit-operation.js"
import type { Operation } from "./edit-operation.js"
import { ListDraft } from "./list-draft.js"
import { keyOf } from "./list-index.js"
import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import type { Schema, SchemaNode } from "./schema-types.js"
import { pathOf, pathTo } from "./trail.js"
import type { Trail } from "./trail.js"
import { attributeOf, childrenOf } from "./xml-tree.js"
import type { XmlElement } from "./xml-tree.js"
import { childOf, decodeAny, decodeKeys, leafValue, refuseText } from "./xml.js"

export type DefaultOperation = "merge" | "replace" | "none"

type Members = Record<string, JsonValue>

/**
 * Apply the content of `<config>`.
 *
 * @param edit the child elements of `<config>`.
 * @returns a new tree; `config` is untouched and shares what the edit does not reach.
 * @throws QkdError with the full instance path: `data-exists`, `data-missing`, `unknown-element` (state included),
 *   `unknown-namespace`, `unknown-attribute`, `bad-attribute`, `missing-element`, `bad-element`, `invalid-value`.
 */
export function applyEdit(
  schema: Schema,
  config: JsonObject,
  edit: readonly XmlElement[],
  defaultOperation: DefaultOperation = "merge",
): JsonObject {
  const editor = new Editor(schema)
  const root: Members = defaultOperation === "replace" ? {} : { ...config }
  editor.members({ up: undefined, node: schema.root }, root, config, edit, defaultOperation)
  settleConditions(schema, root, editor.reached)
  return root
}

class Editor {
  /** Objects with conditional members, for `settleConditions`. */
  readonly reached: Reached[] = []

  constructor(private readonly schema: Schema) {}

  /** Edit the members of one object, which is ours to change. */
  members(
    trail: Trail,
    target: Members,
    before: JsonObject | undefined,
    elements: readonly XmlElement[],
    inherited: Operation,
  ): void {
    if (conditionalMembers(trail.node).length > 0)
      this.reached.push({ trail, object: target, before })
    const lists = new Map<SchemaNode, ListDraft>()
    const seen = new Set<SchemaNode>()
    for (const element of elements) {
      const node = childOf(this.schema, trail, element)
      const path = pathTo(trail, node.member)
      if (!node.config)
        throw new QkdError("unknown-element", `${node.name} is state, not configuration`, {
          path,
          info: { "bad-element": node.name },
        })
      if (node.kind === "list" || node.kind === "leaf-list") {
        let draft = lists.get(node)
        if (draft === undefined) {
          const items = target[node.member]
          draft = new ListDraft(node, isArray(items) ? items : [])
          lists.set(node, draft)
        }
        if (node.kind === "list") this.entry(trail, target, node, draft, element, inherited)
        else this.leafListEntry(trail, target, node, draft, element, inherited)
        continue
      }
      if (seen.has(node))
        throw new QkdError("bad-element", `${node.name} is there twice`, {
          path,
          info: { "bad-element": node.name },
        })
      seen.add(node)
      const operation = operationOf(element, path) ?? inherited
      if (node.kind === "container") this.container({ up: trail, node }, target, element, operation)
      else this.leaf(trail, target, node, element, operation)
    }
    for (const [node, draft] of lists) {
      const items = draft.settled()
      if (items.length > 0) target[node.member] = items
      else Reflect.deleteProperty(target, node.member)
    }
  }

  private leaf(
    up: Trail,
    target: Members,
    node: SchemaNode,
    element: XmlElement,
    operation: Operation,
  ): void {
    const path = pathTo(up, node.member)
    const there = Object.hasOwn(target, node.member)
    if (!this.wanted(operation, there, path)) {
      if (operation !== "none") Reflect.deleteProperty(target, node.member)
      return
    }
    const value =
      node.kind === "leaf"
        ? leafValue(this.schema, up, node, element)
        : decodeAny(this.schema, element)
    if (isSetToDefault(element)) {
      if (!isDefault(node, value))
        throw new QkdError("invalid-value", "is tagged as the default, which it is not", { path })
      Reflect.deleteProperty(target, node.member)
      return
    }
    target[node.member] = value
    clearOtherCases(target, node)
  }

  private container(
    trail: Trail,
    target: Members,
    element: XmlElement,
    operation: Operation,
  ): void {
    const { node } = trail
    const before = target[node.member]
    const path = pathOf(trail)
    // A container without presence always exists, filled or not (RFC 7950 7.5.1).
    const there = before !== undefined || (operation === "none" && !node.presence)
    if (!this.wanted(operation, there, path) && operation !== "none") {
      Reflect.deleteProperty(target, node.member)
      return
    }
    refuseText(trail, element)
    const keep = (operation === "merge" || operation === "none") && isObject(before)
    const object: Members = keep ? { ...before } : {}
    const kept = keep ? before : undefined
    this.members(trail, object, kept, childrenOf(element), inner(operation))
    if (Object.keys(object).length === 0 && !node.presence) {
      Reflect.deleteProperty(target, node.member)
      return
    }
    target[node.member] = object
    clearOtherCases(target, node)
  }

  private entry(
    up: Trail,
    target: Members,
    node: SchemaNode,
    draft: ListDraft,
    element: XmlElement,
    inherited: Operation,
  ): void {
    const keys: Members = {}
    const trail: Trail = { up, node, entry: keys }
    const children = childrenOf(element)
    const taken = decodeKeys(this.schema, trail, children, keys)
    const path = pathOf(trail)
    for (const key of taken) this.refuseKeyOperation(key, path)
    const operation = operationOf(element, path) ?? inherited
    const place = placeOf(this.schema, node, element, path)
    const key = keyOf(node, keys)
    const before = draft.get(key)
    if (!this.wanted(operation, before !== undefined, path) && operation !== "none") {
      draft.remove(key)
      return
    }
    refuseText(trail, element)
    const keep = (operation === "merge" || operation === "none") && isObject(before)
    const object: Members = keep ? { ...before } : { ...keys }
    const rest = children.filter((child) => !taken.has(child))
    const kept = keep ? before : undefined
    this.members({ up, node, entry: object }, object, kept, rest, inner(operation))
    if (place === undefined) draft.set(object)
    else if (!draft.insert(object, place)) throw missingInstance(node, element, path)
    clearOtherCases(target, node)
  }

  private leafListEntry(
    up: Trail,
    target: Members,
    node: SchemaNode,
    draft: ListDraft,
    element: XmlElement,
    inherited: Operation,
  ): void {
    const value = leafValue(this.schema, up, node, element)
    const key = keyOf(node, value)
    const path = `${pathTo(up, node.member)}[.=${JSON.stringify(key)}]`
    const operation = operationOf(element, path) ?? inherited
    const place = placeOf(this.schema, node, element, path)
    if (!this.wanted(operation, draft.get(key) !== undefined, path)) {
      if (operation !== "none") draft.remove(key)
      return
    }
    if (place === undefined) draft.set(value)
    else if (!draft.insert(value, place)) throw missingInstance(node, element, path)
    clearOtherCases(target, node)
  }

  /**
   * Whether the node shall be there afterwards because of this operation.
   *
   * @throws QkdError `data-exists` or `data-missing` where the operation demands otherwise.
   */
  private wanted(operation: Operation, there: boolean, path: string): boolean {
    if (operation === "create" && there)
      throw new QkdError("data-exists", "is there already", { path })
    if ((operation === "delete" || operation === "none") && !there)
      throw new QkdError("data-missing", "is not there", { path })
    return operation === "merge" || operation === "replace" || operation === "create"
  }

  private refuseKeyOperation(key: XmlElement, path: string): void {
    const operation = attributeOf(key, "operation", NETCONF_NS)
    if (operation === "delete" || operation === "remove")
      throw new QkdError("bad-attribute", `key ${key.name} cannot be deleted`, {
        path,
        info: { "bad-element": key.name, "bad-attribute": "operation" },
      })
    operationOf(key, path)
  }
}

/** What children inherit: inside something new everything is simply put there. */
function inner(operation: Operation): Operation {
  return operation === "none" ? "none" : "merge"
}

function missingInstance(node: SchemaNode, element: XmlElement, path: string): QkdError {
  return new QkdError("bad-attribute", "the entry to stand next to is not there", {
    path,
    appTag: "missing-instance",
    info: {
      "bad-element": element.name,
      "bad-attribute": node.kind === "list" ? "key" : "value",
    },
  })
}
