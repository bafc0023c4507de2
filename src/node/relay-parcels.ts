// What the source of end keys sends for one batch: one parcel over its path, or a share over each of several, with
// what it signs of it. Draws shares, and sends nothing itself.

import type { KeyObject } from "node:crypto"
import { QkdError } from "../errors.js"
import { uuidFrom } from "../keys/bytes.js"
import { consignmentBytes, payloadBytes, RELAY_LIMITS } from "../keys/relay-header.js"
import type { Consignment } from "../keys/relay-header.js"
import { backingsOf, checkSource, farEndOf, firstHopOf } from "../keys/relay-rules.js"
import type { NextHop, RelaySite } from "../keys/relay-rules.js"
import { Secret } from "../keys/secret.js"
import { sharedRelay, splitIntoShares } from "../keys/shares.js"
import type { LinkConfig } from "../model/link.js"
import { signContents } from "./signing.js"

export interface Parcel {
  readonly offer: Consignment
  readonly hop: NextHop
  /** Keys or share, and the source's signature: the sender wipes it. */
  readonly payload: Secret
}

/**
 * The parcels that carry `keys`, which are lent.
 *
 * @param whole the batch as the destination will keep it
 * @throws QkdError app-tag `policy`, `no-path`
 */
export function parcelsOf(
  site: RelaySite,
  signKey: KeyObject,
  random: (bytes: number) => Uint8Array,
  whole: Consignment,
  keys: Secret,
): Parcel[] {
  const app = site.app(whole.appId)
  if (app === undefined)
    throw new QkdError("operation-failed", `no association ${whole.appId} here`, {
      appTag: "no-path",
    })
  const entries = backingsOf(site, app)
  if (entries.length > RELAY_LIMITS.shares)
    throw new QkdError("invalid-value", `keys are shared over ${RELAY_LIMITS.shares} paths at most`)
  const offers = entries.map((entry, index): Omit<Parcel, "payload"> => {
    const relayed = entry.type === "VIRT"
    const offer: Consignment = {
      ...whole,
      pathQkdlId: entry.qkdlId,
      ...(relayed && { signed: true }),
      ...(relayed && app.relayScheme !== undefined && { scheme: app.relayScheme }),
      ...(entries.length > 1 && {
        transferId: uuidFrom(random(16)),
        share: { groupId: whole.transferId, index, count: entries.length },
      }),
    }
    checkEnd(site, entry, whole)
    const hop = firstHopOf(site, entry)
    checkSource(site, offer, hop.qkdnId)
    return { offer, hop }
  })
  const shares = splitIntoShares(keys, entries.length, random)
  return offers.map(({ offer, hop }, index) => {
    const share = shares[index] ?? Secret.zero(0)
    const payload = payloadOf(signKey, offer, share)
    return { offer, hop, payload }
  })
}

/** Whether the shares took paths that meet nowhere between the ends. @throws QkdError app-tag `policy`. */
export function checkDisjoint(paths: readonly (readonly string[])[]): void {
  for (const [index, path] of paths.entries()) {
    for (const other of paths.slice(index + 1)) {
      const shared = sharedRelay(path.slice(0, -1), other.slice(0, -1))
      if (shared !== undefined)
        throw new QkdError("access-denied", `two shares passed ${shared}`, { appTag: "policy" })
    }
  }
}

function checkEnd(site: RelaySite, entry: LinkConfig, { destination }: Consignment): void {
  if (farEndOf(site, entry) !== destination)
    throw new QkdError("operation-failed", `path ${entry.qkdlId} leads elsewhere`, {
      appTag: "no-path",
    })
}

/** Takes the share over. */
function payloadOf(signKey: KeyObject, offer: Consignment, keys: Secret): Secret {
  if (offer.signed !== true) return keys
  const payload = Secret.zero(payloadBytes(offer))
  const size = consignmentBytes(offer)
  keys.use((bytes) => {
    payload.use((target) => {
      target.set(bytes)
      const signature = signContents(signKey, offer, bytes)
      target.set(signature, size)
      signature.fill(0)
    })
  })
  keys.wipe()
  return payload
}
