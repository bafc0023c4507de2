// The audit trail: one line of JSON for each delivery, chained by SHA-256, durable before a key leaves
// (THREATS I3: no audit, no delivery). Never holds key bytes. Keeping the head off the site is the operator's.

import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs"
import { mkdir, open, type FileHandle } from "node:fs/promises"
import path from "node:path"
import { asQkdError, QkdError } from "../errors.js"
import { isObject, parseJson } from "../yang/json-text.js"
import { auditDigest, AUDIT_ORIGIN } from "./audit-check.js"

/** What is written; `seq`, `time` and `previous` are the trail's own. */
export type AuditRecord = Readonly<Record<string, string | number | readonly string[]>>

/** A line is far shorter: the last one is looked for in this much of the file's end. */
const TAIL_BYTES = 1024 * 1024
/** A flush that takes so long is left to another thread: the node goes on meanwhile, and more records share the next. */
const SLOW_FLUSH_MS = 0.5
/** Disk kept for the records of keys that are on their way out when the disk becomes full. */
const BALLAST_BYTES = 256 * 1024

/** For the lines of one turn, as a rule. */
const ROOM_BYTES = 64 * 1024

/** Records of one turn of the event loop: written and flushed together, and who brought them wait for the same. */
interface Batch {
  readonly records: string[]
  readonly durable: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: QkdError) => void
}

/** A batch as it is written, and what the trail is once it is durable. */
interface Lines {
  readonly bytes: Buffer
  readonly seq: number
  readonly head: string
}

export class AuditTrail {
  readonly #file: FileHandle
  readonly #now: () => number
  #sizeBytes: number
  #seq: number
  #head: string
  #waiting: Batch | undefined
  /** From the first record on until none waits and none is being written. */
  #writing: Promise<void> | undefined
  #closed = false
  /** The file may end in lines that nobody was told of. */
  #torn = false
  readonly #ballastFile: string
  /** A write has failed, or the ballast is spent: nothing new is begun before there is room again. */
  #short = false
  readonly #slowFlushMs: number
  #lastFlushMs = 0
  #timeMs = NaN
  #time = ""
  readonly #room = Buffer.allocUnsafeSlow(ROOM_BYTES)

  private constructor(
    file: FileHandle,
    fileName: string,
    now: () => number,
    tail: Tail,
    slowFlushMs: number,
  ) {
    this.#slowFlushMs = slowFlushMs
    this.#file = file
    this.#ballastFile = `${fileName}.ballast`
    this.#now = now
    this.#sizeBytes = tail.sizeBytes
    this.#seq = tail.seq
    this.#head = tail.head
  }

  /**
   * Opens or begins the trail. A last line that a crash cut off was never acknowledged and is taken away.
   *
   * @param slowFlushMs when the last flush took so long, the next is left to another thread
   * @throws QkdError `malformed-message` when the end of the file is no trail.
   */
  static async open(
    fileName: string,
    now: () => number,
    slowFlushMs = SLOW_FLUSH_MS,
  ): Promise<AuditTrail> {
    await mkdir(path.dirname(fileName), { recursive: true, mode: 0o700 })
    const file = await open(fileName, "a+", 0o600)
    try {
      const tail = await readTail(file, fileName)
      await file.truncate(tail.sizeBytes)
      const trail = new AuditTrail(file, fileName, now, tail, slowFlushMs)
      trail.#short = !trail.#layBallast()
      return trail
    } catch (error) {
      await file.close()
      throw error
    }
  }

  get lines(): number {
    return this.#seq
  }

  /** SHA-256 of the last line: whoever keeps it sees any later change of the trail. */
  get head(): string {
    return this.#head
  }

