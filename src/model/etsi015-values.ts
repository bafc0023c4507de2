// Values of ETSI GS QKD 015 as RFC 7951 writes them, to and from native ones. Reading is lenient where the
// field is (identities without module name, numbers as strings); writing is exact. Knows no container.

import { QkdError } from "../errors.js"
import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"

export const NODE_MODULE = "etsi-qkd-sdn-node"
export const TYPES_MODULE = "etsi-qkd-node-types"
export const KEYLOOM_MODULE = "keyloom-node"

/** Largest uint32: the ceiling of every rate and count in 015. */
export const UINT32_MAX = 4_294_967_295

/** Members of an object under construction; `undefined` values are left out by `compact`. */
export type Members = Record<string, JsonValue | undefined>

/** The object without its undefined members. */
export function compact(members: Members): JsonObject {
  const object: Record<string, JsonValue> = {}
  for (const [name, value] of Object.entries(members)) if (value !== undefined) object[name] = value
  return object
}

/** As `compact`, but undefined when nothing is left: for containers that need not be there. */
export function compactOrNone(members: Members): JsonObject | undefined {
  const object = compact(members)
  return Object.keys(object).length === 0 ? undefined : object
}

function fault(path: string, message: string): QkdError {
  return new QkdError("invalid-value", message, { path })
}

/**
 * Reads members of one RFC 7951 object. A member is found under its plain name or qualified with
 * `module`, as some servers always qualify. Every complaint carries the path.
 */
export class Reader {
  readonly #object: JsonObject

  constructor(
    value: JsonValue | undefined,
    readonly path: string,
    readonly module: string = NODE_MODULE,
  ) {
    if (value === undefined) this.#object = {}
    else if (isObject(value)) this.#object = value
    else throw fault(path, "expected an object")
  }

  has(name: string): boolean {
    return this.value(name) !== undefined
  }

  value(name: string): JsonValue | undefined {
    return this.#object[name] ?? this.#object[`${this.module}:${name}`]
  }

  /** A container, empty when absent. */
  child(name: string): Reader {
    return new Reader(this.value(name), `${this.path}/${name}`, this.module)
  }

