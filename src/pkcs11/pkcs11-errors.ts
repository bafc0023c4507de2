// What a token's return values mean here (PKCS #11 Base Specification 3.0, 5.1).

import { QkdError } from "../errors.js"
import { CKR, returnValueOf } from "./pkcs11-module.js"

const WRONG_PIN: readonly number[] = [
  CKR.PIN_INCORRECT,
  CKR.PIN_INVALID,
  CKR.PIN_LEN_RANGE,
  CKR.PIN_EXPIRED,
  CKR.PIN_LOCKED,
]
const GONE: readonly number[] = [
  CKR.GENERAL_ERROR,
  CKR.FUNCTION_FAILED,
  CKR.DEVICE_ERROR,
  CKR.DEVICE_REMOVED,
  CKR.SESSION_CLOSED,
  CKR.SESSION_HANDLE_INVALID,
  CKR.TOKEN_NOT_PRESENT,
  CKR.TOKEN_NOT_RECOGNIZED,
  CKR.USER_NOT_LOGGED_IN,
]

/** The session, the token or its device is not there any more. */
export function isGone(cause: unknown): boolean {
  const code = returnValueOf(cause)
  return code !== undefined && GONE.includes(code)
}

/** @throws QkdError in place of what the module throws */
export function calling<T>(call: () => T): T {
  try {
    return call()
  } catch (cause) {
    throw asTokenError(cause)
  }
}

export function asTokenError(cause: unknown): QkdError {
  if (cause instanceof QkdError) return cause
  const code = returnValueOf(cause)
  const said = cause instanceof Error ? cause.message : "unknown fault"
  if (code === undefined) return new QkdError("operation-failed", "internal error", { cause })
  if (WRONG_PIN.includes(code)) {
    return new QkdError(
      "access-denied",
      `the token refuses the PIN (${said}); it is not tried again`,
    )
  }
  if (code === CKR.DEVICE_MEMORY) {
    return new QkdError("resource-denied", "the token is full", { appTag: "no-capacity" })
  }
  if (code === CKR.KEY_FUNCTION_NOT_PERMITTED) {
    return new QkdError("access-denied", "the key may not be used so (any more)", {
      appTag: "policy",
    })
  }
  if (isGone(cause)) {
    return new QkdError("operation-failed", `the token does not answer (${said})`, {
      appTag: "node-unreachable",
    })
  }
  return new QkdError("operation-failed", `the token refuses: ${said}`)
}
