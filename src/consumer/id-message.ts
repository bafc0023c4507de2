// What the two ends of a tunnel say to each other about its keys: never a key, always who speaks in which role to
// whom, for which tunnel and which generation. Whoever reads a message holds all of that against what it expects;
// a message of another tunnel, role, direction, generation or key id is refused (threat T2). Opens no socket.

import { QkdError } from "../errors.js"
import type { KeyKind } from "./combine-keys.js"
import { KEM_CIPHERTEXT_BYTES, KEM_PUBLIC_KEY_BYTES } from "./kem.js"

/** One tunnel and its two ends, by SAE id. The initiator starts rotations and is master of the keys. */
export interface Binding {
  readonly purpose: "ipsec" | "wireguard"
  readonly tunnel: string
  readonly initiator: string
  readonly responder: string
}

export const ID_STEPS = [
  "hello",
  "ready",
  "offer",
  "arm",
  "verify",
  "retire",
  "abandon",
  "bare",
] as const
export type IdStep = (typeof ID_STEPS)[number]

export type MessageKind = KeyKind | "none"

/**
 * From the initiator. `hello` and `ready` have generation 0: how it is, and whether a rotation may begin, which is refused
 * while charon or the WireGuard device does not answer there. `offer` says what the key is made of, `arm` and `verify` go with it to
 * the switch, `retire` or `abandon` end it. `bare`: the initiator goes on without a key, if the policy there lets it.
 */
export interface IdRequest {
  readonly step: IdStep
  readonly generation: number
  readonly kind: MessageKind
  /** "" where the kind has no QKD key. */
  readonly keyId: string
  readonly kemPublicKey?: Uint8Array
  /** `arm`: proof that the initiator holds the key. */
  readonly tag?: Uint8Array
  /** `verify`: what both ends call the new session. */
  readonly session?: string
}

/** From the responder, to one request. */
export interface IdAnswer {
  readonly kemCiphertext?: Uint8Array
  /** To `offer`: proof that the responder holds the key. */
  readonly tag?: Uint8Array
  /**
   * To `hello`: the highest generation it has heard of, whether charon or the WireGuard device answers there, and whether it
   * has a session of which generation.
   */
  readonly highest?: number
  readonly reachable?: boolean
  readonly up?: boolean
  readonly current?: number
}

const TAG_BYTES = 32
const MEMBERS: Readonly<Record<string, "string" | "number" | "boolean">> = {
  purpose: "string",
  tunnel: "string",
  initiator: "string",
  responder: "string",
  from: "string",
  step: "string",
  generation: "number",
  kind: "string",
  keyId: "string",
  kemPublicKey: "string",
  kemCiphertext: "string",
  tag: "string",
  session: "string",
  highest: "number",
  reachable: "boolean",
  up: "boolean",
  current: "number",
  refused: "string",
}

type Fields = ReadonlyMap<string, string | number | boolean>

export function writeRequest(binding: Binding, request: IdRequest): string {
  const { kemPublicKey, tag, ...rest } = request
  return JSON.stringify({
    ...binding,
    from: "initiator",
    ...rest,
    ...(kemPublicKey && { kemPublicKey: base64(kemPublicKey) }),
    ...(tag && { tag: base64(tag) }),
  })
}

/** @throws QkdError `malformed-message`, or `access-denied` when it is not for this tunnel and these ends. */
export function readRequest(text: string, binding: Binding): IdRequest {
  const fields = parse(text)
  checkBinding(fields, binding, "initiator")
  const step = ID_STEPS.find((name) => name === fields.get("step"))
  const kind = (["hybrid", "qkd", "pqc", "none"] as const).find((k) => k === fields.get("kind"))
  const keyId = fields.get("keyId")
  if (step === undefined || kind === undefined || typeof keyId !== "string") throw malformed()
  if (
    keyId.length > 200 ||
    (kind === "hybrid" || kind === "qkd") !== (keyId !== "") ||
    /\s/.test(keyId)
  )
    throw malformed()
  const session = fields.get("session")
  const kemPublicKey = bytes(fields, "kemPublicKey", KEM_PUBLIC_KEY_BYTES)
  const tag = bytes(fields, "tag", TAG_BYTES)
  return {
    step,
    generation: count(fields, "generation"),
    kind,
    keyId,
    ...(kemPublicKey && { kemPublicKey }),
    ...(tag && { tag }),
    ...(typeof session === "string" && { session }),
  }
}

