// Writes the few DER shapes (ITU-T X.690) that X.509 certificates are made of. Writes only: certificates of
// others are parsed by Node's crypto, never here.

const TAG_BOOLEAN = 0x01
const TAG_INTEGER = 0x02
const TAG_BIT_STRING = 0x03
const TAG_OCTET_STRING = 0x04
const TAG_OID = 0x06
const TAG_UTF8_STRING = 0x0c
const TAG_UTC_TIME = 0x17
const TAG_GENERALIZED_TIME = 0x18
const TAG_SEQUENCE = 0x30
const TAG_SET = 0x31
const TAG_CONTEXT = 0x80
const CONSTRUCTED = 0x20

/** Tag, shortest length, content. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const length: number[] = []
  if (content.length < 0x80) length.push(content.length)
  else {
    for (let rest = content.length; rest > 0; rest = Math.floor(rest / 256)) {
      length.unshift(rest % 256)
    }
    length.unshift(0x80 | length.length)
  }
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => der(TAG_SEQUENCE, ...parts)
export const set = (...parts: readonly Uint8Array[]): Buffer => der(TAG_SET, ...parts)
export const octetString = (content: Uint8Array): Buffer => der(TAG_OCTET_STRING, content)
export const utf8String = (text: string): Buffer => der(TAG_UTF8_STRING, Buffer.from(text, "utf8"))
export const booleanTrue = (): Buffer => der(TAG_BOOLEAN, Buffer.from([0xff]))

/** Context-specific tag `[number]`, with plain content (implicit) or whole elements (explicit). */
export const implicit = (number: number, content: Uint8Array): Buffer =>
  der(TAG_CONTEXT | number, content)
export const explicit = (number: number, ...parts: readonly Uint8Array[]): Buffer =>
  der(TAG_CONTEXT | CONSTRUCTED | number, ...parts)

/** A non-negative integer from its big-endian bytes, in the shortest form. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const shortest = Buffer.from(bytes.subarray(start))
  const first = shortest[0] ?? 0
  return der(TAG_INTEGER, ...(first >= 0x80 ? [Buffer.from([0])] : []), shortest)
}

/** Whole bytes, or with `unusedBits` low bits of the last byte left out. */
export const bitString = (content: Uint8Array, unusedBits = 0): Buffer =>
  der(TAG_BIT_STRING, Buffer.from([unusedBits]), content)

/** An object identifier from its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number)
  const bytes: number[] = []
  for (const arc of [first * 40 + second, ...rest]) {
    const group = [arc % 128]
    for (let high = Math.floor(arc / 128); high > 0; high = Math.floor(high / 128)) {
      group.unshift((high % 128) | 0x80)
    }
    bytes.push(...group)
  }
  return der(TAG_OID, Buffer.from(bytes))
}

/** RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on; whole seconds, Zulu. */
export function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, "").slice(0, 14)
  return digits < "2050"
    ? der(TAG_UTC_TIME, Buffer.from(`${digits.slice(2)}Z`, "latin1"))
    : der(TAG_GENERALIZED_TIME, Buffer.from(`${digits}Z`, "latin1"))
}
