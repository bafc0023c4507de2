// A path that somebody gives link by link: whether it is one, and what forbids a service to take it now, by the same rules
// as the search's. Changes nothing.

import type { Hop, Service } from "../model/service.js"
import { residualBps } from "./allocate.js"
import type { Reply } from "./event.js"
import { whyAbsent } from "./explain.js"
import { linkName, nodeName } from "./names.js"
import type { FoundPath } from "./path.js"
import { reservationsOf } from "./reservations.js"
import { brokenTerm } from "./term-check.js"
import type { Turn } from "./turn.js"
import { conditionOfLink, GENERATING, isPresent, mayRelay, useOf } from "./usable.js"

export type Refusal = Extract<Reply, { ok: false }>

/** The links as a path from end a to end b, or the first thing that makes them none. */
export function givenPath(
  turn: Turn,
  service: Service,
  qkdlIds: readonly string[],
  member = "/qkdlIds",
): FoundPath | Refusal {
  const { draft } = turn
  const hops: Hop[] = []
  const nodes = [service.a.qkdnId]
  let here = service.a.qkdnId
  for (const [index, qkdlId] of qkdlIds.entries()) {
    const at = `${member}/${index}`
    const link = draft.link(qkdlId)
    if (link === undefined) return refused("data-missing", `there is no link ${qkdlId}`, at)
    const there = link.a.qkdnId === here ? link.b.qkdnId : link.a.qkdnId
    if (link.a.qkdnId !== here && link.b.qkdnId !== here) {
      const message = `${linkName(draft, link)} does not go on from ${nodeName(draft, here)}`
      return refused("invalid-value", message, at)
    }
    if (nodes.includes(there)) {
      const message = `the path comes back to ${nodeName(draft, there)}`
      return refused("invalid-value", message, at)
    }
    hops.push({ qkdlId, from: here, to: there })
    nodes.push(there)
    here = there
  }
  if (here !== service.b.qkdnId) {
    const wanted = nodeName(draft, service.b.qkdnId)
    const message = `the path ends at ${nodeName(draft, here)}, not at ${wanted}`
    return refused("invalid-value", message, member)
  }
  return { hops, nodes, price: 0 }
}

/** What forbids the path now; the same rules as the search's. */
export function unfit(
  turn: Turn,
  service: Service,
  path: FoundPath,
  member = "/qkdlIds",
): Refusal | undefined {
  const { draft, settings } = turn
  const noPath = (reason: string, index?: number): Refusal => ({
    ...refused(
      "resource-denied",
      `no path: ${reason}`,
      index === undefined ? member : `${member}/${index}`,
    ),
    appTag: "no-path",
  })
  for (const [place, qkdnId] of path.nodes.entries()) {
    const node = draft.node(qkdnId)
    if (node === undefined) return noPath(`node ${qkdnId} is not in the inventory`)
    if (!isPresent(node)) return noPath(whyAbsent(node))
    const inside = place > 0 && place < path.nodes.length - 1
    if (inside && !mayRelay(node)) return noPath(`${node.name} may not relay`)
  }
  const { terms } = service
  const own = reservationsOf(service)
  for (const [index, { qkdlId }] of path.hops.entries()) {
    const link = draft.link(qkdlId)
    if (link === undefined) continue
    if (useOf(link, settings) < GENERATING) {
      return noPath(`${linkName(draft, link)} is ${conditionOfLink(link)}`, index)
    }
    const free = Math.max(0, residualBps(draft, link, settings) + (own.get(qkdlId) ?? 0))
    if (terms.minRateBps > 0 && free < terms.minRateBps) {
      const message = `${linkName(draft, link)} has ${free} of ${terms.minRateBps} bit/s free`
      return {
        ...refused("resource-denied", message, `${member}/${index}`),
        appTag: "no-capacity",
      }
    }
  }
  const broken = brokenTerm(draft, terms, { ...path, rateBps: terms.minRateBps })
  return broken === undefined
    ? undefined
    : refused("invalid-value", broken.replace("its path", "the path"), member)
}

export function refused(
  tag: "data-missing" | "in-use" | "invalid-value" | "operation-not-supported" | "resource-denied",
  message: string,
  path?: string,
): Refusal {
  return { ok: false, tag, message, ...(path === undefined ? {} : { path }) }
}
