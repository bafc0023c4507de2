// How the key manager of a border node and its interface to neighbouring domains see one another.

import type { AckStatus, Parties } from "../keys/border-records.js"
import type { Secret } from "../keys/secret.js"

/** Keys for a domain; `keys` holds them one after the other and is lent. */
export interface DomainParcel extends Parties {
  readonly keyIds: readonly string[]
  readonly keySizeBits: number
  readonly keys: Secret
  /** As `DomainDelivery`. */
  readonly extensions?: string
}

/** `refused`: nothing of it is there (400, 401). `unheard`: it may be there. */
export type GiveOutcome = "relayed" | "failed" | "refused" | "unheard"

/** What carries keys to neighbouring domains. Never throws. */
export interface DomainCarrier {
  give(domain: string, parcel: DomainParcel): Promise<GiveOutcome>
  /** @returns the worst that it says of any of the keys; undefined when it did not answer */
  void(domain: string, parties: Parties, keyIds: readonly string[]): Promise<AckStatus | undefined>
  /** Tells a domain what became of keys that it gave. @returns whether it has heard */
  acknowledge(domain: string, url: string, acks: readonly Ack[]): Promise<boolean>
}

/** What became of keys with the same parties. */
export interface Ack extends Parties {
  readonly keyIds: readonly string[]
  readonly status: AckStatus
  readonly message?: string
}

/** Keys that a domain gives. */
export interface DomainDelivery extends Parties {
  readonly domain: string
  /** Taken over: wiped once they are on their way, or not. */
  readonly keys: readonly { readonly keyId: string; readonly key: Secret }[]
  /** By target: the association that joins it to the initiator; absent for SAEs that this site stands for. */
  readonly appIds: ReadonlyMap<string, string>
  /** Optional extensions, as `etsi020-extensions` writes them: they go on with the keys. */
  readonly extensions?: string
  /** Where to tell what became of them; absent: the caller waits. */
  readonly callbackUrl?: string
}

export interface Accepted {
  /** What became of every key, once that is known. Never rejects. */
  readonly acks: Promise<readonly Ack[]>
}

/** The key manager's side, as the interface asks it. */
export interface BorderDesk {
  /**
   * Takes keys on; resolves once that is durable.
   *
   * @throws QkdError `resource-denied` when there is no room; nothing of them is kept then
   */
  accept(delivery: DomainDelivery): Promise<Accepted>
  /** Takes back what a domain gave, or what it was given. No key ids: all of these SAEs. */
  void(domain: string, parties: Parties, keyIds: readonly string[]): Promise<readonly Ack[]>
  attach(carrier: DomainCarrier): void
  /** Hand-overs that are not over, and key ids that are remembered; of one domain. */
  countsOf(domain: string): { readonly handovers: number; readonly intakes: number }
}
