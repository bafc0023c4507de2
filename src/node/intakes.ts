// Keys that come from a neighbouring domain (ETSI GS QKD 020, the taking side). That they came is durable before it is
// said; what became of them is durable before that is said. Each key id lives once: voided and failed ones never come
// alive again. Repetition of the same keys gets the same answer. Bytes are in memory only until they are relayed: what a
// crash cuts off has failed, and the domain is told so afterwards.
//
//   taken ──all targets have it──▶ relayed ──void──▶ voided
//     └──no path, void, restart──▶ failed, voided

import { createHmac, randomBytes } from "node:crypto"
import { asQkdError, QkdError } from "../errors.js"
import { decodeIntake, sameParties } from "../keys/border-records.js"
import type { AckStatus, Intake, Parties } from "../keys/border-records.js"
import { uuidFrom } from "../keys/bytes.js"
import type { Consignment } from "../keys/relay-header.js"
import type { Secret } from "../keys/secret.js"
import { AckTeller } from "./ack-teller.js"
import type { Accepted, Ack, DomainCarrier, DomainDelivery } from "./border-ports.js"
import { aloneOf, joined, nameOf, opOf, statusOf } from "./intake-records.js"
import type { GivenKeys } from "./key-maker.js"
import type { KeyStore, StoreOp } from "./key-store.js"
import type { Log } from "./log.js"
import type { KeyOrder } from "./ports.js"
import { INTAKE_PREFIX, intakeKey } from "./records.js"

export interface IntakesOptions {
  readonly store: KeyStore
  readonly steadyMs: () => number
  readonly random: (bytes: number) => Uint8Array
  readonly carrier: () => DomainCarrier | undefined
  /**
   * Brings keys to all of the slaves' sites; `keys` are lent. All or none.
   *
   * @returns where they are now
   */
  readonly forward: (order: KeyOrder, given: GivenKeys) => Promise<readonly Consignment[]>
  /** Takes back what was forwarded. False: somebody has one of them, or their site did not say. */
  readonly takeBack: (offers: readonly Consignment[]) => Promise<boolean>
  readonly ttlS: number
  readonly log: Log
}

interface Open {
  intake: Intake
  /** While it is under way. */
  forwarding: Promise<void> | undefined
  message?: string
}

/** How long it is remembered that keys are over: a void or a failure must hold against late repetitions. */
const OVER_MS = 30 * 86_400_000
/** Key ids of a domain remembered at once; beyond it new ones are refused. */
const MAX_KEYS = 100_000
const FORGET_EVERY_MS = 60_000

export class Intakes {
  readonly #options: IntakesOptions
  readonly #open = new Map<string, Open>()
  /** By domain and key id. */
  readonly #byKey = new Map<string, Open>()
  /** What repetitions are compared with: of this process only, never on disk. */
  readonly #marks = new Map<string, Buffer>()
  readonly #markKey = randomBytes(32)
  readonly #teller: AckTeller
  readonly #telling = new Set<string>()
  /** Key ids remembered, by domain. */
  readonly #counts = new Map<string, number>()
  /** Those of which the domain has not heard. */
  readonly #untold = new Set<Open>()
  #forgetMs = 0

  constructor(options: IntakesOptions) {
    this.#options = options
    this.#teller = new AckTeller(options)
    for (const { key } of options.store.list(INTAKE_PREFIX)) {
      const record = options.store.get(key)
      record?.use((bytes) => {
        const intake = decodeIntake(bytes)
        const isCutOff = intake.state === "taken"
        const expiresMs = options.steadyMs() + OVER_MS
        this.#add({ ...intake, ...(isCutOff && { state: "failed", expiresMs }) })
      })
      record?.wipe()
    }
  }

  /** Key ids of that domain. */
  countOf(domain: string): number {
    return this.#counts.get(domain) ?? 0
  }

