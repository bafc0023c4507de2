// SSH keys in OpenSSH's own forms: making, reading, fingerprints. Stores nothing.

import { createHash, generateKeyPairSync, randomBytes } from "node:crypto"
import ssh2, { type ParsedKey } from "ssh2"
import { QkdError } from "../errors.js"
import { SSH_USER_KEYS } from "./ssh-algorithms.js"

export interface SshKeyPair {
  /** OpenSSH private key file text, without passphrase. */
  readonly privateKey: string
  /** One line as in `authorized_keys`. */
  readonly publicKey: string
}

const ED25519 = "ssh-ed25519"
const ED25519_BYTES = 32
/** `openssh-key-v1`: sections are padded to this where nothing is encrypted. */
const PADDING_BLOCK_BYTES = 8

/**
 * A fresh Ed25519 key pair. Written here and not by ssh2, whose own generator spoils every key with a leading
 * zero byte (version 1.17; about one in four hundred).
 */
export function generateSshKey(comment = ""): SshKeyPair {
  const pair = generateKeyPairSync("ed25519")
  // Both DER forms end with the bare 32 octets (RFC 8410 sections 4 and 7).
  const publicKey = pair.publicKey.export({ type: "spki", format: "der" }).subarray(-ED25519_BYTES)
  const pkcs8 = pair.privateKey.export({ type: "pkcs8", format: "der" })
  const blob = Buffer.concat([sshString(ED25519), sshString(publicKey)])
  const check = randomBytes(4)
  const section = Buffer.concat([
    check,
    check,
    blob,
    sshString(Buffer.concat([pkcs8.subarray(-ED25519_BYTES), publicKey])),
    sshString(comment),
  ])
  const padding =
    (PADDING_BLOCK_BYTES - (section.length % PADDING_BLOCK_BYTES)) % PADDING_BLOCK_BYTES
  const file = Buffer.concat([
    Buffer.from("openssh-key-v1\0", "latin1"),
    sshString("none"), // cipher
    sshString("none"), // key derivation
    sshString(""),
    Buffer.from([0, 0, 0, 1]), // one key
    sshString(blob),
    sshString(
      Buffer.concat([section, Buffer.from(Array.from({ length: padding }, (_, i) => i + 1))]),
    ),
  ])
  const lines = file.toString("base64").match(/.{1,70}/g) ?? []
  const label = "OPENSSH PRIVATE KEY"
  return {
    privateKey: `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`,
    publicKey: `${ED25519} ${blob.toString("base64")}${comment === "" ? "" : ` ${comment}`}`,
  }
}

/** RFC 4251 section 5, `string`. */
function sshString(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
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
