// The shape of the key plane's chaos test: nodes, links, paths and who shares keys with whom.

import type { AppConfig } from "../../src/model/app.js"

export const NAMES = ["a", "b", "c", "d"] as const
export type Name = (typeof NAMES)[number]
/** Nodes that deliver at outlets; the others deliver by themselves. */
export const OUTLET_NAMES = ["a", "d"] as const
export const EDGES: readonly (readonly [Name, Name])[] = [
  ["a", "b"],
  ["b", "d"],
  ["a", "c"],
  ["c", "d"],
]
export interface Pair {
  readonly master: Name
  readonly slave: Name
}

export const PATHS: readonly (readonly [Name, Name, Name])[] = [
  ["a", "b", "d"],
  ["a", "c", "d"],
  ["b", "d", "c"],
]

export const pathId = (index: number): string => `aaaaaaaa-0000-4000-8000-00000000000${index}`

/** Shares over both paths; one path whose destination combines; and neighbours. */
export const APPS: readonly (Pick<AppConfig, "keyCombination" | "relayScheme"> & {
  readonly ends: readonly [Name, Name]
  readonly paths: readonly number[] | "direct"
})[] = [
  { ends: ["a", "d"], paths: [0, 1], keyCombination: "all" },
  { ends: ["b", "c"], paths: [2], relayScheme: "destination-combines" },
  { ends: ["a", "b"], paths: "direct" },
]

export interface Group {
  readonly master: Name
  readonly slaves: readonly [Name, Name]
}

/** Who asks for keys of a group: a neighbour and one over two paths in shares; a neighbour and one that combines. */
export const GROUPS: readonly Group[] = [
  { master: "a", slaves: ["b", "d"] },
  { master: "b", slaves: ["a", "c"] },
]

/** Who asks for keys with whom: both ways over each association. */
export const PAIRS: readonly Pair[] = APPS.flatMap(({ ends: [a, b] }) => [
  { master: a, slave: b },
  { master: b, slave: a },
])
