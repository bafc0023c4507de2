// A small site and its signers, for policy tests.

import { createHash, generateKeyPairSync } from "node:crypto"
import type { KeyObject } from "node:crypto"
import type { PolicyDocument, PolicyPeer } from "../../src/keys/policy.js"

export const node = (n: number): string => `00000000-0000-4000-8000-00000000000${n}`
export const pin = (name: string): string => createHash("sha256").update(name).digest("hex")

export interface Signer {
  readonly privateKey: KeyObject
  /** SubjectPublicKeyInfo, base64. */
  readonly id: string
}

export function newSigner(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  return { privateKey, id: publicKey.export({ type: "spki", format: "der" }).toString("base64") }
}

export const ackKey = newSigner().id

export function peer(n: number, over: Partial<PolicyPeer> = {}): PolicyPeer {
  return {
    qkdnId: node(n),
    relaySpkiSha256: pin(`relay ${n}`),
    ackPublicKey: ackKey,
    roles: ["end", "neighbour", "relay"],
    ...over,
  }
}

/** Node 1 with SAE `alice`; neighbours 2 and 3, of which 3 has SAE `bob`; 4 is a far end with `carol`. */
export function policyDocument(over: Partial<PolicyDocument> = {}): PolicyDocument {
  return {
    version: 7,
    qkdnId: node(1),
    saes: [{ saeId: "alice", spkiSha256: [pin("alice")] }],
    peers: [
      peer(2),
      peer(3, { saes: ["bob"] }),
      peer(4, { roles: ["end"], saes: ["carol"] }),
      peer(5, { roles: ["neighbour"] }),
    ],
    relay: { allowed: true, maxHops: 4 },
    limits: {
      maxBpsPerApp: 5000,
      minKeySizeBits: 64,
      maxKeySizeBits: 4096,
      maxKeysPerRequest: 128,
    },
    ...over,
  }
}
