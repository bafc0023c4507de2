// Values of leaves: lexical form to RFC 7951 value, check of an RFC 7951 value, canonical forms (RFC 7950 section 9,
// RFC 7951 section 6). Whether a referred instance exists is not asked here.

import type { AppTag } from "../errors.js"
import { canonicalInstanceId } from "./instance-id.js"
import { scaled, showIntervals, unscaled, within } from "./intervals.js"
import { isArray } from "./json-text.js"
import type { JsonValue } from "./json-text.js"
import type { ResolvedType, Restriction } from "./schema-types.js"
import { renamePrefixes } from "./xpath-prefixes.js"

/** Why a value is not of its type. */
export class Misfit {
  constructor(
    readonly message: string,
    readonly appTag?: AppTag,
  ) {}
}

/** The module a prefix means where the value stands; `""` asks for the module of unprefixed names. */
export type PrefixResolver = (prefix: string) => string | undefined

const INTEGER = /^[+-]?[0-9]+$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
/** Not allowed in a YANG string (RFC 7950 section 9.4). */
const NOT_YANG_CHAR =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

/** Types whose RFC 7951 value is a JSON number. */
const NUMBERS = new Set(["int8", "int16", "int32", "uint8", "uint16", "uint32"])

/** Text as it stands in XML, in a path or in a default, to the canonical RFC 7951 value. */
export function parseLexical(
  type: ResolvedType,
  text: string,
  resolve: PrefixResolver,
): JsonValue | Misfit {
  switch (type.base) {
    case "int8":
    case "int16":
    case "int32":
    case "uint8":
    case "uint16":
    case "uint32": {
      const value = integerOf(type, text.trim())
      return typeof value === "bigint" ? Number(value) : value
    }
    case "int64":
    case "uint64": {
      const value = integerOf(type, text.trim())
      return typeof value === "bigint" ? value.toString() : value
    }
    case "decimal64":
      return decimalOf(type, text.trim())
    case "boolean":
      if (text === "true") return true
      if (text === "false") return false
      return new Misfit(`${quote(text)} is not true or false`)
    case "empty":
      return text === "" ? [null] : new Misfit("must be empty")
    case "string":
      return stringOf(type, type.xpath === true ? renamePrefixes(text, resolve) : text)
    case "binary":
      return binaryOf(type, text.replace(/\s+/g, ""))
    case "enumeration":
      return type.enums?.has(text) === true
        ? text
        : new Misfit(`${quote(text)} is not one of ${listed(type.enums?.keys())}`)
    case "bits":
      return bitsOf(type, text)
    case "identityref":
      return identityOf(type, text, resolve)
    case "instance-identifier":
      return (
        canonicalInstanceId(text, resolve) ?? new Misfit(`${quote(text)} is not an instance path`)
      )
    case "leafref":
      return type.target?.type === undefined
        ? stringOf(type, text)
        : parseLexical(type.target.type, text, resolve)
    case "union": {
      for (const member of type.members ?? []) {
        const value = parseLexical(member, text, resolve)
        if (!(value instanceof Misfit)) return value
      }
      return new Misfit(`${quote(text)} fits no member of the union`)
    }
  }
}

/**
 * An RFC 7951 value, checked and brought to canonical form.
 *
 * @param module the leaf's own module: the one of identities written without a module name.
 */
export function checkValue(
  type: ResolvedType,
  value: JsonValue,
  module: string,
): JsonValue | Misfit {
  if (type.base === "leafref" && type.target?.type !== undefined)
    return checkValue(type.target.type, value, module)
  if (type.base === "union") {
    for (const member of type.members ?? []) {
      const found = checkValue(member, value, module)
      if (!(found instanceof Misfit)) return found
    }
    return new Misfit(`${show(value)} fits no member of the union`)
  }
  if (type.base === "boolean")
    return typeof value === "boolean" ? value : new Misfit("must be a JSON boolean")
  if (type.base === "empty")
    return isArray(value) && value.length === 1 && value[0] === null
      ? value
      : new Misfit("must be [null]")
  if (NUMBERS.has(type.base)) {
    if (typeof value !== "number") return new Misfit("must be a JSON number")
    if (!Number.isSafeInteger(value)) return new Misfit(`${value} is not an integer`)
    return parseLexical(type, value.toString(), none)
  }
  if (typeof value !== "string") return new Misfit("must be a JSON string")
  return parseLexical(type, value, (name) => (name === "" ? module : name))
}