export function writeAnswer(binding: Binding, request: IdRequest, answer: IdAnswer): string {
  const { kemCiphertext, tag, ...rest } = answer
  return JSON.stringify({
    ...echo(binding, request),
    ...rest,
    ...(kemCiphertext && { kemCiphertext: base64(kemCiphertext) }),
    ...(tag && { tag: base64(tag) }),
  })
}

/** @param why one of the responder's own words for it, without secrets */
export function writeRefusal(binding: Binding, request: IdRequest, why: string): string {
  return JSON.stringify({ ...echo(binding, request), refused: why })
}

function echo(binding: Binding, { step, generation, kind, keyId }: IdRequest): object {
  return { ...binding, from: "responder", step, generation, kind, keyId }
}

/**
 * The answer to `request`, and to no other.
 *
 * @throws QkdError as `readRequest`; `operation-failed` with the responder's reason when it refused.
 */
export function readAnswer(text: string, binding: Binding, request: IdRequest): IdAnswer {
  const fields = parse(text)
  checkBinding(fields, binding, "responder")
  for (const name of ["step", "generation", "kind", "keyId"] as const)
    if (fields.get(name) !== request[name])
      throw new QkdError("access-denied", `the peer's answer is about another ${name}`)
  const refused = fields.get("refused")
  if (refused !== undefined)
    throw new QkdError("operation-failed", `the peer refuses: ${String(refused)}`)
  const kemCiphertext = bytes(fields, "kemCiphertext", KEM_CIPHERTEXT_BYTES)
  const tag = bytes(fields, "tag", TAG_BYTES)
  const up = fields.get("up")
  const reachable = fields.get("reachable")
  return {
    ...(kemCiphertext && { kemCiphertext }),
    ...(tag && { tag }),
    ...(fields.has("highest") && { highest: count(fields, "highest") }),
    ...(fields.has("current") && { current: count(fields, "current") }),
    ...(typeof up === "boolean" && { up }),
    ...(typeof reachable === "boolean" && { reachable }),
  }
}

function parse(text: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformed()
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed()
  const fields = new Map<string, string | number | boolean>()
  for (const [name, member] of Object.entries(value as Record<string, unknown>)) {
    if (!Object.hasOwn(MEMBERS, name) || typeof member !== MEMBERS[name]) throw malformed()
    fields.set(name, member as string | number | boolean)
  }
  return fields
}

function checkBinding(fields: Fields, binding: Binding, from: "initiator" | "responder"): void {
  if (fields.get("from") !== from) throw new QkdError("access-denied", `not from the ${from}`)
  for (const [name, value] of Object.entries(binding))
    if (fields.get(name) !== value)
      throw new QkdError("access-denied", `the message names another ${name}`)
}

function count(fields: Fields, name: string): number {
  const value = fields.get(name)
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw malformed()
  return value
}

function bytes(fields: Fields, name: string, length: number): Uint8Array | undefined {
  const value = fields.get(name)
  if (value === undefined) return undefined
  const decoded = Buffer.from(String(value), "base64")
  if (decoded.length !== length || decoded.toString("base64") !== value) throw malformed()
  return new Uint8Array(decoded)
}

function base64(value: Uint8Array): string {
  return Buffer.from(value).toString("base64")
}

function malformed(): QkdError {
  return new QkdError("malformed-message", "not a message about a tunnel's keys")
}
