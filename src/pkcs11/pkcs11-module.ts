// What is used of a PKCS#11 module (OASIS PKCS #11 Base Specification 3.0), as the optional package pkcs11js gives it.
// Numbers are the standard's.

import { QkdError } from "../errors.js"

export type Handle = Buffer

export interface Attribute {
  readonly type: number
  readonly value?: number | boolean | string | Buffer
}

export interface Mechanism {
  readonly mechanism: number
  readonly parameter?: object
}

export interface Pkcs11 {
  load(path: string): void
  close(): void
  C_Initialize(options?: { readonly flags: number }): void
  C_Finalize(): void
  C_GetSlotList(tokenPresent: boolean): Handle[]
  C_GetTokenInfo(slot: Handle): { readonly label: string; readonly serialNumber: string }
  C_GetMechanismList(slot: Handle): number[]
  C_OpenSession(slot: Handle, flags: number): Handle
  C_Login(session: Handle, userType: number, pin: string): void
  C_CreateObject(session: Handle, template: readonly Attribute[]): Handle
  C_DestroyObject(session: Handle, object: Handle): void
  C_GetAttributeValue(
    session: Handle,
    object: Handle,
    template: readonly Attribute[],
  ): { readonly type: number; readonly value: Buffer }[]
  C_SetAttributeValue(session: Handle, object: Handle, template: readonly Attribute[]): void
  C_FindObjectsInit(session: Handle, template: readonly Attribute[]): void
  C_FindObjects(session: Handle, maxCount: number): Handle[]
  C_FindObjectsFinal(session: Handle): void
  C_GenerateKey(session: Handle, mechanism: Mechanism, template: readonly Attribute[]): Handle
  C_GenerateKeyPair(
    session: Handle,
    mechanism: Mechanism,
    publicTemplate: readonly Attribute[],
    privateTemplate: readonly Attribute[],
  ): { readonly publicKey: Handle; readonly privateKey: Handle }
  C_UnwrapKey(
    session: Handle,
    mechanism: Mechanism,
    unwrappingKey: Handle,
    wrapped: Buffer,
    template: readonly Attribute[],
  ): Handle
  C_DeriveKey(
    session: Handle,
    mechanism: Mechanism,
    base: Handle,
    template: readonly Attribute[],
  ): Handle
  C_SignInit(session: Handle, mechanism: Mechanism, key: Handle): void
  C_Sign(session: Handle, data: Buffer, out: Buffer): Buffer
  C_EncryptInit(session: Handle, mechanism: Mechanism, key: Handle): void
  C_Encrypt(session: Handle, data: Buffer, out: Buffer): Buffer
  C_DecryptInit(session: Handle, mechanism: Mechanism, key: Handle): void
  C_Decrypt(session: Handle, data: Buffer, out: Buffer): Buffer
}

export const CKA = {
  CLASS: 0x000,
  TOKEN: 0x001,
  PRIVATE: 0x002,
  LABEL: 0x003,
  VALUE: 0x011,
  KEY_TYPE: 0x100,
  ID: 0x102,
  SENSITIVE: 0x103,
  ENCRYPT: 0x104,
  DECRYPT: 0x105,
  WRAP: 0x106,
  UNWRAP: 0x107,
  SIGN: 0x108,
  DERIVE: 0x10c,
  MODULUS: 0x120,
  MODULUS_BITS: 0x121,
  PUBLIC_EXPONENT: 0x122,
  VALUE_LEN: 0x161,
  EXTRACTABLE: 0x162,
  NEVER_EXTRACTABLE: 0x164,
} as const

export const CKO_SECRET_KEY = 4
export const CKK_GENERIC_SECRET = 0x10
export const CKK_AES = 0x1f
export const CKU_USER = 1
export const CKF_OS_LOCKING_OK = 2
export const CKF_RW_SESSION = 2
export const CKF_SERIAL_SESSION = 4

export const CKM = {
  RSA_PKCS_KEY_PAIR_GEN: 0x0000,
  RSA_PKCS_OAEP: 0x0009,
  SHA_1: 0x0220,
  SHA256_HMAC: 0x0251,
  AES_KEY_GEN: 0x1080,
  AES_GCM: 0x1087,
  AES_CMAC: 0x108a,
  AES_CBC_ENCRYPT_DATA: 0x1105,
  AES_KEY_WRAP: 0x2109,
} as const

/** pkcs11js's tags of parameter structures. */
export const PARAMS = { AES_CBC: 1, AES_GCM: 3, RSA_OAEP: 4 } as const

export const CKR = {
  GENERAL_ERROR: 0x05,
  FUNCTION_FAILED: 0x06,
  ATTRIBUTE_TYPE_INVALID: 0x12,
  DEVICE_ERROR: 0x30,
  DEVICE_MEMORY: 0x31,
  DEVICE_REMOVED: 0x32,
  KEY_FUNCTION_NOT_PERMITTED: 0x68,
  OBJECT_HANDLE_INVALID: 0x82,
  PIN_INCORRECT: 0xa0,
  PIN_INVALID: 0xa1,
  PIN_LEN_RANGE: 0xa2,
  PIN_EXPIRED: 0xa3,
  PIN_LOCKED: 0xa4,
  SESSION_CLOSED: 0xb0,
  SESSION_HANDLE_INVALID: 0xb3,
  TOKEN_NOT_PRESENT: 0xe0,
  TOKEN_NOT_RECOGNIZED: 0xe1,
  USER_NOT_LOGGED_IN: 0x101,
} as const

/** Return value of a failed call, or undefined when the fault is another. */
export function returnValueOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null) return undefined
  const code: unknown = Reflect.get(error, "code")
  return typeof code === "number" ? code : undefined
}

/** @throws QkdError `operation-not-supported` with what to do, where the optional package is not installed. */
export async function loadPkcs11(): Promise<Pkcs11> {
  // Not a literal: the package is optional, and neither the compiler nor a bundler may ask for it.
  const name: string = "pkcs11js"
  let loaded: unknown
  try {
    loaded = await import(name)
  } catch (cause) {
    throw new QkdError(
      "operation-not-supported",
      "the optional package pkcs11js is not installed: it is compiled when it is installed, which needs a C++ compiler, " +
        "make and Python (Debian: apt-get install g++ make python3), then `npm ci` again",
      { cause },
    )
  }
  const make = constructorOf(loaded)
  return new make()
}

function constructorOf(loaded: unknown): new () => Pkcs11 {
  for (const holder of [loaded, Reflect.get(Object(loaded), "default")]) {
    const found: unknown = Reflect.get(Object(holder), "PKCS11")
    if (typeof found === "function") return found as new () => Pkcs11
  }
  throw new QkdError("operation-not-supported", "the installed pkcs11js is not of a known kind")
}
