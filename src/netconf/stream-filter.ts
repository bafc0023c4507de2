// What lets an event of a stream pass: a subtree (RFC 6241 section 6) or an XPath expression (RFC 8639 section 2.2). An
// event passes whole or not at all. The XML or JSON that a filter comes in is read by `subscribed-terms.ts`.

import { Conditions } from "../yang/conditions.js"
import type { Schema } from "../yang/schema.js"
import type { XmlElement } from "../yang/xml-tree.js"
import type { XPathExpression } from "../yang/xpath-ast.js"
import { toBoolean } from "../yang/xpath-values.js"
import type { StreamEvent } from "./stream-event.js"
import { filterElements } from "./xml-filter.js"

export type StreamFilter =
  | { readonly kind: "subtree"; readonly elements: readonly XmlElement[] }
  | { readonly kind: "xpath"; readonly expression: XPathExpression }

/** XPath steps one filter may take on one event. */
const MAX_STEPS = 100_000

/** An XPath that takes too long on an event lets it pass: a receiver must not miss what it could have asked for. */
export function passes(
  filter: StreamFilter | undefined,
  event: StreamEvent,
  schema: Schema,
): boolean {
  if (filter === undefined) return true
  if (filter.kind === "subtree") return filterElements([event.tree()], filter.elements).length > 0
  const conditions = new Conditions(schema, schema.notificationRoot, event.data)
  conditions.budget.left = MAX_STEPS
  try {
    return toBoolean(conditions.evaluate(filter.expression, conditions.root))
  } catch {
    return true
  }
}
