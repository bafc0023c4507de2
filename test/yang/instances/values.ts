// Random values of YANG types.

import { unscaled } from "../../../src/yang/intervals.js"
import type { JsonValue } from "../../../src/yang/json.js"
import type { SchemaNode } from "../../../src/yang/schema.js"
import type { ResolvedType } from "../../../src/yang/schema-types.js"
import { Misfit, checkValue } from "../../../src/yang/values.js"

/** From 0 to 1, as Math.random. */
export type Random = () => number

/** The same numbers for the same seed. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Something for most patterns there are. */
const STRINGS = [
  ...["a", "b1", "x-y", "eth0", "ge-0/0/1", "", "two words", "ünï", "<&>\"'", "0", "12", "*"],
  ...[
    "2026-01-01T00:00:00Z",
    "2026-06-30T23:59:59.123+02:00",
    "2026-01-01",
    "192.0.2.1",
    "10.0.0.0/8",
  ],
  ...["2001:db8::1", "2001:db8::/32", "::", "00:11:22:33:44:55", "0a:1b", "example.org", "urn:x:y"],
  ...[
    "12345678-1234-4234-8234-123456789abc",
    "aaaaaaaa-0000-4000-8000-000000000001",
    "1.3.6.1",
    "1550",
  ],
  ...[
    "1,12-20",
    "$0$secret",
    "en-US",
    "/m:top",
    "a:b",
    "65000:1",
    "0:1:2",
    "7",
    "ab",
    "AQID",
    "U1",
  ],
]

function pick<T>(from: readonly T[], random: Random): T | undefined {
  return from[Math.floor(random() * from.length)]
}

/** A value for a leaf or a leaf-list entry; undefined where none is found. */
export function anyValue(node: SchemaNode, random: Random): JsonValue | undefined {
  return node.type === undefined ? undefined : ofType(node.type, node.module, random, 0)
}

function ofType(
  type: ResolvedType,
  module: string,
  random: Random,
  depth: number,
): JsonValue | undefined {
  const fits = (value: JsonValue): JsonValue | undefined => {
    const found = checkValue(type, value, module)
    return found instanceof Misfit ? undefined : found
  }
  switch (type.base) {
    case "boolean":
      return random() < 0.5
    case "empty":
      return [null]
    case "enumeration":
      return pick([...(type.enums?.keys() ?? [])], random)
    case "bits":
      return fits([...(type.bits?.keys() ?? [])].filter(() => random() < 0.4).join(" "))
    case "identityref":
      return pick([...(type.identities?.keys() ?? [])], random)
    case "leafref":
      return type.target?.type === undefined || depth > 5
        ? undefined
        : ofType(type.target.type, module, random, depth + 1)
    case "union": {
      const member = pick(type.members ?? [], random)
      return member === undefined ? undefined : ofType(member, module, random, depth + 1)
    }
    case "instance-identifier":
      return undefined
    case "binary":
      return ["AQID", "", "YQ==", "AAAAAAAAAAAAAAAAAAAAAA=="].map(fits).find((v) => v !== undefined)
    case "string": {
      const fitting = STRINGS.map(fits).filter((value) => value !== undefined)
      return pick(fitting, random)
    }
    default:
      return number(type, random)
  }
}

function number(type: ResolvedType, random: Random): JsonValue | undefined {
  const interval = pick(type.ranges ?? [], random)
  if (interval === undefined) return undefined
  const { min, max } = interval
  const spread = max - min
  const some = min + (spread < 9n ? BigInt(Math.floor(random() * Number(spread + 1n))) : 9n)
  const value = pick([min, max, some, min <= 0n && max >= 0n ? 0n : some], random) ?? min
  if (type.base === "decimal64") return unscaled(value, type.fractionDigits ?? 1)
  return type.base === "int64" || type.base === "uint64" ? value.toString() : Number(value)
}
