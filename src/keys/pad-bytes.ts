// The bytes of open half-blocks, in memory only: the durable copy is gone before they come here. Burns what
// was used at once. Keeps no books: which bytes may be used is `LinkPool`'s decision.

import { QkdError } from "../errors.js"
import { halfName, lengthOf } from "./half.js"
import type { HalfRef, Segment } from "./half.js"
import { SecretRoom } from "./secret.js"
import type { Secret } from "./secret.js"

export class PadBytes {
  readonly #halves = new Map<string, Secret>()
  /** A message's pad is used, and wiped, before the next one's is gathered. */
  readonly #room = new SecretRoom()

  get count(): number {
    return this.#halves.size
  }

  add(ref: HalfRef, bytes: Secret): void {
    this.#halves.get(halfName(ref))?.wipe()
    this.#halves.set(halfName(ref), bytes)
  }

  /**
   * The segments' bytes in one secret, in order. They stay here until `burn`.
   *
   * @throws QkdError `data-missing` when a half is not here.
   */
  gather(segments: readonly Segment[]): Secret {
    const gathered = this.#room.zero(lengthOf(segments))
    gathered.use((target) => {
      let at = 0
      for (const segment of segments) {
        const source = this.#halves.get(halfName(segment))
        if (source === undefined) {
          gathered.wipe()
          throw new QkdError("data-missing", `half-block ${halfName(segment)} is not open here`)
        }
        source.use((bytes) => {
          target.set(bytes.subarray(segment.offset, segment.offset + segment.length), at)
        })
        at += segment.length
      }
    })
    return gathered
  }

  /** Overwrites what was used. */
  burn(segments: readonly Segment[]): void {
    for (const segment of segments) {
      this.#halves.get(halfName(segment))?.use((bytes) => {
        bytes.fill(0, segment.offset, segment.offset + segment.length)
      })
    }
  }

  drop(ref: HalfRef): void {
    this.#halves.get(halfName(ref))?.wipe()
    this.#halves.delete(halfName(ref))
  }

  clear(): void {
    for (const bytes of this.#halves.values()) bytes.wipe()
    this.#halves.clear()
  }
}
