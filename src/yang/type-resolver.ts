// `type` statements to resolved types: typedef chains followed, restrictions checked and applied (RFC 7950 section 9).
// Leafref targets are found later, when the tree stands.

import type { Identities } from "./identities.js"
import { ifFeaturesHold } from "./if-feature.js"
import { parseIntervals } from "./intervals.js"
import type { Scope, Unit } from "./module.js"
import { argOf, statementFault, subOf, subsOf } from "./statement.js"
import type { Statement } from "./statement.js"
import type {
  BuiltinType,
  Interval,
  PatternRestriction,
  ResolvedType,
  Restriction,
  Status,
  WrittenValue,
} from "./schema-types.js"
import { Misfit, parseLexical } from "./values.js"
import { compileXsdPattern } from "./xsd-regex.js"
import type { XsdPattern } from "./xsd-regex.js"
import type { XPathSource } from "./xpath-source.js"

/** A resolved type while it is being made. */
export type MutableType = { -readonly [K in keyof ResolvedType]: ResolvedType[K] }

const integer = (bits: bigint, signed: boolean): readonly Interval[] => [
  signed
    ? { min: -(1n << (bits - 1n)), max: (1n << (bits - 1n)) - 1n }
    : { min: 0n, max: (1n << bits) - 1n },
]

export const INTEGER_RANGES: Readonly<Partial<Record<BuiltinType, readonly Interval[]>>> = {
  int8: integer(8n, true),
  int16: integer(16n, true),
  int32: integer(32n, true),
  int64: integer(64n, true),
  uint8: integer(8n, false),
  uint16: integer(16n, false),
  uint32: integer(32n, false),
  uint64: integer(64n, false),
}
const ANY_LENGTH: readonly Interval[] = [{ min: 0n, max: (1n << 64n) - 1n }]

/** Which substatements restrict which built-in type. */
const ALLOWED: Readonly<Record<BuiltinType, readonly string[]>> = {
  binary: ["length"],
  bits: ["bit"],
  boolean: [],
  decimal64: ["fraction-digits", "range"],
  empty: [],
  enumeration: ["enum"],
  identityref: ["base"],
  "instance-identifier": ["require-instance"],
  int8: ["range"],
  int16: ["range"],
  int32: ["range"],
  int64: ["range"],
  leafref: ["path", "require-instance"],
  string: ["length", "pattern"],
  uint8: ["range"],
  uint16: ["range"],
  uint32: ["range"],
  uint64: ["range"],
  union: ["type"],
}

function isBuiltin(name: string): name is BuiltinType {
  return Object.hasOwn(ALLOWED, name)
}

export class TypeResolver {
  private readonly typedefs = new WeakMap<Statement, ResolvedType>()
  private readonly open = new Set<Statement>()
  private readonly patterns = new Map<string, XsdPattern>()

  constructor(
    private readonly identities: Identities,
    private readonly xpaths: XPathSource,
  ) {}

  /** Resolve a `type` statement seen from `scope`. */
  resolve(statement: Statement, scope: Scope, unit: Unit): ResolvedType {
    const name = statement.argument ?? ""
    if (isBuiltin(name)) {
      const type: MutableType = { base: name, name, patterns: [], module: unit.module.name }
      const integers = INTEGER_RANGES[name]
      if (integers !== undefined) type.ranges = integers
      this.restrict(type, statement, scope, unit, true)
      this.checkComplete(type, statement)
      return type
    }
    const base = this.typedef(statement, scope, unit)
    if (!statement.sub.some((s) => !s.keyword.includes(":"))) return base
    const type: MutableType = { ...base }
    this.restrict(type, statement, scope, unit, false)
    return type
  }

  private typedef(statement: Statement, scope: Scope, unit: Unit): ResolvedType {
    const found = scope.lookup("typedef", statement, unit)
    const definition = found.statement
    const known = this.typedefs.get(definition)
    if (known !== undefined) return known
    if (this.open.has(definition))
      throw statementFault(definition, `typedef ${definition.argument ?? ""} refers to itself`)
    this.open.add(definition)
    const inner = subOf(definition, "type")
    if (inner === undefined) throw statementFault(definition, "typedef has no type")
    const base = this.resolve(inner, found.scope, found.unit)
    this.open.delete(definition)
    const text = argOf(definition, "default")
    const units = argOf(definition, "units")
    const type: ResolvedType = {
      ...base,
      name: `${found.unit.module.name}:${definition.argument ?? ""}`,
      ...(found.unit.module.name === "ietf-yang-types" && definition.argument === "xpath1.0"
        ? { xpath: true }
        : {}),
      // RFC 8341: an XPath, but only one that names a node.
      ...(found.unit.module.name === "ietf-netconf-acm" &&
      definition.argument === "node-instance-identifier"
        ? { instancePath: true }
        : {}),
      ...(text === undefined
        ? {}
        : {
            default: { text, prefixes: found.unit.prefixNames, module: found.unit.module.name },
          }),
      ...(units === undefined ? {} : { units }),
    }
    this.typedefs.set(definition, type)
    return type
  }

