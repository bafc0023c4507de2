// Nodes and links as an operator enters them: what the network is told of itself, before anything is heard from it.

import type { DriftPolicy, NodeTarget } from "./network.js"

/** A node as the operator enters it. */
export interface NodeInventory {
  readonly qkdnId: string
  readonly name: string
  readonly place?: string
  readonly lat?: number
  readonly lon?: number
  readonly operator?: string
  readonly relay: boolean
  readonly driver: string
  readonly target: NodeTarget
  /** SAEs known to live here; needed for nodes that do not name their own. */
  readonly saeIds: readonly string[]
  readonly driftPolicy?: DriftPolicy
  /** `false`: out of service, see `NetworkNode.outOfService`. */
  readonly enabled?: boolean
}

/** A PHYS link as the operator enters it. End a transmits, end b receives. */
export interface LinkInventory {
  readonly qkdlId: string
  readonly name?: string
  readonly a: { readonly qkdnId: string; readonly qkdiId: number }
  readonly b: { readonly qkdnId: string; readonly qkdiId: number }
  readonly lengthKm?: number
  readonly lossDb?: number
  readonly module?: string
  readonly epsilon?: number
  readonly latencyMs?: number
  readonly srlg?: readonly string[]
  readonly enabled?: boolean
  /** Expected secret key rate, used for admission until the first measurement. */
  readonly skrBps?: number
}
