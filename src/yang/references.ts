// leafref and instance-identifier values whose target must exist (RFC 7950 sections 9.9 and 9.13). Plain leafref paths
// are answered from a set of the target's values, made once for all leaves that share it.

import type { Conditions } from "./conditions.js"
import type { DataNode } from "./data-node.js"
import type { YangFault } from "./fault.js"
import type { JsonValue } from "./json-text.js"
import type { ResolvedType } from "./schema-types.js"
import { pathOf } from "./trail.js"
import { Misfit, checkValue, lexicalOf } from "./values.js"
import type { Step, XPathExpression, XPathNode } from "./xpath-ast.js"
import { followInstanceId } from "./xpath-eval.js"
import { isNodeSet } from "./xpath-values.js"

interface PlainPath {
  readonly absolute: boolean
  /** Leading `..`. */
  readonly ups: number
  readonly downs: readonly Step[]
}

/** Whether values of a type must point to something that is there. */
export function refers(type: ResolvedType): boolean {
  if (type.base === "union") return type.members?.some(refers) === true
  return (
    (type.base === "leafref" || type.base === "instance-identifier") &&
    type.requireInstance === true
  )
}

/** A path of names only, after any number of `..`; undefined when there is more to it. */
export function plainPath(ast: XPathNode): PlainPath | undefined {
  if (ast.kind !== "path" || ast.start !== undefined) return undefined
  let ups = 0
  const downs: Step[] = []
  for (const step of ast.steps) {
    if (step.predicates.length > 0) return undefined
    if (step.axis === "parent" && downs.length === 0) ups += 1
    else if (step.axis === "child" && step.test.kind === "name" && step.test.name !== "*")
      downs.push(step)
    else return undefined
  }
  return { absolute: ast.absolute, ups, downs }
}

export class References {
  private readonly plain = new Map<XPathNode, PlainPath | undefined>()
  /** By expression, then by the object the downward part starts from. */
  private readonly values = new Map<XPathExpression, Map<JsonValue, ReadonlySet<string>>>()

  constructor(private readonly conditions: Conditions) {}

  check(instance: DataNode): YangFault | undefined {
    const { type } = instance.node
    if (type === undefined || this.stands(type, instance)) return undefined
    const path = type.base === "leafref" ? ` at ${type.path?.text ?? ""}` : ""
    return {
      tag: "data-missing",
      appTag: "instance-required",
      path: pathOf(instance),
      message: `refers to ${JSON.stringify(lexicalOf(instance.value))}, which is not there${path}`,
    }
  }

  private stands(type: ResolvedType, instance: DataNode): boolean {
    const { value } = instance
    switch (type.base) {
      case "union": {
        // The first member that fits, its reference included (RFC 7950 9.12).
        const { module } = instance.node
        return (type.members ?? []).some(
          (member) =>
            !(checkValue(member, value, module) instanceof Misfit) && this.stands(member, instance),
        )
      }
      case "leafref":
        return type.requireInstance !== true || type.path === undefined
          ? true
          : this.targets(type.path, instance).has(lexicalOf(value))
      case "instance-identifier":
        return (
          type.requireInstance !== true ||
          followInstanceId(this.conditions.root, lexicalOf(value)) !== undefined
        )
      default:
        return true
    }
  }

  private targets(path: XPathExpression, instance: DataNode): ReadonlySet<string> {
    if (!this.plain.has(path.ast)) this.plain.set(path.ast, plainPath(path.ast))
    const plain = this.plain.get(path.ast)
    if (plain === undefined) return this.found(path, instance)
    let base: DataNode | undefined = plain.absolute ? instance.top() : instance
    for (let i = 0; i < plain.ups; i++) base = base?.up
    if (base === undefined) return new Set()
    let byBase = this.values.get(path)
    if (byBase === undefined) {
      byBase = new Map()
      this.values.set(path, byBase)
    }
    let values = byBase.get(base.value)
    if (values === undefined) {
      values = this.found(path, instance)
      byBase.set(base.value, values)
    }
    return values
  }

  private found(path: XPathExpression, instance: DataNode): ReadonlySet<string> {
    const nodes = this.conditions.evaluate(path, instance)
    return new Set(isNodeSet(nodes) ? nodes.map((node) => lexicalOf(node.value)) : [])
  }
}
