// Where a service whose terms say more than a rate could stand instead: a few places that keep all its terms, in which it
// would be protected as well as it is now. Whether there is room is not looked at: who plans moves makes it. Changes nothing.

import type { Disjointness } from "../engine/disjoint.js"
import type { Service } from "../model/service.js"
import { findBackup, isAsFarApart } from "./backups.js"
import { Draft } from "./draft.js"
import { laneMoves, keepsRelaysApart } from "./lane-moves.js"
import { disjointSet } from "./lane-routing.js"
import { isOnSeveral, laneCount, needsAll, standingPaths } from "./lanes.js"
import { type FoundPath, findPath, findPaths } from "./path.js"
import type { PathQuery } from "./path-query.js"
import { put } from "./phases.js"
import { queryOf } from "./routing.js"
import { type Context, Turn } from "./turn.js"
import type { View } from "./view.js"

/** The links of each of its paths, from end a; one path for most. */
export type MoveChoice = readonly (readonly string[])[]

/** Cheapest paths looked at besides those that leave out one link of the present path each. */
const CHEAPEST = 4

/** Cheapest first; without the place where it stands. Empty for a service that is not there. */
export function moveChoices(
  view: View,
  serviceId: string,
  context: Context,
): readonly MoveChoice[] {
  const service = view.service(serviceId)
  if (service === undefined || service.a.qkdnId === service.b.qkdnId) return []
  const draft = new Draft(view)
  try {
    draft.graph.refresh(draft, context.settings)
    const turn = new Turn(draft, context)
    const found = isOnSeveral(service)
      ? setsFor(turn, service)
      : pathsFor(turn, service).map((path) => [path])
    const price = (paths: readonly FoundPath[]): number =>
      paths.reduce((sum, path) => sum + path.price, 0)
    const now = nameOf(standingPaths(service))
    const named = new Map(
      found.sort((x, y) => price(x) - price(y)).map((paths) => [nameOf(paths), paths]),
    )
    named.delete(now)
    return [...named.values()].map((paths) =>
      paths.map(({ hops }) => hops.map(({ qkdlId }) => qkdlId)),
    )
  } finally {
    draft.drop()
  }
}

function nameOf(paths: readonly Pick<FoundPath, "hops">[]): string {
  return paths
    .map(({ hops }) => hops.map(({ qkdlId }) => qkdlId).join(" "))
    .sort()
    .join(", ")
}

/** What its terms ask of a path, the rate aside, and clear of nodes that refused it a short while ago. */
function termsOnly(
  { now }: Turn,
  service: Service,
): PathQuery & { readonly avoidLinks: readonly string[] } {
  const avoiding = (service.avoiding ?? []).filter((node) => node.untilMs > now)
  const query = queryOf(service, avoiding, [])
  return { ...query, rateBps: 0, avoidLinks: [...(query.avoidLinks ?? [])] }
}

function pathsFor(turn: Turn, service: Service): FoundPath[] {
  const { graph } = turn.draft
  const query = termsOnly(turn, service)
  const hops = service.path?.hops ?? []
  const others = hops.flatMap(({ qkdlId }) => {
    const one = findPath(graph, { ...query, avoidLinks: [...query.avoidLinks, qkdlId] })
    return one === undefined ? [] : [one]
  })
  const fewer = Math.min(hops.length - 1, query.maxHops ?? hops.length)
  const shorter = hops.length < 2 ? undefined : findPath(graph, { ...query, maxHops: fewer })
  const found = [
    ...findPaths(graph, query, CHEAPEST),
    ...others,
    ...(shorter === undefined ? [] : [shorter]),
  ]
  const { backup, terms } = service
  if (backup === undefined) return found
  // What its backup keeps is free for the next one.
  const { backup: _backup, ...rest } = service
  const bare = put(turn, rest)
  return found.filter((path) => {
    const next = findBackup(turn, bare, { ...path, rateBps: terms.minRateBps })
    return typeof next !== "string" && isAsFarApart(next, backup)
  })
}

function setsFor(turn: Turn, service: Service): FoundPath[][] {
  const { graph } = turn.draft
  const query = termsOnly(turn, service)
  const count = laneCount(service.terms)
  const standing = standingPaths(service)
  const kind: Disjointness = needsAll(service.terms) || keepsRelaysApart(service) ? "node" : "link"
  const kinds: readonly Disjointness[] =
    standing.length === 0 && kind === "link" ? ["node", "link"] : [kind]
  const without = [[], ...standing.flatMap(({ hops }) => hops.map(({ qkdlId }) => [qkdlId]))]
  return kinds.flatMap((apart) =>
    without
      .map((links) =>
        disjointSet(graph, { ...query, avoidLinks: [...query.avoidLinks, ...links] }, count, apart),
      )
      .filter((set) => set.length === count && typeof laneMoves(service, set) !== "string"),
  )
}
