// Members of what a token process is asked and answers, read one by one. All throw QkdError `malformed-message` with the path
// to the fault.

import { QkdError } from "../errors.js"

export function textOf(value: unknown, path: string): string {
  if (typeof value !== "string" || value === "") throw malformedAt(path)
  return value
}

export function countOf(value: unknown, path: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw malformedAt(path)
  return value
}

export function listOf(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformedAt(path)
  return value as readonly unknown[]
}

/** Lengths of parts that make up `bytes` bytes. */
export function partsOf(value: unknown, bytes: number): readonly number[] {
  const parts = listOf(value, "/parts").map((one, at) => countOf(one, `/parts/${at}`))
  if (parts.reduce((sum, part) => sum + part, 0) !== bytes) throw malformedAt("/parts")
  return parts
}

/** As `partsOf`: of nonce, additional data and data. */
export function gcmPartsOf(value: unknown, bytes: number): [number, number, number] {
  const [nonce, aad, data, ...more] = partsOf(value, bytes)
  if (nonce === undefined || aad === undefined || data === undefined || more.length > 0) {
    throw malformedAt("/parts")
  }
  return [nonce, aad, data]
}

/** The bytes of each of those parts. */
export function partsIn(bytes: Buffer, parts: readonly number[]): Buffer[] {
  let at = 0
  return parts.map((length) => bytes.subarray(at, (at += length)))
}

export function malformedAt(path: string): QkdError {
  return new QkdError("malformed-message", `${path} is not as the token process is asked`, { path })
}
