// YANG text to tokens (RFC 7950 section 6.1): comments dropped, strings unquoted and joined. No statements yet.

import { QkdError } from "../errors.js"

export type Token =
  | { readonly kind: "{" | "}" | ";" | "end"; readonly line: number }
  | {
      readonly kind: "string"
      readonly text: string
      readonly quoted: boolean
      readonly line: number
    }

export function syntaxFault(file: string, line: number, what: string): QkdError {
  return new QkdError("malformed-message", `${file}:${line}: ${what}`)
}

/** Largest module text, in UTF-16 units; IANA's and IETF's largest are under 1 MB. */
const MAX_TEXT = 8 * 1024 * 1024

export class YangTokens {
  private at = 0
  private line = 1
  /** What YANG 1 lets pass and 1.1 does not: told only once the version is known. */
  private faultIn11: QkdError | undefined

  constructor(
    private readonly text: string,
    private readonly file: string,
  ) {
    if (text.length > MAX_TEXT) throw new QkdError("too-big", `${file}: YANG text too long`)
    if (text.startsWith("\ufeff")) this.at = 1
  }

  /** @throws QkdError if the text uses what YANG 1.1 forbids. */
  checkVersion11(): void {
    if (this.faultIn11 !== undefined) throw this.faultIn11
  }

  next(): Token {
    this.skip()
    const line = this.line
    const c = this.text[this.at]
    if (c === undefined) return { kind: "end", line }
    if (c === "{" || c === "}" || c === ";") {
      this.at += 1
      return { kind: c, line }
    }
    if (c === '"' || c === "'") return { kind: "string", text: this.joined(), quoted: true, line }
    return { kind: "string", text: this.unquoted(), quoted: false, line }
  }

  private fault(what: string, line = this.line): QkdError {
    return syntaxFault(this.file, line, what)
  }

  /** Whitespace and comments. */
  private skip(): void {
    const { text } = this
    for (;;) {
      const c = text[this.at]
      if (c === "\n") {
        this.line += 1
        this.at += 1
      } else if (c === " " || c === "\t" || c === "\r") {
        this.at += 1
      } else if (c === "/" && text[this.at + 1] === "/") {
        const end = text.indexOf("\n", this.at)
        this.at = end < 0 ? text.length : end
      } else if (c === "/" && text[this.at + 1] === "*") {
        const end = text.indexOf("*/", this.at + 2)
        if (end < 0) throw this.fault("comment without end")
        this.countLines(this.at, end)
        this.at = end + 2
      } else return
    }
  }

  private countLines(from: number, to: number): void {
    for (
      let i = this.text.indexOf("\n", from);
      i >= 0 && i < to;
      i = this.text.indexOf("\n", i + 1)
    )
      this.line += 1
  }

  private unquoted(): string {
    const { text } = this
    const start = this.at
    let i = start
    for (; i < text.length; i++) {
      const c = text[i] ?? ""
      if (/[\s;{}]/.test(c)) break
      if (c === "/" && (text[i + 1] === "/" || text[i + 1] === "*")) break
      if (c === "*" && text[i + 1] === "/") throw this.fault("*/ outside a comment")
      if (c === '"' || c === "'") this.faultIn11 ??= this.fault("quote inside an unquoted string")
    }
    this.at = i
    return text.slice(start, i)
  }

  /** Quoted strings joined by `+` (section 6.1.3). */
  private joined(): string {
    let result = this.quoted()
    for (;;) {
      this.skip()
      if (this.text[this.at] !== "+") return result
      this.at += 1
      this.skip()
      const c = this.text[this.at]
      if (c !== '"' && c !== "'") throw this.fault("expected a quoted string after +")
      result += this.quoted()
    }
  }

  private quoted(): string {
    const { text } = this
    const line = this.line
    if (text[this.at] === "'") {
      const end = text.indexOf("'", this.at + 1)
      if (end < 0) throw this.fault("string without end", line)
      this.countLines(this.at, end)
      const inner = text.slice(this.at + 1, end)
      this.at = end + 1
      return inner.replace(/\r\n/g, "\n")
    }
    return this.doubleQuoted(line)
  }

  private doubleQuoted(line: number): string {
    const { text } = this
    const indent = this.columnOf(this.at) + 1
    let result = ""
    // Blanks just read: dropped if a line ends after them.
    let blanks = ""
    let i = this.at + 1
    for (;;) {
      const c = text[i]
      if (c === undefined) throw this.fault("string without end", line)
      if (c === '"') break
      if (c === "\\") {
        result += blanks + this.escape(text[i + 1] ?? "")
        blanks = ""
        i += 2
      } else if (c === "\n" || (c === "\r" && text[i + 1] === "\n")) {
        result += "\n"
        blanks = ""
        this.line += 1
        i = this.skipIndent(i + (c === "\r" ? 2 : 1), indent)
        if (this.overshoot > 0) blanks = " ".repeat(this.overshoot)
      } else {
        if (c === " " || c === "\t") blanks += c
        else {
          result += blanks + c
          blanks = ""
        }
        i += 1
      }
    }
    this.at = i + 1
    return result + blanks
  }

  private overshoot = 0

  /** Skip blanks up to the column after the opening quote; a tab reaches to the next multiple of eight. */
  private skipIndent(from: number, indent: number): number {
    let column = 0
    let i = from
    while (column < indent) {
      const c = this.text[i]
      if (c === " ") column += 1
      else if (c === "\t") column += 8 - (column % 8)
      else break
      i += 1
    }
    this.overshoot = Math.max(0, column - indent)
    return i
  }

  private columnOf(at: number): number {
    const start = this.text.lastIndexOf("\n", at) + 1
    let column = 0
    for (let i = start; i < at; i++) column += this.text[i] === "\t" ? 8 - (column % 8) : 1
    return column
  }

  private escape(c: string): string {
    switch (c) {
      case "n":
        return "\n"
      case "t":
        return "\t"
      case '"':
      case "\\":
        return c
      default:
        this.faultIn11 ??= this.fault(`\\${c} is not an escape`)
        if (c === "\n") this.line += 1
        return `\\${c}`
    }
  }
}
