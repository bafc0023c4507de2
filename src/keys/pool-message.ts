// What two ends of a link say about their pool, as bytes. Meaning: `pool.ts`. Names no key byte.

import { ByteReader, ByteWriter } from "./bytes.js"
import type { HalfNumber, HalfRef } from "./half.js"

/** How one end holds a half-block: not (any more), as its own to use, or as the other end's. */
export type HalfHolding = "gone" | "mine" | "theirs"

/** One block as its sender holds it. */
export interface InventoryItem {
  readonly blockId: string
  readonly halves: readonly [HalfHolding, HalfHolding]
}

export interface OpenedHalf extends HalfRef {
  /** Bytes before this one were used, even if the messages that used them were lost. */
  readonly from: number
}

export type PoolMessage =
  /** Everything below is relative to this start; what was open before is asked for anew. */
  | { readonly kind: "sync" }
  /** A piece of the inventory. */
  | { readonly kind: "inventory"; readonly items: readonly InventoryItem[] }
  /** The inventory is complete. */
  | { readonly kind: "end" }
  /** I hold these durably. */
  | { readonly kind: "stored"; readonly blockIds: readonly string[] }
  /** These are spent or void here: drop them. */
  | { readonly kind: "gone"; readonly blockIds: readonly string[] }
  /** I have removed these durably and will use them for sending, from this byte on. */
  | { readonly kind: "open"; readonly halves: readonly OpenedHalf[] }
  /** I have removed them durably as well: use them. */
  | { readonly kind: "ready"; readonly halves: readonly HalfRef[] }
  /** I do not have them (any more), or they are too old: drop them. The end that sends with them says so back. */
  | { readonly kind: "lack"; readonly halves: readonly HalfRef[] }
  /** I run low: grant me some of yours. */
  | { readonly kind: "want"; readonly lengthBytes: number }
  /** These were mine and are yours now, durably. */
  | { readonly kind: "give"; readonly halves: readonly HalfRef[] }
  /** I have no such link configured with you. */
  | { readonly kind: "no-link" }

const KINDS = [
  "sync",
  "inventory",
  "end",
  "stored",
  "gone",
  "open",
  "ready",
  "lack",
  "want",
  "give",
  "no-link",
] as const satisfies readonly PoolMessage["kind"][]

const HOLDINGS = ["gone", "mine", "theirs"] as const satisfies readonly HalfHolding[]

/** Entries in one list; longer ones are sent in several messages. */
export const MAX_LIST = 1024

export function encodePoolMessage(qkdlId: string, message: PoolMessage): Buffer {
  const writer = new ByteWriter(64).text(qkdlId).u8(KINDS.indexOf(message.kind))
  switch (message.kind) {
    case "sync":
    case "end":
    case "no-link":
      break
    case "inventory":
      writer.u16(message.items.length)
      for (const { blockId, halves } of message.items) {
        writer.uuid(blockId).u8(HOLDINGS.indexOf(halves[0]) * 3 + HOLDINGS.indexOf(halves[1]))
      }
      break
    case "stored":
    case "gone":
      writer.uuids(message.blockIds)
      break
    case "open":
      writer.u16(message.halves.length)
      for (const { blockId, half, from } of message.halves) writer.uuid(blockId).u8(half).u32(from)
      break
    case "ready":
    case "lack":
    case "give":
      writer.u16(message.halves.length)
      for (const { blockId, half } of message.halves) writer.uuid(blockId).u8(half)
      break
    case "want":
      writer.u32(message.lengthBytes)
  }
  return writer.finish()
}

/** @throws QkdError `malformed-message`. */
export function decodePoolMessage(bytes: Uint8Array): { qkdlId: string; message: PoolMessage } {
  const reader = new ByteReader(bytes, "pool message")
  const qkdlId = reader.text()
  const message = decodeBody(reader)
  reader.end()
  return { qkdlId, message }
}

function decodeBody(reader: ByteReader): PoolMessage {
  const kind = KINDS[reader.u8()]
  if (kind === undefined) return reader.fail("unknown kind")
  switch (kind) {
    case "sync":
    case "end":
    case "no-link":
      return { kind }
    case "inventory":
      return { kind, items: list(reader, readItem) }
    case "stored":
    case "gone":
      return { kind, blockIds: reader.uuids(MAX_LIST) }
    case "open":
      return { kind, halves: list(reader, (r) => ({ ...readHalf(r), from: r.u32() })) }
    case "ready":
    case "lack":
    case "give":
      return { kind, halves: list(reader, readHalf) }
    case "want":
      return { kind, lengthBytes: reader.u32() }
  }
}

function list<T>(reader: ByteReader, one: (reader: ByteReader) => T): T[] {
  return Array.from({ length: reader.count(MAX_LIST) }, () => one(reader))
}

function readItem(reader: ByteReader): InventoryItem {
  const blockId = reader.uuid()
  const both = reader.u8()
  const first = HOLDINGS[Math.floor(both / 3)]
  const second = HOLDINGS[both % 3]
  if (first === undefined || second === undefined) return reader.fail("unknown holding")
  return { blockId, halves: [first, second] }
}

function readHalf(reader: ByteReader): HalfRef {
  return { blockId: reader.uuid(), half: readHalfNumber(reader) }
}

/** Halves are numbered 0 and 1. */
export function readHalfNumber(reader: ByteReader): HalfNumber {
  const half = reader.u8()
  return half === 0 || half === 1 ? half : reader.fail("half-block number")
}

/** Cuts a long list into messages of `MAX_LIST`. */
export function inPieces<T>(entries: readonly T[]): T[][] {
  const pieces: T[][] = []
  for (let at = 0; at < entries.length; at += MAX_LIST)
    pieces.push(entries.slice(at, at + MAX_LIST))
  return pieces
}
