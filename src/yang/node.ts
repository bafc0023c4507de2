// A schema node while the schema is being compiled: the mutable side of `SchemaNode`. Nothing outside the compiler
// sees it as mutable.

import { QkdError } from "../errors.js"
import type { Scope, Unit } from "./module.js"
import { statementFault } from "./statement.js"
import type { Statement } from "./statement.js"
import type {
  ExtensionUse,
  MustCondition,
  NodeKind,
  ResolvedType,
  SchemaNode,
  Status,
  UniqueConstraint,
  WhenCondition,
} from "./schema-types.js"
import type { JsonValue } from "./json-text.js"
import type { WrittenValue } from "./schema-types.js"

/** Where a statement's names are looked up, and whose namespace its nodes get. */
export interface Context {
  /** The text the statement stands in: its prefixes. */
  readonly unit: Unit
  /** The module that uses it: the namespace of its nodes. */
  readonly home: { readonly name: string; readonly namespace: string }
  readonly scope: Scope
}

export class Node implements SchemaNode {
  parent?: Node
  children = new Map<string, Node>()
  /** Children that stand in the text but whose features are not in force. */
  leftOut = new Set<string>()
  members: ReadonlyMap<string, Node> = new Map()
  member = ""
  path = ""
  config = true
  /** As written; absent means inherited. */
  configWritten?: boolean
  keys?: readonly string[]
  type?: ResolvedType
  defaultsWritten: WrittenValue[] = []
  defaults: readonly string[] = []
  defaultValues: readonly JsonValue[] = []
  mandatory = false
  presence = false
  orderedByUser = false
  minElements = 0
  maxElements = Infinity
  /** As written, with the prefixes to read them by. */
  uniqueWritten: { readonly statement: Statement; readonly unit: Unit }[] = []
  unique: readonly UniqueConstraint[] = []
  /** Own conditions; those of enclosing choices and cases are added at the end. */
  ownWhens: WhenCondition[] = []
  whens: readonly WhenCondition[] = []
  musts: MustCondition[] = []
  units?: string
  status: Status = "current"
  /** As written; absent means the parent's. */
  statusWritten?: Status
  /** Typedefs and groupings used here, with what they say of themselves. */
  uses: { readonly what: string; readonly status: Status; readonly own?: Status | undefined }[] = []
  /** Properties written, other than those that can be there several times. */
  written = new Set<string>()
  /** Put here by an augment of another module, with or without a condition. */
  augmented?: "plain" | "conditional"
  description?: string
  reference?: string
  extensions: ExtensionUse[] = []

  constructor(
    readonly kind: NodeKind,
    readonly name: string,
    readonly module: string,
    readonly namespace: string,
    /** For messages; absent on roots and on cases that were not written. */
    readonly statement: Statement | undefined,
    readonly context: Context | undefined,
  ) {}

  get key(): string {
    return `${this.module}:${this.name}`
  }

  fault(what: string): QkdError {
    return this.statement === undefined
      ? new QkdError("malformed-message", `${this.module}: ${this.kind} ${this.name}: ${what}`)
      : statementFault(this.statement, what)
  }

  /** The nearest ancestor that appears in data. */
  dataParent(): Node | undefined {
    let up = this.parent
    while (up !== undefined && (up.kind === "choice" || up.kind === "case")) up = up.parent
    return up
  }
}

/** Put a node below another; below a choice, inside a case of its own name if it is none (RFC 7950 7.9.2). */
export function attach(parent: Node, node: Node): void {
  let child = node
  if (parent.kind === "choice" && node.kind !== "case") {
    child = new Node("case", node.name, node.module, node.namespace, undefined, node.context)
    attach(child, node)
  }
  if (parent.children.has(child.key))
    throw node.fault(`${node.name} is there twice in ${parent.kind} ${parent.name}`)
  parent.children.set(child.key, child)
  child.parent = parent
}

/** The steps of `/a:b/c` or `b/c` as keys of schema children. */
function* stepsOf(statement: Statement, unit: Unit, home: string): Iterable<string> {
  for (const step of (statement.argument ?? "").split("/")) {
    if (step === "") continue
    const colon = step.indexOf(":")
    const module = colon < 0 ? home : unit.prefixes.get(step.slice(0, colon))?.name
    if (module === undefined) throw statementFault(statement, `unknown prefix in ${step}`)
    yield `${module}:${step.slice(colon + 1)}`
  }
}

/** Follow `/a:b/c` or `b/c` through schema children; undefined where a step is missing. */
export function followPath(
  start: Node,
  statement: Statement,
  unit: Unit,
  home: string,
): Node | undefined {
  let at: Node | undefined = start
  for (const key of stepsOf(statement, unit, home)) at = at?.children.get(key)
  return at
}

/** True if the path leads to, or through, a node whose features are not in force. */
export function isLeftOut(start: Node, statement: Statement, unit: Unit, home: string): boolean {
  let at = start
  for (const key of stepsOf(statement, unit, home)) {
    const next = at.children.get(key)
    if (next === undefined) return at.leftOut.has(key)
    at = next
  }
  return false
}
