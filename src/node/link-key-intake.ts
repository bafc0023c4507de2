// Link key on its way from a module into its pool. A full pool is no fault: the module is held back until keys have
// been used, which holds its far end back as well, so that nothing made is lost. What cannot be key is refused, and told.

import { setTimeout as sleep } from "node:timers/promises"
import { QkdError } from "../errors.js"
import { blockFault } from "../keys/block-health.js"
import type { Secret } from "../keys/secret.js"
import type { LinkKeeper } from "./link-keeper.js"

/** Between looks at a full pool: seldom enough to cost nothing, often enough that key is being made again at once. */
const LOOK_MS = 200

/**
 * Resolves once the block is durable. The key is wiped here in any case.
 *
 * @param onWeak told why a block cannot be key
 * @param steadyMs the clock that its age counts by: from now on, waiting included
 * @param wanted false once the link is gone or the key manager closes: the block is dropped
 * @throws QkdError `invalid-value` for what cannot be key; as `LinkKeeper.add`.
 */
export async function takeIn(
  keeper: LinkKeeper,
  blockId: string,
  key: Secret,
  wanted: () => boolean,
  steadyMs: () => number,
  onWeak: (why: string) => void,
): Promise<void> {
  const bornMs = steadyMs()
  try {
    const fault = key.use(blockFault)
    if (fault !== undefined) {
      onWeak(fault)
      throw new QkdError("invalid-value", `block ${blockId} is no key: ${fault}`)
    }
    while (!keeper.hasRoom(key.lengthBytes)) {
      await sleep(LOOK_MS)
      if (!wanted()) return
    }
    await keeper.add(blockId, key, bornMs)
  } finally {
    key.wipe()
  }
}
