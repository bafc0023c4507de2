// The options of a module behind an ETSI 014 interface, checked: what a site's configuration may say of it. Opens nothing.

import { QkdError, type Technology } from "../../src/plugin/index.js"

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

const TEXTS = ["host", "certFile", "keyFile", "caFile", "peerSaeId"] as const
const REQUIRED = [...TEXTS, "port", "side"]
const KNOWN = [
  ...REQUIRED,
  "keySizeBits",
  "keysPerRequest",
  "pollMs",
  "silentMs",
  "model",
  "technology",
  "maxAbsorptionDb",
]
const TECHNOLOGIES: readonly Technology[] = ["CV-QKD", "DV-QKD", "DV-QKD-COW", "DV-QKD-2Ws"]

type Given = Readonly<Record<string, unknown>>

/** @throws QkdError `unknown-element`, `missing-element`, `invalid-value`, with the option's path. */
export function parseOptions(options: Given): SourceOptions {
  for (const name of Object.keys(options))
    if (!KNOWN.includes(name)) throw fault("unknown-element", name, "is no option of this module")
  for (const name of REQUIRED)
    if (options[name] === undefined) throw fault("missing-element", name, "is missing")
  const { side, technology = "DV-QKD" } = options
  if (side !== "master" && side !== "slave")
    throw fault("invalid-value", "side", 'must be "master" or "slave"')
  const known = TECHNOLOGIES.find((each) => each === technology)
  if (known === undefined)
    throw fault("invalid-value", "technology", `must be one of ${TECHNOLOGIES.join(", ")}`)
  const keySizeBits = whole(options, "keySizeBits", 16, 1 << 20)
  if (keySizeBits !== undefined && keySizeBits % 8 !== 0)
    throw fault("invalid-value", "keySizeBits", "must be a multiple of 8")
  const maxAbsorptionDb = whole(options, "maxAbsorptionDb", 0, 200)
  return {
    host: text(options, "host"),
    port: whole(options, "port", 1, 65_535) ?? 0,
    certFile: text(options, "certFile"),
    keyFile: text(options, "keyFile"),
    caFile: text(options, "caFile"),
    peerSaeId: text(options, "peerSaeId"),
    side,
    ...(keySizeBits !== undefined && { keySizeBits }),
    keysPerRequest: whole(options, "keysPerRequest", 1, 1024) ?? 64,
    pollMs: whole(options, "pollMs", 10, 60_000) ?? 500,
    silentMs: whole(options, "silentMs", 500, 600_000) ?? 5000,
    model: options["model"] === undefined ? "ETSI 014 source" : text(options, "model"),
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
