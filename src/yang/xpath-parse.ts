// XPath 1.0 text to its syntax tree (W3C Recommendation, 16 November 1999, section 3). Evaluates nothing.

import { QkdError } from "../errors.js"
import type { Axis, BinaryOperator, NodeTest, Step, XPathNode } from "./xpath-ast.js"

interface Token {
  readonly kind: "name" | "number" | "string" | "symbol" | "operator" | "variable" | "end"
  readonly text: string
  readonly at: number
}

const MAX_LENGTH = 16_384
const MAX_DEPTH = 100
const MAX_TOKENS = 2_000

const NCNAME = "[A-Za-z_\\u00c0-\\uffff][\\w.\\-\\u00b7\\u00c0-\\uffff]*"
const TOKEN = new RegExp(
  [
    "\\s*(?:",
    "(?<number>\\d+(?:\\.\\d*)?|\\.\\d+)",
    "|(?<string>\"[^\"]*\"|'[^']*')",
    `|(?<variable>\\$${NCNAME}(?::${NCNAME})?)`,
    "|(?<symbol>::|\\.\\.|//|!=|<=|>=|[()[\\].@,/|+\\-=<>*])",
    `|(?<name>${NCNAME}(?::(?:${NCNAME}|\\*))?(?!\\w))`,
    ")",
  ].join(""),
  "uy",
)

const OPERATOR_NAMES = new Set(["and", "or", "mod", "div"])
const OPERATORS = new Set(["/", "//", "|", "+", "-", "=", "!=", "<", "<=", ">", ">="])
const AXES = new Set<string>([
  "ancestor",
  "ancestor-or-self",
  "attribute",
  "child",
  "descendant",
  "descendant-or-self",
  "following",
  "following-sibling",
  "namespace",
  "parent",
  "preceding",
  "preceding-sibling",
  "self",
])
const NODE_TYPES = new Set(["comment", "text", "processing-instruction", "node"])

function isAxis(name: string): name is Axis {
  return AXES.has(name)
}

function fault(text: string, what: string): QkdError {
  return new QkdError("malformed-message", `XPath ${JSON.stringify(text)}: ${what}`)
}

function tokenize(text: string): Token[] {
  if (text.length > MAX_LENGTH) throw new QkdError("too-big", "XPath expression too long")
  const tokens: Token[] = []
  const end = text.trimEnd().length
  TOKEN.lastIndex = 0
  let at = 0
  while (at < end) {
    if (tokens.length > MAX_TOKENS) throw new QkdError("too-big", "XPath expression too long")
    TOKEN.lastIndex = at
    const groups = TOKEN.exec(text)?.groups
    if (groups === undefined) throw fault(text, `unexpected text at ${at + 1}`)
    const before = tokens.at(-1)
    // Section 3.7: a name or * after an operand is an operator.
    const afterOperand =
      before !== undefined &&
      before.kind !== "operator" &&
      !(before.kind === "symbol" && ["@", "::", "(", "[", ","].includes(before.text))
    if (groups.number !== undefined) tokens.push({ kind: "number", text: groups.number, at })
    else if (groups.string !== undefined)
      tokens.push({ kind: "string", text: groups.string.slice(1, -1), at })
    else if (groups.variable !== undefined)
      tokens.push({ kind: "variable", text: groups.variable.slice(1), at })
    else if (groups.symbol !== undefined) {
      const operator = OPERATORS.has(groups.symbol) || (groups.symbol === "*" && afterOperand)
      tokens.push({ kind: operator ? "operator" : "symbol", text: groups.symbol, at })
    } else {
      let name = groups.name ?? ""
      let length = TOKEN.lastIndex
      // `child::x` lexes as name, `::`, name; a lone `prefix:` is no name.
      if (afterOperand) {
        const word = /^(?:and|or|mod|div)(?![\w.-])/.exec(name)
        if (word === null) throw fault(text, `expected an operator at ${at + 1}`)
        length -= name.length - word[0].length
        name = word[0]
      }
      tokens.push({
        kind: afterOperand && OPERATOR_NAMES.has(name) ? "operator" : "name",
        text: name,
        at,
      })
      TOKEN.lastIndex = length
    }
    at = TOKEN.lastIndex
  }
  tokens.push({ kind: "end", text: "", at: end })
  return tokens
}

class XPathParser {
  private readonly tokens: Token[]
  private index = 0
  private depth = 0

  constructor(private readonly text: string) {
    this.tokens = tokenize(text)
  }

  whole(): XPathNode {
    const node = this.binary(0)
    if (this.peek().kind !== "end") throw this.unexpected()
    return node
  }

  private peek(offset = 0): Token {
    return this.tokens[this.index + offset] ?? { kind: "end", text: "", at: this.text.length }
  }

  private is(text: string, offset = 0): boolean {
    const token = this.peek(offset)
    return token.text === text && (token.kind === "symbol" || token.kind === "operator")
  }

  private take(text: string): boolean {
    if (!this.is(text)) return false
    this.index += 1
    return true
  }

  private expect(text: string): void {
    if (!this.take(text)) throw this.unexpected(`expected ${text}`)
  }