  /** See `BorderDesk.accept`. */
  async accept(delivery: DomainDelivery): Promise<Accepted> {
    const { domain, keys } = delivery
    try {
      const fresh = keys.filter(({ keyId }) => !this.#byKey.has(nameOf(domain, keyId)))
      if (this.countOf(domain) + fresh.length > MAX_KEYS)
        throw new QkdError("resource-denied", "too many keys of this domain are remembered here")
      // Asked before anything is added: of these keys the answer is the one they had.
      const known = keys.filter((key) => !fresh.includes(key))
      const clashes = new Set(known.filter((key) => !this.#isSame(delivery, key)))
      const begun = await this.#begin(delivery, fresh)
      const waited = new Set(known.map(({ keyId }) => this.#byKey.get(nameOf(domain, keyId))))
      const acks = settled([...begun, ...waited]).then(() => this.#acksOf(delivery, keys, clashes))
      if (delivery.callbackUrl !== undefined && clashes.size + known.length > 0)
        void acks.then((told) => this.#teller.tell(domain, delivery.callbackUrl ?? "", told))
      return { acks }
    } finally {
      for (const { key } of keys) key.wipe()
    }
  }

  /**
   * See `BorderDesk.void`. Keys that came together were relayed together and are taken back together where all are
   * named, else one by one.
   *
   * @param named all keys that are to be taken back
   * @returns `undefined` for a key that this domain never gave: should it still come, it is void
   */
  async void(
    domain: string,
    parties: Parties,
    keyId: string,
    named: ReadonlySet<string>,
  ): Promise<AckStatus | undefined> {
    const open = this.#byKey.get(nameOf(domain, keyId))
    if (open === undefined) {
      await this.#bury(domain, parties, keyId)
      return undefined
    }
    if (!sameParties(open.intake, parties)) return "key not present"
    if (open.intake.keyIds.every((id) => named.has(id))) return this.#void(open)
    return this.#voidOne(open, keyId)
  }

  /** All keys that this domain gave for these SAEs and that are not over. */
  keysOf(domain: string, parties: Parties): string[] {
    return Array.from(this.#open.values())
      .map(({ intake }) => intake)
      .filter((intake) => intake.domain === domain && sameParties(intake, parties))
      .filter(({ state }) => state === "taken" || state === "relayed")
      .flatMap(({ keyIds }) => keyIds)
  }

  /** Once a second: acks that were not heard are told again, what is old is forgotten. */
  async sweep(): Promise<void> {
    const now = this.#options.steadyMs()
    for (const open of this.#untold) if (open.intake.state !== "taken") this.#tellOf(open)
    if (now < this.#forgetMs) return
    this.#forgetMs = now + FORGET_EVERY_MS
    const ops: StoreOp[] = []
    for (const open of Array.from(this.#open.values())) {
      const { intakeId, expiresMs } = open.intake
      if (expiresMs > now || open.forwarding !== undefined) continue
      this.#drop(open)
      ops.push({ key: intakeKey(intakeId), value: null })
    }
    if (ops.length > 0) await this.#options.store.commit(ops)
  }

  clear(): void {
    this.#open.clear()
    this.#byKey.clear()
    this.#marks.clear()
    this.#counts.clear()
    this.#untold.clear()
  }

  close(): void {
    this.#teller.close()
  }

  /** Durably taken, one intake for each size, then on their way. */
  async #begin(delivery: DomainDelivery, fresh: DomainDelivery["keys"]): Promise<Open[]> {
    const { domain, initiatorSaeId, targetSaeIds, callbackUrl } = delivery
    const { random, steadyMs, store, ttlS } = this.#options
    const bySize = new Map<number, DomainDelivery["keys"][number][]>()
    for (const one of fresh) {
      const size = one.key.lengthBits
      bySize.set(size, [...(bySize.get(size) ?? []), one])
    }
    const begun = Array.from(bySize, ([keySizeBits, keys]) => {
      const open = this.#add({
        ...{ intakeId: uuidFrom(random(16)), domain, initiatorSaeId, targetSaeIds, state: "taken" },
        ...{ keyIds: keys.map(({ keyId }) => keyId), offers: [] },
        expiresMs: steadyMs() + ttlS * 1000,
        ...(callbackUrl !== undefined && { callbackUrl }),
      })
      for (const { keyId, key } of keys) this.#marks.set(nameOf(domain, keyId), this.#markOf(key))
      const together = joined(keys.map(({ key }) => key))
      return { open, keySizeBits, together }
    })
    let written: Promise<void> | undefined
    for (const { open, keySizeBits, together } of begun) {
      // Whoever repeats them meanwhile waits for the same.
      written ??= store.commit(begun.map((one) => opOf(one.open.intake)))
      open.forwarding = written
        .then(() => this.#forward(open, keySizeBits, together, delivery))
        .catch((cause: unknown) => {
          // The store has failed: nothing of them is relayed, and this process will not take on any more.
          open.intake = { ...open.intake, state: "failed" }
          this.#options.log.error({ domain, err: cause }, "020: keys could not be taken on")
        })
        .finally(() => {
          together.wipe()
          open.forwarding = undefined
        })
    }
    await written
    return begun.map(({ open }) => open)
  }

  async #forward(
    open: Open,
    keySizeBits: number,
    keys: Secret,
    { appIds, extensions }: DomainDelivery,
  ): Promise<void> {
    const { forward, takeBack, log } = this.#options
    const { domain, keyIds, initiatorSaeId, targetSaeIds } = open.intake
    const slaves = targetSaeIds.map((saeId) => {
      const appId = appIds.get(saeId)
      return { saeId, ...(appId !== undefined && { appId }) }
    })
    const order = { masterSaeId: initiatorSaeId, slaves, count: keyIds.length, keySizeBits }
    try {
      const offers = await forward(order, {
        ...{ keyIds, keys },
        ...(extensions !== undefined && { extensions }),
      })
      if (open.intake.state === "taken") await this.#write(open, { state: "relayed", offers })
      else if (!(await takeBack(offers))) {
        log.warn({ domain, keyIds }, "020: keys were taken back too late")
        await this.#write(open, { state: "relayed", offers })
      }
    } catch (cause) {
      const { tag, appTag, message } = asQkdError(cause)
      log.info({ domain, keyIds, tag, appTag, reason: message }, "020: keys were not relayed")
      open.message = appTag ?? "the keys could not be relayed"
      if (open.intake.state === "taken") await this.#write(open, { state: "failed" })
    } finally {
      if (open.intake.callbackUrl !== undefined) this.#tellOf(open)
    }
  }

  async #void(open: Open): Promise<AckStatus> {
    const { intake } = open
    switch (intake.state) {
      case "voided":
        return "voided"
      case "failed":
        return "key not present"
      case "taken":
        // Durable first: whatever `forward` comes back with is taken back.
        await this.#write(open, { state: "voided" })
        await open.forwarding
        return statusOf(open.intake) === "voided" ? "voided" : "failed to void"
      case "relayed":
        if (!(await this.#options.takeBack(intake.offers))) return "failed to void"
        await this.#write(open, { state: "voided", offers: [] })
        return "voided"
    }
  }

  /** One of several that came together: a record of its own from then on. */
  async #voidOne(open: Open, keyId: string): Promise<AckStatus> {
    const { takeBack, random, steadyMs, store } = this.#options
    const { domain } = open.intake
    // Under way they are one: what becomes of them is known first.
    await open.forwarding
    if (statusOf(open.intake) !== "relayed") return this.#void(open)
    const offers = open.intake.offers.map((offer) => aloneOf(offer, keyId))
    if (!(await takeBack(offers))) return "failed to void"
    const now = this.#byKey.get(nameOf(domain, keyId))
    // Another void was faster.
    if (now !== open || statusOf(open.intake) !== "relayed") return "voided"
    const keyIds = open.intake.keyIds.filter((id) => id !== keyId)
    if (keyIds.length === 0) {
      await this.#write(open, { state: "voided", offers: [] })
      return "voided"
    }
    const { callbackUrl: _, ...intake } = open.intake
    open.intake = { ...open.intake, keyIds }
    this.#counts.set(domain, this.countOf(domain) - 1)
    const voided = this.#add({
      ...{ ...intake, intakeId: uuidFrom(random(16)), keyIds: [keyId], offers: [] },
      ...{ state: "voided", expiresMs: steadyMs() + OVER_MS },
    })
    await store.commit([opOf(open.intake), opOf(voided.intake)])
    return "voided"
  }

  async #bury(
    domain: string,
    { initiatorSaeId, targetSaeIds }: Parties,
    keyId: string,
  ): Promise<void> {
    const { store, steadyMs, random } = this.#options
    if (this.countOf(domain) >= MAX_KEYS) return
    const open = this.#add({
      ...{ intakeId: uuidFrom(random(16)), domain, initiatorSaeId, targetSaeIds },
      ...{ keyIds: [keyId], offers: [], state: "voided" },
      expiresMs: steadyMs() + OVER_MS,
    })
    await store.commit([opOf(open.intake)])
  }

  #isSame(delivery: DomainDelivery, { keyId, key }: DomainDelivery["keys"][number]): boolean {
    const name = nameOf(delivery.domain, keyId)
    const open = this.#byKey.get(name)
    const mark = this.#marks.get(name)
    if (open === undefined || !sameParties(open.intake, delivery)) return false
    // After a restart there is nothing to compare with; the ids decide.
    return mark?.equals(this.#markOf(key)) ?? true
  }

  #markOf(key: Secret): Buffer {
    return key.use((bytes) => createHmac("sha256", this.#markKey).update(bytes).digest())
  }

  /** What is known of every key of a delivery now, grouped by what is said. */
  #acksOf(
    delivery: DomainDelivery,
    keys: DomainDelivery["keys"],
    clashes: ReadonlySet<DomainDelivery["keys"][number]>,
  ): Ack[] {
    const { domain, initiatorSaeId, targetSaeIds } = delivery
    const groups = new Map<string, Ack & { keyIds: string[] }>()
    for (const one of keys) {
      const open = this.#byKey.get(nameOf(domain, one.keyId))
      const clash = clashes.has(one)
      const status = clash || open === undefined ? "failed" : statusOf(open.intake)
      const message = clash ? "the key id was used for another key" : open?.message
      const name = `${status} ${message ?? ""}`
      const group = groups.get(name)
      if (group !== undefined) group.keyIds.push(one.keyId)
      else
        groups.set(name, {
          ...{ keyIds: [one.keyId], status, initiatorSaeId, targetSaeIds },
          ...(message !== undefined && { message }),
        })
    }
    return Array.from(groups.values())
  }

  #tellOf(open: Open): void {
    const { intake, message } = open
    const { intakeId, domain, callbackUrl, keyIds, initiatorSaeId, targetSaeIds } = intake
    if (callbackUrl === undefined || this.#telling.has(intakeId)) return
    if (!this.#teller.isDue(domain)) return
    this.#telling.add(intakeId)
    const ack = {
      ...{ keyIds, status: statusOf(intake), initiatorSaeId, targetSaeIds },
      ...(message !== undefined && { message }),
    }
    this.#teller
      .tell(domain, callbackUrl, [ack])
      .then(async (heard) => {
        this.#telling.delete(intakeId)
        if (!heard || !this.#open.has(intakeId)) return
        this.#untold.delete(open)
        const { callbackUrl: _, ...told } = open.intake
        open.intake = told
        await this.#options.store.commit([opOf(told)], { quiet: true })
      })
      .catch((cause: unknown) => {
        this.#options.log.error({ domain, intakeId, err: cause }, "020: what was told is not noted")
      })
  }

  #add(intake: Intake): Open {
    const { intakeId, domain, keyIds, callbackUrl } = intake
    const open: Open = { intake, forwarding: undefined }
    this.#open.set(intakeId, open)
    if (callbackUrl !== undefined) this.#untold.add(open)
    for (const keyId of keyIds) this.#byKey.set(nameOf(domain, keyId), open)
    this.#counts.set(domain, this.countOf(domain) + keyIds.length)
    return open
  }

  #drop(open: Open): void {
    const { intakeId, domain, keyIds } = open.intake
    this.#open.delete(intakeId)
    this.#untold.delete(open)
    for (const keyId of keyIds) {
      this.#byKey.delete(nameOf(domain, keyId))
      this.#marks.delete(nameOf(domain, keyId))
    }
    this.#counts.set(domain, this.countOf(domain) - keyIds.length)
  }

  async #write(open: Open, change: Partial<Intake>): Promise<void> {
    const over = change.state === "voided" || change.state === "failed"
    const expires = over && { expiresMs: this.#options.steadyMs() + OVER_MS }
    open.intake = { ...open.intake, ...change, ...expires }
    await this.#options.store.commit([opOf(open.intake)])
  }
}

/** Waits for what of these is under way. */
async function settled(opens: readonly (Open | undefined)[]): Promise<void> {
  for (const open of opens) await open?.forwarding
}
