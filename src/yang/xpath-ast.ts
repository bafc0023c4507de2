// The syntax tree of an XPath 1.0 expression, and the names it was written with. No behaviour.

export type Axis =
  | "ancestor"
  | "ancestor-or-self"
  | "attribute"
  | "child"
  | "descendant"
  | "descendant-or-self"
  | "following"
  | "following-sibling"
  | "namespace"
  | "parent"
  | "preceding"
  | "preceding-sibling"
  | "self"

export type NodeTest =
  /** `prefix` absent: the expression's own module; `*` as name: any. */
  | { readonly kind: "name"; readonly prefix?: string; readonly name: string }
  | { readonly kind: "node" }
  | { readonly kind: "text" }
  /** comment() and processing-instruction(): nothing in YANG data. */
  | { readonly kind: "none" }

export interface Step {
  readonly axis: Axis
  readonly test: NodeTest
  readonly predicates: readonly XPathNode[]
}

export type BinaryOperator =
  | "or"
  | "and"
  | "="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "+"
  | "-"
  | "*"
  | "div"
  | "mod"
  | "|"

export type XPathNode =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly XPathNode[] }
  | { readonly kind: "negate"; readonly operand: XPathNode }
  | {
      readonly kind: "binary"
      readonly operator: BinaryOperator
      readonly left: XPathNode
      readonly right: XPathNode
    }
  /** A location path; with `start` it begins at that expression's nodes, filtered by `predicates`. */
  | {
      readonly kind: "path"
      readonly absolute: boolean
      readonly start?: XPathNode
      readonly predicates: readonly XPathNode[]
      readonly steps: readonly Step[]
    }

/** An expression with the meaning of its names (RFC 7950 6.4.1). */
export interface XPathExpression {
  readonly text: string
  readonly ast: XPathNode
  /** Prefix to module name, of the module the expression is written in. */
  readonly prefixes: ReadonlyMap<string, string>
  /** Module of unprefixed names: the one whose namespace the node is in, or `ANY_MODULE`. */
  readonly module: string
}

/** In filters: a name without prefix may be of any module. */
export const ANY_MODULE = "*"
