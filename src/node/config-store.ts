// The running configuration on disk, each save what has changed since the one before. After `save` resolves, a crash or power loss finds the
// new content; before, the old one; never a mixture. Holds no key material and no secrets.

import { createHash } from "node:crypto"
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs"
import { mkdir } from "node:fs/promises"
import path from "node:path"
import { QkdError } from "../errors.js"
import { isArray, isObject, type JsonObject, type JsonValue, parseJson } from "../yang/json-text.js"
import { changesBetween, isChange, withChanges } from "./config-patch.js"

/** A configuration with what of it only the agent knows. */
export interface KeptConfig {
  /** RFC 7951, as validated. */
  readonly running: JsonObject
  /** `creation_time` of each application, RFC 3339. */
  readonly appCreatedAt: Readonly<Record<string, string>>
}

/** What survives a restart of the agent. */
export interface StoredConfig extends KeptConfig {
  /** What a start goes back to: `running` waits for a confirmation that a restart ends (RFC 6241 section 8.4.1). */
  readonly before?: KeptConfig
}

export interface ConfigStore {
  load(): Promise<StoredConfig | undefined>
  /** One durable write. */
  save(config: StoredConfig): Promise<void>
  /** Nothing is saved afterwards. */
  close(): void
}

/** Bumped when the files' shape changes. */
const FORMAT = 2
const SLOTS = ["running.0", "running.1"]

/** Slots grow by this much: a flush that changes no file's size is a quarter of one that does. */
const ROOM_BYTES = 1 << 16

/** Records read one after the other: the first whole, the others changes to what stands before them. */
interface Slot {
  readonly fd: number
  /** Of its last record; 0: nothing whole in it. */
  sequence: number
  /** Of the file; what is beyond the last record is old or zero. */
  sizeBytes: number
}

/** The slot that is written to, as far as it is known to be on disk. */
interface Tip {
  readonly slot: Slot
  readonly config: StoredConfig
  readonly endBytes: number
  readonly digest: string
}

/**
 * The store in `dir`; makes the folder. A save appends what has changed to one of two files; when its room is full, the
 * whole goes to the other. A save so costs one small flush, no new names and no change of a file's size, and a torn
 * one is told by its digest. Saving blocks for that flush, some 0.2 ms: cheaper than the trips through the thread
 * pool that the same in small asynchronous steps takes.
 */
export async function openConfigStore(dir: string): Promise<ConfigStore> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const slots = SLOTS.map((name): Slot => {
    const fd = openSync(path.join(dir, name), constants.O_RDWR | constants.O_CREAT, 0o600)
    return { fd, sequence: recordsIn(fd).at(-1)?.sequence ?? 0, sizeBytes: fstatSync(fd).size }
  })
  // The names are durable from here on.
  const folder = openSync(dir, "r")
  fsyncSync(folder)
  closeSync(folder)
  // A torn first save leaves one slot empty; two that are both unreadable were written by something else.
  if (slots.every(({ fd, sequence }) => sequence === 0 && isWritten(fd))) {
    for (const { fd } of slots) closeSync(fd)
    throw broken(dir, "neither slot is whole")
  }
  let attempts = Math.max(...slots.map(({ sequence }) => sequence))
  /** Undefined until something was saved, and after a save that failed: then the next one is whole. */
  let tip: Tip | undefined
  return {
    load() {
      const newest = newerOf(slots)
      const records = newest === undefined ? [] : recordsIn(newest.fd)
      return Promise.resolve(records.length === 0 ? undefined : storedConfig(records, dir))
    },
    save(config) {
      const before = tip
      tip = undefined
      attempts += 1
      tip =
        (before === undefined ? undefined : append(before, config, attempts)) ??
        writeWhole(slots, config, attempts)
      return Promise.resolve()
    },
    close() {
      for (const { fd } of slots.splice(0)) closeSync(fd)
    },
  }
}

function newerOf(slots: readonly Slot[]): Slot | undefined {
  return slots.reduce<Slot | undefined>(
    (best, slot) => (best === undefined || slot.sequence >= best.sequence ? slot : best),
    undefined,
  )
}

/** Undefined when the slot has no room left. */
function append(tip: Tip, config: StoredConfig, sequence: number): Tip | undefined {
  const { slot } = tip
  const changes = changesBetween(treeOf(tip.config), treeOf(config))
  if (changes.length === 0) return { ...tip, config }
  const { bytes, digest } = recordOf(sequence, tip.digest, JSON.stringify(changes))
  const endBytes = tip.endBytes + bytes.length
  if (endBytes > slot.sizeBytes) return undefined
  writeAndFlush(slot, bytes, tip.endBytes)
  slot.sequence = sequence
  return { slot, config, endBytes, digest }
}

