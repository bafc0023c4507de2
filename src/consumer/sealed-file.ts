// The sealed file: which key, then segments under AES-256-GCM. In the manner of STREAM (Hoang, Reyhanitabar, Rogaway,
// Vizár 2015), a segment's nonce says which one it is and whether it is the last, so that none can be moved, left out or
// cut off unseen, and a file of any size passes through bounded memory.
//
//   "keyloom sealed 1\n"  key id (16 bytes)  nonce prefix (7 bytes)  segments: 1 MiB sealed + tag (16 bytes); the last shorter
//
// It names the key and nothing else.

import { QkdError } from "../errors.js"
import { idBytes, uuidOf } from "./hsm-token.js"

const MAGIC = Buffer.from("keyloom sealed 1\n", "latin1")
const PREFIX_BYTES = 7
const TAG_BYTES = 16
export const SEGMENT_BYTES = 1024 * 1024
export const SEALED_SEGMENT_BYTES = SEGMENT_BYTES + TAG_BYTES
export const HEADER_BYTES = MAGIC.length + 16 + PREFIX_BYTES
/** The counter has 4 bytes. */
const MAX_SEGMENTS = 2 ** 32

export interface SealedHeader {
  readonly keyId: string
  /** 7 bytes, random. */
  readonly noncePrefix: Buffer
  /** The header's bytes: additional data of every segment. */
  readonly bytes: Buffer
}

export function makeHeader(keyId: string, random: (bytes: number) => Buffer): SealedHeader {
  const noncePrefix = random(PREFIX_BYTES)
  return { keyId, noncePrefix, bytes: Buffer.concat([MAGIC, idBytes(keyId), noncePrefix]) }
}

/** @throws QkdError `malformed-message` for what is no sealed file of this version */
export function readHeader(bytes: Buffer): SealedHeader {
  const keyId = uuidOf(bytes.subarray(MAGIC.length, MAGIC.length + 16))
  if (
    bytes.length !== HEADER_BYTES ||
    keyId === undefined ||
    !bytes.subarray(0, MAGIC.length).equals(MAGIC)
  ) {
    throw new QkdError("malformed-message", "the file is not one that keyloom has sealed")
  }
  return { keyId, noncePrefix: bytes.subarray(MAGIC.length + 16), bytes }
}

/** 12 bytes: prefix, counter, last or not. */
export function nonceOf(header: SealedHeader, segment: number, last: boolean): Buffer {
  if (segment >= MAX_SEGMENTS) throw new QkdError("too-big", "the file has too many segments")
  const nonce = Buffer.alloc(12)
  nonce.set(header.noncePrefix)
  nonce.writeUInt32BE(segment, PREFIX_BYTES)
  nonce[11] = last ? 1 : 0
  return nonce
}
