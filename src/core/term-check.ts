// Whether a path, as it is, keeps the terms of its service. Says which one it breaks; changes nothing.

import { isWithin } from "../engine/path-question.js"
import type { KeyPath, ServiceTerms } from "../model/service.js"
import { linkName, nodeName } from "./names.js"
import type { View } from "./view.js"

/** The first term that the path breaks, in words; undefined when it keeps them all. */
export function brokenTerm(
  view: View,
  terms: ServiceTerms,
  path: Pick<KeyPath, "nodes" | "hops" | "rateBps">,
): string | undefined {
  const unwanted = path.nodes.find((qkdnId) => terms.avoidNodes.includes(qkdnId))
  if (unwanted !== undefined) return `its path still passes ${nodeName(view, unwanted)}`
  const { avoidLinks = [], requireNodes = [] } = terms
  const forbidden = path.hops.find(({ qkdlId }) => avoidLinks.includes(qkdlId))
  if (forbidden !== undefined) {
    const link = view.link(forbidden.qkdlId)
    return `its path still takes ${link === undefined ? forbidden.qkdlId : linkName(view, link)}`
  }
  const missed = requireNodes.find((qkdnId) => !path.nodes.includes(qkdnId))
  if (missed !== undefined) return `its path does not pass ${nodeName(view, missed)}`
  if (terms.maxHops !== undefined && path.hops.length > terms.maxHops) {
    return `its path has ${path.hops.length} hops, more than ${terms.maxHops}`
  }
  if (path.rateBps < terms.minRateBps) {
    return `its path carries ${path.rateBps} of ${terms.minRateBps} bit/s`
  }
  if (terms.maxEpsilon === undefined) return undefined
  const epsilon = path.hops.reduce(
    (sum, hop) => sum + (view.link(hop.qkdlId)?.epsilon ?? Number.POSITIVE_INFINITY),
    0,
  )
  return !isWithin(epsilon, terms.maxEpsilon)
    ? `its path has epsilon ${epsilon}, more than ${terms.maxEpsilon}`
    : undefined
}
