// What an application may demand of its keys beyond number and size, and whether a key meets it. Decisions over
// facts that the ends know: the path as the far end signed it, the key's age, the links' epsilon.

import { QkdError } from "../errors.js"
import type { KeyPathFacts } from "./delivery.js"

/** Absent members demand nothing. */
export interface KeyTerms {
  /** Bound on the summed epsilon of the path: how far the key may be from an ideal one. */
  readonly maxEpsilon?: number
  /** Nobody but the two sites sees the key: no relay. */
  readonly directOnly?: boolean
  /** qkdnIds that must not see the key. */
  readonly avoidNodes?: readonly string[]
  /** Node-disjoint paths that the key is shared over. */
  readonly disjointPaths?: number
  /** Seconds since the key was made. */
  readonly maxAgeS?: number
}

/** How a key came about. */
export interface KeyOrigin extends KeyPathFacts {
  /** Nodes that took part, ends included; this site alone for a key that never left it. */
  readonly nodes: readonly string[]
  /** Steady time, milliseconds. */
  readonly madeMs: number
}

/** The first term that a key of this origin does not meet; undefined when it meets all. */
export function unmetTerm(
  terms: KeyTerms,
  origin: KeyOrigin,
  nowMs: number,
): keyof KeyTerms | undefined {
  const { nodes, links, epsilon, disjointPaths = 1, madeMs } = origin
  if (terms.directOnly === true && (links ?? Infinity) > 1) return "directOnly"
  if (terms.avoidNodes?.some((node) => nodes.includes(node)) === true) return "avoidNodes"
  if (terms.disjointPaths !== undefined && terms.disjointPaths > disjointPaths)
    return "disjointPaths"
  if (terms.maxAgeS !== undefined && nowMs - madeMs > terms.maxAgeS * 1000) return "maxAgeS"
  if (terms.maxEpsilon !== undefined && (epsilon === undefined || epsilon > terms.maxEpsilon))
    return "maxEpsilon"
  return undefined
}

/** Keys cannot be had on these terms. */
export function termsError(term: keyof KeyTerms): QkdError {
  return new QkdError("resource-denied", `no key meets ${term}`, { appTag: "terms" })
}
