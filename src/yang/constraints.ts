// What JSON Schema cannot say of instance data: keys, doubles, choices, mandatory nodes, conditions, musts,
// references, unique (RFC 7950 section 8). Expects data whose names and types are right already.

import { Conditions } from "./conditions.js"
import { DataNode, hasData, isFilled } from "./data-node.js"
import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import { findEntry, keyOf } from "./list-index.js"
import { References, refers } from "./references.js"
import type { ListRevision, Revision } from "./revision.js"
import type { ResolvedType, Schema, SchemaNode } from "./schema-types.js"
import { pathOf, pathTo } from "./trail.js"
import { checkUnique, mayRepeat } from "./unique.js"
import type { YangFault } from "./fault.js"
import { lexicalOf } from "./values.js"
import { xpathFault } from "./xpath-text.js"

export interface ConstraintOptions {
  /** State is expected too. */
  readonly withState: boolean
  /** The data is whole: what is mandatory must be there, conditions and references must hold. */
  readonly whole: boolean
}

const MAX_FAULTS = 100

/** Does anything below a node need looking at? Known per node and kind of check. */
class Interest {
  private readonly known = new Map<SchemaNode, boolean>()

  constructor(private readonly options: ConstraintOptions) {}

  /** `node` or anything below it. */
  in(node: SchemaNode): boolean {
    const known = this.known.get(node)
    if (known !== undefined) return known
    // Schema trees have no circles, so the first answer is the last.
    const found = this.own(node) || this.below(node)
    this.known.set(node, found)
    return found
  }

  /** A child, or something implied by absence. */
  below(node: SchemaNode): boolean {
    for (const child of node.children.values()) {
      if (!this.options.withState && !child.config) continue
      if (this.in(child)) return true
    }
    return false
  }

  private own(node: SchemaNode): boolean {
    if (node.kind === "list" || node.kind === "choice") return true
    if (node.kind === "leaf-list" && node.config) return true
    if (!this.options.whole) return false
    return (
      node.whens.length > 0 ||
      node.musts.length > 0 ||
      node.mandatory ||
      node.minElements > 0 ||
      node.maxElements < Infinity ||
      (node.type !== undefined && (refers(node.type) || node.type.xpath === true))
    )
  }
}

export class ConstraintChecker {
  private readonly interest: Interest

  constructor(
    private readonly schema: Schema,
    private readonly root: SchemaNode,
    private readonly options: ConstraintOptions,
  ) {
    this.interest = new Interest(options)
  }

  /** @param data the members of the node the checker is for. */
  check(data: JsonObject, datastore?: JsonObject): readonly YangFault[] {
    // A notification or operation stands below a root of its own.
    const chain: { readonly node: SchemaNode; readonly value: JsonObject }[] = []
    let top = this.root
    let value = data
    for (; top.parent !== undefined; top = top.parent) {
      chain.unshift({ node: top, value })
      value = { [top.member]: value }
    }
    const conditions = new Conditions(this.schema, top, value, datastore)
    let at = conditions.root
    for (const step of chain) at = new DataNode(at.trees, at, step.node, step.value)
    const isDatastore = top === this.schema.root
    const references = isDatastore || datastore !== undefined
    const run = new Run(conditions, { ...this.options, references, isDatastore }, this.interest)
    run.instance(at)
    return run.faults
  }

  /**
   * Whether the next version of a valid datastore is valid too, as far as its own entries go: list entries that are
   * the same object are not looked at. What in them depends on other places is the caller's business.
   */
  stillHolds(next: JsonObject, previous: JsonObject, revision: Revision): boolean {
    const conditions = new Conditions(this.schema, this.root, next)
    const options = { ...this.options, references: true, isDatastore: true }
    const run = new Run(conditions, options, this.interest, revision)
    run.instance(conditions.root, previous)
    return run.faults.length === 0
  }
}

class Run {
  readonly faults: YangFault[] = []
  private readonly references: References

