// TLS with pre-shared keys (RFC 4279, RFC 5487) beside certificates, for clients that know no other way. TLS 1.2 with
// ephemeral Diffie-Hellman only: OpenSSL takes keys of this kind for TLS 1.3 with SHA-256 suites alone. Who a client is
// comes from a finished handshake under that key, never from the identity it named.

import { createHash, randomBytes } from "node:crypto"
import type { TLSSocket, TlsOptions } from "node:tls"
import { QkdError } from "../errors.js"
import { peerIdentityOf } from "./tls.js"
import type { PeerIdentity, TlsVersion } from "./tls.js"

/** Keys by the identity that clients name; asked anew at each handshake. */
export type PreSharedKeys = () => ReadonlyMap<string, Uint8Array>

const CIPHERS = [
  "DHE-PSK-AES256-GCM-SHA384",
  "ECDHE-PSK-AES256-CBC-SHA384",
  "DHE-PSK-AES256-CBC-SHA384",
].join(":")
const LEAST_BYTES = 16
const UNKNOWN_BYTES = 32

/** What makes a server of `options` take pre-shared keys too, and tells who its clients are. */
export class PskServer {
  readonly #keys: PreSharedKeys
  readonly #minVersion: TlsVersion
  /** The identity that it named, and the SHA-256 of the key that it was held to. */
  readonly #named = new WeakMap<TLSSocket, { readonly identity: string; readonly sha256: string }>()

  /** @param minVersion of those who show a certificate */
  constructor(keys: PreSharedKeys, minVersion: TlsVersion) {
    this.#keys = keys
    this.#minVersion = minVersion
  }

  optionsWith(options: TlsOptions): TlsOptions {
    return {
      ...options,
      minVersion: "TLSv1.2",
      ciphers: `${String(options.ciphers)}:${CIPHERS}`,
      dhparam: "auto",
      pskCallback: (socket, identity) => {
        // Unknown identities fail as wrong keys do: nobody learns which there are (RFC 4279, section 2).
        const key = this.#keys().get(identity) ?? randomBytes(UNKNOWN_BYTES)
        this.#named.set(socket, { identity, sha256: sha256Of(key) })
        return key
      },
    }
  }

  /** As `peerIdentityOf`, for either kind. @throws QkdError `access-denied` */
  peerOf(socket: TLSSocket, nameless: boolean): PeerIdentity {
    if (socket.getProtocol() !== "TLSv1.2" || !socket.getCipher().name.includes("PSK")) {
      if (this.#minVersion === "TLSv1.3" && socket.getProtocol() !== "TLSv1.3")
        throw new QkdError("access-denied", "TLS 1.2 is for pre-shared keys only")
      return peerIdentityOf(socket, nameless)
    }
    const { identity = "", sha256: pskSha256 = "" } = this.#named.get(socket) ?? {}
    const key = this.#keys().get(identity)
    // The keys may have been exchanged during the handshake: who knew the old one does not count as knowing the new one.
    if (key === undefined || sha256Of(key) !== pskSha256 || socket.isSessionReused())
      throw new QkdError("access-denied", "no pre-shared key on this connection")
    return {
      ...{ commonName: identity, spkiSha256: `psk ${pskSha256}`, uris: [], dnsNames: [] },
      ...{ validFromMs: 0, validToMs: Number.MAX_SAFE_INTEGER, pskSha256 },
    }
  }
}

function sha256Of(key: Uint8Array): string {
  return createHash("sha256").update(key).digest("hex")
}

/**
 * Keys out of a file's text: a line `IDENTITY:HEX` each; empty lines and those that begin with # are skipped. Identities
 * may hold colons.
 *
 * @throws QkdError `invalid-value` with the line's number, never its text
 */
export function readPreSharedKeys(text: string): ReadonlyMap<string, Uint8Array> {
  const keys = new Map<string, Uint8Array>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue
    const colon = line.lastIndexOf(":")
    const [identity, hex] = [line.slice(0, colon), line.slice(colon + 1).trim()]
    const fault = (what: string): QkdError =>
      new QkdError("invalid-value", `pre-shared keys, line ${index + 1}: ${what}`)
    if (colon < 1 || Buffer.byteLength(identity) > 127) throw fault("no identity of 1 to 127 bytes")
    if (keys.has(identity)) throw fault("the identity is there already")
    if (!/^([0-9a-fA-F]{2})+$/.test(hex) || hex.length < 2 * LEAST_BYTES)
      throw fault(`no key of at least ${LEAST_BYTES} bytes in hex`)
    keys.set(identity, Buffer.from(hex, "hex"))
  }
  return keys
}
