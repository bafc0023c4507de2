// What a call of a key stream is told: of the chunk it got, or why it got none.

import type { ChunkPlace } from "../keys/key-stream.js"
import type { ChunkFacts } from "./ports.js"
import type { StreamEnd } from "./stream-ends.js"

export function factsOf({ index, batch }: ChunkPlace, nowMs: number): ChunkFacts {
  const { expiresMs, offer, links, disjointPaths, epsilon } = batch
  return {
    index,
    ageMs: Math.max(0, Math.round(nowMs - (expiresMs - offer.ttlS * 1000))),
    ...(links !== undefined && { links }),
    ...(disjointPaths !== undefined && { disjointPaths }),
    ...(epsilon !== undefined && { epsilon }),
  }
}

/** When the time of a call is over: as far as is known, which is not at all where the maker is silent. */
export function statusOf({ lack }: StreamEnd): 2 | 4 | 6 {
  return lack === "key" ? 2 : lack === "path" ? 4 : 6
}
