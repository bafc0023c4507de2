// What the preloading needs from outside, so that it can be tried without token, network and clock.

import type { DeliveredKey } from "../etsi014/key-container.js"
import type { Kind, MessageKinds } from "./hsm-messages.js"

/** ETSI 014 at the own key manager. */
export interface KeySource {
  /** New keys to share with the peer (enc_keys). */
  make(saeId: string, number: number, keySizeBits: number): Promise<DeliveredKey[]>
  /** The peer's keys by id (dec_keys): all or none. @throws QkdError `data-missing` */
  take(saeId: string, keyIds: readonly string[]): Promise<DeliveredKey[]>
}

/** The peer's service, over mutual TLS. */
export interface PeerLine {
  ask<K extends Kind>(kind: K, message: MessageKinds[K]["ask"]): Promise<MessageKinds[K]["answer"]>
}

/** What a person has to look at. */
export interface Watch {
  alarm(event: string, detail: Readonly<Record<string, string | number>>): void
  note(event: string, detail: Readonly<Record<string, string | number>>): void
}

export interface WantedKeys {
  /** Who asks the key manager for them, and who fetches them by their ids. */
  readonly fromSaeId: string
  readonly toSaeId: string
  readonly keySizeBits: number
  readonly keys: number
  readonly deadlineMs: number
}

/** A bulk order as its controller tells it. */
export interface PlacedOrder {
  readonly orderId: string
  /** `pending`, `inProgress`, `held`, `completed` or `cancelled`. */
  readonly state: string
  readonly keys: number
  /** At both sites: handed out, or ready to be. */
  readonly deliveredKeys: number
  readonly late: boolean
  /** RFC 3339. */
  readonly forecast?: string
}

/** The network's controller, where it takes bulk orders. */
export interface OrderDesk {
  /** As well as can be done by the deadline. */
  place(wanted: WantedKeys): Promise<PlacedOrder>
  /** An open order of these two, placed before. */
  find(fromSaeId: string, toSaeId: string): Promise<PlacedOrder | undefined>
  /** Undefined when there is no such order any more. */
  look(orderId: string): Promise<PlacedOrder | undefined>
}
