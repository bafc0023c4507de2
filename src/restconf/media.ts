// Media types: what a client accepts and what it sends (RFC 8040 section 5.2, RFC 9110 sections 8.3 and 12.5.1).

import { RestconfFault } from "./fault.js"
import type { Encoding } from "./message.js"
import { DATA_MEDIA, PATCH_MEDIA } from "./names.js"

const MAX_RANGES = 32
const RANGE = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\/([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*((?:;[^,]*)?)$/
const QUALITY = /^\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*$/i

interface Range {
  readonly type: string
  readonly subtype: string
  readonly quality: number
}

/** @throws RestconfFault 400 when the header is no list of media ranges. */
function rangesOf(accept: string): Range[] {
  const parts = accept.split(",").filter((part) => part.trim() !== "")
  if (parts.length > MAX_RANGES)
    throw new RestconfFault(400, "too-big", `Accept has more than ${MAX_RANGES} ranges`)
  return parts.map((part) => {
    const match = RANGE.exec(part)
    if (match === null) throw new RestconfFault(400, "invalid-value", "Accept is malformed")
    let quality = 1
    for (const parameter of (match[3] ?? "").split(";")) {
      if (!/^\s*q\s*=/i.test(parameter)) continue
      const value = QUALITY.exec(parameter)?.[1]
      if (value === undefined)
        throw new RestconfFault(400, "invalid-value", "Accept has a malformed quality")
      quality = Number(value)
    }
    return {
      type: (match[1] ?? "").toLowerCase(),
      subtype: (match[2] ?? "").toLowerCase(),
      quality,
    }
  })
}

/** The quality of one media type: that of the most specific range naming it; 0 when none does. */
function qualityOf(media: string, ranges: readonly Range[]): number {
  const [type = "", subtype = ""] = media.split("/")
  const fit = (range: Range): number => {
    if (range.type === type && range.subtype === subtype) return 3
    if (range.type === type && range.subtype === "*") return 2
    return range.type === "*" && range.subtype === "*" ? 1 : 0
  }
  let best = 0
  let quality = 0
  for (const range of ranges) {
    const how = fit(range)
    if (how > best) {
      best = how
      quality = range.quality
    }
  }
  return quality
}

/**
 * The media type to answer with: of those offered the one the client likes best, the first among equals.
 *
 * @throws RestconfFault 406 when none is acceptable, 400 when the header is malformed.
 */
export function negotiate<T extends string>(
  accept: string | undefined,
  offered: readonly [T, ...T[]],
): T {
  if (accept === undefined || accept.trim() === "") return offered[0]
  const ranges = rangesOf(accept)
  let chosen: T | undefined
  let best = 0
  for (const media of offered) {
    const quality = qualityOf(media, ranges)
    if (quality > best) {
      best = quality
      chosen = media
    }
  }
  if (chosen === undefined)
    throw new RestconfFault(406, "invalid-value", `only ${offered.join(", ")} here`)
  return chosen
}

/** What generic clients ask for when they mean the encoding. */
const JSON_MEDIA = [DATA_MEDIA.json, "application/json"] as const
const XML_MEDIA = [DATA_MEDIA.xml, "application/xml", "text/xml"] as const

/** What the client sent, as far as its Content-Type tells; JSON where it sent nothing. */
function sentEncoding(contentType: string | undefined): Encoding {
  return /[/+]xml\s*(?:;|$)/i.test(contentType ?? "") ? "xml" : "json"
}

/**
 * The encoding of an answer with data: what the client accepts, else what it sent, else JSON (section 5.2).
 * `application/json` and `application/xml` are understood as asking for ours: the answer still says `yang-data`.
 *
 * @throws RestconfFault 406.
 */
export function answerEncoding(
  accept: string | undefined,
  contentType: string | undefined,
): Encoding {
  const offered: [string, ...string[]] =
    sentEncoding(contentType) === "xml"
      ? [...XML_MEDIA, ...JSON_MEDIA]
      : [...JSON_MEDIA, ...XML_MEDIA]
  const chosen = negotiate(accept, offered)
  return XML_MEDIA.some((media) => media === chosen) ? "xml" : "json"
}

/** The encoding of an error (section 7.1). Throws nothing: there must always be an answer. */
export function errorEncoding(
  accept: string | undefined,
  contentType: string | undefined,
): Encoding {
  try {
    return answerEncoding(accept, contentType)
  } catch {
    return sentEncoding(contentType)
  }
}

export interface BodyMedia {
  readonly encoding: Encoding
  /** A YANG Patch (RFC 8072) rather than data. */
  readonly patch: boolean
}

/**
 * What a body is said to be.
 *
 * @throws RestconfFault 415 for anything else (section 5.2), `Accept-Patch` beside it where a PATCH was sent.
 */
export function bodyMedia(contentType: string | undefined, patchable: boolean): BodyMedia {
  const media = (contentType ?? "").split(";")[0]?.trim().toLowerCase() ?? ""
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType ?? "")?.[1]
  if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset))
    throw unsupported(patchable, `charset ${charset} is not taken, only UTF-8`)
  if (JSON_MEDIA.some((m) => m === media)) return { encoding: "json", patch: false }
  if (XML_MEDIA.some((m) => m === media)) return { encoding: "xml", patch: false }
  if (patchable && media === PATCH_MEDIA.json) return { encoding: "json", patch: true }
  if (patchable && media === PATCH_MEDIA.xml) return { encoding: "xml", patch: true }
  throw unsupported(patchable, "the body's media type is not taken here")
}

function unsupported(patchable: boolean, message: string): RestconfFault {
  const taken = [...Object.values(DATA_MEDIA), ...(patchable ? Object.values(PATCH_MEDIA) : [])]
  return new RestconfFault(415, "invalid-value", `${message}: ${taken.join(", ")}`, {
    headers: patchable ? { "Accept-Patch": taken.join(", ") } : {},
  })
}