const none: PrefixResolver = () => undefined

/** The lexical form as RFC 7951 writes it: identities with module names. For paths and keys. */
export function lexicalOf(value: JsonValue): string {
  if (typeof value === "string") return value
  if (typeof value === "number" || typeof value === "boolean") return value.toString()
  return ""
}

function integerOf(type: ResolvedType, text: string): bigint | Misfit {
  if (!INTEGER.test(text) || text.length > 64) return new Misfit(`${quote(text)} is not an integer`)
  const value = BigInt(text.startsWith("+") ? text.slice(1) : text)
  if (!within(value, type.ranges ?? []))
    return restricted(type.rangeError, `${value} is not in ${showIntervals(type.ranges ?? [])}`)
  return value
}

function decimalOf(type: ResolvedType, text: string): string | Misfit {
  const digits = type.fractionDigits ?? 1
  // Trailing zeros beyond the fraction digits carry no value.
  const trimmed = text.replace(/(\.[0-9]*?)0+$/, "$1").replace(/\.$/, "")
  const value = text.length > 64 ? undefined : scaled(trimmed, digits)
  if (value === undefined || !/^[+-]?[0-9]+(\.[0-9]+)?$/.test(text))
    return new Misfit(`${quote(text)} is not a decimal with at most ${digits} fraction digits`)
  if (!within(value, type.ranges ?? []))
    return restricted(
      type.rangeError,
      `${text} is not in ${showIntervals(type.ranges ?? [], digits)}`,
    )
  return unscaled(value, digits)
}

function stringOf(type: ResolvedType, text: string): string | Misfit {
  if (NOT_YANG_CHAR.test(text)) return new Misfit("holds a character YANG strings may not")
  if (type.lengths !== undefined) {
    let length = text.length
    // Characters, not UTF-16 units.
    if (/[\ud800-\udbff]/.test(text)) length -= text.match(/[\ud800-\udbff]/g)?.length ?? 0
    if (!within(BigInt(length), type.lengths))
      return restricted(
        type.lengthError,
        `has ${length} characters, not ${showIntervals(type.lengths)}`,
      )
  }
  for (const pattern of type.patterns)
    if (pattern.matches(text) === pattern.invert)
      return restricted(
        pattern,
        `${quote(text)} ${pattern.invert ? "matches" : "does not match"} ${quote(pattern.source)}`,
      )
  return text
}

function binaryOf(type: ResolvedType, text: string): string | Misfit {
  if (!BASE64.test(text)) return new Misfit("is not base64")
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0
  const octets = (text.length / 4) * 3 - padding
  if (type.lengths !== undefined && !within(BigInt(octets), type.lengths))
    return restricted(type.lengthError, `has ${octets} octets, not ${showIntervals(type.lengths)}`)
  return text
}

function bitsOf(type: ResolvedType, text: string): string | Misfit {
  const words = text.split(/\s+/).filter((word) => word !== "")
  const positions = type.bits ?? new Map<string, number>()
  const seen = new Set<string>()
  for (const word of words) {
    if (!positions.has(word)) return new Misfit(`bit ${quote(word)} is not known`)
    if (seen.has(word)) return new Misfit(`bit ${quote(word)} is there twice`)
    seen.add(word)
  }
  return words.sort((a, b) => (positions.get(a) ?? 0) - (positions.get(b) ?? 0)).join(" ")
}

function identityOf(type: ResolvedType, text: string, resolve: PrefixResolver): string | Misfit {
  const colon = text.indexOf(":")
  const module = resolve(colon < 0 ? "" : text.slice(0, colon))
  const name = `${module ?? "?"}:${text.slice(colon + 1)}`
  if (module !== undefined && type.identities?.has(name) === true) return name
  const bases = (type.bases ?? []).map((base) => base.name).join(" and ")
  return new Misfit(`${quote(text)} is not an identity derived from ${bases}`)
}

function restricted(by: Restriction | undefined, message: string): Misfit {
  return new Misfit(by?.errorMessage ?? message)
}

/** Long values are cut: messages go back over the wire. */
function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text)
}

function show(value: JsonValue): string {
  return quote(typeof value === "string" ? value : JSON.stringify(value))
}

function listed(names: Iterable<string> | undefined): string {
  const all = [...(names ?? [])]
  return all.length > 12 ? `${all.slice(0, 12).join(", ")}, ...` : all.join(", ")
}
