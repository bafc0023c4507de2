// Reading and writing the key plane's binary messages: big-endian numbers, counted text, UUIDs as 16 bytes.
// Strict: every length is bounded, text must be UTF-8, nothing may be left over. Knows no message.

import { QkdError } from "../errors.js"

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Whether `text` is a UUID in canonical (lower-case) form. */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}

const DIGITS = Buffer.from("0123456789abcdef", "latin1")
/** Of each byte. */
const HIGH_DIGITS = Uint8Array.from({ length: 256 }, (_, byte) => DIGITS[byte >> 4] ?? 0)
const LOW_DIGITS = Uint8Array.from({ length: 256 }, (_, byte) => DIGITS[byte & 15] ?? 0)
/** By character code: the value of a lower-case hexadecimal digit, -1 for anything else. */
const VALUES = Int16Array.from({ length: 256 }, (_, code) => DIGITS.indexOf(code))
const HYPHEN = 0x2d
const TEXT_BYTES = 36
export const UUID_BYTES = 16
const scratch = Buffer.alloc(TEXT_BYTES, HYPHEN)

/** 16 bytes, from a place on, to the canonical form. */
export function uuidText(bytes: Uint8Array, from = 0): string {
  writeText(bytes, from, scratch, 0)
  return scratch.toString("latin1")
}

function writeText(bytes: Uint8Array, from: number, target: Uint8Array, to: number): void {
  writeDigits(bytes, from, 4, target, to)
  writeDigits(bytes, from + 4, 2, target, to + 9)
  writeDigits(bytes, from + 6, 2, target, to + 14)
  writeDigits(bytes, from + 8, 2, target, to + 19)
  writeDigits(bytes, from + 10, 6, target, to + 24)
}

function writeDigits(
  bytes: Uint8Array,
  from: number,
  count: number,
  target: Uint8Array,
  to: number,
): void {
  for (let i = 0; i < count; i++) {
    const byte = bytes[from + i] ?? 0
    target[to + 2 * i] = HIGH_DIGITS[byte] ?? 0
    target[to + 2 * i + 1] = LOW_DIGITS[byte] ?? 0
  }
}

/**
 * The bytes that lists of ids came from. Relay messages carry ids by the thousand, and every one of them is written again
 * for the acknowledgement, for what is signed and for the store: read once, written as they are. The lists are frozen.
 */
const packed = new WeakMap<readonly string[], Uint8Array>()

/** Lists from this length on have no text before somebody looks at one. */
const MANY = 16

/**
 * Ids of 16 bytes each; the bytes are taken over. Keys wait by the thousand, at one end to be asked for and at the other to
 * be fetched, and nobody reads their ids meanwhile: as text they were most of what the collector had to carry along.
 */
export function uuidTexts(bytes: Uint8Array): readonly string[] {
  const count = bytes.length / UUID_BYTES
  const ids = count < MANY ? Object.freeze(textsIn(bytes, 0, count)) : unwritten(bytes, count)
  packed.set(ids, bytes)
  return ids
}

/** `count` of these ids, from one on. Of a list that has no text yet it writes no others. */
export function uuidsOf(ids: readonly string[], from: number, count: number): readonly string[] {
  const bytes = packed.get(ids)
  if (bytes === undefined) return ids.slice(from, from + count)
  return count === 1 ? [uuidText(bytes, from * UUID_BYTES)] : textsIn(bytes, from, count)
}

/** Where texts are written before they are strings: hyphens stay where they are. */
let texts = Buffer.alloc(TEXT_BYTES * 128, HYPHEN)

/** One string is made of all, and each id is a piece of it. */
function textsIn(bytes: Uint8Array, from: number, count: number): string[] {
  if (texts.length < count * TEXT_BYTES) texts = Buffer.alloc(count * TEXT_BYTES, HYPHEN)
  for (let i = 0; i < count; i++) writeText(bytes, (from + i) * UUID_BYTES, texts, i * TEXT_BYTES)
  const all = texts.toString("latin1", 0, count * TEXT_BYTES)
  const ids = new Array<string>(count)
  for (let i = 0; i < count; i++) ids[i] = all.slice(i * TEXT_BYTES, (i + 1) * TEXT_BYTES)
  return ids
}

