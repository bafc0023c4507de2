// Edits of one place with data already decoded, as RESTCONF's methods and YANG Patch ask for (RFC 8040 section 4, RFC
// 8072). Demands and errors are those of edit-config (edit.ts); the outcome as a whole is validate's business.

import { QkdError } from "../errors.js"
import { dataPathText } from "./data-path.js"
import type { DataPath, DataStep } from "./data-path.js"
import { clearOtherCases, otherCases } from "./edit-cases.js"
import { conditionalMembers, settleConditions } from "./edit-conditions.js"
import type { Reached } from "./edit-conditions.js"
import type { Operation } from "./edit-operation.js"
import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import { ListDraft } from "./list-draft.js"
import type { Place } from "./list-draft.js"
import { keyOf } from "./list-index.js"
import type { Schema, SchemaNode } from "./schema-types.js"
import { pathOf, pathTo } from "./trail.js"
import type { Trail } from "./trail.js"

export interface EditAt {
  readonly operation: Exclude<Operation, "none">
  /**
   * The value of the node the path names, decoded (see `decodeJson`): a leaf's value, an object, a list entry with its
   * keys. Absent for `delete` and `remove`.
   */
  readonly value?: JsonValue
  /** Where the entry of a list its user orders shall stand; without it a new one stands last and an old one stays. */
  readonly place?: Place
}

type Members = Record<string, JsonValue>

/**
 * Edit what the path names; the nodes above it must be there, containers without presence excepted.
 *
 * @returns a new tree; `config` is untouched and shares what the edit does not reach.
 * @throws QkdError with the instance path: `data-exists`, `data-missing` (of the first node that is not there),
 *   `unknown-element` (state included), `missing-element` (keys), `bad-element`, `invalid-value` (keys that are not the
 *   path's), `bad-attribute` with app-tag `missing-instance` for a place next to nothing.
 */
export function editAt(
  schema: Schema,
  config: JsonObject,
  path: DataPath,
  edit: EditAt,
): JsonObject {
  const editor = new Editor(path, edit)
  const root = editor.root(schema, config)
  settleConditions(schema, root, editor.reached)
  return root
}

class Editor {
  readonly reached: Reached[] = []

  constructor(
    private readonly path: DataPath,
    private readonly edit: EditAt,
  ) {}

  root(schema: Schema, config: JsonObject): Members {
    const trail: Trail = { up: undefined, node: schema.root }
    if (this.path.length > 0) {
      const root = { ...config }
      this.inside(trail, root, config, 0)
      return root
    }
    const { operation, value } = this.edit
    if (operation === "delete" || operation === "remove") return {}
    if (operation === "create" && Object.keys(config).length > 0) throw exists("/")
    const kept = operation === "merge" ? config : undefined
    const root = { ...kept }
    this.merge(trail, root, kept, value ?? {})
    return root
  }

  /** Go on to step `at` inside an object that is ours to change. */
  private inside(up: Trail, target: Members, before: JsonObject | undefined, at: number): void {
    const step = this.path[at]
    if (step === undefined) return
    this.note(up, target, before)
    const { node, keys, value } = step
    refuseState(node, pathTo(up, node.member))
    const isLast = at === this.path.length - 1
    if (node.kind === "list" || node.kind === "leaf-list") {
      const item = keys ?? value
      if (item === undefined)
        throw new QkdError("invalid-value", `${node.name} names no one entry`, {
          path: pathTo(up, node.member),
        })
      const items = target[node.member]
      const draft = new ListDraft(node, isArray(items) ? items : [])
      if (isLast) this.lastItem(up, node, draft, item)
      else this.entry(up, node, draft, item, at)
      const settled = draft.settled()
      if (settled.length > 0) target[node.member] = settled
      else Reflect.deleteProperty(target, node.member)
      if (settled.length > 0) clearOtherCases(target, node)
      return
    }
    if (isLast) this.last(up, step, target)
    else this.container({ up, node }, target, at)
  }

  private container(trail: Trail, target: Members, at: number): void {
    const { node } = trail
    const before = target[node.member]
    if (before === undefined && (node.presence || node.kind !== "container"))
      throw missing(pathOf(trail))
    const object = isObject(before) ? { ...before } : {}
    this.inside(trail, object, isObject(before) ? before : undefined, at + 1)
    if (Object.keys(object).length === 0 && !node.presence) {
      Reflect.deleteProperty(target, node.member)
      return
    }
    target[node.member] = object
    clearOtherCases(target, node)
  }

  private entry(up: Trail, node: SchemaNode, draft: ListDraft, item: JsonValue, at: number): void {
    const before = draft.get(keyOf(node, item))
    if (!isObject(before)) throw missing(dataPathText(this.path.slice(0, at + 1)))
    const object = { ...before }
    this.inside({ up, node, entry: object }, object, before, at + 1)
    draft.set(object)
  }

  private last(up: Trail, { node }: DataStep, target: Members): void {
    const path = pathTo(up, node.member)
    const before = target[node.member]
    const value = this.wanted(before !== undefined, path)
    if (up.node.keys?.includes(node.member) === true) {
      if (
        value !== undefined &&
        keyOf(up.node, { ...up.entry, [node.member]: value }) === keyOf(up.node, up.entry ?? {})
      )
        return
      throw new QkdError("invalid-value", "a key cannot be changed", { path })
    }
    if (value === undefined) {
      Reflect.deleteProperty(target, node.member)
      return
    }
    if (node.kind === "container") {
      const kept = this.edit.operation === "merge" && isObject(before) ? before : undefined
      this.put({ up, node }, target, kept, value)
    } else target[node.member] = value
    clearOtherCases(target, node)
  }

