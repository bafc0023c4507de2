// The options of a module behind an ETSI 004 interface, checked: what a site's configuration may say of it. Opens nothing.

import { optionFault, OptionReader, type Technology } from "../../src/plugin/index.js"

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

const REQUIRED = [
  ...["host", "port", "certFile", "keyFile", "caFile", "source", "destination"],
  ...["stateFile", "linkId", "end"],
]
const OPTIONAL = [
  ...["chunkBytes", "ttlS", "minBps", "silentMs", "model", "technology", "maxAbsorptionDb"],
]
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** @throws QkdError `unknown-element`, `missing-element`, `invalid-value`, with the option's path. */
export function parseOptions(options: Readonly<Record<string, unknown>>): SourceOptions {
  const given = new OptionReader(options, REQUIRED, OPTIONAL)
  const linkId = given.text("linkId").toLowerCase()
  if (!UUID.test(linkId)) throw optionFault("invalid-value", "linkId", "must be a UUID")
  const maxAbsorptionDb = given.whole("maxAbsorptionDb", 0, 200)
  return {
    host: given.text("host"),
    port: given.port("port"),
    certFile: given.text("certFile"),
    keyFile: given.text("keyFile"),
    caFile: given.text("caFile"),
    source: given.text("source"),
    destination: given.text("destination"),
    stateFile: given.text("stateFile"),
    linkId,
    end: given.oneOf("end", ["a", "b"]),
    chunkBytes: given.whole("chunkBytes", 16, 65_536) ?? 256,
    ttlS: given.whole("ttlS", 1, 604_800) ?? 3600,
    minBps: given.whole("minBps", 0, 0xffff_ffff) ?? 0,
    silentMs: given.whole("silentMs", 500, 600_000) ?? 5000,
    model: given.text("model", "ETSI 004 source"),
    technology: given.technology("technology"),
    ...(maxAbsorptionDb !== undefined && { maxAbsorptionDb }),
  }
}
