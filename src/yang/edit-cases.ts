// Choices under edits: nodes of one case put away those of the others (RFC 7950 section 7.9).

import type { JsonValue } from "./json-text.js"
import type { SchemaNode } from "./schema-types.js"

const others = new WeakMap<SchemaNode, readonly string[]>()

/** The members that cannot be there together with a node, being of other cases. */
export function otherCases(node: SchemaNode): readonly string[] {
  let found = others.get(node)
  if (found === undefined) {
    found = [...excluded(node)]
    others.set(node, found)
  }
  return found
}

function* excluded(node: SchemaNode): Iterable<string> {
  for (let at = node; at.parent !== undefined; at = at.parent) {
    const { parent } = at
    if (parent.kind === "choice") {
      for (const other of parent.children.values()) if (other !== at) yield* membersOf(other)
    } else if (parent.kind !== "case") return
  }
}

function* membersOf(node: SchemaNode): Iterable<string> {
  if (node.kind === "case" || node.kind === "choice")
    for (const child of node.children.values()) yield* membersOf(child)
  else yield node.member
}

/** Take out of an object that is ours what cannot stand beside a node just written. */
export function clearOtherCases(target: Record<string, JsonValue>, node: SchemaNode): void {
  for (const member of otherCases(node)) Reflect.deleteProperty(target, member)
}
