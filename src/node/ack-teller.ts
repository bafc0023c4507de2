// Tells neighbouring domains what became of keys that they gave (ETSI GS QKD 020), and when it is time to tell one
// again that did not hear.

import type { Ack, DomainCarrier } from "./border-ports.js"

export interface AckTellerOptions {
  readonly carrier: () => DomainCarrier | undefined
  readonly steadyMs: () => number
}

const RETRY_MIN_MS = 500
const RETRY_MAX_MS = 60_000

export class AckTeller {
  readonly #options: AckTellerOptions
  /** Domains that could not be told: nothing is tried again before. */
  readonly #retry = new Map<string, { readonly atMs: number; readonly failures: number }>()
  #closed = false

  constructor(options: AckTellerOptions) {
    this.#options = options
  }

  isDue(domain: string): boolean {
    return (this.#retry.get(domain)?.atMs ?? 0) <= this.#options.steadyMs()
  }

  /** @returns whether it has heard */
  async tell(domain: string, url: string, acks: readonly Ack[]): Promise<boolean> {
    if (this.#closed) return false
    const heard = (await this.#options.carrier()?.acknowledge(domain, url, acks)) === true
    if (heard) this.#retry.delete(domain)
    else {
      const failures = (this.#retry.get(domain)?.failures ?? 0) + 1
      const waitMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(16, failures))
      this.#retry.set(domain, { atMs: this.#options.steadyMs() + waitMs, failures })
    }
    return heard
  }

  close(): void {
    this.#closed = true
  }
}
