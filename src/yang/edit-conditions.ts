// After an edit, `when` conditions in the objects it reached: what the edit wrote against them is refused, what stood
// there before and no longer may is taken out (RFC 7950 section 8.2, with 7.21.5 and 8.3.2).

import { QkdError } from "../errors.js"
import { Conditions } from "./conditions.js"
import { DataNode } from "./data-node.js"
import { isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import type { Schema, SchemaNode } from "./schema-types.js"
import { pathTo } from "./trail.js"
import type { Trail } from "./trail.js"

/** An object the edit made its own. */
export interface Reached {
  readonly trail: Trail
  readonly object: Record<string, JsonValue>
  /** What it was before; absent when it is new. */
  readonly before: JsonObject | undefined
}

const conditional = new WeakMap<SchemaNode, readonly SchemaNode[]>()

/** The data children of a node that have conditions. */
export function conditionalMembers(node: SchemaNode): readonly SchemaNode[] {
  let found = conditional.get(node)
  if (found === undefined) {
    found = [...node.members.values()].filter((child) => child.whens.length > 0 && child.config)
    conditional.set(node, found)
  }
  return found
}

/** @throws QkdError `unknown-element` for a node written although its condition is false. */
export function settleConditions(
  schema: Schema,
  data: JsonObject,
  reached: readonly Reached[],
): void {
  // Taking one node out can make another's condition false; each round takes out at least one.
  for (let again = reached.length > 0; again; ) {
    again = false
    const conditions = new Conditions(schema, schema.root, data)
    for (const { trail, object, before } of reached) {
      const at = nodeAt(conditions.root, trail)
      if (at?.value !== object) continue
      for (const child of conditionalMembers(trail.node)) {
        const value = object[child.member]
        if (value === undefined || conditions.holds(child, at)) continue
        if (before?.[child.member] !== value)
          throw new QkdError(
            "unknown-element",
            `must not be here: ${child.whens.map((w) => `when ${w.expression.text}`).join(", ")}`,
            { path: pathTo(trail, child.member), info: { "bad-element": child.name } },
          )
        Reflect.deleteProperty(object, child.member)
        again = true
      }
    }
  }
}

/** The data node at a trail; undefined when the edit has taken it away again. */
function nodeAt(root: DataNode, trail: Trail): DataNode | undefined {
  if (trail.up === undefined) return root
  const up = nodeAt(root, trail.up)
  if (up === undefined || !isObject(up.value)) return undefined
  const value = trail.entry ?? up.value[trail.node.member]
  return value === undefined ? undefined : new DataNode(up.trees, up, trail.node, value)
}
