// strongSwan's vici protocol as bytes: packets in frames of four length bytes, messages of sections, lists and
// values. Values are bytes to the protocol; what is no UTF-8 is never decoded here. Opens no socket.

import { QkdError } from "../errors.js"
import { unmovedBuffer } from "../unmoved.js"

export type ViciValue = string | Uint8Array | readonly string[] | ViciMessage
/** Sections by name, values and lists by key. A member that is undefined is left out. */
export interface ViciMessage {
  readonly [name: string]: ViciValue | undefined
}

/** Packet types, in the order of their numbers. */
export const VICI = {
  request: 0,
  response: 1,
  unknownCommand: 2,
  registerEvent: 3,
  unregisterEvent: 4,
  confirm: 5,
  unknownEvent: 6,
  event: 7,
} as const

const ELEMENT = {
  sectionStart: 1,
  sectionEnd: 2,
  keyValue: 3,
  listStart: 4,
  listItem: 5,
  listEnd: 6,
}
const NAMED: readonly number[] = [
  VICI.request,
  VICI.registerEvent,
  VICI.unregisterEvent,
  VICI.event,
]
/** What charon accepts and sends. */
export const MAX_PACKET_BYTES = 512 * 1024
const MAX_DEPTH = 16

export interface ViciPacket {
  readonly type: number
  readonly name?: string
  readonly message: ViciMessage
}

/**
 * A packet in its frame, in one buffer outside Node's pool: who sends a secret wipes it afterwards.
 *
 * @throws QkdError `too-big` beyond the protocol's lengths.
 */
export function encodeViciPacket(
  type: number,
  name?: string,
  message: ViciMessage = {},
): Uint8Array {
  const sizes = new Sizer()
  walk(message, sizes)
  const nameBytes = name === undefined ? 0 : 1 + Buffer.byteLength(name)
  const length = 1 + nameBytes + sizes.bytes
  if (length > MAX_PACKET_BYTES) throw new QkdError("too-big", `a vici packet of ${length} bytes`)
  const out = unmovedBuffer(4 + length)
  const writer = new Writer(out)
  out.writeUInt32BE(length, 0)
  writer.at = 4
  writer.byte(type)
  if (name !== undefined) writer.short(name)
  walk(message, writer)
  return out
}

interface Sink {
  byte(value: number): void
  /** With one length byte. */
  short(text: string): void
  /** With two. */
  long(value: string | Uint8Array): void
}

function walk(message: ViciMessage, sink: Sink): void {
  for (const [name, value] of Object.entries(message)) {
    if (value === undefined) continue
    if (typeof value === "string" || value instanceof Uint8Array) {
      sink.byte(ELEMENT.keyValue)
      sink.short(name)
      sink.long(value)
    } else if (isList(value)) {
      sink.byte(ELEMENT.listStart)
      sink.short(name)
      for (const item of value) {
        sink.byte(ELEMENT.listItem)
        sink.long(item)
      }
      sink.byte(ELEMENT.listEnd)
    } else {
      sink.byte(ELEMENT.sectionStart)
      sink.short(name)
      walk(value, sink)
      sink.byte(ELEMENT.sectionEnd)
    }
  }
}

function isList(value: ViciValue): value is readonly string[] {
  return Array.isArray(value)
}

class Sizer implements Sink {
  bytes = 0

  byte(): void {
    this.bytes += 1
  }

  short(text: string): void {
    const length = Buffer.byteLength(text)
    if (length > 255) throw new QkdError("too-big", "a vici name has at most 255 bytes")
    this.bytes += 1 + length
  }

  long(value: string | Uint8Array): void {
    const length = typeof value === "string" ? Buffer.byteLength(value) : value.length
    if (length > 65_535) throw new QkdError("too-big", "a vici value has at most 65535 bytes")
    this.bytes += 2 + length
  }
}

class Writer implements Sink {
  readonly #out: Uint8Array
  at = 0

  constructor(out: Uint8Array) {
    this.#out = out
  }

  byte(value: number): void {
    this.#out[this.at++] = value
  }

  short(text: string): void {
    this.byte(Buffer.byteLength(text))
    this.#text(text)
  }

  long(value: string | Uint8Array): void {
    const length = typeof value === "string" ? Buffer.byteLength(value) : value.length
    this.byte(length >> 8)
    this.byte(length & 0xff)
    if (typeof value === "string") this.#text(value)
    else {
      this.#out.set(value, this.at)
      this.at += length
    }
  }

  #text(text: string): void {
    this.at += new TextEncoder().encodeInto(text, this.#out.subarray(this.at)).written
  }
}

/**
 * A packet without its frame. Values become text; a key twice in a section keeps the later value.
 *
 * @throws QkdError `malformed-message`.
 */
export function decodeViciPacket(bytes: Uint8Array): ViciPacket {
  const reader = new Reader(bytes)
  const type = reader.byte()
  const name = NAMED.includes(type) ? reader.short() : undefined
  const message = reader.section(0)
  return name === undefined ? { type, message } : { type, name, message }
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  byte(): number {
    const value = this.#bytes[this.#at++]
    if (value === undefined) throw malformed()
    return value
  }

  short(): string {
    return this.#text(this.byte())
  }

  section(depth: number): ViciMessage {
    if (depth > MAX_DEPTH) throw malformed()
    const members = new Map<string, ViciValue>()
    while (depth > 0 || this.#at < this.#bytes.length) {
      const element = this.byte()
      if (element === ELEMENT.sectionEnd && depth > 0) break
      else if (element === ELEMENT.sectionStart) members.set(this.short(), this.section(depth + 1))
      else if (element === ELEMENT.keyValue) members.set(this.short(), this.#long())
      else if (element === ELEMENT.listStart) members.set(this.short(), this.#list())
      else throw malformed()
    }
    return Object.fromEntries(members)
  }

  #list(): string[] {
    const items: string[] = []
    for (;;) {
      const element = this.byte()
      if (element === ELEMENT.listEnd) return items
      if (element !== ELEMENT.listItem) throw malformed()
      items.push(this.#long())
    }
  }

  #long(): string {
    return this.#text(this.byte() * 256 + this.byte())
  }

  #text(length: number): string {
    const end = this.#at + length
    if (end > this.#bytes.length) throw malformed()
    const text = this.#bytes.toString("utf8", this.#at, end)
    this.#at = end
    return text
  }
}

function malformed(): QkdError {
  return new QkdError("malformed-message", "not a vici packet")
}

/** A section's member as text; "" where there is none. */
export function viciText(message: ViciMessage, name: string): string {
  const value = message[name]
  return typeof value === "string" ? value : ""
}

/** A section's member as a section; empty where there is none. */
export function viciSection(message: ViciMessage, name: string): ViciMessage {
  const value = message[name]
  return isSection(value) ? value : {}
}

export function isSection(value: ViciValue | undefined): value is ViciMessage {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Uint8Array)
}

/** A section's member as a list of texts; empty where there is none. */
export function viciList(message: ViciMessage, name: string): readonly string[] {
  const value = message[name]
  return Array.isArray(value) ? (value as readonly string[]) : []
}
