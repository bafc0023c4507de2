// Ed25519 signatures between sites: who stored which keys, who voids which, how old whose store is. Each kind of
// statement begins with words of its own, so that none can be taken for another.

import { createPublicKey, hash, sign, verify } from "node:crypto"
import type { KeyObject } from "node:crypto"
import { ByteWriter } from "../keys/bytes.js"
import { epsilonToWire } from "../keys/epsilon.js"
import type { PeerIdentity } from "../keys/policy-view.js"
import { consignmentRoom, writeConsignment } from "../keys/relay-header.js"
import type { Consignment } from "../keys/relay-header.js"
import { markStatement } from "../keys/store-mark.js"
import type { SignedMark, StoreMark } from "../keys/store-mark.js"
import type { Along, Nack, Void, Voided } from "./relay-wire.js"
import { unmovedBuffer } from "../unmoved.js"

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

/** What the destination says of a batch it stored. */
export interface Receipt {
  /** The whole path, ends included. */
  readonly nodes: readonly string[]
  /** Of the whole path; absent where that of a hop is not known. */
  readonly epsilon?: number
}

/** What is signed of one batch, among those of an acknowledgement. */
export function ackDigest(offer: Consignment, receipt: Receipt): Buffer {
  return hash("sha256", ackStatement(offer, receipt), "buffer")
}

export function signAck(key: KeyObject, digests: readonly Uint8Array[]): Buffer {
  return sign(null, acksStatement(digests), key)
}

export function isAckOf(
  peer: PeerIdentity,
  digests: readonly Uint8Array[],
  signature: Uint8Array,
): boolean {
  return verify(null, acksStatement(digests), publicKeyOf(peer), signature)
}

/** The source's word on what it sends: travels under the pad, since it says something of the keys. */
export function signContents(key: KeyObject, offer: Consignment, keys: Uint8Array): Buffer {
  const statement = contentsStatement(offer, keys)
  try {
    return sign(null, statement, key)
  } finally {
    statement.fill(0)
  }
}

export function areContentsOf(
  source: PeerIdentity,
  offer: Consignment,
  keys: Uint8Array,
  signature: Uint8Array,
): boolean {
  const statement = contentsStatement(offer, keys)
  try {
    return verify(null, statement, publicKeyOf(source), signature)
  } finally {
    statement.fill(0)
  }
}

/** The destination's word on shares that were altered, or did not come. */
export function signNack(key: KeyObject, nack: Omit<Nack, "signature">): Buffer {
  return sign(null, nackStatement(nack), key)
}

export function isNackOf(peer: PeerIdentity, nack: Nack): boolean {
  const { signature } = nack
  return signature !== undefined && verify(null, nackStatement(nack), publicKeyOf(peer), signature)
}

export function signVoid(key: KeyObject, message: Along): Buffer {
  return sign(null, alongStatement("keyloom relay void 1", message), key)
}

export function isVoidOf(peer: PeerIdentity, message: Along, signature: Uint8Array): boolean {
  return verify(null, alongStatement("keyloom relay void 1", message), publicKeyOf(peer), signature)
}

/** The destination's word on what became of a void. */
export function signVoided(key: KeyObject, message: Omit<Voided, "signature">): Buffer {
  return sign(null, alongStatement(`keyloom relay ${message.outcome} 1`, message), key)
}

export function isVoidedOf(peer: PeerIdentity, message: Voided): boolean {
  const statement = alongStatement(`keyloom relay ${message.outcome} 1`, message)
  return verify(null, statement, publicKeyOf(peer), message.signature)
}

/** A node's word that its store is the one named. */
export function signStoreNews(key: KeyObject, news: Along): Buffer {
  return sign(null, alongStatement("keyloom relay store 1", news), key)
}

export function isStoreNewsOf(peer: PeerIdentity, news: Void): boolean {
  const statement = alongStatement("keyloom relay store 1", news)
  return verify(null, statement, publicKeyOf(peer), news.signature)
}

/** A node's word on its end of a key stream. */
export function signStream(key: KeyObject, news: Uint8Array): Buffer {
  return sign(null, streamStatement(news), key)
}

export function isStreamOf(peer: PeerIdentity, news: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, streamStatement(news), publicKeyOf(peer), signature)
}

function streamStatement(news: Uint8Array): Buffer {
  return new ByteWriter(512).text("keyloom key stream 1").raw(news).finish()
}

function acksStatement(digests: readonly Uint8Array[]): Buffer {
  const writer = new ByteWriter(512).text("keyloom relay acks 3").u16(digests.length)
  for (const digest of digests) writer.raw(digest)
  return writer.finish()
}

/** Statements that are hashed at once, one after the other. */
const room = Buffer.alloc(20_000)

/** Lent until the next. */
function ackStatement(offer: Consignment, { nodes, epsilon }: Receipt): Buffer {
  const writer = new ByteWriter(room).text("keyloom relay ack 3")
  return writeConsignment(writer, offer).texts(nodes).f64(epsilonToWire(epsilon)).finish()
}

/** In a buffer of its own: it is wiped. */
function contentsStatement(offer: Consignment, keys: Uint8Array): Buffer {
  const writer = new ByteWriter(512 + consignmentRoom(offer)).text("keyloom relay contents 1")
  const head = writeConsignment(writer, offer).finish()
  const statement = unmovedBuffer(head.length + keys.length)
  statement.set(head)
  statement.set(keys, head.length)
  return statement
}

function nackStatement(nack: Omit<Nack, "signature">): Buffer {
  return new ByteWriter(256)
    .text("keyloom relay nack 1")
    .uuid(nack.transferId)
    .text(nack.pathQkdlId)
    .text(nack.source)
    .text(nack.destination)
    .text(nack.qkdnId)
    .text(nack.reason)
    .texts(nack.paths ?? [])
    .finish()
}

function alongStatement(purpose: string, message: Along): Buffer {
  const { transferId, pathQkdlId, source, destination } = message
  return new ByteWriter(256)
    .text(purpose)
    .uuid(transferId)
    .text(pathQkdlId)
    .text(source)
    .text(destination)
    .finish()
}
