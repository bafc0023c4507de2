// Keys that leave for a neighbouring domain (ETSI GS QKD 020, the giving side). Where they go is durable before the
// first byte leaves; who sent them here hears that they arrived only when the domain has said `relayed`, and they
// are taken back when it has not. Their bytes are never on this node's disk: what a crash cuts off is taken back after it.
//
//   offered ──relayed──▶ relayed ──void──▶ voiding ──answered──▶ gone, or relayed: somebody has one of them
//      │                    └──time is up──▶ gone: there is no expiry in 020, the other side has its own
//      └──failed, no answer, restart──▶ voiding

import { QkdError } from "../errors.js"
import { decodeHandover, encodeHandover, sameParties } from "../keys/border-records.js"
import type { AckStatus, Handover, Parties } from "../keys/border-records.js"
import { RecentIds } from "../keys/recent-ids.js"
import type { Consignment } from "../keys/relay-header.js"
import type { Secret } from "../keys/secret.js"
import type { DomainCarrier } from "./border-ports.js"
import type { KeyStore } from "./key-store.js"
import type { Log } from "./log.js"
import { HANDOVER_PREFIX, handoverKey } from "./records.js"

export interface HandoversOptions {
  readonly store: KeyStore
  readonly steadyMs: () => number
  /** Absent where no interface between domains is open. */
  readonly carrier: () => DomainCarrier | undefined
  /** The neighbouring domain that an SAE lies behind. */
  readonly domainOf: (saeId: string) => string | undefined
  readonly log: Log
}

interface Open {
  handover: Handover
  /** While it is being given. */
  giving: Promise<void> | undefined
  /** No void is tried again before. */
  retryMs: number
  failures: number
  voiding: Promise<AckStatus | undefined> | undefined
}

const RETRY_MIN_MS = 500
const RETRY_MAX_MS = 60_000
const MAX_OVER = 65_536
/** Hand-overs remembered; beyond it the oldest relayed ones are forgotten, and cannot be taken back any more. */
const MAX_OPEN = 65_536

export class Handovers {
  readonly #options: HandoversOptions
  readonly #open = new Map<string, Open>()
  /** By key id and domain. */
  readonly #byKey = new Map<string, Open>()
  readonly #counts = new Map<string, number>()
  /** Transfers that were taken back. */
  readonly #over = new RecentIds(MAX_OVER)
  /** By id and source, voids that came before their transfers. */
  readonly #early = new RecentIds(MAX_OVER)
  #closed = false

  constructor(options: HandoversOptions) {
    this.#options = options
    for (const { key } of options.store.list(HANDOVER_PREFIX)) {
      const record = options.store.get(key)
      record?.use((bytes) => {
        const handover = decodeHandover(bytes)
        // What became of it in the crash nobody here knows, and its keys are gone: nobody may use them.
        const state = handover.state === "offered" ? "voiding" : handover.state
        this.#add({ ...handover, state })
      })
      record?.wipe()
    }
  }

  countOf(domain: string): number {
    return this.#counts.get(domain) ?? 0
  }

