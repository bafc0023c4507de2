// What is sent in one turn of the event loop, to leave together: in one TLS record, one SSH packet. Knows no protocol.

import type { Writable } from "node:stream"

export class WriteBatch {
  readonly #stream: Writable
  #waiting: Uint8Array[] = []
  #bytes = 0

  constructor(stream: Writable) {
    this.#stream = stream
  }

  /** Bytes not yet handed to the stream. */
  get bytes(): number {
    return this.#bytes
  }

  add(bytes: Uint8Array): void {
    this.#waiting.push(bytes)
    this.#bytes += bytes.length
    if (this.#waiting.length === 1) setImmediate(this.flush)
  }

  /** Hands over what waits; dropped when the stream takes nothing any more. */
  readonly flush = (): void => {
    const batch = this.#waiting
    if (batch.length === 0) return
    this.#waiting = []
    this.#bytes = 0
    if (!this.#stream.writable) return
    const [only] = batch
    this.#stream.write(batch.length === 1 && only !== undefined ? only : Buffer.concat(batch))
  }
}