  private lastItem(up: Trail, node: SchemaNode, draft: ListDraft, item: JsonValue): void {
    const key = keyOf(node, item)
    const before = draft.get(key)
    const path = dataPathText(this.path)
    const value = this.wanted(before !== undefined, path)
    const { operation, place } = this.edit
    if (value === undefined) {
      draft.remove(key)
      return
    }
    if (place !== undefined && !node.orderedByUser)
      throw new QkdError("bad-attribute", `${node.name} is not ordered by its user`, { path })
    let after = value
    if (node.kind === "list") {
      const kept = operation === "merge" && isObject(before) ? before : undefined
      after = this.item(up, node, kept, value)
    }
    if (keyOf(node, after) !== key)
      throw new QkdError("invalid-value", "is not the one the path names", { path })
    if (place === undefined) draft.set(after)
    else if (!draft.insert(after, place))
      throw new QkdError("bad-attribute", "the entry to stand next to is not there", {
        path,
        appTag: "missing-instance",
      })
  }

  /** The value to be there afterwards; undefined for none. */
  private wanted(there: boolean, path: string): JsonValue | undefined {
    const { operation, value } = this.edit
    if (operation === "create" && there) throw exists(path)
    if (operation === "delete" && !there) throw missing(path)
    if (operation === "delete" || operation === "remove") return undefined
    if (value === undefined) throw new QkdError("missing-element", "a value is wanted", { path })
    return value
  }

  private put(trail: Trail, target: Members, kept: JsonObject | undefined, value: JsonValue): void {
    const object: Members = { ...kept }
    this.merge(trail, object, kept, value)
    if (Object.keys(object).length > 0 || trail.node.presence) target[trail.node.member] = object
    else Reflect.deleteProperty(target, trail.node.member)
  }

  private item(
    up: Trail,
    node: SchemaNode,
    kept: JsonObject | undefined,
    value: JsonValue,
  ): JsonObject {
    const object: Members = { ...kept }
    if (isObject(value))
      for (const key of node.keys ?? []) {
        const written = value[key]
        if (written === undefined)
          throw new QkdError("missing-element", `key ${key} is missing`, {
            path: pathTo({ up, node, entry: object }, key),
            info: { "bad-element": key },
          })
        object[key] = written
      }
    this.merge({ up, node, entry: object }, object, kept, value)
    return object
  }

  /** Put the members of a value into an object that is ours. */
  private merge(
    trail: Trail,
    target: Members,
    before: JsonObject | undefined,
    value: JsonValue,
  ): void {
    if (!isObject(value))
      throw new QkdError("invalid-value", "must be an object", { path: pathOf(trail) })
    this.note(trail, target, before)
    for (const member in value) {
      const node = trail.node.members.get(member)
      const written = value[member]
      const path = pathTo(trail, member)
      if (node === undefined)
        throw new QkdError("unknown-element", `unknown member ${member}`, { path })
      if (written === undefined || trail.node.keys?.includes(member) === true) continue
      refuseState(node, path)
      if (otherCases(node).some((other) => Object.hasOwn(value, other)))
        throw new QkdError("bad-element", "is beside data of another case", {
          path,
          info: { "bad-element": node.name },
        })
      if (node.kind === "list" || node.kind === "leaf-list")
        this.items(trail, target, node, written)
      else if (node.kind === "container") {
        const old = target[member]
        this.put({ up: trail, node }, target, isObject(old) ? old : undefined, written)
      } else target[member] = written
      clearOtherCases(target, node)
    }
  }

  private items(up: Trail, target: Members, node: SchemaNode, written: JsonValue): void {
    const path = pathTo(up, node.member)
    if (!isArray(written)) throw new QkdError("invalid-value", "must be an array", { path })
    const items = target[node.member]
    const draft = new ListDraft(node, isArray(items) ? items : [])
    const seen = new Set<string>()
    for (const item of written) {
      const old = node.kind === "list" ? draft.get(keyOf(node, item)) : undefined
      const after =
        node.kind === "list" ? this.item(up, node, isObject(old) ? old : undefined, item) : item
      const key = keyOf(node, after)
      if (seen.has(key))
        throw new QkdError("bad-element", "is there twice", {
          path: isObject(after) ? pathOf({ up, node, entry: after }) : path,
          info: { "bad-element": node.name },
        })
      seen.add(key)
      draft.set(after)
    }
    const settled = draft.settled()
    if (settled.length > 0) target[node.member] = settled
  }

  private note(trail: Trail, object: Members, before: JsonObject | undefined): void {
    if (conditionalMembers(trail.node).length > 0) this.reached.push({ trail, object, before })
  }
}

function refuseState(node: SchemaNode, path: string): void {
  if (!node.config)
    throw new QkdError("unknown-element", `${node.name} is state, not configuration`, {
      path,
      info: { "bad-element": node.name },
    })
}

function exists(path: string): QkdError {
  return new QkdError("data-exists", "is there already", { path })
}

function missing(path: string): QkdError {
  return new QkdError("data-missing", "is not there", { path })
}
