// What the process that holds a node's token session can be asked, as the headers of its frames, and their check.

import { QkdError } from "../errors.js"

export type SealOperation =
  | {
      readonly op: "open-token"
      readonly library: string
      /** Of the token. */
      readonly label: string
      readonly qkdnId: string
    }
  | { readonly op: "keys" }
  /** `kekId`: CKA_ID, 16 bytes in hexadecimal. */
  | { readonly op: "make" | "destroy"; readonly kekId: string }
  /** Bytes: nonce, additional data, data, of these lengths. */
  | {
      readonly op: "seal" | "open"
      readonly kekId: string
      readonly parts: readonly [number, number, number]
    }

export type SealRequest = SealOperation & { readonly id: number }

const KEK_ID = /^[0-9a-f]{32}$/

type Header = Readonly<Record<string, unknown>>

/**
 * @param bytes how many come beside the header
 * @throws QkdError `malformed-message` with the path to the fault
 */
export function readSealRequest(header: Header, bytes: number): SealRequest {
  return { id: count(header["id"], "/id"), ...readOperation(header, bytes) }
}

function readOperation(header: Header, bytes: number): SealOperation {
  const { op } = header
  switch (op) {
    case "open-token":
      return {
        op,
        library: text(header["library"], "/library"),
        label: text(header["label"], "/label"),
        qkdnId: text(header["qkdnId"], "/qkdnId"),
      }
    case "keys":
      return { op }
    case "make":
    case "destroy":
      return { op, kekId: kekId(header["kekId"]) }
    case "seal":
    case "open":
      return { op, kekId: kekId(header["kekId"]), parts: readParts(header["parts"], bytes) }
    default:
      throw malformed("/op")
  }
}

/** The answer to `keys`. @throws QkdError `malformed-message` */
export function readKekIds(result: unknown): string[] {
  if (!Array.isArray(result)) throw malformed("/result")
  return result.map(kekId)
}

function readParts(value: unknown, bytes: number): [number, number, number] {
  if (!Array.isArray(value) || value.length !== 3) throw malformed("/parts")
  const [nonce, aad, data] = value.map((one, at) => count(one, `/parts/${at}`))
  if (nonce === undefined || aad === undefined || data === undefined) throw malformed("/parts")
  if (nonce + aad + data !== bytes) throw malformed("/parts")
  return [nonce, aad, data]
}

function kekId(value: unknown): string {
  if (typeof value !== "string" || !KEK_ID.test(value)) throw malformed("/kekId")
  return value
}

function text(value: unknown, path: string): string {
  if (typeof value !== "string" || value === "") throw malformed(path)
  return value
}

function count(value: unknown, path: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw malformed(path)
  return value
}

function malformed(path: string): QkdError {
  return new QkdError("malformed-message", `${path} is not as the token process is asked`, { path })
}
