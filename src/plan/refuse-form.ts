// The first fault of a file's form, in words with its place.

import type { ErrorObject } from "ajv"
import { QkdError } from "../errors.js"

/** @throws QkdError `invalid-value`, always. */
export function refuseForm(what: string, error: ErrorObject | null | undefined): never {
  const path =
    error?.instancePath === undefined || error.instancePath === "" ? "/" : error.instancePath
  throw new QkdError("invalid-value", `${what} ${path}: ${wordsOf(error)}`, { path })
}

function wordsOf(error: ErrorObject | null | undefined): string {
  const params = error?.params as Readonly<Record<string, unknown>> | undefined
  if (error?.keyword === "additionalProperties")
    return `unknown field "${String(params?.["additionalProperty"])}"`
  if (error?.keyword === "enum") {
    const allowed = params?.["allowedValues"]
    return `must be one of ${Array.isArray(allowed) ? allowed.join(", ") : "the values listed"}`
  }
  return error?.message ?? "is not valid"
}
