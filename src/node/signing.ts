// Ed25519 signatures between sites: who stored which keys, who voids which, how old whose store is. Each kind of
// statement begins with words of its own, so that none can be taken for another.

import { createPublicKey, sign, verify } from "node:crypto"
import type { KeyObject } from "node:crypto"
import { ByteWriter } from "../keys/bytes.js"
import type { PeerIdentity } from "../keys/policy-view.js"
import { encodeConsignment } from "../keys/relay-header.js"
import type { Consignment } from "../keys/relay-header.js"
import { markStatement } from "../keys/store-mark.js"
import type { SignedMark, StoreMark } from "../keys/store-mark.js"
import type { Along } from "./relay-wire.js"

// Importing a key costs more than checking with it; identities are objects of the policy, kept weakly.
const imported = new WeakMap<PeerIdentity, KeyObject>()

function publicKeyOf(peer: PeerIdentity): KeyObject {
  const known = imported.get(peer)
  if (known !== undefined) return known
  const x = Buffer.from(peer.signPublicKey).toString("base64url")
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" })
  imported.set(peer, key)
  return key
}

export function signMark(key: KeyObject, qkdnId: string, mark: StoreMark): SignedMark {
  return { mark, signature: sign(null, markStatement(qkdnId, mark), key) }
}

/** Whether `peer` itself said so. */
export function isMarkOf(peer: PeerIdentity, { mark, signature }: SignedMark): boolean {
  return verify(null, markStatement(peer.qkdnId, mark), publicKeyOf(peer), signature)
}

/** Whether this node itself said so, by its own public key. */
export function isOwnMark(
  key: KeyObject,
  qkdnId: string,
  { mark, signature }: SignedMark,
): boolean {
  return verify(null, markStatement(qkdnId, mark), key, signature)
}

export function signAck(key: KeyObject, offer: Consignment, nodes: readonly string[]): Buffer {
  return sign(null, ackStatement(offer, nodes), key)
}

export function isAckOf(
  peer: PeerIdentity,
  offer: Consignment,
  nodes: readonly string[],
  signature: Uint8Array,
): boolean {
  return verify(null, ackStatement(offer, nodes), publicKeyOf(peer), signature)
}

export function signVoid(key: KeyObject, message: Along): Buffer {
  return sign(null, voidStatement(message), key)
}

export function isVoidOf(peer: PeerIdentity, message: Along, signature: Uint8Array): boolean {
  return verify(null, voidStatement(message), publicKeyOf(peer), signature)
}

function ackStatement(offer: Consignment, nodes: readonly string[]): Buffer {
  return new ByteWriter(512)
    .text("keyloom relay ack 1")
    .raw(encodeConsignment(offer))
    .texts(nodes)
    .finish()
}

function voidStatement({ transferId, pathQkdlId, source, destination }: Along): Buffer {
  return new ByteWriter(256)
    .text("keyloom relay void 1")
    .uuid(transferId)
    .text(pathQkdlId)
    .text(source)
    .text(destination)
    .finish()
}