  /** A typedef that may be used by nobody: its type, and its default where that can be told here. */
  checkTypedef(definition: Statement, scope: Scope, unit: Unit): void {
    const name: Statement = { ...definition, keyword: "type", sub: [] }
    const type = this.resolve(name, scope, unit)
    if (type.default === undefined) return
    const fault = defaultFault(type, type.default)
    if (fault !== undefined) throw statementFault(definition, fault)
  }

  /** The typedefs of its own module that a type names, members of unions among them, and their status. */
  typedefsIn(
    statement: Statement,
    scope: Scope,
    unit: Unit,
  ): { readonly what: string; readonly status: Status }[] {
    const inner = subsOf(statement, "type").flatMap((sub) => this.typedefsIn(sub, scope, unit))
    const name = statement.argument ?? ""
    if (isBuiltin(name)) return inner
    const found = scope.lookup("typedef", statement, unit)
    const written = argOf(found.statement, "status")
    const status = written === "deprecated" || written === "obsolete" ? written : "current"
    if (found.unit.module === unit.module) inner.push({ what: `typedef ${name}`, status })
    return inner
  }

  private restrict(
    type: MutableType,
    statement: Statement,
    scope: Scope,
    unit: Unit,
    direct: boolean,
  ): void {
    for (const sub of statement.sub) {
      if (sub.keyword.includes(":")) continue
      if (!ALLOWED[type.base].includes(sub.keyword))
        throw statementFault(sub, `${sub.keyword} does not restrict ${type.base}`)
      if (!direct && ["fraction-digits", "base", "path", "type"].includes(sub.keyword))
        throw statementFault(sub, `${sub.keyword} is not allowed on a derived type`)
      const since11 = type.base === "leafref" || (!direct && ["enum", "bit"].includes(sub.keyword))
      if (since11 && sub.keyword !== "path" && unit.module.version === "1")
        throw statementFault(sub, `${sub.keyword} here needs yang-version 1.1`)
    }
    const digits = argOf(statement, "fraction-digits")
    if (digits !== undefined) type.fractionDigits = Number(digits)
    if (type.base === "decimal64" && type.ranges === undefined)
      type.ranges = INTEGER_RANGES.int64 ?? []
    this.restrictIntervals(type, statement)
    const patterns = subsOf(statement, "pattern").map((s) => this.pattern(s))
    if (patterns.length > 0) type.patterns = [...type.patterns, ...patterns]
    if (type.base === "enumeration") this.enums(type, statement, unit)
    if (type.base === "bits") this.bits(type, statement, unit)
    const bases = subsOf(statement, "base").map((s) => this.identities.lookup(s, unit))
    if (bases.length > 0) {
      type.bases = bases
      type.identities = new Map(
        [...(bases[0]?.derived ?? [])]
          .filter((identity) => bases.every((base) => base.derived.has(identity)))
          .map((identity) => [`${identity.module}:${identity.name}`, identity]),
      )
    }
    const members = subsOf(statement, "type").map((s) => this.resolve(s, scope, unit))
    if (members.length > 0) type.members = members
    const path = subOf(statement, "path")
    if (path !== undefined) type.path = this.xpaths.expression(path, unit, unit.module.name)
    const require = argOf(statement, "require-instance")
    if (require !== undefined) type.requireInstance = require === "true"
    else if (direct && ["leafref", "instance-identifier"].includes(type.base))
      type.requireInstance = true
  }

  private restrictIntervals(type: MutableType, statement: Statement): void {
    const range = subOf(statement, "range")
    if (range !== undefined) {
      const intervals = parseIntervals(
        range.argument ?? "",
        type.ranges ?? [],
        type.fractionDigits ?? 0,
      )
      if (typeof intervals === "string") throw statementFault(range, intervals)
      type.ranges = intervals
      type.rangeError = restriction(range)
    }
    const length = subOf(statement, "length")
    if (length !== undefined) {
      const intervals = parseIntervals(length.argument ?? "", type.lengths ?? ANY_LENGTH)
      if (typeof intervals === "string") throw statementFault(length, intervals)
      type.lengths = intervals
      type.lengthError = restriction(length)
    }
  }

