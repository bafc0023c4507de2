// Certificate revocation lists (RFC 5280 section 5). Whether a list is genuine, in date, and revokes who connects is
// judged by OpenSSL in each handshake. Here a file of lists is read, faults are found before it is used, and
// connections that stand already are judged when newer lists arrive (tls-renewal.ts).
//
// It fails closed: with lists, nobody is believed whose issuer has none, or an old one.

import { X509Certificate } from "node:crypto"
import tls from "node:tls"
import { QkdError } from "../errors.js"
import { derContent, derElements, type DerElement } from "./der-read.js"

const SEQUENCE = 0x30
const INTEGER = 0x02
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18
const VERSION_OF_CERTIFICATE = 0xa0

export interface RevocationLists {
  /** One list each, for OpenSSL. */
  readonly pems: readonly string[]
  /** When the first of them is to be replaced; from then on nobody of its issuer is let in. Milliseconds since the epoch. */
  readonly nextUpdateMs: number
  /** How many certificates they name. */
  readonly count: number
  /** Whether one of a verified chain is named. */
  revokes(chain: readonly X509Certificate[]): boolean
}

/**
 * The lists in a PEM file.
 *
 * @param authorities PEM of those who issue the certificates in question: each must have its list.
 * @throws QkdError `invalid-value` for what is no list, and for an authority without one.
 */
export function readRevocationLists(text: string, authorities: readonly string[]): RevocationLists {
  const pems = blocks(text, "X509 CRL")
  if (pems.length === 0)
    throw new QkdError("invalid-value", "no revocation list in PEM form (BEGIN X509 CRL)")
  const lists = pems.map(listOf)
  const issuers = new Set(lists.map(({ issuer }) => issuer))
  for (const pem of authorities.flatMap((each) => blocks(each, "CERTIFICATE"))) {
    const authority = new X509Certificate(pem)
    if (!issuers.has(headOf(authority).subject))
      throw new QkdError(
        "invalid-value",
        `no revocation list of ${authority.subject.replaceAll("\n", ", ")}: nobody it issued for would be let in`,
      )
  }
  const revoked = new Set(lists.flatMap(({ issuer, serials }) => serials.map((s) => issuer + s)))
  return {
    pems,
    nextUpdateMs: Math.min(...lists.map(({ nextUpdateMs }) => nextUpdateMs)),
    count: revoked.size,
    revokes: (chain) =>
      chain.some((certificate) => {
        const { issuer, serial } = headOf(certificate)
        return revoked.has(issuer + serial)
      }),
  }
}

interface List {
  readonly issuer: string
  readonly serials: readonly string[]
  readonly nextUpdateMs: number
}

/** Section 5.1: version, signature, issuer, this and next update, what is revoked. */
function listOf(pem: string): List {
  try {
    // OpenSSL's word first: what it cannot read would be no list to it either.
    tls.createSecureContext({ crl: pem })
    const [list] = derContent(derElements(bytesOf(pem))[0], SEQUENCE)
    const parts = derContent(list, SEQUENCE)
    if (parts[0]?.tag === INTEGER) parts.shift()
    const [, issuer, , ...rest] = parts
    const next = rest[0] !== undefined && isTime(rest[0]) ? rest.shift() : undefined
    const entries = rest[0]?.tag === SEQUENCE ? derContent(rest[0], SEQUENCE) : []
    return {
      issuer: textOf(issuer),
      serials: entries.map((entry) => textOf(derContent(entry, SEQUENCE)[0])),
      nextUpdateMs: next === undefined ? Infinity : timeOf(next),
    }
  } catch (cause) {
    throw new QkdError("invalid-value", "a revocation list cannot be read", { cause })
  }
}

/** RFC 5280 section 4.1: version, serial number, signature, issuer, validity, subject. */
function headOf({ raw }: X509Certificate): {
  readonly serial: string
  readonly issuer: string
  readonly subject: string
} {
  const [certificate] = derContent(derElements(raw)[0], SEQUENCE)
  const parts = derContent(certificate, SEQUENCE)
  if (parts[0]?.tag === VERSION_OF_CERTIFICATE) parts.shift()
  const [serial, , issuer, , subject] = parts
  return { serial: textOf(serial), issuer: textOf(issuer), subject: textOf(subject) }
}

function isTime({ tag }: DerElement): boolean {
  return tag === UTC_TIME || tag === GENERALIZED_TIME
}

/** RFC 5280 section 4.1.2.5: always Zulu, with seconds; two digits of a year below 50 are of this century. */
function timeOf({ tag, content }: DerElement): number {
  const digits = content.toString("latin1")
  const full = tag === UTC_TIME ? `${digits < "50" ? "20" : "19"}${digits}` : digits
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full)
  if (match === null) throw new QkdError("invalid-value", "a time that RFC 5280 does not know")
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map(Number)
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

function textOf(element: DerElement | undefined): string {
  if (element === undefined) throw new QkdError("invalid-value", "a part is missing")
  return element.whole.toString("hex")
}

function blocks(text: string, label: string): string[] {
  return text.match(new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----`, "g")) ?? []
}

function bytesOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ""), "base64")
}
