// Access control the slow and obvious way, to hold the fast one against: every node of a tree is listed with its whole
// path, and every path of every rule is compared with it. Shares no code with src/netconf/nacm*.

import { isArray, isObject, type JsonObject, type JsonValue } from "../../src/yang/json-text.js"
import type { SchemaNode } from "../../src/yang/schema.js"

export interface PlainStep {
  readonly module: string
  readonly name: string
  /** Keys, or `.` for the value of a leaf-list. */
  readonly keys: Readonly<Record<string, string>>
}

export interface PlainRule {
  readonly module: string
  /** `undefined` speaks of everything. */
  readonly path: readonly PlainStep[] | undefined
  readonly ops: readonly string[]
  readonly permit: boolean
}

export interface Instance {
  readonly steps: readonly PlainStep[]
  readonly schema: SchemaNode
  readonly value: JsonValue
  /** Ids of it and of all above it, from the top. */
  readonly ids: readonly string[]
  /** Rank among the siblings that are the same list. */
  readonly rank: number
}

const text = (value: JsonValue | undefined): string =>
  value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value)

/** Every data node of a tree, from the top down. */
export function instancesOf(root: SchemaNode, tree: JsonObject): Instance[] {
  const found: Instance[] = []
  const visit = (
    above: Instance | undefined,
    schema: SchemaNode,
    value: JsonValue,
    rank: number,
  ) => {
    const keys: Record<string, string> = {}
    if (schema.kind === "leaf-list") keys["."] = text(value)
    if (schema.kind === "list" && isObject(value))
      for (const key of schema.keys ?? []) keys[key] = text(value[key])
    const step = { module: schema.module, name: schema.name, keys }
    const steps = [...(above?.steps ?? []), step]
    const instance = {
      steps,
      schema,
      value,
      ids: [...(above?.ids ?? []), JSON.stringify(steps)],
      rank,
    }
    found.push(instance)
    if (isObject(value)) inside(instance, schema, value)
  }
  const inside = (above: Instance | undefined, schema: SchemaNode, object: JsonObject): void => {
    for (const [member, value] of Object.entries(object)) {
      const child = schema.members.get(member)
      if (child === undefined) continue
      const many = child.kind === "list" || child.kind === "leaf-list"
      const values = many && isArray(value) ? value : [value]
      values.forEach((item, i) => {
        visit(above, child, item, i)
      })
    }
  }
  inside(undefined, root, tree)
  return found
}

function covers(path: readonly PlainStep[], instance: Instance): boolean {
  return path.every((wanted, i) => {
    const step = instance.steps[i]
    return (
      step?.module === wanted.module &&
      step.name === wanted.name &&
      Object.entries(wanted.keys).every(([key, value]) => step.keys[key] === value)
    )
  })
}

/** The first rule that matches decides; then the module's own extensions; then the default. */
export function permitted(
  rules: readonly PlainRule[],
  defaults: { readonly read: boolean; readonly write: boolean },
  instance: Instance,
  op: "create" | "read" | "update" | "delete",
): boolean {
  for (const rule of rules) {
    if (rule.module !== "*" && rule.module !== instance.schema.module) continue
    if (rule.path !== undefined && !covers(rule.path, instance)) continue
    if (!rule.ops.includes(op)) continue
    return rule.permit
  }
  for (let at: SchemaNode | undefined = instance.schema; at !== undefined; at = at.parent)
    for (const extension of at.extensions) {
      if (extension.name === "default-deny-all") return false
      if (extension.name === "default-deny-write" && op !== "read") return false
    }
  return op === "read" ? defaults.read : defaults.write
}

/** Ids of the nodes that are seen: those that may be read, with all above them, and are not entries without keys. */
export function seenIds(
  rules: readonly PlainRule[],
  defaults: { readonly read: boolean; readonly write: boolean },
  instances: readonly Instance[],
): Set<string> {
  const own = (instance: Instance): boolean =>
    permitted(rules, defaults, instance, "read") &&
    (instance.schema.keys ?? []).every((key) => {
      const leaf = instance.schema.members.get(key)
      const steps = [...instance.steps, { module: leaf?.module ?? "", name: key, keys: {} }]
      return (
        leaf !== undefined &&
        permitted(rules, defaults, { ...instance, steps, schema: leaf }, "read")
      )
    })
  const readable = new Set(instances.filter(own).map((instance) => instance.ids.at(-1) ?? ""))
  return new Set(
    instances
      .filter((instance) => instance.ids.every((id) => readable.has(id)))
      .map((instance) => instance.ids.at(-1) ?? ""),
  )
}

const isNode = ({ schema }: Instance): boolean => schema.kind !== "container" || schema.presence

/** Whether every single change between two trees is permitted. */
export function mayChange(
  rules: readonly PlainRule[],
  defaults: { readonly read: boolean; readonly write: boolean },
  root: SchemaNode,
  before: JsonObject,
  after: JsonObject,
): boolean {
  const index = (tree: JsonObject): Map<string, Instance> =>
    new Map(
      instancesOf(root, tree)
        .filter(isNode)
        .map((i) => [i.ids.at(-1) ?? "", i]),
    )
  const [old, now] = [index(before), index(after)]
  const may = (instance: Instance, op: "create" | "update" | "delete"): boolean =>
    permitted(rules, defaults, instance, op)
  const survivors = (
    from: Map<string, Instance>,
    to: Map<string, Instance>,
    id: string,
  ): string[] => {
    const like = from.get(id)
    return [...from]
      .filter(([other, i]) => i.schema === like?.schema && to.has(other))
      .filter(([, i]) => i.ids.at(-2) === like?.ids.at(-2))
      .sort((a, b) => a[1].rank - b[1].rank)
      .map(([other]) => other)
  }
  for (const [id, instance] of old) if (!now.has(id) && !may(instance, "delete")) return false
  for (const [id, instance] of now) {
    const was = old.get(id)
    if (was === undefined) {
      if (!may(instance, "create")) return false
      continue
    }
    const changed = instance.schema.kind === "leaf" && was.value !== instance.value
    const moved =
      instance.schema.orderedByUser &&
      survivors(old, now, id).indexOf(id) !== survivors(now, old, id).indexOf(id)
    if ((changed || moved) && !may(instance, "update")) return false
  }
  return true
}
