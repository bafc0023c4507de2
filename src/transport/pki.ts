// A small certificate authority for the demo and for new sites: EC P-256 keys, ECDSA with SHA-256, one
// authority per purpose. It issues for keys it made itself; it keeps nothing, writes no files (callers write
// private keys with mode 0600) and revokes nothing: pins in the site policy decide who is let in.

import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign } from "node:crypto"
import { X509Certificate } from "node:crypto"
import type { KeyObject } from "node:crypto"
import { isIPv4, isIPv6 } from "node:net"
import { QkdError } from "../errors.js"
import {
  bitString,
  booleanTrue,
  explicit,
  implicit,
  integer,
  octetString,
  oid,
  sequence,
  set,
  time,
  utf8String,
} from "./der.js"

/** A private key (PKCS #8 PEM) and the certificate (PEM) of its public key. */
export interface CertifiedKey {
  readonly certificatePem: string
  readonly privateKeyPem: string
}

/** Milliseconds since the epoch; certificates carry whole seconds. */
export interface Validity {
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

const SAE_URN = "urn:keyloom:sae:"
const NODE_URN = "urn:keyloom:node:"

const OID = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
} as const

/** The SAN URI that names an SAE in certificates issued here. */
export function saeUri(saeId: string): string {
  return SAE_URN + encodeURIComponent(saeId)
}

/** From `now` (less five minutes for clocks that lag) for `days`. */
export function validFor(days: number, nowMs: number = Date.now()): Validity {
  return { notBeforeMs: nowMs - 300_000, notAfterMs: nowMs + days * 86_400_000 }
}

/** A new self-signed authority. `commonName` should tell site and purpose: `esch SAE clients`. */
export function createAuthority(commonName: string, validity: Validity): CertifiedKey {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const id = keyIdentifier(keys.publicKey)
  return certify({
    issuerName: commonName,
    issuerKey: keys.privateKey,
    issuerId: id,
    subjectName: commonName,
    keys,
    validity,
    extensions: [
      extension(OID.basicConstraints, true, sequence(booleanTrue(), integer(Buffer.from([0])))),
      // keyCertSign and cRLSign: bits 5 and 6.
      extension(OID.keyUsage, true, bitString(Buffer.from([0b0000_0110]), 1)),
    ],
  })
}

/**
 * A TLS server certificate with its own fresh key. `hosts` are DNS names and IP addresses for the SAN.
 *
 * @throws QkdError `invalid-value` when the authority was not made by `createAuthority`, or names are empty.
 */
export function issueServerCertificate(
  authority: CertifiedKey,
  commonName: string,
  hosts: readonly string[],
  validity: Validity,
): CertifiedKey {
  if (hosts.length === 0) throw new QkdError("invalid-value", "a server certificate needs a host")
  return issue(authority, commonName, hosts.map(hostName), [OID.serverAuth], validity)
}

/** A client certificate for an SAE: CN is the SAE id, SAN is `urn:keyloom:sae:<id, percent-encoded>`. */
export function issueSaeCertificate(
  authority: CertifiedKey,
  saeId: string,
  validity: Validity,
): CertifiedKey {
  const names = [implicit(6, Buffer.from(saeUri(saeId), "latin1"))]
  return issue(authority, saeId, names, [OID.clientAuth], validity)
}

/** A consumer's certificate towards the other end of its tunnel, for both ends of TLS: CN is its SAE id. */
export function issueConsumerCertificate(
  authority: CertifiedKey,
  saeId: string,
  hosts: readonly string[],
  validity: Validity,
): CertifiedKey {
  const names = [implicit(6, Buffer.from(saeUri(saeId), "latin1")), ...hosts.map(hostName)]
  return issue(authority, saeId, names, [OID.serverAuth, OID.clientAuth], validity)
}

/** A key manager's certificate towards other key managers, for both ends of TLS: CN is the node's qkdnId. */
export function issueRelayCertificate(
  authority: CertifiedKey,
  qkdnId: string,
  hosts: readonly string[],
  validity: Validity,
): CertifiedKey {
  const names = [
    implicit(6, Buffer.from(NODE_URN + encodeURIComponent(qkdnId), "latin1")),
    ...hosts.map(hostName),
  ]
  return issue(authority, qkdnId, names, [OID.serverAuth, OID.clientAuth], validity)
}

/** SHA-256 of the certificate's SubjectPublicKeyInfo, lower-case hex: the pin of a key. */
export function spkiSha256(certificate: string | X509Certificate): string {
  const parsed = typeof certificate === "string" ? new X509Certificate(certificate) : certificate
  const spki = parsed.publicKey.export({ type: "spki", format: "der" })
  return createHash("sha256").update(spki).digest("hex")
}