/** A list that knows its length, and writes its texts when it is asked for anything else. */
function unwritten(bytes: Uint8Array, count: number): readonly string[] {
  const written = (list: string[]): string[] => {
    if (Object.isFrozen(list)) return list
    list.push(...textsIn(bytes, 0, count))
    return Object.freeze(list) as string[]
  }
  return new Proxy<string[]>([], {
    get: (list, name): unknown => (name === "length" ? count : Reflect.get(written(list), name)),
    has: (list, name) => Reflect.has(written(list), name),
    ownKeys: (list) => Reflect.ownKeys(written(list)),
    getOwnPropertyDescriptor: (list, name) => Reflect.getOwnPropertyDescriptor(written(list), name),
    isExtensible: (list) => Reflect.isExtensible(written(list)),
    preventExtensions: (list) => Reflect.preventExtensions(written(list)),
    set: (list, name, value) => Reflect.set(written(list), name, value),
    defineProperty: (list, name, what) => Reflect.defineProperty(written(list), name, what),
    deleteProperty: (list, name) => Reflect.deleteProperty(written(list), name),
    setPrototypeOf: (list, like) => Reflect.setPrototypeOf(written(list), like),
  })
}

/** The 16 bytes of a UUID in canonical form; false, and anything written, when it is not one. */
export function writeUuid(text: string, target: Uint8Array, to: number): boolean {
  if (text.length !== TEXT_BYTES) return false
  for (let i = 0; i < TEXT_BYTES; i++) {
    const code = text.charCodeAt(i)
    given[i] = code < 256 ? code : 0
  }
  return readText(given, 0, target, to)
}

/**
 * The same of many: read together, which costs a quarter. False, and anything written, when one is not a UUID.
 *
 * @param target has room for 16 bytes each
 */
export function writeUuids(texts: readonly string[], target: Uint8Array): boolean {
  for (const text of texts) if (text.length !== TEXT_BYTES) return false
  const all = texts.join("")
  // What is not ASCII is longer than it seems.
  if (Buffer.byteLength(all) !== all.length) return false
  if (given.length < all.length) given = Buffer.alloc(all.length)
  given.write(all, "latin1")
  for (let nth = 0; nth < texts.length; nth++)
    if (!readText(given, nth * TEXT_BYTES, target, nth * UUID_BYTES)) return false
  return true
}

/** Ids in text, to be read. */
let given = Buffer.alloc(TEXT_BYTES * 128)

function readText(text: Uint8Array, from: number, target: Uint8Array, to: number): boolean {
  if (text[from + 8] !== HYPHEN || text[from + 13] !== HYPHEN) return false
  if (text[from + 18] !== HYPHEN || text[from + 23] !== HYPHEN) return false
  return (
    (readDigits(text, from, 4, target, to) |
      readDigits(text, from + 9, 2, target, to + 4) |
      readDigits(text, from + 14, 2, target, to + 6) |
      readDigits(text, from + 19, 2, target, to + 8) |
      readDigits(text, from + 24, 6, target, to + 10)) >=
    0
  )
}

/** Below 0 where one is no digit. */
function readDigits(
  text: Uint8Array,
  from: number,
  count: number,
  target: Uint8Array,
  to: number,
): number {
  let all = 0
  for (let i = 0; i < count; i++) {
    const high = VALUES[text[from + 2 * i] ?? 0] ?? -1
    const byte = (high << 4) | (VALUES[text[from + 2 * i + 1] ?? 0] ?? -1)
    all |= byte
    target[to + i] = byte
  }
  return all
}

/**
 * The bytes of these ids, 16 each: not to be changed.
 *
 * @throws QkdError `invalid-value` when one is not a canonical UUID.
 */
export function uuidBytes(ids: readonly string[]): Uint8Array {
  const bytes = packed.get(ids)
  if (bytes !== undefined) return bytes
  return new ByteWriter(ids.length * UUID_BYTES + 2).uuids(ids).finish().subarray(2)
}