  private unexpected(what = "unexpected text"): QkdError {
    return fault(this.text, `${what} at ${this.peek().at + 1}`)
  }

  private static readonly LEVELS: readonly (readonly BinaryOperator[])[] = [
    ["or"],
    ["and"],
    ["=", "!="],
    ["<", "<=", ">", ">="],
    ["+", "-"],
    ["*", "div", "mod"],
  ]

  private binary(level: number): XPathNode {
    const operators = XPathParser.LEVELS[level]
    if (operators === undefined) return this.unary()
    if (level === 0 && ++this.depth > MAX_DEPTH) throw fault(this.text, "nested too deep")
    let left = this.binary(level + 1)
    for (;;) {
      const token = this.peek()
      const operator = operators.find((o) => o === token.text)
      if (token.kind !== "operator" || operator === undefined) break
      this.index += 1
      left = { kind: "binary", operator, left, right: this.binary(level + 1) }
    }
    if (level === 0) this.depth -= 1
    return left
  }

  private unary(): XPathNode {
    let negations = 0
    while (this.take("-")) negations += 1
    let node = this.union()
    for (; negations > 0; negations -= 1) node = { kind: "negate", operand: node }
    return node
  }

  private union(): XPathNode {
    let left = this.path()
    while (this.take("|")) left = { kind: "binary", operator: "|", left, right: this.path() }
    return left
  }

  private startsPrimary(): boolean {
    const token = this.peek()
    if (token.kind === "number" || token.kind === "string" || token.kind === "variable") return true
    if (token.kind === "symbol") return token.text === "("
    return token.kind === "name" && this.is("(", 1) && !NODE_TYPES.has(token.text)
  }

  private path(): XPathNode {
    if (!this.startsPrimary()) return this.locationPath()
    const start = this.primary()
    const predicates = this.predicates()
    const steps: Step[] = []
    if (this.is("/") || this.is("//")) this.steps(steps)
    if (predicates.length === 0 && steps.length === 0) return start
    return { kind: "path", absolute: false, start, predicates, steps }
  }

  private primary(): XPathNode {
    const token = this.peek()
    this.index += 1
    if (token.kind === "number") return { kind: "number", value: Number(token.text) }
    if (token.kind === "string") return { kind: "string", value: token.text }
    if (token.kind === "variable") return { kind: "variable", name: token.text }
    if (token.kind === "symbol") {
      const inner = this.binary(0)
      this.expect(")")
      return inner
    }
    this.expect("(")
    const args: XPathNode[] = []
    if (!this.take(")")) {
      do args.push(this.binary(0))
      while (this.take(","))
      this.expect(")")
    }
    return { kind: "call", name: token.text, args }
  }

  private predicates(): XPathNode[] {
    const found: XPathNode[] = []
    while (this.take("[")) {
      found.push(this.binary(0))
      this.expect("]")
    }
    return found
  }

  private locationPath(): XPathNode {
    const steps: Step[] = []
    let absolute = false
    if (this.is("/") || this.is("//")) {
      absolute = true
      if (this.is("/") && !this.startsStep(1)) this.index += 1
      else this.steps(steps)
    } else {
      steps.push(this.step())
      this.steps(steps)
    }
    return { kind: "path", absolute, predicates: [], steps }
  }

  private startsStep(offset: number): boolean {
    const token = this.peek(offset)
    if (token.kind === "name") return true
    return token.kind === "symbol" && [".", "..", "@", "*"].includes(token.text)
  }

  private steps(into: Step[]): void {
    for (;;) {
      if (this.take("//"))
        into.push({ axis: "descendant-or-self", test: { kind: "node" }, predicates: [] })
      else if (!this.take("/")) return
      into.push(this.step())
    }
  }

  private step(): Step {
    if (this.take(".")) return { axis: "self", test: { kind: "node" }, predicates: [] }
    if (this.take("..")) return { axis: "parent", test: { kind: "node" }, predicates: [] }
    let axis: Axis = "child"
    if (this.take("@")) axis = "attribute"
    else if (this.peek().kind === "name" && this.is("::", 1)) {
      const name = this.peek().text
      if (!isAxis(name)) throw this.unexpected("unknown axis")
      axis = name
      this.index += 2
    }
    const test = this.nodeTest()
    return { axis, test, predicates: this.predicates() }
  }

  private nodeTest(): NodeTest {
    if (this.take("*")) return { kind: "name", name: "*" }
    const token = this.peek()
    if (token.kind !== "name") throw this.unexpected("expected a step")
    this.index += 1
    if (NODE_TYPES.has(token.text) && this.is("(")) {
      this.expect("(")
      if (this.peek().kind === "string") this.index += 1
      this.expect(")")
      if (token.text === "node" || token.text === "text") return { kind: token.text }
      return { kind: "none" }
    }
    const colon = token.text.indexOf(":")
    if (colon < 0) return { kind: "name", name: token.text }
    return { kind: "name", prefix: token.text.slice(0, colon), name: token.text.slice(colon + 1) }
  }
}

/** @throws QkdError `malformed-message` when the text is not an XPath 1.0 expression. */
export function parseXPath(text: string): XPathNode {
  return new XPathParser(text).whole()
}
