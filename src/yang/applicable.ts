// Which properties refine and deviate may touch on which nodes (RFC 7950 sections 7.13.2 and 7.20.3.2).

import type { Node } from "./node.js"
import { statementFault } from "./statement.js"
import type { Statement } from "./statement.js"
import type { NodeKind } from "./schema-types.js"

const HOLDERS = ["container", "list", "leaf", "leaf-list", "anydata", "anyxml"] as const

const APPLIES: Readonly<Record<string, readonly NodeKind[]>> = {
  default: ["leaf", "leaf-list", "choice"],
  config: [...HOLDERS, "choice"],
  mandatory: ["leaf", "choice", "anydata", "anyxml"],
  presence: ["container"],
  must: [...HOLDERS, "input", "output", "notification"],
  "min-elements": ["list", "leaf-list"],
  "max-elements": ["list", "leaf-list"],
  "if-feature": [...HOLDERS, "choice", "case"],
  units: ["leaf", "leaf-list"],
  type: ["leaf", "leaf-list"],
  unique: ["list"],
}

/** @throws QkdError at the first substatement that has no place on the node. */
export function checkApplicable(node: Node, change: Statement): void {
  let defaults = 0
  for (const sub of change.sub) {
    if (APPLIES[sub.keyword]?.includes(node.kind) === false)
      throw statementFault(sub, `a ${node.kind} has no ${sub.keyword}`)
    if (sub.keyword !== "default") continue
    defaults += 1
    if (defaults > 1 && node.kind !== "leaf-list")
      throw statementFault(sub, `a ${node.kind} has one default`)
    if (node.kind === "leaf-list" && node.context?.unit.module.version !== "1.1")
      throw statementFault(sub, "leaf-lists have defaults since YANG 1.1")
  }
}
