// Lost-answer safety for orders: a repeated Idempotency-Key gets the first answer again (IETF
// draft-ietf-httpapi-idempotency-key-header-07). Refused orders are not kept: they changed nothing.

import { createHash } from "node:crypto"
import { HttpFault } from "./problem.js"

export interface KeptAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

interface Entry {
  readonly fingerprint: string
  readonly sinceMs: number
  answer?: KeptAnswer
}

export const KEEP_MS = 24 * 3_600_000
const MAX_PER_CLIENT = 10_000

export class Idempotency {
  readonly #clients = new Map<string, Map<string, Entry>>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /**
   * Does `work` once for this client and key.
   *
   * @throws HttpFault 409 while the first is under way, 422 when the key was used for another body.
   */
  async run(
    client: string,
    key: string,
    body: unknown,
    work: () => Promise<KeptAnswer>,
  ): Promise<KeptAnswer> {
    const held = this.#entriesOf(client)
    const fingerprint = createHash("sha256").update(JSON.stringify(body)).digest("hex")
    const known = held.get(key)
    if (known !== undefined) {
      if (known.fingerprint !== fingerprint) throw reused()
      if (known.answer !== undefined) return known.answer
      throw new HttpFault(
        409,
        "in-use",
        "the first request with this Idempotency-Key is under way",
        {
          path: "Idempotency-Key",
        },
      )
    }
    const entry: Entry = { fingerprint, sinceMs: this.#now() }
    held.set(key, entry)
    try {
      entry.answer = await work()
      return entry.answer
    } catch (error) {
      held.delete(key)
      throw error
    }
  }

  #entriesOf(client: string): Map<string, Entry> {
    const held = this.#clients.get(client) ?? new Map<string, Entry>()
    this.#clients.set(client, held)
    // Entries stand in the order they came: the old ones are in front.
    for (const [key, entry] of held) {
      const over = held.size >= MAX_PER_CLIENT && entry.answer !== undefined
      if (!over && this.#now() - entry.sinceMs < KEEP_MS) break
      held.delete(key)
    }
    return held
  }
}

/** The key was used before, for something else. */
export function reused(): HttpFault {
  return new HttpFault(422, "invalid-value", "this Idempotency-Key was used for another order", {
    path: "Idempotency-Key",
  })
}

/**
 * The service id that belongs to a client's key: the same after a restart, when the table above is empty.
 * A UUID of version 8 (RFC 9562 section 5.8).
 */
export function serviceIdOf(client: string, key: string): string {
  const hash = createHash("sha256").update(`keyloom order\0${client}\0${key}`).digest()
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x80, 6)
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = hash.toString("hex", 0, 16)
  return [8, 12, 16, 20].reduceRight((text, at) => `${text.slice(0, at)}-${text.slice(at)}`, hex)
}
