// Key bytes. The only type that carries them: it cannot be printed or serialised by accident, and can be
// wiped. Bytes sit where the garbage collector does not move them, so that wiping reaches them all.

import { QkdError } from "../errors.js"
import { unmovedBytes, unmovedCopy } from "../unmoved.js"

const INSPECT = Symbol.for("nodejs.util.inspect.custom")

export class Secret {
  /** Shared with others that were cut from the same bytes: a view of one's own is made only when they are looked at. */
  #bytes: Uint8Array | null
  readonly #from: number
  readonly #length: number

  private constructor(bytes: Uint8Array, from: number, length: number) {
    this.#bytes = bytes
    this.#from = from
    this.#length = length
  }

  /** Takes the bytes over: `source` is copied, then wiped. */
  static take(source: Uint8Array): Secret {
    const own = unmovedCopy(source)
    source.fill(0)
    return new Secret(own, 0, own.length)
  }

  /** A copy; `source` stays as it is. */
  static copy(source: Uint8Array): Secret {
    return new Secret(unmovedCopy(source), 0, source.length)
  }

  /** A zeroed secret of `lengthBytes`, to be filled through `use`. */
  static zero(lengthBytes: number): Secret {
    return new Secret(unmovedBytes(lengthBytes), 0, lengthBytes)
  }

  /** The same in bytes that are lent and zeroed: nobody else uses the first `lengthBytes` of them until it is wiped. */
  static zeroIn(room: Uint8Array, lengthBytes: number): Secret {
    return new Secret(room, 0, lengthBytes)
  }

  get lengthBytes(): number {
    this.#open()
    return this.#length
  }

  get lengthBits(): number {
    return this.lengthBytes * 8
  }

  get wiped(): boolean {
    return this.#bytes === null
  }

  /** Lends the bytes to `reader`, which must not keep them. */
  use<T>(reader: (bytes: Uint8Array) => T): T {
    return reader(this.#view(0, this.#length))
  }

  /** The same for readers by the hundred: the bytes are `length` from `from` on, and what is around them is another's. */
  useAt<T>(reader: (bytes: Uint8Array, from: number, length: number) => T): T {
    return reader(this.#open(), this.#from, this.#length)
  }

  /** A new secret with `lengthBytes` from `offsetBytes`. */
  slice(offsetBytes: number, lengthBytes: number): Secret {
    return Secret.copy(this.#view(offsetBytes, lengthBytes))
  }

  /** `count` new secrets of `lengthBytes` each, from `offsetBytes` on. All share one buffer, in which each wipes its own bytes. */
  parts(offsetBytes: number, lengthBytes: number, count: number): Secret[] {
    const own = unmovedCopy(this.#view(offsetBytes, lengthBytes * count))
    return Secret.#row(own, 0, lengthBytes, count)
  }

  /** The same, and they are overwritten here. */
  cut(offsetBytes: number, lengthBytes: number, count: number): Secret[] {
    const parts = this.parts(offsetBytes, lengthBytes, count)
    this.#view(offsetBytes, lengthBytes * count).fill(0)
    return parts
  }

  /** The same where they lie, without a copy; all else of it is overwritten, and it is wiped for whoever looks. */
  divide(offsetBytes: number, lengthBytes: number, count: number): Secret[] {
    const own = this.#open()
    const whole = this.#view(offsetBytes, lengthBytes * count)
    const from = this.#from + offsetBytes
    own.fill(0, this.#from, from)
    own.fill(0, from + whole.length, this.#from + this.#length)
    this.#bytes = null
    return Secret.#row(own, from, lengthBytes, count)
  }

  /** Overwrites the bytes; every later use throws. Wiping twice is harmless. */
  wipe(): void {
    this.#bytes?.fill(0, this.#from, this.#from + this.#length)
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

  static #row(bytes: Uint8Array, from: number, lengthBytes: number, count: number): Secret[] {
    const row = new Array<Secret>(count)
    for (let nth = 0; nth < count; nth++)
      row[nth] = new Secret(bytes, from + nth * lengthBytes, lengthBytes)
    return row
  }

  #view(offsetBytes: number, lengthBytes: number): Uint8Array {
    const bytes = this.#open()
    if (offsetBytes < 0 || lengthBytes < 0 || offsetBytes + lengthBytes > this.#length)
      throw new RangeError(
        `${lengthBytes} bytes from ${offsetBytes} of a secret of ${this.#length}`,
      )
    if (lengthBytes === bytes.length) return bytes
    const from = this.#from + offsetBytes
    return bytes.subarray(from, from + lengthBytes)
  }

  #open(): Uint8Array {
    if (this.#bytes === null)
      throw new QkdError("operation-failed", "secret used after it was wiped")
    return this.#bytes
  }
}

/** Room for one secret after the other: where large ones come and go by the thousand, none of them is left to the collector. */
export class SecretRoom {
  #bytes = unmovedBytes(0)
  #last: Secret | undefined

  /** A zeroed secret; in room of its own while the one before is not wiped. */
  zero(lengthBytes: number): Secret {
    if (this.#last?.wiped === false) return Secret.zero(lengthBytes)
    if (this.#bytes.length < lengthBytes) this.#bytes = unmovedBytes(lengthBytes)
    return (this.#last = Secret.zeroIn(this.#bytes, lengthBytes))
  }
}
