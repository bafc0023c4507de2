// Committed changes as notifications of the YANG tree, standing alarms among them: what the WebSocket tells, told over
// NETCONF and RESTCONF with the same numbers. Keeps the last ones for replay. Sends nothing.

import type { Notice } from "../controller/ports.js"
import { linkAlarms, nodeAlarms, orderAlarms, serviceAlarms } from "../core/alarms.js"
import type { Alarm } from "../model/alarm.js"
import {
  alarmNotice,
  appNotice,
  eventNotice,
  linkNotice,
  nodeNotice,
  type NoticeHead,
  windowNotice,
} from "../model/keyloom-notice.js"
import type { Network } from "../model/network.js"
import type { PastEvent } from "../netconf/backend.js"
import type { JsonObject } from "../yang/json-text.js"
import { isBulkOrder, isLink, isMaintenance, isNode, isService } from "./views.js"

/** Events held for replay; the journal behind the WebSocket holds as many. */
const REPLAY_LIMIT = 10_000

export class NetworkNotices {
  readonly #epoch: string
  readonly #startedMs: number
  readonly #limit: number
  /** A ring: event n sits at `n % limit`. */
  readonly #past: PastEvent[] = []
  #count = 0
  #agedMs: number | undefined
  /** Alarms that stand, by the thing they are about. */
  readonly #standing = new Map<string, readonly Alarm[]>()

  constructor(network: Network, epoch: string, startedMs: number, limit = REPLAY_LIMIT) {
    this.#epoch = epoch
    this.#startedMs = startedMs
    this.#limit = limit
    for (const node of network.nodes.values()) this.#note(`node:${node.qkdnId}`, nodeAlarms(node))
    for (const link of network.links.values()) this.#note(`link:${link.qkdlId}`, linkAlarms(link))
    for (const service of network.services.values()) {
      this.#note(`service:${service.serviceId}`, serviceAlarms(service))
    }
    for (const order of network.orders.values())
      this.#note(`order:${order.orderId}`, orderAlarms(order))
  }

  /** All alarms that stand now. */
  alarms(): Alarm[] {
    return [...this.#standing.values()].flat()
  }

  /** The notifications of one change, in the order to be sent. */
  take(notice: Notice): readonly JsonObject[] {
    const { seq, type, message, topic, id, value } = notice
    const head: NoticeHead = {
      epoch: this.#epoch,
      seq,
      type,
      ...(message === undefined ? {} : { message }),
    }
    const told: JsonObject[] = []
    const alarms = (now: readonly Alarm[]): void => {
      told.push(...this.#alarmNews(head, `${topic}:${id}`, now))
    }
    if (topic === "node") {
      const node = isNode(value) ? value : null
      told.push(nodeNotice(head, id, node))
      alarms(node === null ? [] : nodeAlarms(node))
    } else if (topic === "link") {
      const link = isLink(value) ? value : null
      told.push(linkNotice(head, id, link))
      alarms(link === null ? [] : linkAlarms(link))
    } else if (topic === "service") {
      const service = isService(value) ? value : null
      told.push(appNotice(head, id, service))
      alarms(service === null ? [] : serviceAlarms(service))
    } else if (topic === "maintenance") {
      told.push(windowNotice(head, id, isMaintenance(value) ? value : null))
    } else {
      told.push(eventNotice(head, id))
      if (topic === "order") alarms(isBulkOrder(value) ? orderAlarms(value) : [])
    }
    const timeMs = Date.parse(notice.time)
    for (const event of told) {
      const place = this.#count % this.#limit
      this.#agedMs = this.#past[place]?.timeMs ?? this.#agedMs
      this.#past[place] = { timeMs, event }
      this.#count += 1
    }
    return told
  }

  /** Past events from `fromMs` to `toMs`, oldest first, as far as they are held. */
  replay(fromMs: number, toMs: number): readonly PastEvent[] {
    const found: PastEvent[] = []
    for (let n = Math.max(0, this.#count - this.#limit); n < this.#count; n += 1) {
      const past = this.#past[n % this.#limit]
      if (past !== undefined && past.timeMs >= fromMs && past.timeMs <= toMs) found.push(past)
    }
    return found
  }

  /** How far back that is (RFC 5277 section 3.2.5.1); `agedMs`: the last one that is held no longer. */
  reach(): { readonly createdMs: number; readonly agedMs?: number } {
    if (this.#agedMs === undefined) return { createdMs: this.#startedMs }
    return { createdMs: this.#startedMs, agedMs: this.#agedMs }
  }

  #alarmNews(head: NoticeHead, thing: string, now: readonly Alarm[]): JsonObject[] {
    const before = this.#standing.get(thing) ?? []
    if (before.length === 0 && now.length === 0) return []
    this.#note(thing, now)
    const had = new Map(before.map((alarm) => [alarm.alarmId, alarm]))
    const has = new Set(now.map((alarm) => alarm.alarmId))
    const raised = now.filter((alarm) => {
      const old = had.get(alarm.alarmId)
      return old?.message !== alarm.message || old.severity !== alarm.severity
    })
    return [
      ...before
        .filter((alarm) => !has.has(alarm.alarmId))
        .map((alarm) => alarmNotice(head, "cleared", alarm)),
      ...raised.map((alarm) => alarmNotice(head, "raised", alarm)),
    ]
  }

  #note(thing: string, alarms: readonly Alarm[]): void {
    if (alarms.length === 0) this.#standing.delete(thing)
    else this.#standing.set(thing, alarms)
  }
}
