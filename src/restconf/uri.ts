// A request-target taken apart, strictly: path segments and query parameters, percent-decoded once, as UTF-8
// (RFC 3986; RFC 8040 sections 3.5.3 and 4.8). Knows no schema.

import { RestconfFault, badUri } from "./fault.js"

export interface UriLimits {
  /** Bytes of path and query together. */
  readonly maxBytes: number
  readonly maxSegments: number
  readonly maxParameters: number
}

export const URI_LIMITS: UriLimits = { maxBytes: 8192, maxSegments: 128, maxParameters: 16 }

export interface Segment {
  /** `module:name` or `name`. */
  readonly name: string
  /** What follows `=`, cut at commas and decoded; absent without `=`. */
  readonly keys?: readonly string[]
}

export interface Target {
  readonly path: string
  readonly query: string
}

/** @throws RestconfFault 414, 400. */
export function splitTarget(target: string, limits: UriLimits = URI_LIMITS): Target {
  if (target.length > limits.maxBytes)
    throw new RestconfFault(414, "too-big", `a URI has at most ${limits.maxBytes} bytes`)
  if (!target.startsWith("/") || target.includes("#")) throw badUri("the URI is no path")
  const mark = target.indexOf("?")
  return mark < 0
    ? { path: target, query: "" }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) }
}

const ENCODED = /%(?![0-9A-Fa-f]{2})/
/** RFC 3986: what may stand in a segment as it is. */
const SEGMENT = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*$/

/** @throws RestconfFault 400 for broken escapes and for bytes that are not UTF-8. */
export function decodePercent(text: string): string {
  if (!text.includes("%")) return text
  if (ENCODED.test(text)) throw badUri("a % that two hex digits do not follow")
  try {
    return decodeURIComponent(text)
  } catch {
    throw badUri("escapes that are not UTF-8")
  }
}

/** Every octet but the unreserved ones of RFC 3986 escaped: for keys in Location. */
export function encodePercent(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/**
 * The segments of a path below the entry point. Empty ones are refused, but for one at the end.
 *
 * @throws RestconfFault 400, 414.
 */
export function parseSegments(path: string, limits: UriLimits = URI_LIMITS): Segment[] {
  const parts = path.split("/")
  if (parts[0] === "") parts.shift()
  if (parts.at(-1) === "") parts.pop()
  if (parts.length > limits.maxSegments)
    throw new RestconfFault(414, "too-big", `a path has at most ${limits.maxSegments} steps`)
  return parts.map((part) => {
    if (part === "") throw badUri("an empty step in the path")
    if (!SEGMENT.test(part)) {
      // Broken escapes are the likelier fault: say so.
      decodePercent(part)
      throw badUri("a character in the path that must be percent-encoded")
    }
    // RFC 8040 section 3.5.3: `=` and `,` of a value are escaped, so these are ours.
    const equals = part.indexOf("=")
    if (equals < 0) return { name: decodePercent(part) }
    const keys = part
      .slice(equals + 1)
      .split(",")
      .map(decodePercent)
    return { name: decodePercent(part.slice(0, equals)), keys }
  })
}

/** RFC 8527 section 3.2.2: to be there says all. */
const WITHOUT_VALUE: ReadonlySet<string> = new Set(["with-origin"])

/**
 * Query parameters by name.
 *
 * @throws RestconfFault 400: a parameter twice, without value or not decodable (section 4.8).
 */
export function parseParameters(
  query: string,
  limits: UriLimits = URI_LIMITS,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  if (query === "") return found
  const parts = query.split("&")
  if (parts.length > limits.maxParameters)
    throw badUri(`more than ${limits.maxParameters} query parameters`)
  for (const part of parts) {
    const equals = part.indexOf("=")
    if (equals < 0 && !WITHOUT_VALUE.has(part))
      throw badUri(`query parameter ${show(part)} has no value`)
    const name = equals < 0 ? part : decodePercent(part.slice(0, equals))
    if (found.has(name)) throw badUri(`query parameter ${show(name)} is there twice`)
    found.set(name, equals < 0 ? "" : decodePercent(part.slice(equals + 1)))
  }
  return found
}

/** Names are cut: messages go back over the wire. */
export function show(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text)
}
