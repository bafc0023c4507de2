// What the token process can be asked and what it answers, as the headers of its frames, and their check.

import { QkdError } from "../errors.js"
import { type KeyWay, MAC_BYTES, type TokenKey } from "./hsm-token.js"

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
  return { id: count(header["id"], "/id"), ...readOperation(header, bytes) }
}

function readOperation(header: Header, bytes: number): Operation {
  const { op } = header
  const keyId = (): string => text(header["keyId"], "/keyId")
  switch (op) {
    case "open": {
      const { lockDir } = header
      return {
        op,
        library: text(header["library"], "/library"),
        label: text(header["label"], "/label"),
        ...(lockDir !== undefined && { lockDir: text(lockDir, "/lockDir") }),
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
      if (by !== "rsa-oaep" && by !== "aes-key-wrap") throw malformed("/by")
      return { op, by, key: readKey(header["key"], "/key") }
    }
    case "prove":
      return { op, keyId: keyId(), parts: readParts(header["parts"], bytes) }
    case "spend":
    case "destroy":
      return { op, keyId: keyId() }
    case "encrypt":
    case "decrypt":
      return { op, keyId: keyId(), parts: readThree(readParts(header["parts"], bytes)) }
    default:
      throw malformed("/op")
  }
}

function readParts(value: unknown, bytes: number): readonly number[] {
  const parts = list(value, "/parts").map((one, at) => count(one, `/parts/${at}`))
  if (parts.reduce((sum, part) => sum + part, 0) !== bytes) throw malformed("/parts")
  return parts
}

function readThree(parts: readonly number[]): [number, number, number] {
  const [nonce, aad, data, ...more] = parts
  if (nonce === undefined || aad === undefined || data === undefined || more.length > 0) {
    throw malformed("/parts")
  }
  return [nonce, aad, data]
}

/** The answer to `keys`. @throws QkdError `malformed-message` with the path to the fault */
export function readKeys(result: unknown): TokenKey[] {
  return list(result, "/result").map((key, at) => readKey(key, `/result/${at}`))
}

/** The answer to `sweep`. @throws QkdError `malformed-message` with the path to the fault */
export function readSwept(result: unknown): number {
  return count(result, "/result")
}

/** How long the modulus is in the answer to `wrapping-key`. @throws QkdError `malformed-message` */
export function readModulusBytes(result: unknown, bytes: number): number {
  const [modulus, exponent] = list(result, "/result")
  const length = count(modulus, "/result/0")
  if (length + count(exponent, "/result/1") !== bytes) throw malformed("/result")
  return length
}

/** The proofs in the answer to `prove`. @throws QkdError `malformed-message` when they are not so many */
export function readProofs(bytes: Buffer, proofs: number): Buffer[] {
  if (bytes.length !== proofs * MAC_BYTES) throw malformed("/bytes")
  return Array.from({ length: proofs }, (_, at) =>
    Buffer.from(bytes.subarray(at * MAC_BYTES, (at + 1) * MAC_BYTES)),
  )
}

function readKey(value: unknown, path: string): TokenKey {
  if (typeof value !== "object" || value === null) throw malformed(path)
  const member = (name: string): unknown => Reflect.get(value, name)
  return {
    keyId: text(member("keyId"), `${path}/keyId`),
    peer: text(member("peer"), `${path}/peer`),
    way: readWay(member("way"), `${path}/way`),
  }
}

function readWay(value: unknown, path: string): KeyWay {
  if (value !== "out" && value !== "in") throw malformed(path)
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

function list(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(path)
  return value as readonly unknown[]
}

function malformed(path: string): QkdError {
  return new QkdError("malformed-message", `${path} is not as the token process is asked`, { path })
}
