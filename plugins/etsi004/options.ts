// The options of a module behind an ETSI 004 interface, checked: what a site's configuration may say of it. Opens nothing.

import { QkdError, type Technology } from "../../src/plugin/index.js"

export interface SourceOptions {
  readonly host: string
  readonly port: number
  /** PEM files: what this end shows to the maker's key manager, and the authority that one is known by. */
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
  /** URIs of this end and of the far one, as the maker's key managers know them. */
  readonly source: string
  readonly destination: string
  /** A UUID of this link alone, the same at both ends: stream ids and block ids come from it. */
  readonly linkId: string
  /** `a` begins streams, `b` finds them. */
  readonly end: "a" | "b"
  /** Which stream this end is at, kept over restarts. */
  readonly stateFile: string
  readonly chunkBytes: number
  /** How long unread chunks are kept by the maker, in seconds. */
  readonly ttlS: number
  /** Bit/s to be reserved; 0: none. */
  readonly minBps: number
  /** Without a chunk for so long, in milliseconds, the link counts as dark. */
  readonly silentMs: number
  readonly model: string
  readonly technology: Technology
  readonly maxAbsorptionDb?: number
}

const TEXTS = ["host", "certFile", "keyFile", "caFile", "source", "destination", "stateFile"]
const REQUIRED = [...TEXTS, "port", "linkId", "end"]
const KNOWN = [
  ...REQUIRED,
  ...["chunkBytes", "ttlS", "minBps", "silentMs", "model", "technology", "maxAbsorptionDb"],
]
const TECHNOLOGIES: readonly Technology[] = ["CV-QKD", "DV-QKD", "DV-QKD-COW", "DV-QKD-2Ws"]
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

type Given = Readonly<Record<string, unknown>>

/** @throws QkdError `unknown-element`, `missing-element`, `invalid-value`, with the option's path. */
export function parseOptions(options: Given): SourceOptions {
  for (const name of Object.keys(options))
    if (!KNOWN.includes(name)) throw fault("unknown-element", name, "is no option of this module")
  for (const name of REQUIRED)
    if (options[name] === undefined) throw fault("missing-element", name, "is missing")
  const { end, technology = "DV-QKD" } = options
  if (end !== "a" && end !== "b") throw fault("invalid-value", "end", 'must be "a" or "b"')
  const known = TECHNOLOGIES.find((each) => each === technology)
  if (known === undefined)
    throw fault("invalid-value", "technology", `must be one of ${TECHNOLOGIES.join(", ")}`)
  const linkId = text(options, "linkId").toLowerCase()
  if (!UUID.test(linkId)) throw fault("invalid-value", "linkId", "must be a UUID")
  const maxAbsorptionDb = whole(options, "maxAbsorptionDb", 0, 200)
  return {
    host: text(options, "host"),
    port: whole(options, "port", 1, 65_535) ?? 0,
    certFile: text(options, "certFile"),
    keyFile: text(options, "keyFile"),
    caFile: text(options, "caFile"),
    source: text(options, "source"),
    destination: text(options, "destination"),
    stateFile: text(options, "stateFile"),
    linkId,
    end,
    chunkBytes: whole(options, "chunkBytes", 16, 65_536) ?? 256,
    ttlS: whole(options, "ttlS", 1, 604_800) ?? 3600,
    minBps: whole(options, "minBps", 0, 0xffff_ffff) ?? 0,
    silentMs: whole(options, "silentMs", 500, 600_000) ?? 5000,
    model: options["model"] === undefined ? "ETSI 004 source" : text(options, "model"),
    technology: known,
    ...(maxAbsorptionDb !== undefined && { maxAbsorptionDb }),
  }
}

function text(options: Given, name: string): string {
  const value = options[name]
  if (typeof value !== "string" || value === "" || value.length > 1024)
    throw fault("invalid-value", name, "must be a text")
  return value
}

function whole(options: Given, name: string, least: number, most: number): number | undefined {
  const value = options[name]
  if (value === undefined) return undefined
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most)
    throw fault("invalid-value", name, `must be a whole number from ${least} to ${most}`)
  return value
}

function fault(
  tag: "unknown-element" | "missing-element" | "invalid-value",
  name: string,
  message: string,
): QkdError {
  return new QkdError(tag, `option ${name} ${message}`, { path: `/options/${name}` })
}
