// A site policy on its way from one signer to the next: bare at first, then with the signatures there are so far. Each is
// looked at before another is added. Who is trusted, and how many it takes, is the node's to say (policy-signature.ts).

import { createPublicKey, verify } from "node:crypto"
import type { KeyObject } from "node:crypto"
import { QkdError } from "../errors.js"
import { array, invalid, members, parsePolicy } from "./policy-document.js"
import { parseSignature, signedBytes, signPolicy } from "./policy-signature.js"
import type { PolicySignature, SignedPolicy } from "./policy-signature.js"
import type { SitePolicy } from "./policy.js"

export interface PolicyEnvelope {
  readonly policy: SitePolicy
  /** As they stand in the file: each fits the policy and its own key. */
  readonly signatures: readonly PolicySignature[]
}

/**
 * A policy file's JSON: a policy, or one with signatures.
 *
 * @throws QkdError as `parsePolicy`; `invalid-value` with the path of a signature that does not fit, or comes twice
 */
export function readEnvelope(value: unknown): PolicyEnvelope {
  const isSigned = typeof value === "object" && value !== null && "policy" in value
  if (!isSigned) return { policy: parsePolicy(value), signatures: [] }
  const envelope = members(value, "", ["policy", "signatures"])
  const policy = parsePolicy(envelope.policy)
  const bytes = signedBytes(envelope.policy)
  const signers = new Set<string>()
  const signatures = array(envelope.signatures, "/signatures").map((entry, at) => {
    const path = `/signatures/${at}`
    const one = parseSignature(entry, path)
    if (signers.has(one.signer)) throw invalid(`${path}/signer`, "has signed twice")
    signers.add(one.signer)
    const key = createPublicKey({
      key: Buffer.from(one.signer, "base64"),
      format: "der",
      type: "spki",
    })
    if (!verify(null, bytes, key, Buffer.from(one.signature, "base64")))
      throw invalid(
        `${path}/signature`,
        "does not fit the policy: it was changed after it was signed",
      )
    return one
  })
  return { policy, signatures }
}

/**
 * The file with one more signature.
 *
 * @throws QkdError `data-exists` when this signer has signed it already; `invalid-value` for a key that is not Ed25519
 */
export function withSignature(
  { policy, signatures }: PolicyEnvelope,
  privateKey: KeyObject,
): SignedPolicy {
  if (privateKey.asymmetricKeyType !== "ed25519")
    throw new QkdError("invalid-value", "a policy is signed with an Ed25519 key")
  const added = signPolicy(policy.document, privateKey)
  if (signatures.some(({ signer }) => signer === added.signer))
    throw new QkdError("data-exists", "this signer has signed it already: it takes another person")
  return { policy: policy.document, signatures: [...signatures, added] }
}
