// A NETCONF session has subscriptions of RFC 5277 or of RFC 8639, never of both (RFC 8640 section 3).

import { QkdError } from "../errors.js"

export type SubscriptionRfc = "RFC 5277" | "RFC 8639"

export class SubscriptionStyle {
  #taken: SubscriptionRfc | undefined

  /** What the first request of a session asks for counts, even after it has failed or its subscription has ended. */
  take(rfc: SubscriptionRfc): void {
    if (this.#taken !== undefined && this.#taken !== rfc)
      throw new QkdError(
        "operation-not-supported",
        `this session has subscriptions of ${this.#taken}, and takes none of ${rfc}`,
      )
    this.#taken = rfc
  }
}
