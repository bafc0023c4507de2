// XSD regular expressions (W3C XML Schema part 2, appendix F), YANG's patterns, to matchers. A pattern that could make
// a backtracking engine explode runs on the linear matcher instead.

import { QkdError } from "../errors.js"
import { linearMatcher } from "./linear-match.js"
import type { Regex } from "./regex-tree.js"

export interface XsdPattern {
  /** Anchored JS source for the `u` flag. */
  readonly js: string
  readonly matches: (text: string) => boolean
}

/** Text longer than this never matches: no pattern of a management model wants more. */
const MAX_TEXT = 65_536
/** What a pattern too large to unroll still sees. */
const MAX_SHORT_TEXT = 32
/** As in PCRE, and more than anybody means. */
const MAX_COUNT = 65_535
const MAX_DEPTH = 60

// XML 1.0 NameStartChar and NameChar.
const NAME_START =
  ":A-Z_a-z\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C-\\u200D\\u2070-\\u218F\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}"
const NAME_CHAR = `${NAME_START}\\-.0-9\\u00B7\\u0300-\\u036F\\u203F-\\u2040`

/** Multi-character escapes: inside of a positive class, and of its complement as a class. */
const CLASSES: Readonly<Record<string, { readonly inside: string; readonly negated: string }>> = {
  s: { inside: " \\t\\n\\r", negated: "[^ \\t\\n\\r]" },
  i: { inside: NAME_START, negated: `[^${NAME_START}]` },
  c: { inside: NAME_CHAR, negated: `[^${NAME_CHAR}]` },
  d: { inside: "\\p{Nd}", negated: "\\P{Nd}" },
  w: { inside: "\\p{L}\\p{M}\\p{N}\\p{S}", negated: "[\\p{P}\\p{Z}\\p{C}]" },
}

/** The Unicode blocks seen in YANG modules; others are refused, not guessed. */
const BLOCKS: Readonly<Record<string, string>> = {
  BasicLatin: "\\u0000-\\u007F",
  "Latin-1Supplement": "\\u0080-\\u00FF",
  "LatinExtended-A": "\\u0100-\\u017F",
  "LatinExtended-B": "\\u0180-\\u024F",
  Greek: "\\u0370-\\u03FF",
  Cyrillic: "\\u0400-\\u04FF",
}

class XsdReader {
  private at = 0
  private depth = 0
  private readonly chars: readonly string[]

  constructor(private readonly source: string) {
    this.chars = Array.from(source)
  }

  whole(): Regex {
    const regex = this.choice()
    if (this.at < this.chars.length) throw this.fault(`unexpected ${this.peek()}`)
    return regex
  }

  private fault(what: string): QkdError {
    return new QkdError(
      "malformed-message",
      `pattern ${JSON.stringify(this.source)}, character ${this.at + 1}: ${what}`,
    )
  }

  private peek(offset = 0): string {
    return this.chars[this.at + offset] ?? ""
  }

  private choice(): Regex {
    if (++this.depth > MAX_DEPTH) throw this.fault("nested too deep")
    const items = [this.sequence()]
    while (this.peek() === "|") {
      this.at += 1
      items.push(this.sequence())
    }
    this.depth -= 1
    return items.length === 1 && items[0] !== undefined ? items[0] : { kind: "choice", items }
  }

  private sequence(): Regex {
    const items: Regex[] = []
    while (this.at < this.chars.length && this.peek() !== "|" && this.peek() !== ")")
      items.push(this.quantified())
    return { kind: "sequence", items }
  }

  private quantified(): Regex {
    const item = this.atom()
    const c = this.peek()
    if (c === "?" || c === "*" || c === "+") {
      this.at += 1
      return { kind: "repeat", item, min: c === "+" ? 1 : 0, max: c === "?" ? 1 : Infinity }
    }
    if (c !== "{") return item
    const end = this.chars.indexOf("}", this.at)
    const text = this.chars.slice(this.at, end < 0 ? this.at : end + 1).join("")
    const match = /^\{([0-9]+)(?:(,)([0-9]*))?\}$/.exec(text)
    if (match === null) throw this.fault("broken quantity")
    this.at = end + 1
    const min = Number(match[1])
    const max = match[2] === undefined ? min : match[3] === "" ? Infinity : Number(match[3])
    if (max < min) throw this.fault("empty quantity")
    if (min > MAX_COUNT || (max > MAX_COUNT && max !== Infinity))
      throw this.fault(`quantity above ${MAX_COUNT}`)
    return { kind: "repeat", item, min, max }
  }