  /**
   * Hands keys over to every domain that has one of the slaves; resolves when all of them have relayed them. `keys` are
   * lent. The same transfer again resolves again.
   *
   * @throws QkdError app-tag `no-path`, `timeout`, `policy` when one of them has not; then all take them back
   */
  async put(offer: Consignment, keys: Secret): Promise<void> {
    const { transferId, source } = offer
    if (this.#over.has(transferId) || this.#early.has(`${transferId} ${source}`))
      throw new QkdError("data-exists", "the keys were taken back")
    const domains = this.#domainsOf(offer)
    const given = await Promise.allSettled(
      Array.from(domains, ([domain, targetSaeIds]) =>
        this.#give(this.#handover(offer, domain, targetSaeIds), offer, keys),
      ),
    )
    const fault = given.find((one) => one.status === "rejected")
    if (fault === undefined) return
    void this.voidBatch(transferId, source)
    throw fault.reason
  }

  isKnown(transferId: string): boolean {
    return this.#over.has(transferId) || this.#of(transferId).length > 0
  }

  /** Whether this is the id of a key of that source's which was given to a domain. */
  hasKey(keyId: string, source: string): boolean {
    for (const domain of this.#counts.keys())
      if (this.#byKey.get(`${keyId} ${domain}`)?.handover.source === source) return true
    return false
  }

  /** The source takes keys back. `too-late`: a domain has handed one of them out. */
  async voidBatch(transferId: string, source: string): Promise<"voided" | "unknown" | "too-late"> {
    const open = this.#of(transferId).filter(({ handover }) => handover.source === source)
    if (open.length === 0) {
      this.#early.add(`${transferId} ${source}`)
      return "unknown"
    }
    this.#over.add(transferId)
    const answers = await Promise.all(open.map((one) => this.#void(one)))
    return answers.includes("failed to void") ? "too-late" : "voided"
  }

  /**
   * The domain takes back keys that it was given and has not handed out: only what it has not called relayed yet.
   *
   * @returns by key id; `undefined` for keys that are not of this domain and these SAEs
   */
  voidedByDomain(domain: string, parties: Parties, keyId: string): AckStatus | undefined {
    const open = this.#byKey.get(`${keyId} ${domain}`)
    if (open === undefined || !sameParties(open.handover, parties)) return undefined
    const { state, transferId } = open.handover
    if (state === "relayed") return "failed to void"
    this.#over.add(transferId)
    void this.#void(open)
    return "voided"
  }

  /** Once a second: voids that nobody answered are tried again, what is over is forgotten. */
  async sweep(): Promise<void> {
    const now = this.#options.steadyMs()
    const expired: Open[] = []
    for (const open of this.#open.values()) {
      const { state, expiresMs } = open.handover
      if (state === "voiding" && open.retryMs <= now) void this.#void(open)
      else if (state === "relayed" && expiresMs <= now) expired.push(open)
    }
    await this.#forget(expired)
  }

  /** Forgets everything in memory: the store is being emptied. */
  clear(): void {
    this.#open.clear()
    this.#byKey.clear()
    this.#counts.clear()
  }

  close(): void {
    this.#closed = true
  }

  #give(handover: Handover, offer: Consignment, keys: Secret): Promise<void> {
    const known = this.#open.get(nameOf(handover))
    if (known !== undefined) {
      if (known.giving !== undefined) return known.giving
      if (known.handover.state === "relayed") return Promise.resolve()
      return Promise.reject(new QkdError("data-exists", "the keys were taken back"))
    }
    if (this.#open.size >= MAX_OPEN && !this.#makeRoom())
      return Promise.reject(new QkdError("resource-denied", "too many keys on their way out"))
    const open = this.#add(handover)
    open.giving = this.#giveNow(open, offer, keys).finally(() => {
      open.giving = undefined
    })
    return open.giving
  }

  async #giveNow(
    open: Open,
    { keySizeBits, extensions }: Consignment,
    keys: Secret,
  ): Promise<void> {
    const { handover } = open
    const { domain, keyIds, initiatorSaeId, targetSaeIds } = handover
    const carrier = this.#options.carrier()
    if (carrier === undefined) {
      this.#remove(open)
      throw noPath(`no interface to ${domain} is open here`)
    }
    await this.#write(open, "offered")
    const parcel = {
      ...{ keyIds, keySizeBits, keys, initiatorSaeId, targetSaeIds },
      ...(extensions !== undefined && { extensions }),
    }
    const outcome = await carrier.give(domain, parcel)
    // Voided meanwhile: whatever the other side says, nobody gets them.
    if (open.handover.state !== "offered") throw noPath("the keys were taken back meanwhile")
    if (outcome === "relayed") {
      await this.#write(open, "relayed")
      return
    }
    if (outcome === "refused") {
      // 400 and 401: nothing of them is there.
      await this.#forget([open])
      throw new QkdError("access-denied", `${domain} refuses the keys`, { appTag: "policy" })
    }
    void this.#void(open)
    throw outcome === "failed"
      ? noPath(`${domain} could not relay the keys`)
      : new QkdError("operation-failed", `${domain} did not answer in time`, { appTag: "timeout" })
  }

  /** @returns what the domain says; undefined when nobody answered: tried again later */
  #void(open: Open): Promise<AckStatus | undefined> {
    return (open.voiding ??= this.#voidNow(open)
      .catch((cause: unknown) => {
        // The store has failed, which others see too: what is on disk is taken back after the restart.
        const { domain, transferId } = open.handover
        this.#options.log.error({ domain, transferId, err: cause }, "020: keys not taken back")
        return undefined
      })
      .finally(() => {
        open.voiding = undefined
      }))
  }

  async #voidNow(open: Open): Promise<AckStatus | undefined> {
    const { steadyMs, log } = this.#options
    const { domain, keyIds, initiatorSaeId, targetSaeIds } = open.handover
    if (open.handover.state !== "voiding") await this.#write(open, "voiding")
    // A void that overtakes its keys may find nothing there.
    await open.giving?.catch(() => undefined)
    const parties = { initiatorSaeId, targetSaeIds }
    const status = this.#closed
      ? undefined
      : await this.#options.carrier()?.void(domain, parties, keyIds)
    if (status === undefined) {
      open.retryMs =
        steadyMs() + Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(16, open.failures++))
      return undefined
    }
    if (status === "failed to void") {
      log.warn({ domain, keyIds }, "020: a domain has handed out keys")
      // Whoever asks again is to hear the same, not that they are unknown.
      await this.#write(open, "relayed")
    } else await this.#forget([open])
    return status
  }

  #handover(offer: Consignment, domain: string, targetSaeIds: readonly string[]): Handover {
    const { transferId, source, masterSaeId, keyIds, ttlS } = offer
    const expiresMs = this.#options.steadyMs() + ttlS * 1000
    const parties = { initiatorSaeId: masterSaeId, targetSaeIds }
    return { transferId, domain, source, keyIds, expiresMs, ...parties, state: "offered" }
  }

  #domainsOf({ slaveSaeIds }: Consignment): Map<string, string[]> {
    const domains = new Map<string, string[]>()
    for (const saeId of slaveSaeIds) {
      const domain = this.#options.domainOf(saeId)
      if (domain !== undefined) domains.set(domain, [...(domains.get(domain) ?? []), saeId])
    }
    return domains
  }

  #of(transferId: string): Open[] {
    return Array.from(this.#open.values()).filter(
      ({ handover }) => handover.transferId === transferId,
    )
  }

  #add(handover: Handover): Open {
    const open = { handover, giving: undefined, voiding: undefined, retryMs: 0, failures: 0 }
    this.#open.set(nameOf(handover), open)
    this.#counts.set(handover.domain, this.countOf(handover.domain) + 1)
    for (const keyId of handover.keyIds) this.#byKey.set(`${keyId} ${handover.domain}`, open)
    return open
  }

  async #write(open: Open, state: Handover["state"]): Promise<void> {
    open.handover = { ...open.handover, state }
    const { transferId, domain } = open.handover
    const value = encodeHandover(open.handover)
    await this.#options.store.commit([{ key: handoverKey(transferId, domain), value }])
  }

  /** The oldest of those that are relayed goes. */
  #makeRoom(): boolean {
    for (const open of this.#open.values()) {
      if (open.handover.state !== "relayed") continue
      this.#forget([open]).catch((cause: unknown) => {
        this.#options.log.error({ err: cause }, "020: a hand-over could not be forgotten")
      })
      return true
    }
    return false
  }

  async #forget(open: readonly Open[]): Promise<void> {
    if (open.length === 0) return
    for (const one of open) this.#remove(one)
    await this.#options.store.commit(
      open.map(({ handover: { transferId, domain } }) => {
        return { key: handoverKey(transferId, domain), value: null }
      }),
    )
  }

  #remove({ handover }: Open): void {
    if (!this.#open.delete(nameOf(handover))) return
    this.#counts.set(handover.domain, this.countOf(handover.domain) - 1)
    for (const keyId of handover.keyIds) this.#byKey.delete(`${keyId} ${handover.domain}`)
  }
}

function nameOf({ transferId, domain }: Handover): string {
  return `${transferId} ${domain}`
}

function noPath(message: string): QkdError {
  return new QkdError("operation-failed", message, { appTag: "no-path" })
}
