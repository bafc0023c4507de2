// A network in the core with maintenance windows to plan and bulk orders to place, in simulated time.

import assert from "node:assert/strict"
import { linkAlarms } from "../../src/core/alarms.js"
import type { Reply } from "../../src/core/event.js"
import { groups } from "../../src/core/memberships.js"
import type { Plan } from "./lab.js"
import type { Settings } from "../../src/core/settings.js"
import type { BulkOrder } from "../../src/model/bulk-order.js"
import type { Maintenance } from "../../src/model/maintenance.js"
import { KEY, MINUTE, orderBulk } from "./bulk-lab.js"
import { Lab, NOON } from "./lab.js"

export { KEY, MINUTE }
export const TRIANGLE = { links: ["a-b", "b-c", "c-a"] }

export interface Window {
  readonly link?: string
  readonly node?: string
  /** Minutes from now; absent: at once. */
  readonly from?: number
  readonly until: number
}

/** 1,000 bit/s a link, of which 900 may be promised. Links are drained five minutes before. */
export class MaintenanceLab extends Lab {
  constructor(plan: Plan, settings: Partial<Settings> = {}) {
    super(plan, { maintenanceLeadMs: 5 * MINUTE, ...settings })
  }

  plan({ link, node = "", from, until }: Window): Reply {
    return this.submit({
      kind: "maintenance-planned",
      target: link === undefined ? { qkdnId: node } : { qkdlId: link },
      ...(from === undefined ? {} : { beginMs: this.now + from * MINUTE }),
      endMs: this.now + until * MINUTE,
      reason: "splice",
      by: "ops",
    })
  }

  window(): Maintenance | undefined {
    const [id = ""] = this.picture.members(groups.maintenance)
    return this.picture.maintenance(id)
  }

  bulk(a: string, b: string, keys: number, minutes: number, bestEffort = false): Reply {
    return orderBulk(this, a, b, { keys, minutes, bestEffort })
  }

  bulkOrder(): BulkOrder {
    const [id = ""] = this.picture.members(groups.openOrders)
    const order = this.picture.order(id)
    assert.ok(order, "no open order")
    return order
  }

  /** Minutes after noon. */
  at(minutes: number): void {
    this.now = NOON + minutes * MINUTE
    this.submit({ kind: "wake" })
  }

  stage(link: string): string | undefined {
    return this.link(link).maintenance?.stage
  }

  alarms(link: string): string[] {
    return linkAlarms(this.link(link)).map(({ type }) => type)
  }

  stateOfService(a: string, b: string): string | undefined {
    return this.service(a, b)?.state
  }
}
