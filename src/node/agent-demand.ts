// What is promised on each link: 015's expected_consumption. Pure arithmetic on a configuration.

import type { NodeConfig } from "../model/node.js"
import { physTowards } from "./agent-references.js"

/**
 * Sum of the rates promised on each link, bit/s, by qkdlId: the applications' `min_bandwidth` on the links
 * that back them, and on physical links the `virt_bandwidth` of the virtual links that run over them here.
 * An application with several backing links counts on each: any of them may have to carry it.
 */
export function expectedConsumption(
  config: NodeConfig,
  below = linksBelow(config),
): ReadonlyMap<string, number> {
  const sums = new Map<string, number>(config.links.map((link) => [link.qkdlId, 0]))
  const add = (qkdlId: string, bps: number | undefined): void => {
    const sum = sums.get(qkdlId)
    if (sum !== undefined && bps !== undefined) sums.set(qkdlId, sum + bps)
  }
  for (const app of config.apps)
    for (const qkdlId of app.backingQkdlIds) add(qkdlId, app.qos.minBps)
  for (const link of config.links) {
    if (link.type !== "VIRT") continue
    for (const qkdlId of below.get(link.qkdlId) ?? []) add(qkdlId, link.bandwidthBps)
  }
  return sums
}

/** For each virtual link the physical links it uses at this node: one at an end, two at a relay. */
export function linksBelow(config: NodeConfig): ReadonlyMap<string, readonly string[]> {
  const phys = config.links.filter((link) => link.type === "PHYS")
  const below = new Map<string, readonly string[]>()
  for (const link of config.links) {
    if (link.type !== "VIRT") continue
    const prev = physTowards(phys, link.prevHop, link.prevQkdlId)
    const next = physTowards(phys, link.nextHops[0], link.nextQkdlId)
    below.set(
      link.qkdlId,
      [prev, next].flatMap((item) => (item === undefined ? [] : [item.qkdlId])),
    )
  }
  return below
}