  private atom(): Regex {
    const c = this.peek()
    this.at += 1
    switch (c) {
      case "(": {
        const inner = this.choice()
        if (this.peek() !== ")") throw this.fault("missing )")
        this.at += 1
        return inner
      }
      case "[":
        return { kind: "set", js: this.classExpression() }
      case ".":
        return { kind: "set", js: "[^\\n\\r]" }
      case "\\":
        return { kind: "set", js: this.escape().js }
      case "*":
      case "+":
      case "?":
      case "{":
      case "}":
      case ")":
      case "]":
        this.at -= 1
        throw this.fault(`unexpected ${c}`)
      default:
        // ^ and $ are plain characters in XSD.
        return { kind: "set", js: literal(c) }
    }
  }

  /** After a backslash: `js` stands alone, `inside` goes into a class. */
  private escape(): { readonly js: string; readonly inside: string; readonly single?: string } {
    const c = this.peek()
    this.at += 1
    const single = { n: "\n", r: "\r", t: "\t" }[c] ?? ("\\|.?*+(){}-[]^".includes(c) ? c : "")
    // `$` and `/` need no escape, yet modules in the field write them.
    const plain = single === "" && "$/\"'@#%&=<>!,;:~` ".includes(c) ? c : single
    if (c !== "" && plain !== "")
      return { js: literal(plain), inside: literal(plain), single: plain }
    if (c === "p" || c === "P") return this.property(c === "P")
    const known = CLASSES[c.toLowerCase()]
    if (known === undefined) throw this.fault(`unknown escape \\${c}`)
    if (c === c.toLowerCase()) return { js: `[${known.inside}]`, inside: known.inside }
    const inside = known.negated.startsWith("[^") ? complement(known.inside) : known.negated
    return { js: known.negated, inside: inside.replace(/^\[|\]$/g, "") }
  }

  private property(negated: boolean): { readonly js: string; readonly inside: string } {
    const end = this.chars.indexOf("}", this.at)
    const name = this.peek() === "{" && end > 0 ? this.chars.slice(this.at + 1, end).join("") : ""
    this.at = end + 1
    if (name.startsWith("Is")) {
      const block = BLOCKS[name.slice(2)]
      if (block === undefined) throw this.fault(`Unicode block ${name} is not known`)
      return negated
        ? { js: `[^${block}]`, inside: complement(block) }
        : { js: `[${block}]`, inside: block }
    }
    if (!/^(L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|Z[slp]?|S[mcko]?|C[cfon]?)$/.test(name))
      throw this.fault(`unknown property ${name}`)
    const js = `\\${negated ? "P" : "p"}{${name}}`
    return { js, inside: js }
  }

  /** After `[`. Subtraction becomes a look-ahead: the `u` flag has no set difference. */
  private classExpression(): string {
    let negated = false
    if (this.peek() === "^") {
      negated = true
      this.at += 1
    }
    let inside = ""
    let subtract = ""
    let first = true
    for (;;) {
      const c = this.peek()
      if (c === "") throw this.fault("missing ]")
      if (c === "]" && !first) break
      if (c === "-" && this.peek(1) === "[") {
        this.at += 2
        subtract = `(?!${this.classExpression()})`
        if (this.peek() !== "]") throw this.fault("missing ] after subtraction")
        break
      }
      inside += this.classItem()
      first = false
    }
    this.at += 1
    const base = `[${negated ? "^" : ""}${inside}]`
    return subtract === "" ? base : `(?:${subtract}${base})`
  }

  private classItem(): string {
    const from = this.classCharacter()
    if (from.single === undefined) return from.inside
    if (this.peek() !== "-" || this.peek(1) === "]" || this.peek(1) === "[") return from.inside
    this.at += 1
    const to = this.classCharacter()
    if (to.single === undefined) throw this.fault("range ends in a class")
    if ((from.single.codePointAt(0) ?? 0) > (to.single.codePointAt(0) ?? 0))
      throw this.fault("range runs backwards")
    return `${from.inside}-${to.inside}`
  }

  private classCharacter(): { readonly inside: string; readonly single?: string } {
    const c = this.peek()
    this.at += 1
    if (c === "\\") return this.escape()
    if (c === "") throw this.fault("missing ]")
    return { inside: literal(c), single: c }
  }
}

