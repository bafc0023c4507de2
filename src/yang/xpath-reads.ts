// What an expression may look at outside the list entry it belongs to, found from the schema alone. Errs towards too
// much: a node it names may turn out not to matter, one it does not name never matters.

import type { SchemaNode } from "./schema-types.js"
import type { Axis, NodeTest, Step, XPathExpression, XPathNode } from "./xpath-ast.js"

/** Schema nodes whose instances, with all below them, the value may depend on; `anything` when that cannot be said. */
export type Reads = ReadonlySet<SchemaNode> | "anything"

export interface OutsideReads {
  readonly reads: Reads
  /** The value depends on conditions of other nodes as well. */
  readonly conditional: boolean
}

/** Schema nodes, and whether the way there stayed inside the home entry, left it, or either. */
type Places = ReadonlyMap<SchemaNode, "in" | "out" | "both">

const NOWHERE: Places = new Map()

/** The list whose entry a node is in, the node itself if it is one; else the root. */
export function homeOf(node: SchemaNode): SchemaNode {
  let at = node
  while (at.kind !== "list" && at.parent !== undefined) at = at.parent
  return at
}

/** The parent in the data; undefined above the root. */
export function dataParentOf(node: SchemaNode): SchemaNode | undefined {
  let up = node.parent
  while (up?.kind === "choice" || up?.kind === "case") up = up.parent
  return up
}

/**
 * @param context the node the expression is evaluated at
 * @param home what may change without being said: the subtree of the entry that is judged anew as a whole
 */
export function outsideReads(
  expression: XPathExpression,
  context: SchemaNode,
  home: SchemaNode,
): OutsideReads {
  const tracer = new Tracer(home)
  tracer.value(expression, new Map([[context, "in"]]))
  return { reads: tracer.lost ? "anything" : tracer.outside, conditional: tracer.conditional }
}

class Tracer {
  readonly outside = new Set<SchemaNode>()
  lost = false
  conditional = false
  readonly #conditionsSeen = new Set<SchemaNode>()
  readonly #conditionsSeenOutside = new Set<SchemaNode>()

  constructor(private readonly home: SchemaNode) {}

  /** The expression's value is used at these places. */
  value(expression: XPathExpression, at: Places): void {
    this.#read(new Evaluation(this, this.home, expression, at).evaluate(expression.ast, at))
  }

  read(places: Places): void {
    this.#read(places)
  }

  #read(places: Places): void {
    for (const [node, where] of places) {
      if (where !== "in") {
        this.outside.add(node)
        this.#conditions(node, true)
      }
      if (where !== "out") this.#conditions(node, false)
    }
  }

  /** A default that is read stands only while its conditions hold, and those of what it is in. */
  #conditions(node: SchemaNode, outside: boolean): void {
    for (let at: SchemaNode | undefined = node; at !== undefined; at = dataParentOf(at)) {
      this.#own(at, outside)
      if (!outside && at === this.home) break
    }
    this.#below(node, outside)
  }

  #below(node: SchemaNode, outside: boolean): void {
    for (const child of node.members.values()) {
      this.#own(child, outside)
      this.#below(child, outside)
    }
  }

  #own(node: SchemaNode, outside: boolean): void {
    const seen = outside ? this.#conditionsSeenOutside : this.#conditionsSeen
    if (node.whens.length === 0 || seen.has(node)) return
    seen.add(node)
    this.conditional = true
    const parent = dataParentOf(node)
    for (const { expression, context } of node.whens) {
      const at = context === "self" ? node : parent
      if (at === undefined) continue
      const out = outside || (at === parent && node === this.home)
      this.value(expression, new Map([[at, out ? "out" : "in"]]))
    }
  }
}

class Evaluation {
  constructor(
    private readonly tracer: Tracer,
    private readonly home: SchemaNode,
    private readonly expression: XPathExpression,
    private readonly current: Places,
  ) {}

