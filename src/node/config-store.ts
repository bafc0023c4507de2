// The running configuration on disk, replaced as a whole. After `save` resolves, a crash or power loss finds the
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
import { isObject, type JsonObject, type JsonValue, parseJson } from "../yang/json-text.js"

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

interface Slot {
  readonly fd: number
  /** 0: nothing whole in it. */
  sequence: number
  /** Of the file; what is beyond the content is old or zero. */
  sizeBytes: number
}

/**
 * The store in `dir`; makes the folder. Two files take turns: the older one is overwritten and flushed, so a
 * save costs one flush and no new names, and a torn one is told by its digest. Saving blocks for that flush, some
 * 0.2 ms: cheaper than the eight trips through the thread pool that the same in small asynchronous steps takes.
 */
export async function openConfigStore(dir: string): Promise<ConfigStore> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const slots = SLOTS.map((name): Slot => {
    const fd = openSync(path.join(dir, name), constants.O_RDWR | constants.O_CREAT, 0o600)
    return { fd, sequence: readSlot(fd)?.sequence ?? 0, sizeBytes: fstatSync(fd).size }
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
  return {
    load() {
      const [newest] = [...slots].sort((a, b) => b.sequence - a.sequence)
      const whole = newest === undefined ? undefined : readSlot(newest.fd)
      return Promise.resolve(
        whole === undefined ? undefined : storedConfig(parseJson(whole.text), dir),
      )
    },
    save(config) {
      const [a, b] = slots
      if (a === undefined || b === undefined) throw new Error("a slot is missing")
      const [older, newer] = a.sequence <= b.sequence ? [a, b] : [b, a]
      const sequence = newer.sequence + 1
      const body = JSON.stringify({ format: FORMAT, ...config })
      const bytes = Buffer.from(`${sequence} ${body.length} ${digestOf(sequence, body)}\n${body}`)
      // Not whole until the write is through: a crash in between leaves the newer slot in force.
      older.sequence = 0
      makeRoom(older, bytes.length)
      const written = writeSync(older.fd, bytes, 0, bytes.length, 0)
      if (written < bytes.length) throw noRoom()
      fdatasyncSync(older.fd)
      older.sequence = sequence
      return Promise.resolve()
    },
    close() {
      for (const { fd } of slots.splice(0)) closeSync(fd)
    },
  }
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

/** A slot's sequence number and text when it was written to the end. */
function readSlot(fd: number): { sequence: number; text: string } | undefined {
  const bytes = Buffer.alloc(fstatSync(fd).size)
  readSync(fd, bytes, 0, bytes.length, 0)
  const content = bytes.toString("utf8")
  const end = content.indexOf("\n")
  const [number, length, digest] = content.slice(0, Math.max(0, end)).split(" ")
  // What an earlier, longer save left behind the end is nothing: cutting it off would cost more than the save.
  const text = content.slice(end + 1, end + 1 + Number(length))
  const sequence = Number(number)
  if (!Number.isSafeInteger(sequence) || sequence < 1) return undefined
  return digest === digestOf(sequence, text) ? { sequence, text } : undefined
}

function digestOf(sequence: number, text: string): string {
  return createHash("sha256").update(`${sequence}\n`).update(text).digest("hex")
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

function storedConfig(value: JsonValue, file: string): StoredConfig {
  if (!isObject(value)) throw broken(file, "no object")
  if (value["format"] !== FORMAT) throw broken(file, `format ${JSON.stringify(value["format"])}`)
  const { before } = value
  const kept = keptConfig(value, file)
  return before === undefined ? kept : { ...kept, before: keptConfig(before, file) }
}

function keptConfig(value: JsonValue, file: string): KeptConfig {
  if (!isObject(value)) throw broken(file, "no object")
  const { running, appCreatedAt } = value
  if (!isObject(running) || !isObject(appCreatedAt)) throw broken(file, "members are missing")
  const times: Record<string, string> = {}
  for (const [appId, time] of Object.entries(appCreatedAt)) {
    if (typeof time !== "string") throw broken(file, "a time is no string")
    times[appId] = time
  }
  return { running, appCreatedAt: times }
}
