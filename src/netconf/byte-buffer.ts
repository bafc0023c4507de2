// A growing run of bytes: appended at the end, taken from the front, linear in total however small the
// pieces are. Knows nothing of what the bytes mean.

const FIRST_CAPACITY_BYTES = 1024

export class ByteBuffer {
  #bytes: Uint8Array = new Uint8Array(0)
  #start = 0
  #end = 0

  get length(): number {
    return this.#end - this.#start
  }

  append(more: Uint8Array): void {
    this.#reserve(more.length)
    this.#bytes.set(more, this.#end)
    this.#end += more.length
  }

  /** The byte at `offset` from the front, or -1 beyond the end. */
  at(offset: number): number {
    const index = this.#start + offset
    return index < this.#end ? (this.#bytes[index] ?? -1) : -1
  }

  /** What is held, as a view that the next `append` or `drop` may overwrite. */
  view(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end)
  }

  /** Forgets `count` bytes at the front; memory of a large message is given back once it is empty. */
  drop(count: number): void {
    this.#start = Math.min(this.#start + count, this.#end)
    if (this.#start < this.#end) return
    this.#start = 0
    this.#end = 0
    if (this.#bytes.length > 64 * FIRST_CAPACITY_BYTES) this.#bytes = new Uint8Array(0)
  }

  #reserve(more: number): void {
    if (this.#end + more <= this.#bytes.length) return
    const held = this.length
    const needed = held + more
    const roomy =
      needed * 2 <= this.#bytes.length
        ? this.#bytes // enough once what was dropped is reused
        : new Uint8Array(Math.max(needed * 2, FIRST_CAPACITY_BYTES))
    roomy.set(this.#bytes.subarray(this.#start, this.#end), 0)
    this.#bytes = roomy
    this.#start = 0
    this.#end = held
  }
}