  constructor(
    private readonly conditions: Conditions,
    private readonly options: ConstraintOptions & {
      readonly references: boolean
      readonly isDatastore: boolean
    },
    private readonly interest: Interest,
    private readonly revision?: Revision,
  ) {
    this.references = new References(conditions)
  }

  private add(fault: YangFault): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push(fault)
  }

  /** `before`: the same object in a version that was valid; then lists that are as they were are passed by. */
  private object(at: DataNode, object: JsonObject, before?: JsonObject): void {
    const { node } = at
    for (const child of node.members.values()) {
      if (!this.options.withState && !child.config) continue
      if (!this.interest.in(child)) continue
      const value = object[child.member]
      if (value === undefined || !isFilled(child, value)) {
        if (!this.options.whole) continue
        if (value !== undefined) this.checkWhen(at, child, new DataNode(at.trees, at, child, value))
        this.absent(at, object, child)
      } else this.present(at, child, value, before?.[child.member])
    }
    for (const child of node.children.values())
      if (child.kind === "choice") this.choice(at, object, child)
  }

  private present(at: DataNode, child: SchemaNode, value: JsonValue, before?: JsonValue): void {
    if (isArray(value) && (child.kind === "list" || child.kind === "leaf-list")) {
      if (this.options.whole) this.checkWhen(at, child, undefined)
      if (child.kind === "leaf-list" || value !== before) this.array(at, child, value)
      return
    }
    const instance = new DataNode(at.trees, at, child, value)
    if (this.options.whole) this.checkWhen(at, child, instance)
    this.instance(instance, before)
  }

  private array(at: DataNode, child: SchemaNode, items: readonly JsonValue[]): void {
    const whole = this.options.whole
    const revised = this.revision?.lists.get(items)
    if (whole && items.length < child.minElements) this.tooFew(at, child, items.length)
    if (whole && items.length > child.maxElements)
      this.add({
        tag: "operation-failed",
        appTag: "too-many-elements",
        path: pathTo(at, child.member),
        message: `has ${items.length} entries, at most ${child.maxElements} are allowed`,
      })
    const unique = child.kind === "list" ? (child.keys?.length ?? 0) > 0 : child.config
    if (unique && revised !== undefined) this.checkNewDoubles(at, child, revised)
    else if (unique && items.length > 1) this.checkDoubles(at, child, items)
    if (whole && child.unique.length > 0 && (revised === undefined || mayRepeat(child, revised)))
      for (const fault of checkUnique(at, child, items)) this.add(fault)
    const inside =
      whole &&
      (child.musts.length > 0 ||
        (child.type !== undefined && (refers(child.type) || child.type.xpath === true)))
    if (!inside && !this.interest.below(child)) return
    if (revised === undefined)
      items.forEach((item, i) => {
        this.instance(new DataNode(at.trees, at, child, item, i + 1))
      })
    else
      for (const { index, entry, before } of revised.changed)
        this.instance(new DataNode(at.trees, at, child, entry, index + 1), before)
  }

  /** Entries that were there before have keys of their own: a new one may repeat theirs or another new one's. */
  private checkNewDoubles(at: DataNode, child: SchemaNode, revised: ListRevision): void {
    const seen = new Set<string>()
    for (const { entry, before } of revised.changed) {
      const key = keyOf(child, entry)
      const known = before === undefined && findEntry(child, revised.before, key) >= 0
      if (known || seen.has(key))
        this.add({ tag: "bad-element", path: pathTo(at, child.member), message: "is there twice" })
      seen.add(key)
    }
  }

  private checkDoubles(at: DataNode, child: SchemaNode, items: readonly JsonValue[]): void {
    const seen = new Set<string>()
    for (const item of items) {
      const key = keyOf(child, item)
      if (!seen.has(key)) {
        seen.add(key)
        continue
      }
      const path =
        child.kind === "list" && isObject(item)
          ? pathOf({ up: at, node: child, entry: item })
          : `${pathTo(at, child.member)}[.=${JSON.stringify(key)}]`
      this.add({ tag: "bad-element", path, message: "is there twice" })
    }
  }

  instance(instance: DataNode, before?: JsonValue): void {
    const { node, value } = instance
    if (this.options.whole) {
      for (const must of node.musts)
        if (!this.conditions.isTrue(must.expression, instance))
          this.add({
            tag: "operation-failed",
            appTag: "must-violation",
            path: pathOf(instance),
            message: must.errorMessage ?? `must ${must.expression.text}`,
          })
      if (this.options.references && node.type !== undefined && refers(node.type)) {
        const fault = this.references.check(instance)
        if (fault !== undefined) this.add(fault)
      }
      if (node.type?.xpath === true && this.options.isDatastore)
        this.checkXPath(instance, node.type)
    }
    if (isObject(value) && this.interest.below(node))
      this.object(instance, value, before !== undefined && isObject(before) ? before : undefined)
  }

  private checkXPath(instance: DataNode, type: ResolvedType): void {
    const message = xpathFault(type, lexicalOf(instance.value))
    if (message !== undefined) this.add({ tag: "invalid-value", path: pathOf(instance), message })
  }

  private checkWhen(at: DataNode, child: SchemaNode, instance: DataNode | undefined): void {
    if (this.conditions.holds(child, at, instance)) return
    this.add({
      tag: "unknown-element",
      path: pathTo(at, child.member),
      message: `must not be here: ${child.whens.map((w) => `when ${w.expression.text}`).join(", ")}`,
    })
  }

  /** A node that is not there: was it wanted? */
  private absent(at: DataNode, object: JsonObject, child: SchemaNode): void {
    // Key and type passes have had their say about keys.
    const wanted = child.mandatory || child.minElements > 0
    const container = child.kind === "container" && !child.presence
    if (!wanted && !container) return
    if (!inForce(child, object) || !this.conditions.holds(child, at)) return
    if (container) {
      // It exists all the same, and what is mandatory in it is missing (RFC 7950 7.5.1).
      const empty: JsonObject = {}
      const instance = new DataNode(at.trees, at, child, empty)
      this.instance(instance)
    } else if (child.minElements > 0) this.tooFew(at, child, 0)
    else
      this.add({
        tag: "data-missing",
        path: pathTo(at, child.member),
        message: `${child.name} is mandatory`,
      })
  }

  private tooFew(at: DataNode, child: SchemaNode, count: number): void {
    this.add({
      tag: "operation-failed",
      appTag: "too-few-elements",
      path: pathTo(at, child.member),
      message: `has ${count} entries, at least ${child.minElements} are wanted`,
    })
  }

  private choice(at: DataNode, object: JsonObject, choice: SchemaNode): void {
    if (!this.options.withState && !choice.config) return
    const taken = [...choice.children.values()].filter((one) => hasData(one, object))
    if (taken.length > 1)
      this.add({
        tag: "bad-element",
        path: pathOf(at),
        message: `holds ${taken.map((one) => one.name).join(" and ")}, of which one is allowed`,
      })
    const [only] = taken
    if (only === undefined) {
      if (this.options.whole && choice.mandatory && this.conditions.holds(choice, at))
        this.add({
          tag: "data-missing",
          appTag: "missing-choice",
          path: pathTo(at, choice.name),
          message: `one of ${[...choice.children.values()].map((one) => one.name).join(", ")} is mandatory`,
        })
      return
    }
    for (const inner of only.children.values())
      if (inner.kind === "choice") this.choice(at, object, inner)
  }
}

/** Inside cases, a mandatory node is wanted only where its case is chosen (RFC 7950 7.6.5). */
function inForce(child: SchemaNode, object: JsonObject): boolean {
  for (let up = child.parent; up !== undefined; up = up.parent) {
    if (up.kind === "case") {
      if (!hasData(up, object)) return false
    } else if (up.kind !== "choice") return true
  }
  return true
}
