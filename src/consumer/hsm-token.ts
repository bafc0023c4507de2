// What a site's token is asked for, whoever answers: the process that holds the session, or a test.

/**
 * Which site may seal with a key: `out`, this one; `in`, the peer, and this one only opens. The token itself holds
 * it: a key that came `in` has no right to encrypt.
 */
export type KeyWay = "out" | "in"

/** Of a proof. */
export const MAC_BYTES = 32

export interface TokenKey {
  /** UUID. */
  readonly keyId: string
  readonly peer: string
  readonly way: KeyWay
}

/** How a key gets into the token. */
export type ImportMode =
  /** C_CreateObject with its value. */
  | "plain"
  /** C_UnwrapKey, the key encrypted to an RSA key pair of the token (CKM_RSA_PKCS_OAEP). */
  | "rsa-oaep"
  /** C_UnwrapKey under a key-encryption key that came in by RSA-OAEP and lasts a session (CKM_AES_KEY_WRAP, RFC 3394). */
  | "aes-key-wrap"

/** The public half of the token's wrapping key pair. */
export interface WrappingKey {
  readonly modulus: Buffer
  readonly publicExponent: Buffer
}

export interface HsmToken {
  /** Every key of ours in the token. */
  keys(): Promise<TokenKey[]>
  /**
   * Destroys objects that a kill left half-made, without a value. For who alone imports into the token.
   *
   * @returns how many
   */
  sweep(): Promise<number>
  /**
   * Puts a key into the token, sensitive and not extractable; `bytes` are wiped.
   *
   * @throws QkdError `data-exists` when the id is there, `resource-denied` app-tag `no-capacity` when the token is full.
   */
  import(key: TokenKey, bytes: Uint8Array): Promise<void>
  /**
   * HMAC-SHA-256 over each of `transcripts` under a key that the token derives from the key and forgets: shows to who has
   * the same key that it is the same, and to nobody what it is.
   *
   * @throws QkdError `data-missing` when the key is not there
   */
  prove(keyId: string, transcripts: readonly Uint8Array[]): Promise<Buffer[]>
  /** AES-256-GCM (NIST SP 800-38D), the tag of 16 bytes at the end. @throws QkdError `access-denied` app-tag `policy` for a spent key. */
  encrypt(keyId: string, nonce: Uint8Array, aad: Uint8Array, plain: Uint8Array): Promise<Buffer>
  /** @throws QkdError `invalid-value` when the tag does not fit */
  decrypt(keyId: string, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Promise<Buffer>
  /** Takes the right to encrypt from a key for good. */
  spend(keyId: string): Promise<void>
  /** Destroys a key; one that is not there is destroyed already. */
  destroy(keyId: string): Promise<void>
  close(): Promise<void>
}

const LABEL = /^keyloom\/([^/]+)\/(out|in)$/

/** CKA_LABEL of a key. */
export function labelOf({ peer, way }: Pick<TokenKey, "peer" | "way">): string {
  return `keyloom/${peer}/${way}`
}

/** What a label says, or undefined when it is none of ours. */
export function readLabel(label: string): Pick<TokenKey, "peer" | "way"> | undefined {
  const [, peer, way] = LABEL.exec(label) ?? []
  return peer === undefined || (way !== "out" && way !== "in") ? undefined : { peer, way }
}

/** CKA_ID of a key: the 16 bytes of its UUID. */
export function idBytes(keyId: string): Buffer {
  return Buffer.from(keyId.replaceAll("-", ""), "hex")
}

/** The UUID in 16 bytes, or undefined when these are none. */
export function uuidOf(bytes: Uint8Array): string | undefined {
  if (bytes.length !== 16) return undefined
  const hex = Buffer.from(bytes).toString("hex")
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
}
