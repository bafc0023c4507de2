// Deviations (RFC 7950 section 7.20.3): the compiled nodes changed to what a device really has.

import { checkApplicable } from "./applicable.js"
import type { Context, Node } from "./node.js"
import { argOf, statementFault, subOf, subsOf } from "./statement.js"
import type { Statement } from "./statement.js"
import type { TreeBuilder } from "./tree-builder.js"

/** Apply one deviation statement to its target. */
export function deviate(
  builder: TreeBuilder,
  target: Node,
  deviation: Statement,
  context: Context,
): void {
  const changes = subsOf(deviation, "deviate")
  const gone = changes.find((change) => change.argument === "not-supported")
  if (gone !== undefined && changes.length > 1)
    throw statementFault(gone, "what is not supported is not changed in other ways")
  for (const change of changes) {
    checkApplicable(target, change)
    switch (change.argument) {
      case "not-supported":
        target.parent?.children.delete(target.key)
        break
      case "add":
        add(builder, target, change, context)
        break
      case "replace":
        replace(builder, target, change, context)
        break
      default:
        remove(target, change)
    }
  }
}

/** Properties a node has once: adding needs it not to be there, replacing needs it to be. */
const SINGLE: ReadonlySet<string> = new Set([
  ...["config", "mandatory", "min-elements", "max-elements", "units"],
])

function setSingle(target: Node, sub: Statement): void {
  const argument = sub.argument ?? ""
  switch (sub.keyword) {
    case "config":
      target.configWritten = argument === "true"
      break
    case "mandatory":
      target.mandatory = argument === "true"
      break
    case "min-elements":
      target.minElements = Number(argument)
      break
    case "max-elements":
      target.maxElements = argument === "unbounded" ? Infinity : Number(argument)
      break
    case "units":
      target.units = argument
      break
    default:
  }
}

function add(builder: TreeBuilder, target: Node, change: Statement, context: Context): void {
  const { unit } = context
  for (const sub of change.sub) {
    switch (sub.keyword) {
      case "must":
        target.musts.push(builder.must(sub, { ...context, home: homeOf(target) }))
        break
      case "unique":
        target.uniqueWritten.push({ statement: sub, unit })
        break
      case "default":
        if (target.kind !== "leaf-list" && target.defaultsWritten.length > 0)
          throw statementFault(sub, `${target.name} has a default already`)
        target.defaultsWritten.push({
          text: sub.argument ?? "",
          prefixes: unit.prefixNames,
          module: unit.module.name,
        })
        break
      default:
        if (SINGLE.has(sub.keyword) && target.written.has(sub.keyword))
          throw statementFault(sub, `${target.name} has ${sub.keyword} already`)
        setSingle(target, sub)
    }
    target.written.add(sub.keyword)
  }
}

function replace(builder: TreeBuilder, target: Node, change: Statement, context: Context): void {
  const { unit } = context
  const type = subOf(change, "type")
  if (type !== undefined) target.type = builder.types.resolve(type, context.scope, unit)
  const text = argOf(change, "default")
  if (text !== undefined && target.defaultsWritten.length === 0)
    throw statementFault(change, `${target.name} has no default to replace`)
  if (text !== undefined)
    target.defaultsWritten = [{ text, prefixes: unit.prefixNames, module: unit.module.name }]
  for (const sub of change.sub) {
    // Every node is configuration or not, whether that is written or not.
    if (SINGLE.has(sub.keyword) && sub.keyword !== "config" && !target.written.has(sub.keyword))
      throw statementFault(sub, `${target.name} has no ${sub.keyword} to replace`)
    setSingle(target, sub)
  }
}

function remove(target: Node, change: Statement): void {
  const missing = (sub: Statement): Error =>
    statementFault(sub, `${target.name} has no such ${sub.keyword}`)
  for (const sub of change.sub) {
    const argument = sub.argument ?? ""
    switch (sub.keyword) {
      case "must": {
        const rest = target.musts.filter((m) => m.expression.text !== argument)
        if (rest.length === target.musts.length) throw missing(sub)
        target.musts = rest
        break
      }
      case "unique": {
        const rest = target.uniqueWritten.filter((u) => u.statement.argument !== argument)
        if (rest.length === target.uniqueWritten.length) throw missing(sub)
        target.uniqueWritten = rest
        break
      }
      case "default": {
        const rest = target.defaultsWritten.filter((d) => d.text !== argument)
        if (rest.length === target.defaultsWritten.length) throw missing(sub)
        target.defaultsWritten = rest
        break
      }
      case "units":
        if (target.units !== argument) throw missing(sub)
        delete target.units
        target.written.delete("units")
        break
      default:
    }
  }
}

function homeOf(target: Node): { readonly name: string; readonly namespace: string } {
  return { name: target.module, namespace: target.namespace }
}
