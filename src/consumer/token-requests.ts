// What the token process can be asked and what it answers, as the headers of its frames, and their check.

import { type KeyWay, MAC_BYTES, type TokenKey } from "./hsm-token.js"
import {
  countOf,
  gcmPartsOf,
  listOf,
  malformedAt,
  partsOf,
  textOf,
} from "../pkcs11/token-values.js"

export type Operation =
  /** `lockDir`: held until the process ends, so that no two of a service are in the token. */
  | {
      readonly op: "open"
      readonly library: string
      readonly label: string
      readonly lockDir?: string
    }
  | { readonly op: "keys" | "sweep" | "wrapping-key" | "kek" }
  /** Bytes: the key. */
  | { readonly op: "import-plain"; readonly key: TokenKey }
  /** Bytes: the wrapped key. */
  | {
      readonly op: "import-wrapped"
      readonly key: TokenKey
      readonly by: "rsa-oaep" | "aes-key-wrap"
    }
  /** Bytes: the transcripts, of these lengths. */
  | { readonly op: "prove"; readonly keyId: string; readonly parts: readonly number[] }
  /** Bytes: nonce, additional data, data, of these lengths. */
  | {
      readonly op: "encrypt" | "decrypt"
      readonly keyId: string
      readonly parts: readonly [number, number, number]
    }
  | { readonly op: "spend" | "destroy"; readonly keyId: string }

export type Request = Operation & { readonly id: number }

type Header = Readonly<Record<string, unknown>>

/**
 * @param bytes how many come beside the header
 * @throws QkdError `malformed-message` with the path to the fault
 */
export function readRequest(header: Header, bytes: number): Request {
  return { id: countOf(header["id"], "/id"), ...readOperation(header, bytes) }
}

function readOperation(header: Header, bytes: number): Operation {
  const { op } = header
  const keyId = (): string => textOf(header["keyId"], "/keyId")
  switch (op) {
    case "open": {
      const { lockDir } = header
      return {
        op,
        library: textOf(header["library"], "/library"),
        label: textOf(header["label"], "/label"),
        ...(lockDir !== undefined && { lockDir: textOf(lockDir, "/lockDir") }),
      }
    }
    case "keys":
    case "sweep":
    case "wrapping-key":
    case "kek":
      return { op }
    case "import-plain":
      return { op, key: readKey(header["key"], "/key") }
    case "import-wrapped": {
      const { by } = header
      if (by !== "rsa-oaep" && by !== "aes-key-wrap") throw malformedAt("/by")
      return { op, by, key: readKey(header["key"], "/key") }
    }
    case "prove":
      return { op, keyId: keyId(), parts: partsOf(header["parts"], bytes) }
    case "spend":
    case "destroy":
      return { op, keyId: keyId() }
    case "encrypt":
    case "decrypt":
      return { op, keyId: keyId(), parts: gcmPartsOf(header["parts"], bytes) }
    default:
      throw malformedAt("/op")
  }
}

/** The answer to `keys`. @throws QkdError `malformed-message` with the path to the fault */
export function readKeys(result: unknown): TokenKey[] {
  return listOf(result, "/result").map((key, at) => readKey(key, `/result/${at}`))
}

/** The answer to `sweep`. @throws QkdError `malformed-message` with the path to the fault */
export function readSwept(result: unknown): number {
  return countOf(result, "/result")
}

/** How long the modulus is in the answer to `wrapping-key`. @throws QkdError `malformed-message` */
export function readModulusBytes(result: unknown, bytes: number): number {
  const [modulus, exponent] = listOf(result, "/result")
  const length = countOf(modulus, "/result/0")
  if (length + countOf(exponent, "/result/1") !== bytes) throw malformedAt("/result")
  return length
}

/** The proofs in the answer to `prove`. @throws QkdError `malformed-message` when they are not so many */
export function readProofs(bytes: Buffer, proofs: number): Buffer[] {
  if (bytes.length !== proofs * MAC_BYTES) throw malformedAt("/bytes")
  return Array.from({ length: proofs }, (_, at) =>
    Buffer.from(bytes.subarray(at * MAC_BYTES, (at + 1) * MAC_BYTES)),
  )
}

function readKey(value: unknown, path: string): TokenKey {
  if (typeof value !== "object" || value === null) throw malformedAt(path)
  const member = (name: string): unknown => Reflect.get(value, name)
  return {
    keyId: textOf(member("keyId"), `${path}/keyId`),
    peer: textOf(member("peer"), `${path}/peer`),
    way: readWay(member("way"), `${path}/way`),
  }
}

function readWay(value: unknown, path: string): KeyWay {
  if (value !== "out" && value !== "in") throw malformedAt(path)
  return value
}