/** A positive class that holds what `inside` does not. */
function complement(inside: string): string {
  // Only used for ranges, spaces and names, whose complement has no short form inside a class.
  const regex = new RegExp(`[${inside}]`, "u")
  const ranges: string[] = []
  let start = -1
  for (let cp = 0; cp <= 0x10000; cp++) {
    const out = cp < 0x10000 && !regex.test(String.fromCodePoint(cp))
    if (out && start < 0) start = cp
    if (!out && start >= 0) {
      ranges.push(`\\u{${start.toString(16)}}-\\u{${(cp - 1).toString(16)}}`)
      start = -1
    }
  }
  if (!regex.test("\u{10000}")) ranges.push("\\u{10000}-\\u{10ffff}")
  return ranges.join("")
}

function literal(c: string): string {
  if (/[\^$\\.*+?()[\]{}|/-]/.test(c)) return c === "-" ? "\\x2d" : `\\${c}`
  if (c === "\n") return "\\n"
  if (c === "\r") return "\\r"
  if (c === "\t") return "\\t"
  return c
}

function toJs(regex: Regex): string {
  switch (regex.kind) {
    case "set":
      return regex.js
    case "sequence":
      return regex.items.map((i) => (i.kind === "choice" ? `(?:${toJs(i)})` : toJs(i))).join("")
    case "choice":
      return regex.items.map(toJs).join("|")
    case "repeat": {
      const inner = regex.item.kind === "set" ? regex.item.js : `(?:${toJs(regex.item)})`
      const { min, max } = regex
      if (min === 0 && max === 1) return `${inner}?`
      if (max === Infinity) return inner + (min === 0 ? "*" : min === 1 ? "+" : `{${min},}`)
      return inner + (min === max ? `{${min}}` : `{${min},${max}}`)
    }
  }
}

/** Repetitions up to this often are tried in no time. */
const FEW = 8

/**
 * True if a backtracking engine surely needs no more than a few passes over the text: one open repetition at most,
 * and inside a repetition nothing that could be taken in two ways.
 */
function isSimple(regex: Regex): boolean {
  let open = 0
  let choices = 0
  const visit = (node: Regex, inLoop: boolean): boolean => {
    switch (node.kind) {
      case "set":
        return true
      case "sequence":
        return node.items.every((item) => visit(item, inLoop))
      case "choice":
        choices += 1
        return !inLoop && node.items.every((item) => visit(item, inLoop))
      case "repeat": {
        const varies = node.min !== node.max
        if (varies && inLoop) return false
        if (varies && node.max > FEW) open += 1
        else if (varies) choices += 1
        return visit(node.item, inLoop || node.max > 1)
      }
    }
  }
  return visit(regex, false) && open <= 1 && choices <= FEW
}

/** The same for texts of so many characters: counting further than those makes no difference. */
function clamped(regex: Regex, longest: number): Regex {
  switch (regex.kind) {
    case "set":
      return regex
    case "sequence":
    case "choice":
      return { kind: regex.kind, items: regex.items.map((item) => clamped(item, longest)) }
    case "repeat":
      return {
        kind: "repeat",
        item: clamped(regex.item, longest),
        min: Math.min(regex.min, longest + 1),
        max: regex.max > longest ? Infinity : regex.max,
      }
  }
}

/** The engine of the language, which may find a pattern too large only when it first uses it. */
function engineMatcher(js: string): (text: string) => boolean {
  const compiled = new RegExp(js, "u")
  return (text) => {
    try {
      return compiled.test(text)
    } catch (error) {
      if (error instanceof RangeError || error instanceof SyntaxError) return false
      throw error
    }
  }
}

/** @throws QkdError `malformed-message` when the pattern is not an XSD regular expression. */
export function compileXsdPattern(source: string): XsdPattern {
  const regex = new XsdReader(source).whole()
  const js = `^(?:${toJs(regex)})$`
  const simple = isSimple(regex)
  const match = simple ? engineMatcher(js) : linearMatcher(regex)
  if (match !== undefined) return { js, matches: (text) => text.length <= MAX_TEXT && match(text) }
  // Too large for the linear matcher: short texts only, and never by backtracking.
  const short = linearMatcher(clamped(regex, MAX_SHORT_TEXT))
  return { js, matches: (text) => text.length <= MAX_SHORT_TEXT && short?.(text) === true }
}
