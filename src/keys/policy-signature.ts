// Who signed a site policy: Ed25519 over the policy's canonical JSON, by m of the n signers that the node was
// given when it was installed. Files and the highest version seen are node/policy-file.ts.

import { createHash, createPublicKey, sign, verify } from "node:crypto"
import type { KeyObject } from "node:crypto"
import { QkdError } from "../errors.js"
import { array, invalid, members, parsePolicy, text } from "./policy-document.js"
import type { PolicyDocument, SitePolicy } from "./policy.js"

/** From the node's own configuration: never from the controller, never from the policy itself. */
export interface PolicyTrust {
  /** Ed25519 SubjectPublicKeyInfo, base64. */
  readonly signers: readonly string[]
  /** How many of them must have signed. */
  readonly threshold: number
}

export interface PolicySignature {
  /** The signer's public key, SubjectPublicKeyInfo in base64. */
  readonly signer: string
  /** Base64. */
  readonly signature: string
}

/** What lies in the policy file. */
export interface SignedPolicy {
  readonly policy: PolicyDocument
  readonly signatures: readonly PolicySignature[]
}

/** The version a node has once obeyed. Policies of that version with other content are refused too. */
export interface PolicyMark {
  readonly version: number
  /** SHA-256 of the canonical policy, lower-case hex. */
  readonly sha256: string
}

/** A signature for a policy must not be usable for anything else, nor the other way round. */
const PURPOSE = "keyloom site policy 1\n"

/**
 * JSON in one form only: members sorted by UTF-16 code units, no white space (RFC 8785 for the values that
 * policies hold).
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, member]) => member !== undefined)
    entries.sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(",")}}`
  }
  if (typeof value === "string" || typeof value === "boolean" || value === null) {
    return JSON.stringify(value)
  }
  if (typeof value === "number" && Number.isFinite(value)) return JSON.stringify(value)
  throw new QkdError("invalid-value", "not a JSON value")
}

/** Signs a policy with one signer's private key. */
export function signPolicy(policy: PolicyDocument, privateKey: KeyObject): PolicySignature {
  return {
    signer: createPublicKey(privateKey).export({ type: "spki", format: "der" }).toString("base64"),
    signature: sign(null, signedBytes(policy), privateKey).toString("base64"),
  }
}

/**
 * The policy in a signed document, once enough of the trusted signers have signed exactly this.
 *
 * @throws QkdError `access-denied` app-tag `policy` when signatures are missing or wrong; as `parsePolicy`
 * for what is signed but malformed.
 */
export function openSignedPolicy(value: unknown, trust: PolicyTrust): SitePolicy {
  const signers = new Map(
    trust.signers.map((signer) => [
      signer,
      createPublicKey({ key: Buffer.from(signer, "base64"), format: "der", type: "spki" }),
    ]),
  )
  if (trust.threshold < 1 || trust.threshold > signers.size) {
    throw new QkdError("invalid-value", `${trust.threshold} of ${signers.size} signers cannot be`)
  }
  const envelope = members(value, "", ["policy", "signatures"])
  const bytes = signedBytes(envelope.policy)
  const signed = new Set<string>()
  for (const [i, entry] of array(envelope.signatures, "/signatures").entries()) {
    const path = `/signatures/${i}`
    const { signer, signature } = parseSignature(entry, path)
    const key = signers.get(signer)
    // Others may sign for nodes that trust them; here they count for nothing.
    if (key === undefined) continue
    if (signed.has(signer)) throw invalid(`${path}/signer`, "has signed twice")
    if (!verify(null, bytes, key, Buffer.from(signature, "base64"))) {
      throw denied(`the signature of signer ${i + 1} does not fit the policy`, path)
    }
    signed.add(signer)
  }
  if (signed.size < trust.threshold) {
    throw denied(`${signed.size} of ${trust.threshold} needed trusted signatures`, "/signatures")
  }
  return parsePolicy(envelope.policy)
}

/** What is remembered of a policy once it is in force. */
export function policyMark(policy: SitePolicy): PolicyMark {
  const sha256 = createHash("sha256").update(canonicalJson(policy.document)).digest("hex")
  return { version: policy.version, sha256 }
}

/**
 * Versions only grow (threat D2): an older policy, or another one with the version in force, is refused.
 *
 * @throws QkdError `access-denied`, app-tag `policy`.
 */
export function refuseRollback(candidate: SitePolicy, highest: PolicyMark | undefined): void {
  if (highest === undefined || candidate.version > highest.version) return
  if (candidate.version < highest.version) {
    throw denied(
      `policy version ${candidate.version} is older than ${highest.version}, which was in force`,
      "/policy/version",
    )
  }
  if (policyMark(candidate).sha256 !== highest.sha256) {
    throw denied(`another policy already had version ${candidate.version}`, "/policy/version")
  }
}

/** What a signature is over. */
export function signedBytes(policy: unknown): Buffer {
  return Buffer.from(PURPOSE + canonicalJson(policy), "utf8")
}

/** @throws QkdError `invalid-value` and the like, with the path */
export function parseSignature(value: unknown, path: string): PolicySignature {
  const entry = members(value, path, ["signer", "signature"])
  return {
    signer: text(entry.signer, `${path}/signer`, /^[A-Za-z0-9+/]{59}=$/, "an Ed25519 public key"),
    signature: text(
      entry.signature,
      `${path}/signature`,
      /^[A-Za-z0-9+/]{86}==$/,
      "an Ed25519 signature",
    ),
  }
}

function denied(message: string, path: string): QkdError {
  return new QkdError("access-denied", message, { appTag: "policy", path })
}