/** Over the slot that is not in force. */
function writeWhole(slots: readonly Slot[], config: StoredConfig, sequence: number): Tip {
  const newer = newerOf(slots)
  const slot = slots.find((other) => other !== newer)
  if (slot === undefined) throw new Error("a slot is missing")
  const body = JSON.stringify({ format: FORMAT, ...config })
  const { bytes, digest } = recordOf(sequence, "", body)
  // Not whole until the write is through: a crash in between leaves the newer slot in force.
  slot.sequence = 0
  makeRoom(slot, bytes.length)
  writeAndFlush(slot, bytes, 0)
  slot.sequence = sequence
  return { slot, config, endBytes: bytes.length, digest }
}

function writeAndFlush(slot: Slot, bytes: Buffer, at: number): void {
  if (writeSync(slot.fd, bytes, 0, bytes.length, at) < bytes.length) throw noRoom()
  fdatasyncSync(slot.fd)
}

function treeOf({ running, appCreatedAt, before }: StoredConfig): JsonObject {
  return { running, appCreatedAt, ...(before !== undefined && { before: { ...before } }) }
}

/** Whether anything but fresh room is there. */
function isWritten(fd: number): boolean {
  const first = Buffer.alloc(1)
  return readSync(fd, first, 0, 1, 0) === 1 && first[0] !== 0
}

function makeRoom(slot: Slot, neededBytes: number): void {
  if (neededBytes <= slot.sizeBytes) return
  const sizeBytes = Math.ceil((neededBytes * 2) / ROOM_BYTES) * ROOM_BYTES
  const room = Buffer.alloc(sizeBytes - slot.sizeBytes)
  if (writeSync(slot.fd, room, 0, room.length, slot.sizeBytes) < room.length) throw noRoom()
  slot.sizeBytes = sizeBytes
}

function noRoom(): QkdError {
  return new QkdError("resource-denied", "no room for the configuration")
}

interface StoredRecord {
  readonly sequence: number
  readonly text: string
}

/** Sequence, length and digest in a line of their own, then the body. */
function recordOf(
  sequence: number,
  before: string,
  body: string,
): { bytes: Buffer; digest: string } {
  const digest = digestOf(sequence, before, body)
  const bytes = Buffer.from(`${sequence} ${Buffer.byteLength(body)} ${digest}\n${body}`)
  return { bytes, digest }
}

/** A slot's records up to the first that was not written to the end; what an earlier use left behind it is nothing. */
function recordsIn(fd: number): StoredRecord[] {
  const bytes = Buffer.alloc(fstatSync(fd).size)
  readSync(fd, bytes, 0, bytes.length, 0)
  const records: StoredRecord[] = []
  let before = ""
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\n", at)
    const [number, length, digest] = bytes.toString("latin1", at, Math.max(at, end)).split(" ")
    const sequence = Number(number)
    const first = records[0]
    const isNext = first === undefined || sequence > (records.at(-1)?.sequence ?? 0)
    if (end < 0 || !Number.isSafeInteger(sequence) || sequence < 1 || !isNext) return records
    at = end + 1 + Number(length)
    const text = bytes.toString("utf8", end + 1, at)
    if (digest !== digestOf(sequence, before, text)) return records
    before = digest
    records.push({ sequence, text })
  }
}

/** Of a record and, through the digest before it, of all it stands on. */
function digestOf(sequence: number, before: string, text: string): string {
  return createHash("sha256").update(`${sequence}\n${before}`).update(text).digest("hex")
}

/** A store without disk, for tests and trials. */
export function memoryConfigStore(initial?: StoredConfig): ConfigStore {
  let kept = initial
  return {
    load: () => Promise.resolve(kept),
    save: (config) => {
      kept = config
      return Promise.resolve()
    },
    close: () => undefined,
  }
}

function broken(where: string, what: string): QkdError {
  return new QkdError("malformed-message", `${where}: ${what}; it was not written by this program`)
}

function storedConfig(records: readonly StoredRecord[], where: string): StoredConfig {
  const [first, ...rest] = records
  let tree = parseJson(first?.text ?? "")
  if (!isObject(tree)) throw broken(where, "no object")
  if (tree["format"] !== FORMAT) throw broken(where, `format ${JSON.stringify(tree["format"])}`)
  for (const { text } of rest) {
    const changes = parseJson(text)
    const isWhole = isArray(changes) && changes.every(isChange)
    const next: JsonObject | undefined = isWhole ? withChanges(tree, changes) : undefined
    if (next === undefined) throw broken(where, "a change does not fit")
    tree = next
  }
  const { before } = tree
  const kept = keptConfig(tree, where)
  return before === undefined ? kept : { ...kept, before: keptConfig(before, where) }
}

function keptConfig(value: JsonValue, where: string): KeptConfig {
  if (!isObject(value)) throw broken(where, "no object")
  const { running, appCreatedAt } = value
  if (!isObject(running) || !isObject(appCreatedAt)) throw broken(where, "members are missing")
  const times: Record<string, string> = {}
  for (const [appId, time] of Object.entries(appCreatedAt)) {
    if (typeof time !== "string") throw broken(where, "a time is no string")
    times[appId] = time
  }
  return { running, appCreatedAt: times }
}
