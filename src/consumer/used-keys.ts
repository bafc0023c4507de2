// Which generations and key ids a tunnel has used, so that none is used twice: a file of one line each, on the
// disk before the key goes anywhere. A line that a crash left half written is the last one and was never acted on.
// Key ids are no secrets; no key is here.

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs"
import { QkdError } from "../errors.js"

interface Line {
  readonly generation: number
  readonly keyId: string
}

/** Ids remembered; older ones are refused for their generation already. */
const DEFAULT_KEPT = 4096

export class UsedKeys {
  readonly #file: string
  readonly #kept: number
  readonly #ids = new Set<string>()
  #fd: number
  #lines: number
  #highest = 0

  private constructor(file: string, kept: number, lines: readonly Line[]) {
    this.#file = file
    this.#kept = kept
    for (const line of lines.slice(-this.#kept)) if (line.keyId !== "") this.#ids.add(line.keyId)
    this.#highest = lines.reduce((max, line) => Math.max(max, line.generation), 0)
    this.#lines = lines.length
    this.#fd = this.#rewrite(lines.slice(-this.#kept))
  }

  /** @throws QkdError `malformed-message` for a file that is none of ours: it is not overwritten. */
  static open(file: string, kept = DEFAULT_KEPT): UsedKeys {
    let text = ""
    try {
      text = readFileSync(file, "utf8")
    } catch (cause) {
      if (!(cause instanceof Error && "code" in cause && cause.code === "ENOENT"))
        throw new QkdError("operation-failed", `cannot read ${file}`, { cause })
    }
    const whole = text.slice(0, text.lastIndexOf("\n") + 1)
    const lines = whole
      .split("\n")
      .slice(0, -1)
      .map((line) => parse(line, file))
    return new UsedKeys(file, kept, lines)
  }

  /** The highest generation ever begun at this end; 0 before the first. */
  get highest(): number {
    return this.#highest
  }

  /**
   * Marks a generation and its key as used; durable on return.
   *
   * @param keyId "" for a generation without a QKD key
   * @throws QkdError `data-exists` when the generation is not a new one or the key was used before.
   */
  use(generation: number, keyId: string): void {
    if (generation <= this.#highest)
      throw new QkdError("data-exists", `generation ${generation} is not after ${this.#highest}`)
    if (keyId !== "" && this.#ids.has(keyId))
      throw new QkdError("data-exists", `key ${keyId} was used before`)
    append(this.#fd, [{ generation, keyId }])
    fsyncSync(this.#fd)
    this.#highest = generation
    if (keyId !== "") this.#ids.add(keyId)
    this.#lines += 1
    if (this.#lines < 2 * this.#kept) return
    const kept = [...this.#ids].slice(-this.#kept)
    this.#ids.clear()
    for (const id of kept) this.#ids.add(id)
    closeSync(this.#fd)
    this.#fd = this.#rewrite(kept.map((id) => ({ generation, keyId: id })))
    this.#lines = kept.length
  }

  close(): void {
    closeSync(this.#fd)
  }

  /** The file anew, whole or not at all. */
  #rewrite(lines: readonly Line[]): number {
    const draft = `${this.#file}.draft`
    const fd = openSync(draft, "w", 0o600)
    append(fd, lines)
    if (lines.length === 0 && this.#highest > 0)
      append(fd, [{ generation: this.#highest, keyId: "" }])
    fsyncSync(fd)
    renameSync(draft, this.#file)
    return fd
  }
}

function append(fd: number, lines: readonly Line[]): void {
  const text = lines.map((line) => `${line.generation} ${line.keyId}\n`).join("")
  if (text !== "") writeSync(fd, text)
}

function parse(line: string, file: string): Line {
  const [, generation, keyId] = /^([0-9]{1,15}) (.{0,200})$/.exec(line) ?? []
  if (generation === undefined || keyId === undefined)
    throw new QkdError("malformed-message", `${file} is not a list of used keys`)
  return { generation: Number(generation), keyId }
}
