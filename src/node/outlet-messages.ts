// What a node and an outlet of its tell each other. The outlet is the one that reads strangers' bytes: what it says is
// looked at here before the node acts on it. The node is believed.

import { asQkdError, ERROR_TAGS, QkdError } from "../errors.js"
import type { PolicyDocument } from "../keys/policy.js"
import { readRevocationLists } from "../transport/revocation.js"
import type { Answer } from "./etsi014-answer.js"
import type { Etsi014Method } from "./etsi014-request.js"
import type { FaceTls } from "./http-face.js"
import type { LotGiven, LotPair } from "./outlet-lots.js"
import type { SaeIdentity } from "./sae-identity.js"

/** As `FaceTls`, in plain members. */
export interface OutletTls {
  readonly certificatePem: string
  readonly privateKeyPem: string
  readonly authorities: readonly string[]
  readonly revocation?: readonly string[]
}

export interface OutletSetup {
  readonly tls: OutletTls
  readonly policy: PolicyDocument
  readonly saeIdentity: SaeIdentity
  readonly maxSaeIdCount: number
  readonly limits: {
    readonly maxInFlight: number
    readonly maxInFlightPerSae: number
    readonly maxConnections: number
  }
  readonly auditFile: string
  /** Which of the node's outlets it is, from 1. */
  readonly nth: number
}

/** Changes of which the node waits to hear that they are in force. */
export type OutletChange =
  | { readonly op: "start"; readonly setup: OutletSetup }
  | { readonly op: "policy"; readonly policy: PolicyDocument }
  | { readonly op: "renew"; readonly tls: OutletTls }
  /** What is ready is looked at anew: all lots are to come back. */
  | { readonly op: "recall" }
  | { readonly op: "close" }

/** To an outlet. Beside an answer goes its body, beside a lot its ids and keys. */
export type OutletOrder =
  | (OutletChange & { readonly id: number })
  | ({ readonly op: "answer"; readonly id: number } & Omit<Answer, "body">)
  | { readonly op: "lot"; readonly pair: LotPair; readonly lot?: LotGiven }

/** What an SAE asked at an outlet, and the node is to answer: text as it came, read again here. */
export interface OutletQuestion {
  readonly saeId: string
  readonly method: Etsi014Method
  readonly peerSaeId: string
  /** Of GET. */
  readonly query?: string
  /** Of POST. */
  readonly text?: string
}

export interface OutletFault {
  readonly tag: string
  readonly message: string
}

/** From an outlet. */
export type OutletNews =
  | { readonly op: "done"; readonly id: number; readonly ended: number }
  | { readonly op: "failed"; readonly id: number; readonly fault: OutletFault }
  /** The connection that was handed over. */
  | { readonly op: "took" }
  | { readonly op: "ask"; readonly id: number; readonly question: OutletQuestion }
  | { readonly op: "fill"; readonly pair: LotPair; readonly count: number }
  /** Of each lot, how many of its keys were given out so far. */
  | { readonly op: "used"; readonly lots: readonly (readonly [id: number, used: number])[] }
  /** The rest of a lot goes beside it. */
  | { readonly op: "back"; readonly lot: number; readonly used: number }
  | {
      readonly op: "log"
      readonly level: "debug" | "info" | "warn" | "error"
      readonly facts: Readonly<Record<string, unknown>>
      readonly message: string
    }

export function plainTls({ identity, callerAuthorities, revocation }: FaceTls): OutletTls {
  const { certificatePem, privateKeyPem } = identity
  return {
    ...{ certificatePem, privateKeyPem, authorities: callerAuthorities },
    ...(revocation !== undefined && { revocation: revocation.pems }),
  }
}

export function faceTlsOf(tls: OutletTls): FaceTls {
  const { certificatePem, privateKeyPem, authorities, revocation } = tls
  return {
    identity: { certificatePem, privateKeyPem },
    callerAuthorities: authorities,
    ...(revocation !== undefined && {
      revocation: readRevocationLists(revocation.join("\n"), authorities),
    }),
  }
}

export function outletFault(error: unknown): OutletFault {
  const { tag, message } = asQkdError(error)
  return { tag, message }
}

export function errorOf({ tag, message }: OutletFault): QkdError {
  return new QkdError(ERROR_TAGS.find((each) => each === tag) ?? "operation-failed", message)
}

type Header = Readonly<Record<string, unknown>>

/** @throws QkdError `malformed-message`: the outlet is of no use any more */
export function readOutletNews(header: Header): OutletNews {
  const { op } = header
  switch (op) {
    case "done":
      return { op, id: count(header, "id"), ended: count(header, "ended") }
    case "failed": {
      const fault = object(header, "fault")
      return {
        ...{ op, id: count(header, "id") },
        fault: { tag: text(fault, "tag"), message: text(fault, "message") },
      }
    }
    case "took":
      return { op }
    case "ask":
      return { op, id: count(header, "id"), question: question(object(header, "question")) }
    case "fill":
      return { op, pair: pairIn(object(header, "pair")), count: count(header, "count") }
    case "used":
      return { op, lots: usedIn(header["lots"]) }
    case "back":
      return { op, lot: count(header, "lot"), used: count(header, "used") }
    case "log": {
      const { level } = header
      if (level !== "debug" && level !== "info" && level !== "warn" && level !== "error")
        throw malformed("level")
      return { op, level, facts: object(header, "facts"), message: text(header, "message") }
    }
    default:
      throw malformed("op")
  }
}

function question(header: Header): OutletQuestion {
  const { method, query, text: body } = header
  if (method !== "status" && method !== "enc_keys" && method !== "dec_keys")
    throw malformed("method")
  if (method === "status" && body !== undefined) throw malformed("text")
  return {
    ...{ saeId: text(header, "saeId"), method, peerSaeId: text(header, "peerSaeId") },
    ...(query !== undefined && { query: text(header, "query") }),
    ...(body !== undefined && { text: text(header, "text") }),
  }
}

function pairIn(header: Header): LotPair {
  return {
    saeId: text(header, "saeId"),
    peerSaeId: text(header, "peerSaeId"),
    keySizeBits: count(header, "keySizeBits"),
  }
}

function usedIn(value: unknown): [number, number][] {
  if (!Array.isArray(value)) throw malformed("lots")
  return value.map((entry: unknown) => {
    if (!Array.isArray(entry)) throw malformed("lots")
    const [id, used] = entry as readonly unknown[]
    return [count({ id }, "id"), count({ used }, "used")]
  })
}

function count(header: Header, name: string): number {
  const value = header[name]
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value
  throw malformed(name)
}

function text(header: Header, name: string): string {
  const value = header[name]
  if (typeof value === "string") return value
  throw malformed(name)
}

function object(header: Header, name: string): Header {
  const value = header[name]
  if (typeof value === "object" && value !== null) return value as Header
  throw malformed(name)
}

function malformed(name: string): QkdError {
  return new QkdError("malformed-message", `an outlet's message: ${name}`)
}