  /**
   * To be asked before anything is spent that `append` must tell of: with a full disk keys would be gone, and nobody
   * have them.
   *
   * @throws QkdError `resource-denied` while there is no room
   */
  admit(): void {
    if (!this.#short) return
    if (!this.#layBallast()) {
      throw new QkdError(
        "resource-denied",
        "the audit trail cannot be written: no room on the disk",
      )
    }
    this.#short = false
  }

  /**
   * Resolves once the record is durable; all that come in one turn of the event loop share one write.
   *
   * @throws QkdError `operation-failed`
   */
  append(record: AuditRecord): Promise<void> {
    return this.appendText(JSON.stringify(record).slice(1, -1))
  }

  /** The same of a record's members as JSON writes them, without the braces around. */
  appendText(record: string): Promise<void> {
    if (this.#closed)
      return Promise.reject(
        new QkdError("operation-failed", "the audit trail is closed", { appTag: "closed" }),
      )
    const batch = (this.#waiting ??= newBatch())
    batch.records.push(record)
    // Lets everything of this turn of the event loop into the same flush: of all requests that had come when it began.
    if (this.#writing === undefined) {
      this.#writing = batch.durable.catch(() => undefined)
      setImmediate(this.#begin)
    }
    return batch.durable
  }

  /** Without a promise's turn as long as the disk is fast and has room. */
  readonly #begin = (): void => {
    const batch = this.#waiting
    if (batch === undefined) return
    this.#waiting = undefined
    const lines = this.#linesOf(batch)
    if (this.#lastFlushMs >= this.#slowFlushMs || !this.#putAtOnce(lines.bytes)) {
      this.#writing = this.#writeAll(batch, lines)
      return
    }
    this.#written(batch, lines)
    this.#writing = undefined
  }

  /** @returns false when all is to be done anew, after what was written of it has been taken away */
  #putAtOnce(bytes: Buffer): boolean {
    const { fd } = this.#file
    this.#torn = true
    try {
      if (writeSync(fd, bytes) < bytes.length) return false
      const began = performance.now()
      fdatasyncSync(fd)
      this.#lastFlushMs = performance.now() - began
    } catch {
      // The long way meets the same fault, and tells of it.
      return false
    }
    this.#torn = false
    return true
  }

  /** @returns false when the disk took less than all */
  async #put(bytes: Buffer): Promise<boolean> {
    try {
      if (writeSync(this.#file.fd, bytes) < bytes.length) return false
    } catch (cause) {
      if (Reflect.get(Object(cause), "code") === "ENOSPC") return false
      throw cause
    }
    await this.#flush()
    return true
  }

  /**
   * Blocking on a fast disk: 0.1 ms is less than the way to another thread and back, and a key waits for it. A disk that
   * is slow just now must not hold up everything else.
   */
  async #flush(): Promise<void> {
    const began = performance.now()
    if (this.#lastFlushMs >= this.#slowFlushMs) await this.#file.datasync()
    else fdatasyncSync(this.#file.fd)
    this.#lastFlushMs = performance.now() - began
  }

  /** @returns whether it lies on the disk now */
  #layBallast(): boolean {
    try {
      const ballast = openSync(this.#ballastFile, "w", 0o600)
      try {
        if (writeSync(ballast, Buffer.alloc(BALLAST_BYTES)) < BALLAST_BYTES) return false
        fdatasyncSync(ballast)
        return true
      } finally {
        closeSync(ballast)
      }
    } catch {
      return false
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#writing
    await this.#file.close()
  }

  /** The first batch and what comes while it is written. */
  async #writeAll(first: Batch, itsLines: Lines): Promise<void> {
    let batch: Batch | undefined = first
    let lines = itsLines
    while (batch !== undefined) {
      await this.#writeOne(batch, lines)
      batch = this.#waiting
      this.#waiting = undefined
      if (batch !== undefined) lines = this.#linesOf(batch)
    }
    // At once: whoever has just been told may append again before anything else runs.
    this.#writing = undefined
  }

  async #writeOne(batch: Batch, lines: Lines): Promise<void> {
    const { bytes } = lines
    try {
      if (this.#torn) await this.#file.truncate(this.#sizeBytes)
      this.#torn = false
      if (!(await this.#put(bytes))) {
        // Half a line must not stay in the middle of the trail.
        await this.#file.truncate(this.#sizeBytes)
        this.#short = true
        rmSync(this.#ballastFile, { force: true })
        if (!(await this.#put(bytes))) throw new QkdError("resource-denied", "the disk is full")
      }
      this.#written(batch, lines)
    } catch (cause) {
      this.#short = true
      await this.#file.truncate(this.#sizeBytes).catch(() => undefined)
      const error = new QkdError("operation-failed", "the audit trail cannot be written", {
        cause: asQkdError(cause),
      })
      batch.reject(error)
    }
  }

  #linesOf({ records }: Batch): Lines {
    let seq = this.#seq
    let head = this.#head
    let text = ""
    const time = this.#timeText()
    for (const record of records) {
      seq += 1
      const line = lineOf(seq, time, record, head)
      head = auditDigest(line)
      text += `${line}\n`
    }
    return { bytes: this.#bytesOf(text), seq, head }
  }

  /** Of the same millisecond it is the same. */
  #timeText(): string {
    const ms = this.#now()
    if (ms !== this.#timeMs) {
      this.#timeMs = ms
      this.#time = new Date(ms).toISOString()
    }
    return this.#time
  }

  /** In room that is used again: one batch is written before the next is. */
  #bytesOf(text: string): Buffer {
    if (3 * text.length > this.#room.length) return Buffer.from(text, "utf8")
    return this.#room.subarray(0, this.#room.write(text, "utf8"))
  }

  #written(batch: Batch, { bytes, seq, head }: Lines): void {
    this.#sizeBytes += bytes.length
    this.#seq = seq
    this.#head = head
    batch.resolve()
  }
}

function newBatch(): Batch {
  let [resolve, reject]: [() => void, (error: QkdError) => void] = [
    () => undefined,
    () => undefined,
  ]
  const durable = new Promise<void>((done, failed) => {
    resolve = done
    reject = failed
  })
  return { records: [], durable, resolve, reject }
}

interface Tail {
  readonly sizeBytes: number
  readonly seq: number
  readonly head: string
}

async function readTail(file: FileHandle, fileName: string): Promise<Tail> {
  const { size } = await file.stat()
  const from = Math.max(0, size - TAIL_BYTES)
  const bytes = Buffer.alloc(size - from)
  await file.read(bytes, 0, bytes.length, from)
  const end = bytes.lastIndexOf(0x0a)
  if (end < 0) {
    if (from === 0) return { sizeBytes: 0, seq: 0, head: AUDIT_ORIGIN }
    throw new QkdError("malformed-message", `${fileName} is no audit trail`)
  }
  const start = end === 0 ? 0 : bytes.lastIndexOf(0x0a, end - 1) + 1
  const line = bytes.subarray(start, end).toString("utf8")
  const entry = parseJson(line)
  const seq = isObject(entry) ? entry["seq"] : undefined
  if (typeof seq !== "number")
    throw new QkdError("malformed-message", `${fileName} is no audit trail`)
  return { sizeBytes: from + end + 1, seq, head: auditDigest(line) }
}

/** As JSON.stringify writes it all in one object, without making that for each. */
function lineOf(seq: number, time: string, record: string, previous: string): string {
  const own = record === "" ? "" : `${record},`
  return `{"seq":${seq},"time":"${time}",${own}"previous":"${previous}"}`
}
