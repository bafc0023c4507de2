// JSON text to plain values, stricter than JSON.parse: duplicate members, depth and size are refused.
// Knows nothing of YANG.

import { QkdError } from "../errors.js"

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject
/** Instance data in the form of RFC 7951; never changed in place. */
export interface JsonObject {
  readonly [member: string]: JsonValue
}

export interface JsonLimits {
  readonly maxBytes: number
  readonly maxDepth: number
}

export const JSON_LIMITS: JsonLimits = { maxBytes: 64 * 1024 * 1024, maxDepth: 128 }

export function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

class JsonReader {
  private at = 0

  constructor(
    private readonly text: string,
    private readonly limits: JsonLimits,
  ) {}

  document(): JsonValue {
    this.space()
    const value = this.value(0)
    this.space()
    if (this.at < this.text.length) throw this.fault("text after the value")
    return value
  }

  private fault(what: string): QkdError {
    const before = this.text.slice(0, this.at)
    const line = before.split("\n").length
    const column = this.at - before.lastIndexOf("\n")
    return new QkdError("malformed-message", `JSON line ${line} column ${column}: ${what}`)
  }

  private space(): void {
    const { text } = this
    for (;;) {
      const c = text.charCodeAt(this.at)
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return
      this.at += 1
    }
  }

  private value(depth: number): JsonValue {
    const c = this.text[this.at]
    switch (c) {
      case "{":
        return this.object(depth + 1)
      case "[":
        return this.array(depth + 1)
      case '"':
        return this.string()
      case "t":
        return this.word("true", true)
      case "f":
        return this.word("false", false)
      case "n":
        return this.word("null", null)
      default:
        return this.number()
    }
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.fault("not a JSON value")
    this.at += word.length
    return value
  }

  private number(): number {
    const pattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
    pattern.lastIndex = this.at
    const match = pattern.exec(this.text)
    if (match === null)
      throw this.fault(this.at >= this.text.length ? "unexpected end" : "not a JSON value")
    const value = Number(match[0])
    if (!Number.isFinite(value)) throw this.fault("number out of range")
    this.at += match[0].length
    return value
  }

  private string(): string {
    const start = this.at
    const { text } = this
    let i = start + 1
    for (;;) {
      const c = text.charCodeAt(i)
      if (Number.isNaN(c)) throw this.fault("string without end")
      if (c === 0x22) break
      if (c === 0x5c) i += 1
      i += 1
    }
    this.at = i + 1
    try {
      // The quoted piece alone: JSON.parse knows the escapes and refuses control characters.
      return JSON.parse(text.slice(start, i + 1)) as string
    } catch {
      this.at = start
      throw this.fault("broken string")
    }
  }

  private enter(depth: number): void {
    if (depth > this.limits.maxDepth)
      throw new QkdError("too-big", `JSON deeper than ${this.limits.maxDepth} levels`)
    this.at += 1
    this.space()
  }

  private array(depth: number): JsonValue[] {
    this.enter(depth)
    const items: JsonValue[] = []
    if (this.text[this.at] === "]") {
      this.at += 1
      return items
    }
    for (;;) {
      items.push(this.value(depth))
      this.space()
      const c = this.text[this.at]
      if (c !== "," && c !== "]") throw this.fault("expected , or ]")
      this.at += 1
      if (c === "]") return items
      this.space()
    }
  }

  private object(depth: number): JsonObject {
    this.enter(depth)
    const object: Record<string, JsonValue> = {}
    if (this.text[this.at] === "}") {
      this.at += 1
      return object
    }
    for (;;) {
      if (this.text[this.at] !== '"') throw this.fault("expected a member name")
      const name = this.string()
      if (name === "__proto__") throw this.fault("member name __proto__ is refused")
      if (Object.hasOwn(object, name)) throw this.fault(`member ${JSON.stringify(name)} twice`)
      this.space()
      if (this.text[this.at] !== ":") throw this.fault("expected :")
      this.at += 1
      this.space()
      object[name] = this.value(depth)
      this.space()
      const c = this.text[this.at]
      if (c !== "," && c !== "}") throw this.fault("expected , or }")
      this.at += 1
      if (c === "}") return object
      this.space()
    }
  }
}

/**
 * Parse JSON text (RFC 8259, I-JSON's ban on duplicate members).
 *
 * @throws QkdError `malformed-message` with line and column; `too-big` beyond a limit.
 */
export function parseJson(text: string, limits: JsonLimits = JSON_LIMITS): JsonValue {
  if (text.length > limits.maxBytes)
    throw new QkdError("too-big", `JSON is larger than ${limits.maxBytes} bytes`)
  return new JsonReader(text, limits).document()
}
