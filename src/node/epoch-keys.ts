// The keys under which records of the sealed store lie on disk. Each epoch has its own, wrapped under the
// node's sealing key in a file of its own, so that what was removed from the store becomes unreadable when its
// epoch's key is shredded: removal from LMDB alone erases nothing (THREATS D1).
//
//   epochs/<n>.key = [12 nonce][32 key, AES-256-GCM][16 tag], authenticated with "keyloom epoch <n>"
//
// On flash storage overwriting a file does not certainly reach the old cells; the wrapped key that may remain
// there is worth nothing without the sealing key, which is not on that disk.

import { createCipheriv, createDecipheriv } from "node:crypto"
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
} from "node:fs"
import { renameSync, unlinkSync, writeSync } from "node:fs"
import path from "node:path"
import { QkdError } from "../errors.js"
import { Secret } from "../keys/secret.js"

const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = 12
const FILE = /^(\d+)\.key$/

/** Bytes that sealing adds to a value. */
export const SEAL_BYTES = HEAD_BYTES + TAG_BYTES

export class EpochKeys {
  readonly #dir: string
  readonly #sealingKey: Secret
  readonly #random: (bytes: number) => Uint8Array
  readonly #keys = new Map<number, Secret>()
  #current = 0
  #sealed = 0n

  /** @throws QkdError `access-denied` when the sealing key does not open a file that is there. */
  constructor(dir: string, sealingKey: Secret, random: (bytes: number) => Uint8Array) {
    this.#dir = path.join(dir, "epochs")
    this.#sealingKey = sealingKey
    this.#random = random
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 })
    for (const name of readdirSync(this.#dir)) {
      const number = Number(FILE.exec(name)?.[1] ?? NaN)
      // A file that was being written or shredded when the process was killed: no record depends on it.
      if (Number.isNaN(number)) this.#erase(path.join(this.#dir, name))
      else this.#keys.set(number, unwrap(number, readFileSync(this.#file(number)), sealingKey))
    }
    this.#current = Math.max(0, ...this.#keys.keys())
  }

  get current(): number {
    return this.#current
  }

  get numbers(): number[] {
    return Array.from(this.#keys.keys())
  }

  /** Begins an epoch: its wrapped key is durable before anything is sealed under it. */
  begin(): void {
    const number = this.#current + 1
    const key = Secret.take(this.#random(KEY_BYTES))
    writeWrapped(this.#dir, number, wrap(number, key, this.#sealingKey, this.#random))
    this.#keys.set(number, key)
    this.#current = number
    this.#sealed = 0n
  }

  /** `[4 epoch][8 counter][ciphertext][16 tag]`, authenticated with the record's key. */
  seal(recordKey: Uint8Array, value: Uint8Array): Buffer {
    const head = Buffer.alloc(HEAD_BYTES)
    head.writeUInt32BE(this.#current, 0)
    // An epoch lives in one process only, so a counter never repeats under its key.
    head.writeBigUInt64BE(this.#sealed++, 4)
    return this.#key(this.#current).use((key) => {
      const cipher = createCipheriv("aes-256-gcm", key, head)
      cipher.setAAD(recordKey)
      return Buffer.concat([head, cipher.update(value), cipher.final(), cipher.getAuthTag()])
    })
  }

  /** @throws QkdError `operation-failed` when the bytes are not what was sealed under this record key. */
  open(recordKey: Uint8Array, sealed: Buffer): Secret {
    const fault = (cause?: unknown): QkdError =>
      new QkdError("operation-failed", "a record of the key store is damaged", { cause })
    if (sealed.length < SEAL_BYTES) throw fault()
    const end = sealed.length - TAG_BYTES
    return this.#key(epochOf(sealed)).use((key) => {
      const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, HEAD_BYTES))
      decipher.setAAD(recordKey)
      decipher.setAuthTag(sealed.subarray(end))
      const plain = decipher.update(sealed.subarray(HEAD_BYTES, end))
      try {
        decipher.final()
        return Secret.take(plain)
      } catch (cause) {
        plain.fill(0)
        throw fault(cause)
      }
    })
  }

  /**
   * Overwrites and removes an epoch's key: nothing sealed under it can be read again. Harmless when it is gone.
   * Renamed first: killed in between, the process finds no half-overwritten key at its next start, which it
   * could not tell from one that is sealed under another sealing key.
   */
  shred(number: number): void {
    if (number === this.#current) throw new RangeError("the current epoch is in use")
    const key = this.#keys.get(number)
    if (key === undefined) return
    key.wipe()
    this.#keys.delete(number)
    const gone = `${this.#file(number)}.gone`
    renameSync(this.#file(number), gone)
    syncDir(this.#dir)
    this.#erase(gone)
  }

  close(): void {
    for (const key of this.#keys.values()) key.wipe()
    this.#keys.clear()
  }

  #erase(file: string): void {
    writeDurably(file, this.#random(NONCE_BYTES + KEY_BYTES + TAG_BYTES), "r+")
    unlinkSync(file)
    syncDir(this.#dir)
  }

  #key(number: number): Secret {
    const key = this.#keys.get(number)
    if (key === undefined)
      throw new QkdError("operation-failed", `key store: the key of epoch ${number} is gone`)
    return key
  }

  #file(number: number): string {
    return path.join(this.#dir, `${number}.key`)
  }
}

/**
 * Wraps the keys of all epochs in a store's folder under another sealing key, one after the other, each durably. Those that
 * are already, by a call that was broken off, are left. For a store that nobody has open.
 *
 * @throws QkdError `access-denied` when one is sealed under neither; then nothing has changed.
 */
export function rewrapEpochKeys(
  dir: string,
  former: Secret,
  next: Secret,
  random: (bytes: number) => Uint8Array,
): void {
  const folder = path.join(dir, "epochs")
  if (!existsSync(folder)) return
  const numbers = readdirSync(folder).flatMap((name) => FILE.exec(name)?.[1] ?? [])
  const left: { readonly number: number; readonly key: Secret }[] = []
  try {
    for (const number of numbers.map(Number)) {
      const wrapped = readFileSync(path.join(folder, `${number}.key`))
      if (!opens(number, wrapped, next)) left.push({ number, key: unwrap(number, wrapped, former) })
    }
    for (const { number, key } of left)
      writeWrapped(folder, number, wrap(number, key, next, random))
  } finally {
    for (const { key } of left) key.wipe()
  }
}

function wrap(
  number: number,
  key: Secret,
  sealingKey: Secret,
  random: (bytes: number) => Uint8Array,
): Buffer {
  const nonce = random(NONCE_BYTES)
  return sealingKey.use((sealing) => {
    const cipher = createCipheriv("aes-256-gcm", sealing, nonce)
    cipher.setAAD(epochLabel(number))
    const body = key.use((bytes) => Buffer.concat([cipher.update(bytes), cipher.final()]))
    return Buffer.concat([nonce, body, cipher.getAuthTag()])
  })
}

function unwrap(number: number, wrapped: Buffer, sealingKey: Secret): Secret {
  const end = wrapped.length - TAG_BYTES
  return sealingKey.use((sealing) => {
    try {
      const nonce = wrapped.subarray(0, NONCE_BYTES)
      const decipher = createDecipheriv("aes-256-gcm", sealing, nonce)
      decipher.setAAD(epochLabel(number))
      decipher.setAuthTag(wrapped.subarray(end))
      const key = decipher.update(wrapped.subarray(NONCE_BYTES, end))
      decipher.final()
      return Secret.take(key)
    } catch (cause) {
      throw new QkdError("access-denied", "the sealing key does not open this key store", {
        cause,
      })
    }
  })
}

function opens(number: number, wrapped: Buffer, sealingKey: Secret): boolean {
  try {
    unwrap(number, wrapped, sealingKey).wipe()
    return true
  } catch {
    return false
  }
}

function writeWrapped(folder: string, number: number, wrapped: Buffer): void {
  const file = path.join(folder, `${number}.key`)
  writeDurably(`${file}.new`, wrapped)
  renameSync(`${file}.new`, file)
  syncDir(folder)
}

/** The epoch under which a sealed value lies. */
export function epochOf(sealed: Buffer): number {
  return sealed.readUInt32BE(0)
}

function epochLabel(number: number): Buffer {
  return Buffer.from(`keyloom epoch ${number}`, "latin1")
}

function writeDurably(file: string, bytes: Uint8Array, flags = "w"): void {
  const handle = openSync(file, flags, 0o600)
  try {
    writeSync(handle, bytes, 0, bytes.length, 0)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

function syncDir(dir: string): void {
  const handle = openSync(dir, "r")
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