  /** The node set an expression may be; nowhere for other values, whose parts are read. */
  evaluate(ast: XPathNode, at: Places): Places {
    switch (ast.kind) {
      case "number":
      case "string":
      case "variable":
        return NOWHERE
      case "negate":
        return this.#used(ast.operand, at)
      case "binary": {
        if (ast.operator !== "|") {
          this.#used(ast.left, at)
          return this.#used(ast.right, at)
        }
        const both = new Map(this.evaluate(ast.left, at))
        join(both, this.evaluate(ast.right, at))
        return both
      }
      case "call":
        return this.#call(ast, at)
      case "path":
        return this.#path(ast, at)
    }
  }

  #used(ast: XPathNode, at: Places): Places {
    this.tracer.read(this.evaluate(ast, at))
    return NOWHERE
  }

  #call(ast: Extract<XPathNode, { kind: "call" }>, at: Places): Places {
    if (ast.name === "current") return this.current
    // Where a reference leads is in the data, not in the schema.
    if (ast.name === "deref") this.tracer.lost = true
    for (const arg of ast.args) this.#used(arg, at)
    if (ast.args.length === 0) this.tracer.read(at)
    return NOWHERE
  }

  #path(ast: Extract<XPathNode, { kind: "path" }>, at: Places): Places {
    let places: Places = at
    /** Places that were gone down to: that they are there at all matters. */
    let down = false
    if (ast.start !== undefined) {
      places = this.evaluate(ast.start, at)
      down = !(ast.start.kind === "call" && ast.start.name === "current")
      this.#predicates(ast.predicates, places)
    } else if (ast.absolute) places = this.#roots(at)
    for (const step of ast.steps) {
      const isUp = step.axis.startsWith("parent") || step.axis.startsWith("ancestor")
      if (isUp && down) this.tracer.read(places)
      if (!isUp && step.axis !== "self") down = true
      places = this.#step(places, step)
    }
    return places
  }

  #roots(at: Places): Places {
    const found = new Map<SchemaNode, "in" | "out" | "both">()
    for (const node of at.keys()) {
      let top = node
      for (let up = dataParentOf(top); up !== undefined; up = dataParentOf(up)) top = up
      found.set(top, top === this.home ? "in" : "out")
    }
    return found
  }

  #step(from: Places, step: Step): Places {
    const found = new Map<SchemaNode, "in" | "out" | "both">()
    for (const [node, where] of from)
      for (const [next, isOut] of this.#along(node, step.axis))
        if (this.#passes(next, step.test)) join(found, new Map([[next, isOut ? "out" : where]]))
    this.#predicates(step.predicates, found)
    return found
  }

  #predicates(predicates: readonly XPathNode[], at: Places): void {
    for (const predicate of predicates) this.#used(predicate, at)
  }

  /** Nodes along an axis, and whether the way there leaves the home entry. */
  *#along(node: SchemaNode, axis: Axis): Iterable<readonly [SchemaNode, boolean]> {
    switch (axis) {
      case "self":
        yield [node, false]
        break
      case "child":
        for (const child of node.members.values()) yield [child, false]
        break
      case "descendant-or-self":
      case "descendant":
        if (axis === "descendant-or-self") yield [node, false]
        for (const below of descendantsOf(node)) yield [below, false]
        break
      case "parent":
      case "ancestor":
      case "ancestor-or-self": {
        if (axis === "ancestor-or-self") yield [node, false]
        let isOut = false
        let at = node
        for (let up = dataParentOf(at); up !== undefined; up = dataParentOf(up)) {
          isOut ||= at === this.home
          yield [up, isOut]
          if (axis === "parent") return
          at = up
        }
        break
      }
      case "attribute":
      case "namespace":
        break
      default:
        this.tracer.lost = true
    }
  }

  #passes(node: SchemaNode, test: NodeTest): boolean {
    if (test.kind !== "name") return test.kind !== "none"
    const { prefix, name } = test
    if (name === "*" && prefix === undefined) return true
    const module =
      prefix === undefined ? this.expression.module : this.expression.prefixes.get(prefix)
    return node.module === module && (name === "*" || node.name === name)
  }
}

function join(into: Map<SchemaNode, "in" | "out" | "both">, more: Places): void {
  for (const [node, where] of more) {
    const known = into.get(node)
    into.set(node, known === undefined || known === where ? where : "both")
  }
}

function* descendantsOf(node: SchemaNode): Iterable<SchemaNode> {
  for (const child of node.members.values()) {
    yield child
    yield* descendantsOf(child)
  }
}
