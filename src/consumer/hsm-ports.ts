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
