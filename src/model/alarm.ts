// A standing alarm: something of the network that is wrong as long as the network says so. Raised and cleared by what
// the network is, never by hand.

import type { Severity } from "./node.js"

export interface Alarm {
  /** The same for the same fault of the same thing. */
  readonly alarmId: string
  readonly resource: "node" | "interface" | "link" | "application" | "order"
  readonly resourceId: string
  /** For interfaces. */
  readonly qkdiId?: number
  readonly type:
    | "node-unreachable"
    | "node-unmanaged"
    | "node-down"
    | "node-out-of-sync"
    | "node-drifted"
    | "interface-failed"
    | "link-down"
    | "link-overloaded"
    | "link-doubted"
    | "service-failed"
    | "service-degraded"
    | "order-late"
  readonly severity: Severity
  readonly message: string
  /** RFC 3339, where it is known. */
  readonly since?: string
}
