// Which changes are worth a write to the store: everything an operator entered, everything promised, what the nodes
// told of themselves. What is measured, or true only of a session, is not: it is learnt again after a restart.

import type { BulkOrder } from "../model/bulk-order.js"
import type { Change, NetworkLink, NetworkNode } from "../model/network.js"
import type { KeyPath, Service } from "../model/service.js"
import type { View } from "../core/view.js"

/** The changes to store, in stored form: without what does not survive. */
export function durableChanges(before: View, changes: readonly Change[]): Change[] {
  return changes.flatMap((change): Change[] => {
    if (change.value === null) return [change]
    switch (change.kind) {
      case "node": {
        const old = before.node(change.id)
        const value = durableNode(change.value)
        return old !== undefined && sameMembers(durableNode(old), value)
          ? []
          : [{ ...change, value }]
      }
      case "link": {
        const old = before.link(change.id)
        const value = durableLink(change.value)
        return old !== undefined && sameMembers(durableLink(old), value)
          ? []
          : [{ ...change, value }]
      }
      case "service": {
        const old = before.service(change.id)
        return old !== undefined && onlyConfirms(old, change.value) ? [] : [change]
      }
      case "order": {
        const old = before.order(change.id)
        return old !== undefined && onlyProgress(old, change.value) ? [] : [change]
      }
      case "maintenance":
        return [change]
    }
  })
}

/** A node as it is after a restart: known, not yet heard from. */
function durableNode(node: NetworkNode): NetworkNode {
  const { reachReason: _r, lastHeardAt: _l, status: _s, syncFault: _f, ...rest } = node
  return { ...rest, reach: "connecting" }
}

/**
 * A link as it is after a restart: its last state, so that services are not disturbed before the nodes have been
 * heard; no figures.
 */
function durableLink(link: NetworkLink): NetworkLink {
  const { measuredAtMs: _m, capacityBps: _c, steady: _s, changedAt: _t, doubt: _d, ...rest } = link
  const { status: statusA } = link.endA
  const { status: statusB } = link.endB
  return {
    ...rest,
    endA: { performance: NO_FIGURES, ...(statusA === undefined ? {} : { status: statusA }) },
    endB: { performance: NO_FIGURES, ...(statusB === undefined ? {} : { status: statusB }) },
    performance: NO_FIGURES,
    // What was last counted with is better than nothing; it changes all the time and is no reason to write.
    ...(link.capacityBps === undefined ? {} : { capacityBps: link.capacityBps }),
  }
}

/**
 * Whether nothing has happened to a service but that one of several nodes has confirmed. After a restart every node
 * is read and confirms again, so that this needs no write; and it is half of all there would be.
 */
function onlyConfirms(old: Service, now: Service): boolean {
  return sameMembers(promised(old), promised(now))
}

function promised(service: Service): object {
  const { changedAt: _c, path, next, leaving, surplus, ...rest } = service
  // What ends have confirmed of it they show again.
  return {
    ...rest,
    surplus: [surplus?.bps ?? null, surplus?.mostBps ?? null],
    path: path === undefined ? null : standing(path),
    next: next === undefined ? null : standing(next),
    leaving: leaving.map(standing),
  }
}

function standing(path: KeyPath): object {
  // What is held provisionally is over with the sessions.
  const { awaiting: _a, holding: _h, ...rest } = path
  return rest
}

/**
 * Whether an order has only come further. The node counts what it hands out, and goes on from there after a restart;
 * the schedule is made anew. Both are written along, together, with the next change that counts.
 */
function onlyProgress(old: BulkOrder, now: BulkOrder): boolean {
  return sameMembers(agreed(old), agreed(now))
}

function agreed(order: BulkOrder): object {
  const { changedAt: _c, periods: _p, scheduledMs: _s, forecast: _f, ...most } = order
  const { takenBits: _t, readyBits: _r, countedBits: _n, pace: _e, ...rest } = most
  return rest
}

const NO_FIGURES = {}

/** Members that are written along but are no reason to write. */
const ALONG = new Set(["capacityBps"])

/** Same members with the same values; what a draft did not touch is the very same object. */
function sameMembers(x: object, y: object): boolean {
  const a = new Map<string, unknown>(Object.entries(x))
  const b = new Map<string, unknown>(Object.entries(y))
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    if (ALONG.has(name)) continue
    const one = a.get(name)
    const other = b.get(name)
    if (one !== other && JSON.stringify(one) !== JSON.stringify(other)) return false
  }
  return true
}
