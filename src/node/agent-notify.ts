// The agent's way out: events to 015 notifications, a bounded memory of them for replay (RFC 5277), and the
// hand-over to the NETCONF server. Decides nothing about when; the boards coalesce.

import { notificationFromNodeEvent } from "../model/etsi015-notify.js"
import type { NodeEvent } from "../model/node.js"
import type { PastEvent } from "../netconf/backend.js"
import { EventLog, type LogReach } from "../netconf/stream.js"
import type { JsonObject } from "../yang/json-text.js"
import type { Log } from "./log.js"

/** Notifications kept for replay. */
const KEPT = 512

export class Outbox {
  readonly #kept: EventLog
  #publish: (event: JsonObject) => void = () => undefined

  constructor(
    private readonly qkdnId: string,
    private readonly now: () => number,
    private readonly log: Log,
  ) {
    this.#kept = new EventLog(now(), KEPT)
  }

  /** Where notifications go: the server's `publish`. Until it is set they are only kept. */
  connect(publish: (event: JsonObject) => void): void {
    this.#publish = publish
  }

  tell(event: NodeEvent): void {
    try {
      const { name, data } = notificationFromNodeEvent(event, this.qkdnId)
      const message = { [name]: data }
      this.#publish(message)
      this.#kept.add(message, this.now())
    } catch (error) {
      // Not valid by the model (the server checks): nobody gets it, and the node goes on.
      this.log.error({ err: error, kind: event.kind }, "an event cannot be told")
    }
  }

  /** For replay (RFC 5277, RFC 8639): oldest first. */
  past(fromMs: number, toMs: number): readonly PastEvent[] {
    return this.#kept.past(fromMs, toMs)
  }

  get reach(): LogReach {
    return this.#kept
  }
}
