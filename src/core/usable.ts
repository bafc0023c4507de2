// What new paths may do with a node and a link as they are now. Answers questions; changes nothing.

import { spanOf } from "../model/maintenance.js"
import type { NetworkLink, NetworkNode } from "../model/network.js"
import type { Settings } from "./settings.js"

/** Link may carry new paths: not at all, from stock only, or because it generates. */
export const UNUSABLE = 0
export const FROM_STOCK = 1
export const GENERATING = 2

/** Whether a node can be told to take part in a new path. */
export function isPresent(node: NetworkNode): boolean {
  return (
    node.reach === "connected" &&
    node.outOfService !== true &&
    node.status !== "DOWN" &&
    node.status !== "FAILURE" &&
    node.status !== "OUT"
  )
}

/** By inventory and by the node's own word (015 `key_relay_mode_enable`, which is also a policy switch). */
export function mayRelay(node: NetworkNode): boolean {
  return node.relay && node.capabilities?.keyRelay !== false
}

/** Whether what stands on a link is whole: it generates, and is not in maintenance. */
export function serves({ enabled, status, maintenance }: NetworkLink): boolean {
  return enabled && status === "ACTIVE" && maintenance?.stage !== "out"
}

/** `disabled`, `in maintenance until ...`, `PASSIVE`: how a link is, in words. */
export function conditionOfLink({ enabled, status, maintenance }: NetworkLink): string {
  if (!enabled) return "disabled"
  if (maintenance?.stage === "out") return `in maintenance until ${maintenance.end}`
  if (maintenance?.stage === "leaving" && status === "ACTIVE")
    return `about to be in maintenance, ${spanOf(maintenance)}`
  return status
}

/** What new paths may do with a link. */
export function useOf(link: NetworkLink, settings: Settings): number {
  if (!link.enabled || link.maintenance !== undefined) return UNUSABLE
  if (link.status === "ACTIVE") return GENERATING
  const stock = link.performance.stockBits ?? 0
  return link.status === "PASSIVE" && stock >= settings.minStockBits ? FROM_STOCK : UNUSABLE
}
