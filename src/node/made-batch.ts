// What a batch of keys that was made and carried tells of itself: where they came along, whether site policy still allows
// that, and its keys one by one.

import { uuidsOf } from "../keys/bytes.js"
import type { KeyPathFacts } from "../keys/delivery.js"
import type { KeyOrigin } from "../keys/key-terms.js"
import type { PolicyView } from "../keys/policy-view.js"
import type { Secret } from "../keys/secret.js"
import type { MadeBatch } from "./key-maker.js"
import type { EndKey } from "./ports.js"

/** Of a group's legs the weakest counts, and every node of any. */
export function originOf({ legs }: MadeBatch, madeMs: number): KeyOrigin {
  const paths = legs.flatMap(({ carried }) => carried.paths)
  // Keys that stay here take no path, and lose nothing on it.
  const away = legs.filter(({ carried }) => carried.pathQkdlIds.length > 0)
  const epsilons = away.map(({ carried }) => carried.epsilon).filter((one) => one !== undefined)
  return {
    nodes: Array.from(new Set(paths.flat())),
    links: Math.max(0, ...paths.map((nodes) => nodes.length - 1)),
    disjointPaths: Math.min(
      ...(away.length === 0 ? [1] : away.map(({ carried }) => carried.paths.length)),
    ),
    ...(epsilons.length === away.length && { epsilon: Math.max(0, ...epsilons) }),
    madeMs,
  }
}

/** Asked again before keys leave the stock: site policy and path may have changed since they were made. */
export function isAllowed({ legs }: MadeBatch, policy: PolicyView): boolean {
  return legs.every(({ offer: { source, destination, masterSaeId }, carried }) => {
    if (!policy.ownsSae(masterSaeId) || !policy.allowsEnd(destination)) return false
    return carried.paths.every(
      (nodes) => policy.refusesPath({ source, destination, nodes }) === undefined,
    )
  })
}

/** The batches' keys one by one; the batches are wiped. */
export function keysOf(batches: readonly MadeBatch[], madeMs: number): EndKey[] {
  const all = batches.map((batch) => {
    const { nodes: _, madeMs: __, ...facts } = originOf(batch, madeMs)
    const { keys, keyIds, keySizeBits } = batch
    return endKeys(keyIds, 0, keys.divide(0, keySizeBits / 8, keyIds.length), facts)
  })
  return joined(all)
}

/** These keys, whose ids stand in the list one after the other. */
export function endKeys(
  keyIds: readonly string[],
  from: number,
  keys: readonly Secret[],
  facts: KeyPathFacts,
): EndKey[] {
  const ids = uuidsOf(keyIds, from, keys.length)
  const made = new Array<EndKey>(keys.length)
  // By places: made by the thousand.
  for (let nth = 0; nth < keys.length; nth++) {
    const key = keys[nth]
    if (key !== undefined) made[nth] = endKey(ids[nth] ?? "", key, facts)
  }
  return made
}

/** One list of them all; the only one as it is. */
export function joined<T>(lists: readonly T[][]): T[] {
  const [only] = lists
  return lists.length === 1 && only !== undefined ? only : lists.flat()
}

/** Written out: made by the hundred for one answer, and a copy of `facts` for each costs more than the key itself. */
function endKey(keyId: string, key: Secret, facts: KeyPathFacts): EndKey {
  const { links, disjointPaths, epsilon } = facts
  if (links === undefined || disjointPaths === undefined) return { keyId, key, ...facts }
  if (epsilon === undefined) return { keyId, key, links, disjointPaths }
  return { keyId, key, links, disjointPaths, epsilon }
}
