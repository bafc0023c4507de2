// What an intake is called, kept as and answered with: keys that a neighbouring domain gave (ETSI GS QKD 020).

import { encodeIntake } from "../keys/border-records.js"
import type { AckStatus, Intake } from "../keys/border-records.js"
import type { Consignment } from "../keys/relay-header.js"
import { Secret } from "../keys/secret.js"
import type { StoreOp } from "./key-store.js"
import { intakeKey } from "./records.js"

/** Of an intake whose keys are no longer under way. */
export function statusOf({ state }: Intake): AckStatus {
  return state === "relayed" || state === "voided" ? state : "failed"
}

export function opOf(intake: Intake): StoreOp {
  return { key: intakeKey(intake.intakeId), value: encodeIntake(intake) }
}

export function nameOf(domain: string, keyId: string): string {
  return `${keyId} ${domain}`
}

/** One key of a batch, to be taken back alone: its own id stands for the transfer's (`EndKeys.voidBatch`). */
export function aloneOf(offer: Consignment, keyId: string): Consignment {
  return { ...offer, transferId: keyId, keyIds: [keyId] }
}

export function joined(keys: readonly Secret[]): Secret {
  const together = Secret.zero(keys.reduce((sum, key) => sum + key.lengthBytes, 0))
  let at = 0
  for (const key of keys) {
    together.use((to) => {
      key.use((from) => {
        to.set(from, at)
      })
    })
    at += key.lengthBytes
  }
  return together
}
