// The options of a module behind an ETSI 014 interface, checked: what a site's configuration may say of it. Opens nothing.

import { optionFault, OptionReader, type Technology } from "../../src/plugin/index.js"

export interface SourceOptions {
  readonly host: string
  readonly port: number
  /** PEM files: what this end shows to the maker's key manager, and the authority that one is known by. */
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
  /** The name by which the maker's key manager knows the far end of the link. */
  readonly peerSaeId: string
  /** `master` asks for new keys, `slave` fetches the same ones by their ids. */
  readonly side: "master" | "slave"
  /** A multiple of 8; absent: the longest the key manager gives, at most 8192. */
  readonly keySizeBits?: number
  /** Keys in one request, at most; absent: 64. */
  readonly keysPerRequest: number
  /** Between requests while there are no keys, in milliseconds. */
  readonly pollMs: number
  /** Without a key for so long, in milliseconds, the link counts as dark. */
  readonly silentMs: number
  readonly model: string
  readonly technology: Technology
  readonly maxAbsorptionDb?: number
}

const REQUIRED = ["host", "port", "certFile", "keyFile", "caFile", "peerSaeId", "side"]
const OPTIONAL = [
  ...["keySizeBits", "keysPerRequest", "pollMs", "silentMs"],
  ...["model", "technology", "maxAbsorptionDb"],
]

/** @throws QkdError `unknown-element`, `missing-element`, `invalid-value`, with the option's path. */
export function parseOptions(options: Readonly<Record<string, unknown>>): SourceOptions {
  const given = new OptionReader(options, REQUIRED, OPTIONAL)
  const keySizeBits = given.whole("keySizeBits", 16, 1 << 20)
  if (keySizeBits !== undefined && keySizeBits % 8 !== 0)
    throw optionFault("invalid-value", "keySizeBits", "must be a multiple of 8")
  const maxAbsorptionDb = given.whole("maxAbsorptionDb", 0, 200)
  return {
    host: given.text("host"),
    port: given.port("port"),
    certFile: given.text("certFile"),
    keyFile: given.text("keyFile"),
    caFile: given.text("caFile"),
    peerSaeId: given.text("peerSaeId"),
    side: given.oneOf("side", ["master", "slave"]),
    ...(keySizeBits !== undefined && { keySizeBits }),
    keysPerRequest: given.whole("keysPerRequest", 1, 1024) ?? 64,
    pollMs: given.whole("pollMs", 10, 60_000) ?? 500,
    silentMs: given.whole("silentMs", 500, 600_000) ?? 5000,
    model: given.text("model", "ETSI 014 source"),
    technology: given.technology("technology"),
    ...(maxAbsorptionDb !== undefined && { maxAbsorptionDb }),
  }
}
