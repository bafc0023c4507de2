// A logged-in session with a PKCS#11 token, found by its label. Runs in a process of its own, which holds it.

import { QkdError } from "../errors.js"
import { calling } from "./pkcs11-errors.js"
import { CKF_OS_LOCKING_OK, CKF_RW_SESSION, CKF_SERIAL_SESSION } from "./pkcs11-module.js"
import { CKM, CKU_USER, type Handle, type Pkcs11 } from "./pkcs11-module.js"

/**
 * Logs in once: a wrong PIN is never tried again, as tokens lock after a few.
 *
 * @param tokenLabel CKA label of the token, without padding
 * @param mechanisms what it must offer
 * @throws QkdError `invalid-value` no such library, `data-missing` no such token, `access-denied` wrong PIN,
 * `operation-not-supported` a mechanism is missing, app-tag `node-unreachable` the token does not work
 */
export function logIn(
  module: Pkcs11,
  library: string,
  tokenLabel: string,
  pin: string,
  mechanisms: readonly (keyof typeof CKM)[],
): Handle {
  try {
    module.load(library)
  } catch (cause) {
    throw new QkdError("invalid-value", `cannot load the PKCS#11 library ${library}`, { cause })
  }
  return calling(() => {
    module.C_Initialize({ flags: CKF_OS_LOCKING_OK })
    const slot = module
      .C_GetSlotList(true)
      .find((each) => module.C_GetTokenInfo(each).label.trimEnd() === tokenLabel)
    if (slot === undefined) {
      throw new QkdError("data-missing", `no token is labelled ${tokenLabel}`, {
        appTag: "node-unreachable",
      })
    }
    const offered = module.C_GetMechanismList(slot)
    for (const name of mechanisms) {
      if (!offered.includes(CKM[name])) {
        throw new QkdError(
          "operation-not-supported",
          `the token ${tokenLabel} does not offer CKM_${name}`,
        )
      }
    }
    const session = module.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION)
    module.C_Login(session, CKU_USER, pin)
    return session
  })
}
