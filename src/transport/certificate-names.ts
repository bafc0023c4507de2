// From a client's certificate to the name of a user, as NETCONF over TLS does it (RFC 7589 section 7, RFC 7407 section
// 4): a list of entries, each a fingerprint and a way to find the name. Pure; whether the certificate is to be believed
// was decided before.

import { createHash, X509Certificate } from "node:crypto"
import { isIPv4, isIPv6 } from "node:net"
import { QkdError } from "../errors.js"

/** The identities of `ietf-x509-cert-to-name`, by name. */
export const MAP_TYPES = [
  "specified",
  "san-rfc822-name",
  "san-dns-name",
  "san-ip-address",
  "san-any",
  "common-name",
] as const
export type MapType = (typeof MAP_TYPES)[number]

export interface CertToName {
  /** Entries are tried from the lowest. */
  readonly id: number
  /** Hash algorithm as TLS 1.2 numbers them, then the hash: `04:ab:...`. */
  readonly fingerprint: string
  readonly mapType: MapType
  /** With `specified` only. */
  readonly name?: string
}

/** RFC 5246 section 7.4.1.4.1; MD5, SHA-1 and SHA-224 are no longer worth anything here. */
const HASHES: Readonly<Record<string, { readonly name: string; readonly octets: number }>> = {
  "04": { name: "sha256", octets: 32 },
  "05": { name: "sha384", octets: 48 },
  "06": { name: "sha512", octets: 64 },
}

const MAX_NAME_LENGTH = 255
const ODD_CHARACTER = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u

/** A fingerprint of a certificate in the form entries have, SHA-256. */
export function certificateFingerprint(certificate: string | X509Certificate): string {
  const parsed = typeof certificate === "string" ? new X509Certificate(certificate) : certificate
  return `04:${hexPairs(createHash("sha256").update(parsed.raw).digest("hex"))}`
}

/**
 * @param parent path of what holds the entries, for errors.
 * @throws QkdError `invalid-value` for a fingerprint that nothing can match, or a hash that is not to be trusted.
 */
export function checkCertToName(entries: readonly CertToName[], parent?: string): void {
  for (const { id, fingerprint } of entries) {
    const hex = plainHex(fingerprint)
    const hash = HASHES[hex.slice(0, 2)]
    const path = `${parent === undefined ? "" : `${parent}/`}cert-to-name[id='${id}']/fingerprint`
    if (hash === undefined)
      throw new QkdError("invalid-value", "a fingerprint here begins with 04, 05 or 06: SHA-2", {
        path,
      })
    if (hex.length !== 2 + hash.octets * 2)
      throw new QkdError("invalid-value", `a ${hash.name} fingerprint has ${hash.octets} octets`, {
        path,
      })
  }
}

/**
 * The name of the user whose certificate this is.
 *
 * @param chain the certificate, then whoever signed it, as far as was verified.
 * @returns undefined when no entry gives one: such a client is nobody.
 */
export function usernameOf(
  chain: readonly X509Certificate[],
  entries: readonly CertToName[],
): string | undefined {
  const [own] = chain
  if (own === undefined) return undefined
  for (const entry of [...entries].sort((a, b) => a.id - b.id)) {
    if (!chain.some((certificate) => matches(certificate, entry.fingerprint))) continue
    const name = nameBy(entry, own)
    if (name !== undefined && isName(name)) return name
  }
  return undefined
}

/**
 * A peer's certificate and those above it, each proved to have signed the one before: a peer may send along any
 * certificate it likes.
 */
export function verifiedChain(certificates: readonly X509Certificate[]): X509Certificate[] {
  const chain: X509Certificate[] = []
  for (const certificate of certificates) {
    const last = chain.at(-1)
    if (last !== undefined && !last.verify(certificate.publicKey)) break
    chain.push(certificate)
  }
  return chain
}

interface AltName {
  readonly kind: string
  readonly value: string
}

/** Alternative names, as Node writes them: `kind:value`, parted by commas, odd values as JSON strings. */
export function altNamesOf(certificate: X509Certificate): readonly AltName[] {
  const text = certificate.subjectAltName ?? ""
  const names: AltName[] = []
  const item = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y
  while (item.lastIndex < text.length) {
    const found = item.exec(text)
    // Half understood is not understood.
    if (found === null) return []
    const [, kind = "", value = ""] = found
    names.push({ kind, value: value.startsWith('"') ? unquoted(value) : value })
  }
  return names
}

function nameBy(entry: CertToName, certificate: X509Certificate): string | undefined {
  if (entry.mapType === "specified") return entry.name
  if (entry.mapType === "common-name") {
    // Several come as an array: not a name to build rights on.
    const commonName: unknown = certificate.toLegacyObject().subject.CN
    return typeof commonName === "string" ? commonName : undefined
  }
  for (const alt of altNamesOf(certificate)) {
    const found = nameInAlt(alt)
    if (found !== undefined && (entry.mapType === "san-any" || entry.mapType === found.by))
      return found.name
  }
  return undefined
}

function nameInAlt({ kind, value }: AltName): { by: MapType; name: string } | undefined {
  switch (kind) {
    case "email": {
      const at = value.lastIndexOf("@")
      if (at <= 0) return undefined
      const name = value.slice(0, at) + value.slice(at).toLowerCase()
      return { by: "san-rfc822-name", name }
    }
    case "DNS":
      return { by: "san-dns-name", name: value.toLowerCase() }
    case "IP Address": {
      const name = isIPv4(value) ? value : isIPv6(value) ? hexOfIPv6(value) : undefined
      return name === undefined ? undefined : { by: "san-ip-address", name }
    }
    default:
      return undefined
  }
}

/** 32 hexadecimal digits. Node writes all eight groups; a form that is short all the same is filled up. */
function hexOfIPv6(address: string): string {
  const [head = "", tail] = address.split("::")
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"))
  const [front, back] = [groups(head), groups(tail ?? "")]
  const zeros = tail === undefined ? 0 : 8 - front.length - back.length
  return [...front, ...Array<string>(Math.max(zeros, 0)).fill("0"), ...back]
    .map((group) => group.padStart(4, "0"))
    .join("")
    .toLowerCase()
}

function matches(certificate: X509Certificate, fingerprint: string): boolean {
  const hex = plainHex(fingerprint)
  const hash = HASHES[hex.slice(0, 2)]
  if (hash === undefined) return false
  return createHash(hash.name).update(certificate.raw).digest("hex") === hex.slice(2)
}

function isName(name: string): boolean {
  return name !== "" && name.length <= MAX_NAME_LENGTH && !ODD_CHARACTER.test(name)
}

function unquoted(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "string" ? value : ""
  } catch {
    return ""
  }
}

function plainHex(fingerprint: string): string {
  return fingerprint.replaceAll(":", "").toLowerCase()
}

function hexPairs(hex: string): string {
  return (hex.match(/../g) ?? []).join(":")
}