/** A version 4 UUID (RFC 9562) out of 16 random bytes. */
export function uuidFrom(random: Uint8Array): string {
  const bytes = Uint8Array.from(random.subarray(0, 16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return uuidText(bytes)
}

/** So many version 4 UUIDs out of 16 random bytes each; the bytes are taken over, and written over. */
export function uuidsFrom(random: Uint8Array, count: number): readonly string[] {
  for (let at = 0; at < count * 16; at += 16) {
    random[at + 6] = ((random[at + 6] ?? 0) & 0x0f) | 0x40
    random[at + 8] = ((random[at + 8] ?? 0) & 0x3f) | 0x80
  }
  return uuidTexts(random.subarray(0, count * 16))
}

/** Not for key bytes: buffers are shared and grow, so copies would stay behind. */
export class ByteWriter {
  #buffer: Buffer
  #length = 0

  /** @param room so many bytes at first, or these: taken over, and left for others when they are too few */
  constructor(room: number | Buffer = 256) {
    this.#buffer = typeof room === "number" ? Buffer.allocUnsafe(room) : room
  }

  get lengthBytes(): number {
    return this.#length
  }

  u8(value: number): this {
    this.#length = this.#room(1).writeUInt8(value, this.#length)
    return this
  }

  u16(value: number): this {
    this.#length = this.#room(2).writeUInt16BE(value, this.#length)
    return this
  }

  u32(value: number): this {
    this.#length = this.#room(4).writeUInt32BE(value, this.#length)
    return this
  }

  u64(value: bigint): this {
    this.#length = this.#room(8).writeBigUInt64BE(value, this.#length)
    return this
  }

  f64(value: number): this {
    this.#length = this.#room(8).writeDoubleBE(value, this.#length)
    return this
  }

  raw(bytes: Uint8Array): this {
    this.#room(bytes.length).set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  zeros(lengthBytes: number): this {
    this.#room(lengthBytes).fill(0, this.#length, this.#length + lengthBytes)
    this.#length += lengthBytes
    return this
  }

  /** UTF-8 after its length in two bytes. */
  text(value: string): this {
    const length = Buffer.byteLength(value, "utf8")
    this.u16(length)
    this.#room(length).write(value, this.#length, "utf8")
    this.#length += length
    return this
  }

  /** @throws QkdError `invalid-value` when it is not a canonical UUID. */
  uuid(value: string): this {
    if (!writeUuid(value, this.#room(UUID_BYTES), this.#length))
      throw new QkdError("invalid-value", `${value} is not a canonical UUID`)
    this.#length += UUID_BYTES
    return this
  }

  texts(values: readonly string[]): this {
    this.u16(values.length)
    for (const value of values) this.text(value)
    return this
  }

  uuids(values: readonly string[]): this {
    this.u16(values.length)
    const bytes = packed.get(values)
    if (bytes !== undefined) return this.raw(bytes)
    for (const value of values) this.uuid(value)
    return this
  }

  /** What was written, without copying; the writer is not to be used afterwards. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  #room(more: number): Buffer {
    const need = this.#length + more
    if (need > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(need, this.#buffer.length * 2))
      this.#buffer.copy(grown, 0, 0, this.#length)
      this.#buffer = grown
    }
    return this.#buffer
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Every method throws QkdError `malformed-message`, with `what` as path, on bytes that do not fit. */
export class ByteReader {
  readonly #buffer: Buffer
  readonly #what: string
  #at = 0

  constructor(bytes: Uint8Array, what: string) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#what = what
  }

  /** Bytes read so far. */
  get offsetBytes(): number {
    return this.#at
  }

  get atEnd(): boolean {
    return this.#at === this.#buffer.length
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#step(1))
  }

  u16(): number {
    return this.#buffer.readUInt16BE(this.#step(2))
  }

  u32(): number {
    return this.#buffer.readUInt32BE(this.#step(4))
  }

  u64(): bigint {
    return this.#buffer.readBigUInt64BE(this.#step(8))
  }

  f64(): number {
    return this.#buffer.readDoubleBE(this.#step(8))
  }

  /** A view, not a copy. */
  raw(lengthBytes: number): Buffer {
    const from = this.#step(lengthBytes)
    return this.#buffer.subarray(from, from + lengthBytes)
  }

  /** Everything that is left, as a view. */
  rest(): Buffer {
    return this.raw(this.#buffer.length - this.#at)
  }

  text(maxBytes = 256): string {
    const length = this.u16()
    if (length > maxBytes) this.fail(`text of ${length} bytes, ${maxBytes} allowed`)
    try {
      return utf8.decode(this.raw(length))
    } catch (cause) {
      if (cause instanceof QkdError) throw cause
      return this.fail("text is not UTF-8")
    }
  }

  uuid(): string {
    return uuidText(this.raw(16))
  }

  texts(maxCount: number): string[] {
    return Array.from({ length: this.count(maxCount) }, () => this.text())
  }

  /** Frozen. */
  uuids(maxCount: number): readonly string[] {
    return uuidTexts(Uint8Array.from(this.raw(this.count(maxCount) * 16)))
  }

  /** A list length in two bytes. */
  count(maxCount: number): number {
    const count = this.u16()
    if (count > maxCount) this.fail(`list of ${count}, ${maxCount} allowed`)
    return count
  }

  /** Nothing may be left. */
  end(): void {
    if (this.#at !== this.#buffer.length)
      this.fail(`${this.#buffer.length - this.#at} bytes left over`)
  }

  fail(why: string): never {
    throw new QkdError("malformed-message", `${this.#what}: ${why}`, { path: this.#what })
  }

  #step(length: number): number {
    const from = this.#at
    if (from + length > this.#buffer.length) this.fail("ends too early")
    this.#at = from + length
    return from
  }
}
