// Values that are XPath (`yang:xpath1.0` of RFC 6991 and what is derived from it): are they? Asked of datastores only; an
// operation with a filter that is none has better words for it than `invalid-value` (RFC 8639 section 2.4.6).

import { QkdError } from "../errors.js"
import { parseInstanceId } from "./instance-id.js"
import type { ResolvedType } from "./schema-types.js"
import { parseXPath } from "./xpath-parse.js"

/** What is wrong with the text; nothing if it is an expression, or an instance path where the type wants one. */
export function xpathFault(type: ResolvedType, text: string): string | undefined {
  try {
    parseXPath(text)
  } catch (error) {
    if (error instanceof QkdError) return error.message
    throw error
  }
  if (type.instancePath !== true) return undefined
  const steps = parseInstanceId(text, (prefix) => (prefix === "" ? undefined : prefix))
  return steps === undefined ? "is not an instance path" : undefined
}
