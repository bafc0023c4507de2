// Whether the next version of a valid configuration is valid, for the price of what changed. What an entry depends on
// outside itself is known from the schema; where a change touches that, or anything is in doubt, all is validated.

import { ConstraintChecker } from "./constraints.js"
import type { YangFault } from "./fault.js"
import type { JsonObject } from "./json-text.js"
import { plainPath, refers } from "./references.js"
import { Revision } from "./revision.js"
import type { ResolvedType, Schema, SchemaNode } from "./schema-types.js"
import { compileValidator, shapeOf } from "./validate.js"
import type { XPathExpression } from "./xpath-ast.js"
import { dataParentOf, homeOf, outsideReads } from "./xpath-reads.js"
import type { Reads } from "./xpath-reads.js"

/**
 * All faults of `next`, as the validator of kind `config` tells them; `same` when it says what `previous` says.
 *
 * @param previous known to be valid. What `next` shares with it, object for object, is not looked at again.
 */
export type Revalidator = (next: JsonObject, previous: JsonObject) => readonly YangFault[] | "same"

const compiled = new WeakMap<Schema, Revalidator>()

/** Compiled once a schema, together with its validator. */
export function compileRevalidator(schema: Schema): Revalidator {
  const known = compiled.get(schema) ?? compile(schema)
  compiled.set(schema, known)
  return known
}

/** Whether two versions of a configuration say the same; entries in another order do not. */
export function isSameConfig(schema: Schema, next: JsonObject, previous: JsonObject): boolean {
  return next === previous || new Revision(schema.root, next, previous).isEmpty
}

function compile(schema: Schema): Revalidator {
  const validate = compileValidator(schema, "config")
  const shape = shapeOf(schema.root, true)
  const checker = new ConstraintChecker(schema, schema.root, { withState: false, whole: true })
  const dependences = dependencesOf(schema.root)
  return (next, previous) => {
    const revision = new Revision(schema.root, next, previous)
    if (revision.isEmpty) return "same"
    const local =
      !revision.misfit &&
      !dependences.some((dependence) => isTouched(dependence, revision)) &&
      shape(revision.reached).length === 0 &&
      checker.stillHolds(next, previous, revision)
    return local ? [] : validate(next)
  }
}

/** A condition or reference in a list entry that looks at places outside it. */
interface Dependence {
  readonly reads: Reads
  /** It can only break when something goes or changes, not when something comes. */
  readonly losesOnly: boolean
}

function dependencesOf(node: SchemaNode): Dependence[] {
  const found: Dependence[] = []
  for (const child of node.children.values()) {
    if (!child.config || child.kind === "action" || child.kind === "notification") continue
    const home = homeOf(child)
    const parent = dataParentOf(child)
    const add = (expression: XPathExpression, at: SchemaNode, within: SchemaNode): void => {
      // What is in no list is judged anew each time.
      if (within.kind === "root") return
      const { reads } = outsideReads(expression, at, within)
      if (reads === "anything" || reads.size > 0) found.push({ reads, losesOnly: false })
    }
    for (const must of child.musts) add(must.expression, child, home)
    if (parent !== undefined)
      for (const when of child.whens)
        add(when.expression, when.context === "self" ? child : parent, homeOf(parent))
    if (child.type !== undefined && home.kind !== "root")
      found.push(...referencesOf(child.type, child, home))
    found.push(...dependencesOf(child))
  }
  return found
}

function referencesOf(type: ResolvedType, leaf: SchemaNode, home: SchemaNode): Dependence[] {
  if (!refers(type)) return []
  if (type.base === "union")
    return (type.members ?? []).flatMap((member) => referencesOf(member, leaf, home))
  if (type.path === undefined) return [{ reads: "anything", losesOnly: false }]
  const { reads, conditional } = outsideReads(type.path, leaf, home)
  if (reads === "anything") return [{ reads, losesOnly: false }]
  if (reads.size === 0) return []
  // A default goes when something comes in its place.
  const plain = plainPath(type.path.ast) !== undefined && !conditional
  const losesOnly = plain && [...reads].every((target) => target.defaultValues.length === 0)
  return [{ reads, losesOnly }]
}

function isTouched({ reads, losesOnly }: Dependence, revision: Revision): boolean {
  if (reads === "anything") return true
  for (const touched of losesOnly ? revision.lost : revision.touched) {
    // Data in one case takes away the defaults of another.
    let top = touched
    while (top.parent?.kind === "choice" || top.parent?.kind === "case") top = top.parent
    for (const read of reads) if (isAbove(top, read) || isAbove(read, touched)) return true
  }
  return false
}

function isAbove(upper: SchemaNode, lower: SchemaNode): boolean {
  for (let at: SchemaNode | undefined = lower; at !== undefined; at = at.parent)
    if (at === upper) return true
  return false
}
