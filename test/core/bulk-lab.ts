// A network to order bulk keys in, in tests, and the minutes and keys that its orders are told in.

import assert from "node:assert/strict"
import type { Reply } from "../../src/core/event.js"
import { groups } from "../../src/core/memberships.js"
import type { BulkOrder } from "../../src/model/bulk-order.js"
import { Lab } from "./lab.js"

export const MINUTE = 60_000
export const KEY = 256

export interface Asked {
  readonly keys: number
  readonly minutes: number
  readonly fromMinutes?: number
  readonly priority?: number
  readonly bestEffort?: boolean
  readonly mostBps?: number
  readonly avoidNodes?: readonly string[]
}

/** Orders so much key from the SAE at one node for the SAE at another. */
export function orderBulk(lab: Lab, a: string, b: string, asked: Asked): Reply {
  const { keys, minutes, fromMinutes, priority = 0, bestEffort = false } = asked
  return lab.submit({
    kind: "bulk-ordered",
    fromSaeId: `sae-${a}`,
    toSaeId: `sae-${b}`,
    volumeBits: keys * KEY,
    keySizeBits: KEY,
    deadlineMs: lab.now + minutes * MINUTE,
    ...(fromMinutes === undefined ? {} : { notBeforeMs: lab.now + fromMinutes * MINUTE }),
    terms: {
      ...{ priority, avoidNodes: asked.avoidNodes ?? [] },
      ...(asked.mostBps === undefined ? {} : { mostBps: asked.mostBps }),
    },
    bestEffort,
  })
}

/** 1,000 bit/s a link, of which 900 may be promised. */
export class BulkLab extends Lab {
  bulk(a: string, b: string, asked: Asked): Reply {
    return orderBulk(this, a, b, asked)
  }

  /** The last order of this pair. */
  orderOf(a: string, b: string): BulkOrder {
    const ids = [groups.openOrders, groups.closedOrders].flatMap((one) => this.picture.members(one))
    const found = ids
      .flatMap((id) => this.picture.order(id) ?? [])
      .filter(({ from, to }) => from.saeId === `sae-${a}` && to.saeId === `sae-${b}`)
    const [order] = found
    assert.ok(order, `no order from ${a} to ${b}`)
    return order
  }

  /** The node of its master reports what it gave out and has ready. */
  reports(order: BulkOrder, suppliedBits: number, readyBits: number): void {
    this.hear(order.from.qkdnId, {
      kind: "app-supply",
      appId: this.orderOf(order.from.qkdnId, order.to.qkdnId).serviceId ?? "",
      supply: { suppliedBits, readyBits },
    })
  }

  reserved(link: string): number {
    return this.picture.reservedBps(link)
  }
}

export function refusalOf(reply: Reply): Extract<Reply, { ok: false }> {
  assert.ok(!reply.ok, "it was taken on")
  return reply
}
