// The key of one session between two simulated modules: derived by both from the link's seed and a fresh nonce
// of each, so that a restart of either end never brings a block back. Derivation only: no socket, no clock.
//
//   session  = HKDF-SHA256(seed, salt = nonce a | nonce b, info = fibre, link)
//   block n  = AES-256-CTR keystream under HMAC(session, "key" n);  id n = HMAC(session, "id" n) as a UUID
//
// This stands where a real module has photons. It is computationally secure at best: fit for tests and demos.

import { createCipheriv, createHmac, hkdfSync, timingSafeEqual } from "node:crypto"
import { type KeyBlock, Secret } from "../../src/plugin/index.js"
import type { FibreEndName } from "./lines.js"

export const NONCE_BYTES = 16
export const MIN_SEED_BYTES = 32

export class KeySession {
  readonly #key: Secret

  /**
   * @param seed the link's secret, the same at both ends; lent, not kept
   * @param context what the session is for: both ends must name the same
   */
  constructor(seed: Secret, nonceA: Uint8Array, nonceB: Uint8Array, context: readonly string[]) {
    const salt = new Uint8Array([...nonceA, ...nonceB])
    const info = ["keyloom simulated link 1", ...context].join("\0")
    this.#key = Secret.take(
      seed.use((bytes) => new Uint8Array(hkdfSync("sha256", bytes, salt, info, 32))),
    )
  }

  /** What an end shows to prove that it holds the same seed and saw the same nonces. */
  proof(end: FibreEndName): string {
    return this.#mac(`proof ${end}`).toString("hex")
  }

  provenBy(end: FibreEndName, proof: string): boolean {
    const shown = Buffer.from(proof, "hex")
    const expected = this.#mac(`proof ${end}`)
    return shown.length === expected.length && timingSafeEqual(shown, expected)
  }

  /** Block `n`: the same at both ends. Ask once for each `n`. */
  block(n: number, lengthBytes: number): KeyBlock {
    const blockKey = this.#mac(`key ${n}`)
    const cipher = createCipheriv("aes-256-ctr", blockKey, new Uint8Array(16))
    const stream = cipher.update(new Uint8Array(lengthBytes))
    blockKey.fill(0)
    return { id: uuidOf(this.#mac(`id ${n}`)), key: Secret.take(stream) }
  }

  wipe(): void {
    this.#key.wipe()
  }

  #mac(text: string): Buffer {
    return this.#key.use((bytes) => createHmac("sha256", bytes).update(text).digest())
  }
}

/** RFC 9562 version 8 (custom): the first 16 bytes with version and variant set. */
function uuidOf(bytes: Buffer): string {
  const own = Buffer.from(bytes.subarray(0, 16))
  own.writeUInt8((own.readUInt8(6) & 0x0f) | 0x80, 6)
  own.writeUInt8((own.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = own.toString("hex")
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
