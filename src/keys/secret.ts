// Key bytes. The only type that carries them: it cannot be printed or serialised by accident, and can be
// wiped. Bytes sit where the garbage collector does not move them, so that wiping reaches them all.

import { QkdError } from "../errors.js"
import { unmovedBytes, unmovedCopy } from "../unmoved.js"

const INSPECT = Symbol.for("nodejs.util.inspect.custom")

export class Secret {
  #bytes: Uint8Array | null

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Takes the bytes over: `source` is copied, then wiped. */
  static take(source: Uint8Array): Secret {
    const own = unmovedCopy(source)
    source.fill(0)
    return new Secret(own)
  }

  /** A zeroed secret of `lengthBytes`, to be filled through `use`. */
  static zero(lengthBytes: number): Secret {
    return new Secret(unmovedBytes(lengthBytes))
  }

  get lengthBytes(): number {
    return this.#open().length
  }

  get lengthBits(): number {
    return this.#open().length * 8
  }

  get wiped(): boolean {
    return this.#bytes === null
  }

  /** Lends the bytes to `reader`, which must not keep them. */
  use<T>(reader: (bytes: Uint8Array) => T): T {
    return reader(this.#open())
  }

  /** A new secret with `lengthBytes` from `offsetBytes`. */
  slice(offsetBytes: number, lengthBytes: number): Secret {
    const bytes = this.#open()
    if (offsetBytes < 0 || lengthBytes < 0 || offsetBytes + lengthBytes > bytes.length) {
      throw new RangeError(`slice ${offsetBytes}+${lengthBytes} of ${bytes.length} bytes`)
    }
    return new Secret(unmovedCopy(bytes.subarray(offsetBytes, offsetBytes + lengthBytes)))
  }

  /**
   * Takes `count` secrets of `lengthBytes` each out of this one, from `offsetBytes` on: they are overwritten here. All
   * share one buffer, in which each overwrites its own bytes when it is wiped.
   */
  cut(offsetBytes: number, lengthBytes: number, count: number): Secret[] {
    const bytes = this.#open()
    const end = offsetBytes + lengthBytes * count
    if (offsetBytes < 0 || lengthBytes < 0 || count < 0 || end > bytes.length)
      throw new RangeError(`cut ${offsetBytes}+${lengthBytes}x${count} of ${bytes.length} bytes`)
    const own = unmovedCopy(bytes.subarray(offsetBytes, end))
    bytes.fill(0, offsetBytes, end)
    const parts: Secret[] = []
    for (let at = 0; at < own.length; at += lengthBytes)
      parts.push(new Secret(own.subarray(at, at + lengthBytes)))
    return parts
  }

  /** Overwrites the bytes; every later use throws. Wiping twice is harmless. */
  wipe(): void {
    this.#bytes?.fill(0)
    this.#bytes = null
  }

  toString(): string {
    return "<secret>"
  }

  toJSON(): never {
    throw new QkdError("operation-failed", "a secret cannot be serialised")
  }

  [Symbol.toPrimitive](): string {
    return "<secret>"
  }

  [INSPECT](): string {
    return "<secret>"
  }

  #open(): Uint8Array {
    if (this.#bytes === null)
      throw new QkdError("operation-failed", "secret used after it was wiped")
    return this.#bytes
  }
}