  /** A container of the module `keyloom-node`, empty when absent. */
  keyloomChild(name: string): Reader {
    const qualified = `${KEYLOOM_MODULE}:${name}`
    return new Reader(this.#object[qualified], `${this.path}/${qualified}`, KEYLOOM_MODULE)
  }

  /** This same object, read for members of `keyloom-node`. */
  get keyloom(): Reader {
    return new Reader(this.#object, this.path, KEYLOOM_MODULE)
  }

  /** Entries of a list, each with its own path. */
  entries(name: string, key: string): Reader[] {
    const list = this.value(name)
    if (list === undefined) return []
    const path = `${this.path}/${name}`
    if (!isArray(list)) throw fault(path, "expected an array")
    return list.map((_, index) => this.entry(name, key, index))
  }

  /** One entry of a list, counted from 0. */
  entry(name: string, key: string, index: number): Reader {
    const list = this.value(name)
    const path = `${this.path}/${name}`
    const entry = isArray(list) ? list[index] : undefined
    const reader = new Reader(entry, `${path}[${index + 1}]`, this.module)
    const id = reader.value(key)
    if (typeof id !== "string" && typeof id !== "number")
      throw new QkdError("missing-element", `list entry without its key ${key}`, {
        path: reader.path,
      })
    return new Reader(entry, `${path}[${key}='${id}']`, this.module)
  }

  string(name: string): string | undefined {
    const value = this.value(name)
    if (value === undefined || typeof value === "string") return value
    throw fault(`${this.path}/${name}`, "expected a string")
  }

  strings(name: string): string[] {
    const value = this.value(name)
    if (value === undefined) return []
    const texts = isArray(value) ? value.filter((item) => typeof item === "string") : []
    if (isArray(value) && texts.length === value.length) return texts
    throw fault(`${this.path}/${name}`, "expected an array of strings")
  }

  /** A UUID in its canonical lower case (RFC 6991). */
  uuid(name: string): string | undefined {
    const text = this.string(name)
    return text === undefined ? undefined : canonicalUuid(text, `${this.path}/${name}`)
  }

  uuids(name: string): string[] {
    return this.strings(name).map((text) => canonicalUuid(text, `${this.path}/${name}`))
  }

  requiredUuid(name: string): string {
    const id = this.uuid(name)
    if (id !== undefined) return id
    throw new QkdError("missing-element", `${name} is missing`, { path: `${this.path}/${name}` })
  }

  /** Any YANG number: JSON numbers and the strings of int64 and decimal64 alike. */
  number(name: string): number | undefined {
    const value = this.value(name)
    if (value === undefined) return undefined
    const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value
    if (typeof number === "number" && Number.isFinite(number)) return number
    throw fault(`${this.path}/${name}`, "expected a number")
  }

  /** A counter of up to 64 bits, exact. */
  counter(name: string): bigint | undefined {
    const value = this.value(name)
    if (value === undefined) return undefined
    if (typeof value === "string" && /^[0-9]{1,20}$/.test(value)) return BigInt(value)
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return BigInt(value)
    throw fault(`${this.path}/${name}`, "expected a counter")
  }

  boolean(name: string): boolean | undefined {
    const value = this.value(name)
    if (value === undefined || typeof value === "boolean") return value
    if (value === "true" || value === "false") return value === "true"
    throw fault(`${this.path}/${name}`, "expected true or false")
  }

  /**
   * An identity out of `known`, with or without module name or prefix. An identity that this program does
   * not know (a later edition, a vendor's own) reads as absent.
   */
  identity<T extends string>(name: string, known: readonly T[]): T | undefined {
    const text = this.string(name)
    if (text === undefined) return undefined
    const local = text.slice(text.lastIndexOf(":") + 1)
    return known.find((identity) => identity === local)
  }
}

const UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/

/** @throws QkdError `invalid-value` when it is no UUID (RFC 6991 `uuid`). */
export function canonicalUuid(text: string, path: string): string {
  if (UUID.test(text)) return text.toLowerCase()
  throw fault(path, "expected a UUID")
}

/** `etsi-qkd-node-types:PHYS`: the only form RFC 7951 allows for an identity of another module. */
export function identity(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `${TYPES_MODULE}:${name}`
}

/** A configured uint32. @throws QkdError `invalid-value` when 015 cannot say it. */
export function uint32(value: number | undefined, path: string): number | undefined {
  if (value === undefined) return undefined
  if (Number.isInteger(value) && value >= 0 && value <= UINT32_MAX) return value
  throw fault(path, `${value} is not a whole number from 0 to ${UINT32_MAX}`)
}

/** A measured figure in a uint32 leaf: rounded, and held at the ceiling of 015 (4.29 Gbit/s). */
export function measured(value: number | undefined): number | undefined {
  if (value === undefined || !Number.isFinite(value)) return undefined
  return Math.min(UINT32_MAX, Math.max(0, Math.round(value)))
}

/** A uint64 leaf, which RFC 7951 writes as a string. */
export function uint64(value: number | bigint | undefined): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === "bigint") return value.toString()
  return Number.isFinite(value) ? BigInt(Math.max(0, Math.round(value))).toString() : undefined
}

/** decimal64 with 3 fraction digits in canonical form (RFC 7950 section 9.3.2): `0.034`, `12.0`. */
export function decimal3(value: number | undefined): string | undefined {
  if (value === undefined || !Number.isFinite(value)) return undefined
  const fixed = value.toFixed(3).replace(/0{1,2}$/, "")
  return fixed === "-0.0" ? "0.0" : fixed
}

/** A leaf-list: absent when empty. */
export function leafList(values: readonly string[]): string[] | undefined {
  return values.length === 0 ? undefined : [...values]
}
