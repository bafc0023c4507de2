// What the two sites say to each other about preloaded keys, and its check. Key ids, proofs and words; never a key.

import { Ajv } from "ajv"
import { QkdError } from "../errors.js"
import { KEM_CIPHERTEXT_BYTES, KEM_PUBLIC_KEY_BYTES } from "./kem.js"

/** The maker's keys, to be fetched and proven. */
export interface Offer {
  readonly from: string
  readonly to: string
  readonly nonce: string
  /** The keys are mixed with ML-KEM secrets. */
  readonly hybrid: boolean
  /** The exchange that the secret of keys new to the taker came from. */
  readonly kem?: string
  readonly keys: readonly { readonly keyId: string; readonly expiresAtMs: number }[]
}

export interface OfferAnswer {
  readonly nonce: string
  readonly proofs: Readonly<Record<string, string>>
  /** Ids that the taker has not and cannot get any more. */
  readonly missing: readonly string[]
}

/** The maker's own proofs, for the keys whose proof by the taker held. */
export interface Confirm {
  readonly from: string
  readonly to: string
  readonly nonce: string
  readonly proofs: Readonly<Record<string, string>>
  readonly refused: readonly string[]
}

export interface ConfirmAnswer {
  readonly ready: readonly string[]
  readonly refused: readonly string[]
}

/** `used`: these have sealed. `retire`: these are to be destroyed. `check`: which of these are there? */
export interface KeyIds {
  readonly from: string
  readonly to: string
  readonly keyIds: readonly string[]
}

/** ML-KEM-768 (FIPS 203): the maker's encapsulation key, base64. */
export interface Kem {
  readonly from: string
  readonly to: string
  readonly publicKey: string
}

export interface KemAnswer {
  /** Names the exchange in the offer that uses it. */
  readonly kem: string
  readonly ciphertext: string
}

export interface MessageKinds {
  readonly kem: { readonly ask: Kem; readonly answer: KemAnswer }
  readonly offer: { readonly ask: Offer; readonly answer: OfferAnswer }
  readonly confirm: { readonly ask: Confirm; readonly answer: ConfirmAnswer }
  readonly used: { readonly ask: KeyIds; readonly answer: KeyIds }
  readonly retire: { readonly ask: KeyIds; readonly answer: KeyIds }
  /** Asks for these; the answer names those that the taker has and could open with. */
  readonly check: { readonly ask: KeyIds; readonly answer: KeyIds }
}

export type Kind = keyof MessageKinds

/** Keys in one message at most. */
export const MAX_KEYS = 128

const uuid = { type: "string", pattern: "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" }
const uuids = { type: "array", items: uuid, maxItems: MAX_KEYS, uniqueItems: true }
const nonce = { type: "string", pattern: "^[0-9a-f]{64}$" }
const proofs = {
  type: "object",
  propertyNames: uuid,
  additionalProperties: { type: "string", pattern: "^[0-9a-f]{64}$" },
  maxProperties: MAX_KEYS,
}
const site = { type: "string", maxLength: 64 }
const offered = {
  type: "object",
  properties: { keyId: uuid, expiresAtMs: { type: "integer", minimum: 0 } },
  required: ["keyId", "expiresAtMs"],
  additionalProperties: false,
}

function whole(properties: Record<string, object>, optional: Record<string, object> = {}): object {
  return {
    type: "object",
    properties: { ...properties, ...optional },
    required: Object.keys(properties),
    additionalProperties: false,
  }
}

function base64(bytes: number): object {
  const length = Math.ceil(bytes / 3) * 4
  return { type: "string", pattern: "^[A-Za-z0-9+/]+=*$", minLength: length, maxLength: length }
}

const ids = whole({ from: site, to: site, keyIds: uuids })
const shapes: Readonly<Record<Kind, { readonly ask: object; readonly answer: object }>> = {
  kem: {
    ask: whole({ from: site, to: site, publicKey: base64(KEM_PUBLIC_KEY_BYTES) }),
    answer: whole({ kem: nonce, ciphertext: base64(KEM_CIPHERTEXT_BYTES) }),
  },
  offer: {
    ask: whole(
      {
        from: site,
        to: site,
        nonce,
        hybrid: { type: "boolean" },
        keys: { type: "array", items: offered, maxItems: MAX_KEYS },
      },
      { kem: nonce },
    ),
    answer: whole({ nonce, proofs, missing: uuids }),
  },
  confirm: {
    ask: whole({ from: site, to: site, nonce, proofs, refused: uuids }),
    answer: whole({ ready: uuids, refused: uuids }),
  },
  used: { ask: ids, answer: ids },
  retire: { ask: ids, answer: ids },
  check: { ask: ids, answer: ids },
}

const ajv = new Ajv({ strict: true, allErrors: false })
const checks = new Map(
  Object.entries(shapes).flatMap(([kind, { ask, answer }]) => [
    [`${kind}/ask`, ajv.compile(ask)] as const,
    [`${kind}/answer`, ajv.compile(answer)] as const,
  ]),
)

/**
 * Reads a message.
 *
 * @throws QkdError `malformed-message` with the path to the fault
 */
export function readMessage<K extends Kind, P extends "ask" | "answer">(
  kind: K,
  part: P,
  body: Uint8Array,
): MessageKinds[K][P] {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body))
  } catch (cause) {
    throw new QkdError("malformed-message", "the message is no JSON in UTF-8", { cause })
  }
  const check = checks.get(`${kind}/${part}`)
  if (check?.(value) !== true) {
    const fault = check?.errors?.[0]
    const path = fault?.instancePath ?? ""
    throw new QkdError("malformed-message", `${path || "/"}: ${fault?.message ?? "wrong"}`, {
      path,
    })
  }
  return value as MessageKinds[K][P]
}

/** The kind is the last part of a request's path. */
export function isKind(name: string): name is Kind {
  return Object.hasOwn(shapes, name)
}
