// The key manager's part in what crosses to and from neighbouring domains (ETSI GS QKD 020): end keys for SAEs behind a
// domain go out where others are kept, and keys that a domain gives are relayed as if an SAE here had asked for them.
//
//   relay ──▶ put ──┬─ our SAEs ──────────▶ end keys
//                   └─ SAEs behind one ───▶ hand-overs ──▶ carrier (020)
//   carrier (020) ──▶ accept ──▶ intakes ──▶ supply ──▶ relay, or put

import type { Ack, Accepted, BorderDesk, DomainCarrier, DomainDelivery } from "./border-ports.js"
import type { AckStatus, Parties } from "../keys/border-records.js"
import type { KeyPathFacts } from "../keys/delivery.js"
import type { PolicyView } from "../keys/policy-view.js"
import type { Consignment } from "../keys/relay-header.js"
import type { Secret } from "../keys/secret.js"
import type { EndKeys } from "./end-keys.js"
import { Handovers } from "./handovers.js"
import { Intakes } from "./intakes.js"
import type { IntakesOptions } from "./intakes.js"
import type { KeyStore } from "./key-store.js"
import type { Log } from "./log.js"

/** Where end keys that have come are put, and taken back by their source. */
export type KeyDeposit = Pick<EndKeys, "put" | "voidBatch" | "isKnown">

export interface BorderOptions extends Pick<IntakesOptions, "forward" | "random" | "ttlS"> {
  readonly qkdnId: string
  readonly store: KeyStore
  readonly policy: PolicyView
  readonly endKeys: () => EndKeys
  /** Takes keys back at another node. True: it says that nobody has them. */
  readonly voidAt: (offer: Consignment) => Promise<boolean>
  readonly steadyMs: () => number
  readonly log: Log
}

export class Border implements KeyDeposit, BorderDesk {
  readonly #options: BorderOptions
  readonly #handovers: Handovers
  readonly #intakes: Intakes
  #carrier: DomainCarrier | undefined

  constructor(options: BorderOptions) {
    this.#options = options
    const carrier = (): DomainCarrier | undefined => this.#carrier
    this.#handovers = new Handovers({
      ...options,
      carrier,
      domainOf: (saeId) => options.policy.domainOf?.(saeId),
    })
    this.#intakes = new Intakes({ ...options, carrier, takeBack: (offers) => this.#back(offers) })
  }

  countsOf(domain: string): { readonly handovers: number; readonly intakes: number } {
    const [handovers, intakes] = [this.#handovers.countOf(domain), this.#intakes.countOf(domain)]
    return { handovers, intakes }
  }

  attach(carrier: DomainCarrier): void {
    this.#carrier = carrier
  }

  /** As `EndKeys.put`, and for SAEs behind a domain as `Handovers.put`: all of them or none. */
  async put(offer: Consignment, keys: Secret, facts: KeyPathFacts = {}): Promise<void> {
    const { policy, endKeys } = this.#options
    const ours = offer.slaveSaeIds.filter((saeId) => policy.domainOf?.(saeId) === undefined)
    if (ours.length === offer.slaveSaeIds.length) return endKeys().put(offer, keys, facts)
    if (ours.length > 0) await endKeys().put({ ...offer, slaveSaeIds: ours }, keys, facts)
    try {
      await this.#handovers.put(offer, keys)
    } catch (cause) {
      if (ours.length > 0) await endKeys().voidBatch(offer.transferId, offer.source)
      throw cause
    }
  }

  isKnown(transferId: string): boolean {
    return this.#options.endKeys().isKnown(transferId) || this.#handovers.isKnown(transferId)
  }

  /** As `EndKeys.voidBatch`. What lies beyond a domain is taken back as it was given, together. */
  async voidBatch(transferId: string, source: string): Promise<"voided" | "unknown" | "too-late"> {
    if (this.#handovers.hasKey(transferId, source)) return "too-late"
    const beyond = await this.#handovers.voidBatch(transferId, source)
    // It may be known to one of them only: then the other remembers that it is void.
    const here = await this.#options.endKeys().voidBatch(transferId, source)
    if (beyond === "too-late" || here === "too-late") return "too-late"
    return beyond === "voided" ? "voided" : here
  }

  accept(delivery: DomainDelivery): Promise<Accepted> {
    return this.#intakes.accept(delivery)
  }

  async void(domain: string, parties: Parties, keyIds: readonly string[]): Promise<Ack[]> {
    const named = keyIds.length > 0 ? keyIds : this.#intakes.keysOf(domain, parties)
    const all = new Set(named)
    const byStatus = new Map<AckStatus, string[]>()
    for (const keyId of named) {
      const status =
        this.#handovers.voidedByDomain(domain, parties, keyId) ??
        (await this.#intakes.void(domain, parties, keyId, all)) ??
        "key not present"
      byStatus.set(status, [...(byStatus.get(status) ?? []), keyId])
    }
    const { initiatorSaeId, targetSaeIds } = parties
    return Array.from(byStatus, ([status, ids]) => {
      return { status, keyIds: ids, initiatorSaeId, targetSaeIds }
    })
  }

  async sweep(): Promise<void> {
    await this.#handovers.sweep()
    await this.#intakes.sweep()
  }

  clear(): void {
    this.#handovers.clear()
    this.#intakes.clear()
  }

  close(): void {
    this.#handovers.close()
    this.#intakes.close()
  }

  async #back(offers: readonly Consignment[]): Promise<boolean> {
    const { qkdnId, voidAt } = this.#options
    const answers = await Promise.all(
      offers.map(async (offer) => {
        if (offer.destination !== qkdnId) return voidAt(offer)
        return (await this.voidBatch(offer.transferId, offer.source)) !== "too-late"
      }),
    )
    return answers.every((taken) => taken)
  }
}
