// Which SSH algorithms either end of Keyloom speaks. Constants only.
//
// ssh2 offers the strict key exchange but does not demand it, and without it ChaCha20-Poly1305 and anything with
// encrypt-then-MAC is open to prefix truncation (Terrapin, threat N1). So neither is ever spoken, nor CBC.
// AES-GCM is not affected, nor is AES-CTR with a MAC over the plaintext: a dropped packet shifts the key stream
// and the next MAC fails.

import type { Algorithms } from "ssh2"

/** What our client speaks, and a server that is told to be strict. */
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
  // GCM authenticates by itself; a list is still negotiated. Never the `-etm` kinds.
  hmac: ["hmac-sha2-256", "hmac-sha2-512"],
  compress: ["none"],
}

/**
 * The same for servers that operators' tools must reach: ncclient stands on paramiko, which has no GCM before
 * version 3.5, and Debian 12 ships 2.12.
 */
export const SSH_ALGORITHMS_WITH_CTR: Algorithms = {
  ...SSH_ALGORITHMS,
  cipher: ["aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr", "aes128-ctr"],
}

/** Kinds of user keys that are accepted. */
export const SSH_USER_KEYS: readonly string[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
]
