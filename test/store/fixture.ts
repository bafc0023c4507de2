// A service entry for store tests; only its identity and one changing field matter.

import type { Service } from "../../src/model/service.js"

export function serviceNamed(serviceId: string, reason: string): Service {
  return {
    serviceId,
    origin: "order",
    a: { saeId: "sae-a", qkdnId: "node-a" },
    b: { saeId: "sae-b", qkdnId: "node-b" },
    terms: { minRateBps: 1, priority: 0, avoidNodes: [] },
    state: "failed",
    reason,
    leaving: [],
    createdAt: "2026-11-23T00:00:00Z",
    changedAt: "2026-11-23T00:00:00Z",
  }
}
