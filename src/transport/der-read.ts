// Reads DER (ITU-T X.690) as far as revocation lists and the head of a certificate need it. Certificates are parsed and
// believed by Node's crypto; nothing here decides whom to believe. Writing is der.ts.

import { QkdError } from "../errors.js"

export interface DerElement {
  /** The identifier octet: class, constructed or not, number up to 30. */
  readonly tag: number
  readonly content: Buffer
  /** Identifier and length too. */
  readonly whole: Buffer
}

/** @throws QkdError `invalid-value` where the bytes are not a row of whole elements. */
export function derElements(bytes: Uint8Array): DerElement[] {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const elements: DerElement[] = []
  for (let at = 0; at < all.length; ) {
    const element = elementAt(all, at)
    elements.push(element)
    at += element.whole.length
  }
  return elements
}

/** @throws QkdError `invalid-value` for anything but one element of that tag. */
export function derContent(element: DerElement | undefined, tag: number): DerElement[] {
  if (element?.tag !== tag) throw broken()
  return derElements(element.content)
}

function elementAt(all: Buffer, at: number): DerElement {
  const tag = all[at]
  const first = all[at + 1]
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw broken()
  let length = first
  let start = at + 2
  if (first >= 0x80) {
    const octets = first - 0x80
    // Four octets count to 4 GiB; none at all is BER's indefinite length.
    if (octets === 0 || octets > 4 || start + octets > all.length) throw broken()
    length = all.readUIntBE(start, octets)
    start += octets
  }
  if (start + length > all.length) throw broken()
  const end = start + length
  return { tag, content: all.subarray(start, end), whole: all.subarray(at, end) }
}

function broken(): QkdError {
  return new QkdError("invalid-value", "not DER, or not what was expected there")
}
