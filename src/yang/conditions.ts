// Whether nodes may exist: `when` conditions on a tree of instance data, and any other truth asked of it.

import { DataNode } from "./data-node.js"
import type { DataTree } from "./data-node.js"
import type { JsonObject } from "./json-text.js"
import type { Schema, SchemaNode } from "./schema-types.js"
import type { XPathExpression } from "./xpath-ast.js"
import { XPathEvaluator } from "./xpath-eval.js"
import type { Budget } from "./xpath-eval.js"
import { toBoolean } from "./xpath-values.js"
import type { XPathValue } from "./xpath-values.js"

/** XPath steps one validation or edit may take. */
const MAX_STEPS = 10_000_000
/** A default's condition may look at another default with a condition, and so on. */
const MAX_NESTED = 32

export class Conditions {
  readonly budget: Budget = { left: MAX_STEPS }
  readonly root: DataNode
  private nested = 0

  /**
   * @param root the schema root that `data` is under.
   * @param datastore what absolute paths see besides, when `data` is a notification or an operation.
   */
  constructor(
    private readonly schema: Schema,
    root: SchemaNode,
    data: JsonObject,
    datastore?: JsonObject,
  ) {
    const whenHolds = (child: SchemaNode, parent: DataNode): boolean => this.holds(child, parent)
    const main: DataTree = { root, data, whenHolds }
    const trees =
      datastore === undefined || root === schema.root
        ? [main]
        : [main, { root: schema.root, data: datastore, whenHolds }]
    this.root = DataNode.root(trees, main)
  }

  evaluate(expression: XPathExpression, node: DataNode): XPathValue {
    return new XPathEvaluator(this.schema, expression, node, this.budget).value()
  }

  isTrue(expression: XPathExpression, node: DataNode): boolean {
    return toBoolean(this.evaluate(expression, node))
  }

  /** Do all conditions hold for an instance of `child` below `parent`, there or not? */
  holds(child: SchemaNode, parent: DataNode, instance?: DataNode): boolean {
    if (child.whens.length === 0) return true
    if (this.nested >= MAX_NESTED) return false
    this.nested += 1
    try {
      return child.whens.every((when) => {
        if (when.context === "parent") return this.isTrue(when.expression, parent)
        // RFC 7950 7.21.5: a node that is not there is looked at as a dummy without value.
        const self = instance ?? new DataNode(parent.trees, parent, child, dummyOf(child))
        return this.isTrue(when.expression, self)
      })
    } finally {
      this.nested -= 1
    }
  }
}

function dummyOf(node: SchemaNode): "" | JsonObject {
  return node.kind === "leaf" || node.kind === "leaf-list" ? "" : {}
}
