// SSH keys in OpenSSH's own forms: making, reading, fingerprints. Stores nothing.

import { createHash } from "node:crypto"
import ssh2, { type ParsedKey } from "ssh2"
import { QkdError } from "../errors.js"
import { SSH_USER_KEYS } from "./ssh-algorithms.js"

export interface SshKeyPair {
  /** OpenSSH private key file text, without passphrase. */
  readonly privateKey: string
  /** One line as in `authorized_keys`. */
  readonly publicKey: string
}

/** A fresh Ed25519 key pair. */
export function generateSshKey(comment = ""): SshKeyPair {
  const { private: privateKey, public: publicKey } = ssh2.utils.generateKeyPairSync("ed25519", {
    comment,
  })
  return { privateKey, publicKey }
}

/**
 * `SHA256:<base64 without padding>`, as `ssh-keygen -l` prints it.
 *
 * @param key a public or private key in any form OpenSSH writes, or the raw public key blob.
 * @throws QkdError `invalid-value` when it is no key.
 */
export function sshFingerprint(key: string | Uint8Array): string {
  const blob = typeof key === "string" ? publicBlob(readSshKey(key)) : key
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`
}

/**
 * Reads a key that may log in or be a host key here: Ed25519 or ECDSA.
 *
 * @throws QkdError `invalid-value`, never with key material in its text.
 */
export function readSshKey(text: string): ParsedKey {
  const parsed = ssh2.utils.parseKey(text)
  if (parsed instanceof Error) throw new QkdError("invalid-value", "not a usable SSH key")
  if (!SSH_USER_KEYS.includes(parsed.type))
    throw new QkdError("invalid-value", `SSH keys of type ${parsed.type} are not accepted`)
  return parsed
}

/** The public key in SSH wire form. */
export function publicBlob(key: ParsedKey): Buffer {
  return key.getPublicSSH()
}
