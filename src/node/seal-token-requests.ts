// What the process that holds a node's token session can be asked, as the headers of its frames, and their check.

import { countOf, gcmPartsOf, listOf, malformedAt, textOf } from "../pkcs11/token-values.js"

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
  return { id: countOf(header["id"], "/id"), ...readOperation(header, bytes) }
}

function readOperation(header: Header, bytes: number): SealOperation {
  const { op } = header
  switch (op) {
    case "open-token":
      return {
        op,
        library: textOf(header["library"], "/library"),
        label: textOf(header["label"], "/label"),
        qkdnId: textOf(header["qkdnId"], "/qkdnId"),
      }
    case "keys":
      return { op }
    case "make":
    case "destroy":
      return { op, kekId: kekId(header["kekId"]) }
    case "seal":
    case "open":
      return { op, kekId: kekId(header["kekId"]), parts: gcmPartsOf(header["parts"], bytes) }
    default:
      throw malformedAt("/op")
  }
}

/** The answer to `keys`. @throws QkdError `malformed-message` */
export function readKekIds(result: unknown): string[] {
  return listOf(result, "/result").map(kekId)
}

function kekId(value: unknown): string {
  if (typeof value !== "string" || !KEK_ID.test(value)) throw malformedAt("/kekId")
  return value
}
