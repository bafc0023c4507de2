// Which SSH algorithms either end of Keyloom speaks. Constants only.
//
// AES-GCM alone: ssh2 offers the strict key exchange but does not demand it, and without it ChaCha20-Poly1305
// and CBC with encrypt-then-MAC are open to prefix truncation (Terrapin, threat N1). A peer that has neither
// GCM cipher is refused in the handshake.

import type { Algorithms } from "ssh2"

export const SSH_ALGORITHMS: Algorithms = {
  kex: [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
  ],
  cipher: ["aes256-gcm@openssh.com", "aes128-gcm@openssh.com"],
  serverHostKey: [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
  ],
  // GCM authenticates by itself; a list is still negotiated.
  hmac: ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"],
  compress: ["none"],
}

/** Kinds of user keys that are accepted. */
export const SSH_USER_KEYS: readonly string[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
]