function issue(
  authority: CertifiedKey,
  subjectName: string,
  altNames: readonly Uint8Array[],
  purposes: readonly string[],
  validity: Validity,
): CertifiedKey {
  const issuer = new X509Certificate(authority.certificatePem)
  const issuerName: unknown = issuer.toLegacyObject().subject.CN
  if (!issuer.ca || typeof issuerName !== "string" || issuer.subject.includes("\n")) {
    throw new QkdError("invalid-value", "not an authority made by createAuthority")
  }
  const issuerKey = createPrivateKey(authority.privateKeyPem)
  if (!issuer.checkPrivateKey(issuerKey)) {
    throw new QkdError("invalid-value", "the authority's private key does not fit its certificate")
  }
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" })
  return certify({
    issuerName,
    issuerKey,
    issuerId: keyIdentifier(issuer.publicKey),
    subjectName,
    keys,
    validity,
    extensions: [
      extension(OID.basicConstraints, true, sequence()),
      // digitalSignature: bit 0.
      extension(OID.keyUsage, true, bitString(Buffer.from([0b1000_0000]), 7)),
      extension(OID.extendedKeyUsage, false, sequence(...purposes.map(oid))),
      extension(OID.subjectAltName, false, sequence(...altNames)),
    ],
  })
}

interface CertificateParts {
  readonly issuerName: string
  readonly issuerKey: KeyObject
  readonly issuerId: Uint8Array
  readonly subjectName: string
  readonly keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  readonly validity: Validity
  readonly extensions: readonly Uint8Array[]
}

/** RFC 5280 4.1: version 3, a random 127-bit serial number. */
function certify(parts: CertificateParts): CertifiedKey {
  const { notBeforeMs, notAfterMs } = parts.validity
  if (!(notBeforeMs < notAfterMs))
    throw new QkdError("invalid-value", "validity ends before it began")
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  const algorithm = sequence(oid(OID.ecdsaWithSha256))
  const toBeSigned = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    algorithm,
    name(parts.issuerName),
    sequence(time(notBeforeMs), time(notAfterMs)),
    name(parts.subjectName),
    parts.keys.publicKey.export({ type: "spki", format: "der" }),
    explicit(
      3,
      sequence(
        ...parts.extensions,
        extension(
          OID.subjectKeyIdentifier,
          false,
          octetString(keyIdentifier(parts.keys.publicKey)),
        ),
        extension(OID.authorityKeyIdentifier, false, sequence(implicit(0, parts.issuerId))),
      ),
    ),
  )
  const signature = sign("sha256", toBeSigned, parts.issuerKey)
  const certificate = sequence(toBeSigned, algorithm, bitString(signature))
  return {
    certificatePem: new X509Certificate(certificate).toString(),
    privateKeyPem: parts.keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  }
}

/** RFC 5280 appendix A bounds a common name at 64 characters; TLS stacks cut or refuse longer ones. */
function name(commonName: string): Buffer {
  if (commonName.length === 0 || Array.from(commonName).length > 64) {
    throw new QkdError("invalid-value", "a certificate name has 1 to 64 characters")
  }
  return sequence(set(sequence(oid(OID.commonName), utf8String(commonName))))
}

function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  return sequence(oid(id), ...(critical ? [booleanTrue()] : []), octetString(value))
}

/** RFC 5280 4.2.1.2, shortened as RFC 7093 section 2 method 1: leftmost 160 bits of a SHA-256. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const spki = publicKey.export({ type: "spki", format: "der" })
  // A P-256 key's SubjectPublicKeyInfo ends with the 65 bytes of its point.
  return createHash("sha256").update(spki.subarray(-65)).digest().subarray(0, 20)
}

function hostName(host: string): Buffer {
  if (isIPv4(host)) return implicit(7, Buffer.from(host.split(".").map(Number)))
  if (isIPv6(host)) return implicit(7, ipv6Bytes(host))
  if (!/^(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(host)) {
    throw new QkdError("invalid-value", `${host} is neither a DNS name nor an IP address`)
  }
  return implicit(2, Buffer.from(host, "latin1"))
}

function ipv6Bytes(host: string): Buffer {
  if (/[.%]/.test(host)) {
    throw new QkdError("invalid-value", `${host}: write the IPv6 address in hexadecimal groups`)
  }
  const [head = "", tail] = host.split("::")
  const groups = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => parseInt(group, 16))
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const zeros = new Array<number>(8 - left.length - right.length).fill(0)
  const bytes = Buffer.alloc(16)
  for (const [i, group] of [...left, ...zeros, ...right].entries())
    bytes.writeUInt16BE(group, i * 2)
  return bytes
}
