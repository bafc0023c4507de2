// Who may log in: names and their public keys, compared without telling how near a guess was.

import { timingSafeEqual } from "node:crypto"
import type { AuthContext, ParsedKey, PublicKeyAuthContext } from "ssh2"
import { SSH_USER_KEYS } from "./ssh-algorithms.js"
import { generateSshKey, publicBlob, readSshKey } from "./ssh-keys.js"

/** User name to public keys, each a line as in `authorized_keys`. */
export type SshUsers = ReadonlyMap<string, readonly string[]>

interface AllowedKey {
  readonly key: ParsedKey
  readonly blob: Buffer
}

export class SshUserList {
  readonly #allowed = new Map<string, readonly AllowedKey[]>()
  /** Unknown names are compared with this one, so that they take as long as known ones. */
  readonly #decoy: readonly AllowedKey[]

  /** @throws QkdError `invalid-value` for a key that is not Ed25519 or ECDSA. */
  constructor(users: SshUsers) {
    for (const [name, keys] of users) this.#allowed.set(name, keys.map(allowedKey))
    this.#decoy = [allowedKey(generateSshKey().publicKey)]
  }

  /** Whether this attempt is good so far: the key is allowed and, when there is a signature, it is right. */
  accepts(attempt: AuthContext): boolean {
    if (attempt.method !== "publickey" || !SSH_USER_KEYS.includes(attempt.key.algo)) return false
    const known = this.#allowed.get(attempt.username)
    let match: AllowedKey | undefined
    for (const allowed of known ?? this.#decoy)
      if (equal(allowed.blob, attempt.key.data)) match = allowed
    return known !== undefined && match !== undefined && signatureIsRight(match.key, attempt)
  }
}

function allowedKey(line: string): AllowedKey {
  const key = readSshKey(line)
  return { key, blob: publicBlob(key) }
}

function equal(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Without a signature the client only asks whether the key would do (RFC 4252 section 7). */
function signatureIsRight(key: ParsedKey, attempt: PublicKeyAuthContext): boolean {
  if (attempt.signature === undefined || attempt.blob === undefined)
    return attempt.signature === undefined
  // ssh2 returns an Error for what it cannot read, and that is not a yes.
  const verdict: unknown = key.verify(attempt.blob, attempt.signature, attempt.hashAlgo)
  return verdict === true
}