  private pattern(statement: Statement): PatternRestriction {
    const source = statement.argument ?? ""
    let compiled = this.patterns.get(source)
    if (compiled === undefined) {
      try {
        compiled = compileXsdPattern(source)
      } catch (error) {
        throw statementFault(statement, error instanceof Error ? error.message : "broken pattern")
      }
      this.patterns.set(source, compiled)
    }
    return {
      source,
      invert: argOf(statement, "modifier") === "invert-match",
      js: compiled.js,
      matches: compiled.matches,
      ...restriction(statement),
    }
  }

  private enums(type: MutableType, statement: Statement, unit: Unit): void {
    const found = numbered(type.enums, statement, unit, "enum", "value", -(2 ** 31), 2 ** 31 - 1)
    if (found !== undefined) type.enums = found
  }

  private bits(type: MutableType, statement: Statement, unit: Unit): void {
    const found = numbered(type.bits, statement, unit, "bit", "position", 0, 2 ** 32 - 1)
    if (found !== undefined) type.bits = found
  }

  private checkComplete(type: ResolvedType, statement: Statement): void {
    const missing =
      (type.base === "decimal64" && type.fractionDigits === undefined && "fraction-digits") ||
      (type.base === "enumeration" && type.enums === undefined && "enum") ||
      (type.base === "bits" && type.bits === undefined && "bit") ||
      (type.base === "identityref" && type.bases === undefined && "base") ||
      (type.base === "leafref" && type.path === undefined && "path") ||
      (type.base === "union" && type.members === undefined && "type")
    if (missing !== false) throw statementFault(statement, `type ${type.base} has no ${missing}`)
  }
}

/** What is wrong with a default; nothing where only the finished tree could tell. */
export function defaultFault(type: ResolvedType, written: WrittenValue): string | undefined {
  if (type.base === "empty") return "a leaf of type empty has no default"
  if (isOpen(type)) return undefined
  const value = parseLexical(type, decimalIfInteger(type, written.text), (prefix) =>
    prefix === "" ? written.module : written.prefixes.get(prefix),
  )
  return value instanceof Misfit ? `default: ${value.message}` : undefined
}

/** Types whose values depend on the rest of the schema. */
function isOpen(type: ResolvedType): boolean {
  return (
    ["leafref", "identityref", "instance-identifier"].includes(type.base) ||
    (type.members ?? []).some(isOpen)
  )
}

/** Defaults may write integers in hexadecimal or octal (RFC 7950 9.2.1). */
export function decimalIfInteger(type: ResolvedType, text: string): string {
  if (!/^u?int/.test(type.base)) return text
  const match = /^([+-]?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]+))$/.exec(text)
  if (match === null) return text
  const value = BigInt(match[2] === undefined ? `0o${match[3] ?? ""}` : `0x${match[2]}`)
  return (match[1] === "-" ? -value : value).toString()
}

function restriction(statement: Statement): Restriction {
  const errorAppTag = argOf(statement, "error-app-tag")
  const errorMessage = argOf(statement, "error-message")
  return {
    ...(errorAppTag === undefined ? {} : { errorAppTag }),
    ...(errorMessage === undefined ? {} : { errorMessage }),
  }
}

/** Enums and bits: numbered as written, else one above the highest so far; a derived type may only leave some out. */
function numbered(
  base: ReadonlyMap<string, number> | undefined,
  statement: Statement,
  unit: Unit,
  keyword: "enum" | "bit",
  number: "value" | "position",
  lowest: number,
  highest: number,
): ReadonlyMap<string, number> | undefined {
  const statements = subsOf(statement, keyword)
  if (statements.length === 0) return undefined
  const found = new Map<string, number>()
  const inForce = new Map<string, number>()
  const taken = new Set<number>()
  let next = 0
  for (const sub of statements) {
    const name = sub.argument ?? ""
    if (name === "" || name !== name.trim()) throw statementFault(sub, `broken ${keyword} name`)
    if (found.has(name)) throw statementFault(sub, `${keyword} ${name} is there twice`)
    const written = argOf(sub, number)
    const inherited = base?.get(name)
    if (base !== undefined && inherited === undefined)
      throw statementFault(sub, `${keyword} ${name} is not in the type it restricts`)
    const value = written === undefined ? (inherited ?? next) : Number(written)
    if (inherited !== undefined && inherited !== value)
      throw statementFault(sub, `${keyword} ${name} has another ${number} in the type it restricts`)
    if (value < lowest || value > highest) throw statementFault(sub, `${number} out of range`)
    if (taken.has(value)) throw statementFault(sub, `${number} ${value} is there twice`)
    found.set(name, value)
    taken.add(value)
    if (ifFeaturesHold(sub, unit)) inForce.set(name, value)
    next = Math.max(next, value + 1)
  }
  return inForce
}
