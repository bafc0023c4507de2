// Random instance data of any schema: right in names, shapes and types, and repaired until our validator has nothing
// left to say. Whether that is right is what the comparison with yanglint is for.

import { parseDataPath } from "../../../src/yang/data-path.js"
import type { JsonObject, JsonValue } from "../../../src/yang/json.js"
import type { Schema, SchemaNode } from "../../../src/yang/schema.js"
import { compileValidator } from "../../../src/yang/validate.js"
import { anyValue } from "./values.js"
import type { Random } from "./values.js"

type Members = Record<string, JsonValue>

export class Maker {
  private readonly validate
  private readonly values = new Map<SchemaNode, JsonValue[]>()

  constructor(
    private readonly schema: Schema,
    private readonly random: Random,
  ) {
    this.validate = compileValidator(schema, "data")
  }

  /** A valid document; undefined when this draw cannot be repaired. */
  make(): JsonObject | undefined {
    this.values.clear()
    const data: Members = {}
    this.fill(this.schema.root, data, 0)
    for (let round = 0; round < 12; round++) {
      const faults = this.validate(data)
      if (faults.length === 0) return data
      for (const fault of faults)
        if (!this.repair(data, fault.path, fault.appTag === "instance-required" && round < 3))
          return undefined
    }
    return undefined
  }

  /** Anything inside a node; whether it is valid is still to be asked. */
  draw(node: SchemaNode): JsonObject {
    this.values.clear()
    const data: Members = {}
    this.fill(node, data, 1)
    return data
  }

  private chance(p: number): boolean {
    return this.random() < p
  }

  private fill(node: SchemaNode, into: Members, depth: number): void {
    for (const child of node.children.values()) {
      if (child.kind === "choice") {
        const cases = [...child.children.values()]
        const chosen = cases[Math.floor(this.random() * cases.length)]
        if (chosen !== undefined && (child.mandatory || this.chance(0.6)))
          this.fill(chosen, into, depth)
      } else if (child.kind === "case") this.fill(child, into, depth)
      else this.member(node, child, into, depth)
    }
  }

  private member(node: SchemaNode, child: SchemaNode, into: Members, depth: number): void {
    const isNeeded = child.mandatory || child.minElements > 0 || node.keys?.includes(child.name)
    const likely = depth === 0 ? 0.8 : Math.max(0.12, 0.55 - depth * 0.07)
    if (isNeeded !== true && !this.chance(likely)) return
    const value = this.value(child, depth)
    if (value !== undefined) into[child.member] = value
  }

  private value(node: SchemaNode, depth: number): JsonValue | undefined {
    switch (node.kind) {
      case "leaf":
        return this.note(node, anyValue(node, this.random))
      case "leaf-list": {
        const items = new Map<string, JsonValue>()
        const count = Math.max(node.minElements, 1 + Math.floor(this.random() * 3))
        for (let i = 0; i < count * 3 && items.size < Math.min(count, node.maxElements); i++) {
          const item = this.note(node, anyValue(node, this.random))
          if (item !== undefined) items.set(JSON.stringify(item), item)
        }
        return items.size === 0 ? undefined : [...items.values()]
      }
      case "list": {
        const entries: JsonObject[] = []
        const count = Math.max(node.minElements, 1 + Math.floor(this.random() * 2))
        for (let i = 0; i < Math.min(count, node.maxElements) && depth < 9; i++) {
          const entry: Members = {}
          this.fill(node, entry, depth + 1)
          if ((node.keys ?? []).every((key) => entry[key] !== undefined)) entries.push(entry)
        }
        return entries.length === 0 ? undefined : entries
      }
      case "container": {
        const inner: Members = {}
        if (depth < 9) this.fill(node, inner, depth + 1)
        return inner
      }
      default:
        return undefined
    }
  }

  /** Remember values, so that references have something to refer to. */
  private note(node: SchemaNode, value: JsonValue | undefined): JsonValue | undefined {
    if (value === undefined) return undefined
    const known = this.values.get(node)
    if (known === undefined) this.values.set(node, [value])
    else known.push(value)
    return value
  }

  /** Take out what is wrong, or let a reference point to something; false where the path cannot be followed. */
  private repair(data: Members, where: string, mayRefer: boolean): boolean {
    let path
    try {
      path = parseDataPath(this.schema, where.replace(/\[[0-9]+\]/g, ""))
    } catch {
      return false
    }
    const positions = [...where.matchAll(/\/([^/[]+)(?:\[([0-9]+)\])?/g)]
    let at: JsonValue = data
    let up: Members = data
    let last:
      | { readonly holder: Members; readonly member: string; readonly index?: number }
      | undefined
    for (const [i, { node, keys, value }] of path.entries()) {
      const inside: JsonValue | undefined = (at as Members)[node.member]
      if (inside === undefined) break
      up = at as Members
      last = { holder: up, member: node.member }
      at = inside
      if (!Array.isArray(inside)) continue
      const items = inside as JsonValue[]
      const position = positions[i]?.[2]
      // Of entries with one key the last is the one too many.
      const index =
        position !== undefined
          ? Number(position) - 1
          : items.findLastIndex((item) =>
              keys === undefined
                ? value !== undefined && JSON.stringify(item) === JSON.stringify(value)
                : Object.entries(keys).every(([k, v]) => (item as Members)[k] === v),
            )
      if (index < 0) continue
      last = { ...last, index }
      at = items[index] ?? null
    }
    if (last === undefined) return false
    const target = path.at(-1)?.node.type?.target
    const known = target === undefined ? [] : (this.values.get(target) ?? [])
    const pick = known[Math.floor(this.random() * known.length)]
    const list = last.holder[last.member]
    if (mayRefer && pick !== undefined && last.member === path.at(-1)?.node.member) {
      if (last.index === undefined) last.holder[last.member] = pick
      else if (Array.isArray(list)) (list as JsonValue[])[last.index] = pick
      return true
    }
    if (last.index === undefined || !Array.isArray(list) || list.length < 2)
      Reflect.deleteProperty(last.holder, last.member)
    else (list as JsonValue[]).splice(last.index, 1)
    return true
  }
}
