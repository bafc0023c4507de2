// Keys whose fate a neighbouring domain still has to tell (ETSI GS QKD 020: acks come when they come, grouped as their
// sender likes). A status counts when it has come for every target of a key. Holds ids only.

import type { AckStatus, Parties } from "../keys/border-records.js"
import type { Ack } from "./border-ports.js"

type Kind = "give" | "void"

/** What can be an answer to what. A key may be taken back before it is said to be relayed. */
const ANSWERS: Readonly<Record<Kind, readonly AckStatus[]>> = {
  give: ["relayed", "failed", "voided", "key not present"],
  void: ["voided", "failed to void", "key not present"],
}

interface Waiting {
  readonly parties: Parties
  /** By key id: targets that nothing was said of. */
  readonly left: Map<string, Set<string>>
  readonly statuses: Map<string, AckStatus>
  readonly done: (statuses: readonly AckStatus[]) => void
}

export class PendingAcks {
  readonly #waiting = new Map<string, Waiting[]>()

  /** @returns the worst status of each key, once there is one for all; close it in any case */
  open(
    domain: string,
    kind: Kind,
    parties: Parties,
    keyIds: readonly string[],
  ): { readonly statuses: Promise<readonly AckStatus[]>; close: () => void } {
    const name = `${kind} ${domain}`
    let done: Waiting["done"] = () => undefined
    const statuses = new Promise<readonly AckStatus[]>((resolve) => {
      done = resolve
    })
    const left = new Map(keyIds.map((id) => [id, new Set(parties.targetSaeIds)]))
    const waiting: Waiting = { parties, left, statuses: new Map(), done }
    this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), waiting])
    return {
      statuses,
      close: () => {
        const others = (this.#waiting.get(name) ?? []).filter((one) => one !== waiting)
        if (others.length === 0) this.#waiting.delete(name)
        else this.#waiting.set(name, others)
      },
    }
  }

  hear(domain: string, ack: Ack): void {
    for (const kind of ["give", "void"] as const) {
      if (!ANSWERS[kind].includes(ack.status)) continue
      for (const waiting of this.#waiting.get(`${kind} ${domain}`) ?? []) note(waiting, ack)
    }
  }
}

function note({ parties, left, statuses, done }: Waiting, ack: Ack): void {
  if (ack.initiatorSaeId !== parties.initiatorSaeId) return
  for (const keyId of ack.keyIds) {
    const targets = left.get(keyId)
    if (targets === undefined) continue
    for (const saeId of ack.targetSaeIds) targets.delete(saeId)
    const before = statuses.get(keyId)
    // Relayed to one target and failed for another is failed; not voided for one is not voided.
    if (before === undefined || worse(ack.status, before)) statuses.set(keyId, ack.status)
    // A fault for one target is enough: the key is of no use then.
    if (targets.size === 0 || ack.status === "failed") left.delete(keyId)
  }
  if (left.size === 0) done(Array.from(statuses.values()))
}

const BAD: readonly AckStatus[] = [
  ...(["key not present", "voided"] as const),
  ...(["relayed", "failed", "failed to void"] as const),
]

function worse(one: AckStatus, other: AckStatus): boolean {
  if (other === "relayed") return one !== "relayed"
  return BAD.indexOf(one) > BAD.indexOf(other) && one !== "relayed"
}
